package data

import (
	"bytes"
	"fmt"
	"testing"
)

func TestViews(t *testing.T) {
	set := coloured(1, 20, 24)
	for _, c := range []struct {
		text       string
		views      int
		h, w       int
		first, end string
	}{
		{"", 0, 20, 24, "", ""},
		{"mirror", 2, 20, 24, "", "flip:1"},
		{"ten-crops:14", 10, 14, 14, "scale:16+centre:14+flip:0", "scale:16+bottom-right:14+flip:1"},
		{"ten-crops:14,20", 10, 14, 14, "scale:20+centre:14+flip:0", "scale:20+bottom-right:14+flip:1"},
		{"five-scales:28", 50, 28, 28, "scale:28+centre:28+flip:0", "scale:80+bottom-right:28+flip:1"},
	} {
		v, err := ParseViews(c.text)
		if err != nil || len(v) != c.views {
			t.Errorf("%q: %d views, %v, want %d", c.text, len(v), err, c.views)
			continue
		}
		pictures := map[string]bool{}
		for i, a := range v {
			g, err := a.For(set, 1)
			if err != nil {
				t.Fatal(err)
			}
			if h, w := g.Size(); h != c.h || w != c.w {
				t.Errorf("%q, view %d: %d×%d, want %d×%d", c.text, i, h, w, c.h, c.w)
			}
			one := fmt.Sprint(g.Image(0, 0))
			pictures[one] = true
			if again := fmt.Sprint(g.Image(7, 0)); again != one {
				t.Errorf("%q, view %d is not the same in another epoch", c.text, i)
			}
		}
		if len(v) > 0 && (v[0].String() != c.first || v[len(v)-1].String() != c.end) {
			t.Errorf("%q goes from %q to %q, want %q and %q", c.text, v[0], v[len(v)-1], c.first, c.end)
		}
		if c.text == "ten-crops:14,20" && len(pictures) != 10 {
			t.Errorf("%d different pictures of ten", len(pictures))
		}
	}
	// A crop is where it says.
	g := augmenter(t, "bottom-left:3", set, 1)
	for p, v := range g.Image(0, 0) {
		if want := set.Pixels[p/9*480+(17+p%9/3)*24+p%3]; v != want {
			t.Fatalf("element %d is %d, want %d", p, v, want)
		}
	}
	if !bytes.Equal(augmenter(t, "scale:20+centre:20", set, 1).Image(0, 0)[:20], set.Pixels[2:22]) {
		t.Error("the centre of 24 columns begins at column 2")
	}
	for _, text := range []string{"mirrors", "mirror:2", "ten-crops", "ten-crops:0", "ten-crops:28,27", "five-scales:28,32", "five-scales:x"} {
		if _, err := ParseViews(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
