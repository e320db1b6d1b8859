package data

import (
	"slices"
	"strings"
	"testing"
)

func TestSetAs(t *testing.T) {
	grey := &Set{Name: "grey", C: 1, H: 2, W: 2, Classes: []string{"a"}, Labels: []int32{0}, Pixels: []byte{0, 100, 200, 40}}
	for _, c := range []struct {
		name    string
		c, h, w int
		want    []byte
	}{
		{"as it is", 1, 2, 2, []byte{0, 100, 200, 40}},
		{"three channels", 3, 2, 2, []byte{0, 100, 200, 40, 0, 100, 200, 40, 0, 100, 200, 40}},
		// Pixel centres of four lie at −¼, ¼, ¾, 1¼ of two: the outer ones are the edge's.
		{"wider", 1, 2, 4, []byte{0, 25, 75, 100, 200, 160, 80, 40}},
		{"one pixel", 1, 1, 1, []byte{85}},
	} {
		got, err := grey.As(c.c, c.h, c.w)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !slices.Equal(got.Pixels, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got.Pixels, c.want)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	red := &Set{Name: "red", C: 3, H: 1, W: 1, Classes: []string{"a"}, Labels: []int32{0}, Pixels: []byte{255, 0, 0}}
	if got, err := red.As(1, 1, 1); err != nil || got.Pixels[0] != 76 {
		t.Errorf("red as grey is %v, %v; want 0.299·255 = 76", got, err)
	}
	// A flat image stays flat at every size: weights sum to one.
	flat := &Set{Name: "flat", C: 1, H: 7, W: 5, Classes: []string{"a"}, Labels: []int32{0}, Pixels: slices.Repeat([]byte{137}, 35)}
	for n := range 23 {
		got, err := flat.As(1, n+1, 24-n)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(got.Pixels, func(p byte) bool { return p != 137 }); i >= 0 {
			t.Errorf("%d×%d: pixel %d is %d, want 137", n+1, 24-n, i, got.Pixels[i])
		}
	}
	for want, set := range map[string]*Set{"of 5 channels": {Name: "x", C: 5, H: 1, W: 1}, "of 2 channels": red} {
		c := 3
		if set == red {
			c = 2
		}
		if _, err := set.As(c, 2, 2); err == nil || !strings.Contains(err.Error(), "channels") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := grey.As(1, 0, 3); err == nil || !strings.Contains(err.Error(), "0×3 pixels are wanted") {
		t.Errorf("no rows: %v", err)
	}
}
