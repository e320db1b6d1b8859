package bench

import (
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops/conv"
)

func TestParseConv(t *testing.T) {
	plain := conv.Problem{DType: graph.Float32, N: 8, C: 64, H: 56, W: 55, K: 128, R: 3, S: 5, Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	with := func(edit func(p *conv.Problem)) conv.Problem {
		p := plain
		edit(&p)
		return p
	}
	for _, c := range []struct {
		text string
		want conv.Problem
		form string // by FormatConv, "" if it is text
	}{
		{"8x64x56x55,128x3x5", plain, ""},
		{"8x64x56x55,128x3x5,stride=2", with(func(p *conv.Problem) { p.Stride = [2]int{2, 2} }), ""},
		{"8x64x56x55,128x3x5,stride=2x1", with(func(p *conv.Problem) { p.Stride = [2]int{2, 1} }), ""},
		{"8x64x56x55,128x3x5,pad=1", with(func(p *conv.Problem) { p.Pad = [4]int{1, 1, 1, 1} }), ""},
		{"8x64x56x55,128x3x5,pad=1x2", with(func(p *conv.Problem) { p.Pad = [4]int{1, 2, 1, 2} }), ""},
		{"8x64x56x55,128x3x5,pad=1x2x3x4", with(func(p *conv.Problem) { p.Pad = [4]int{1, 2, 3, 4} }), ""},
		{"8x64x56x55,128x3x5,pad=0x0x0x0", plain, "8x64x56x55,128x3x5"},
		{"8x64x56x55,128x3x5,groups=64,dilation=2x3", with(func(p *conv.Problem) { p.Groups, p.Dilation = 64, [2]int{2, 3} }), "8x64x56x55,128x3x5,dilation=2x3,groups=64"},
	} {
		got, err := ParseConv(c.text)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.text, got, err, c.want)
		}
		if c.form == "" {
			c.form = c.text
		}
		if form := FormatConv(got); form != c.form {
			t.Errorf("%s is formatted as %s, want %s", c.text, form, c.form)
		}
	}
}

func TestParseConvMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `shape "": the filter is missing; want NxCxHxW,KxRxS`},
		{"1x2x3x4", "the filter is missing"},
		{"1x2x3,4x5x6", `image: got "1x2x3", want 4 numbers with x between them`},
		{"1x3x8x8,4x3", `filter: got "4x3", want 3 numbers`},
		{"1x3x8xa,4x3x3", `image: got "a", want a whole number`},
		{"0x3x8x8,4x3x3", "image: got 0, want 1 to 16777216"},
		{"1x3x8x8,4x3x3,strid=2", `unknown attribute "strid", did you mean stride?`},
		{"1x3x8x8,4x3x3,stride=0", "stride: got 0, want 1 to"},
		{"1x3x8x8,4x3x3,stride", `stride: got "", want a whole number`},
		{"1x3x8x8,4x3x3,pad=1x1x1", `pad: got "1x1x1", want 1 or 2 or 4 numbers`},
		{"1x3x8x8,4x3x3,pad=1,pad=2", "pad is given twice"},
		{"1x3x8x8,4x3x3,groups=2", "2 groups do not divide 3 channels and 4 filters"},
		{"1x3x8x8,4x9x9", "the filter spans 9×9, more than image and padding"},
		{"1000x1000x1000x1000,1x1x1", "the image has 1e+12 elements, the most is 1073741824"},
		{"1x1x30000x30000,100x1x1", "the result has 9e+10 elements"},
	} {
		if p, err := ParseConv(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, %v; want %q", c.text, p, err, c.want)
		}
	}
}

func TestParseGemm(t *testing.T) {
	if p, err := ParseGemm("6x784x25"); err != nil || p != (Product{M: 6, N: 784, K: 25}) || p.String() != "6x784x25" {
		t.Errorf("%v, %v", p, err)
	}
	for _, c := range []struct{ text, want string }{
		{"6x784", `shape "6x784": got "6x784", want 3 numbers with x between them; want MxNxK`},
		{"6x784x-1", "got -1, want 1 to"},
		{"100000x100000x1", "the result has 1e+10 elements, the most is 1073741824"},
	} {
		if p, err := ParseGemm(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, %v; want %q", c.text, p, err, c.want)
		}
	}
}

func TestParseShape(t *testing.T) {
	if s, err := ParseShape("8x64x112"); err != nil || !slices.Equal(s, []int{8, 64, 112}) {
		t.Errorf("%v, %v", s, err)
	}
	for _, c := range []struct{ text, want string }{
		{"", `got "", want a whole number; want extents such as`},
		{"99999x99999", "the tensor has 1e+10 elements"},
		{"1x1x1x1x1x1x1x1x1", "got 9 extents, the most is 8"},
	} {
		if s, err := ParseShape(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, %v; want %q", c.text, s, err, c.want)
		}
	}
}

// Whatever is accepted is a problem, and its form is read as the same.
func FuzzParseConv(f *testing.F) {
	for _, s := range []string{"1x3x8x8,4x3x3", "2x4x9x9,6x3x1,stride=2x1,pad=1x0x2x0,dilation=1x2,groups=2", ",", "x,=x", "1x1x1x1,1x1x1,pad="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseConv(text)
		if err != nil {
			return
		}
		if err := p.Check(); err != nil {
			t.Errorf("%q is accepted: %v", text, err)
		}
		if again, err := ParseConv(FormatConv(p)); again != p || err != nil {
			t.Errorf("%q is %v, its form %q is %v (%v)", text, p, FormatConv(p), again, err)
		}
	})
}
