package ops

import (
	"math"
	"strings"
	"testing"
)

// Output sizes of the lecture (C1–C5, C7 of its figures) and of the roundings.
func TestOutputs(t *testing.T) {
	for _, c := range []struct {
		name             string
		in, size, stride int
		before, after    int
		dilation         int
		round            Rounding
		want, wantBeyond int
	}{
		{"C1, stride 1", 7, 3, 1, 0, 0, 1, Exact, 5, 0},
		{"C1, stride 2", 7, 3, 2, 0, 0, 1, Exact, 3, 0},
		{"C1, stride 3, floor", 7, 3, 3, 0, 0, 1, Floor, 2, 0},
		{"C1, stride 3, ceil", 7, 3, 3, 0, 0, 1, Ceil, 3, 2},
		{"C1, stride 3, padding 2", 7, 3, 3, 1, 1, 1, Exact, 3, 0},
		{"C2, filter 3", 7, 3, 1, 1, 1, 1, Exact, 7, 0},
		{"C2, filter 5", 7, 5, 1, 2, 2, 1, Exact, 7, 0},
		{"C2, filter 7", 7, 7, 1, 3, 3, 1, Exact, 7, 0},
		{"C2, even filter", 7, 4, 1, 1, 2, 1, Exact, 7, 0},
		{"C3, first", 32, 5, 1, 0, 0, 1, Exact, 28, 0},
		{"C3, second", 28, 5, 1, 0, 0, 1, Exact, 24, 0},
		{"C4", 32, 5, 1, 2, 2, 1, Exact, 32, 0},
		{"C7, size 2", 224, 2, 2, 0, 0, 1, Exact, 112, 0},
		{"C7, size 3", 55, 3, 2, 0, 0, 1, Exact, 27, 0},
		{"M2, first layer", 227, 11, 4, 0, 0, 1, Exact, 55, 0},
		{"M5, pooling 112", 112, 3, 2, 0, 0, 1, Ceil, 56, 1},
		{"M6, first layer", 224, 7, 2, 3, 3, 1, Floor, 112, 0},
		{"dilation", 9, 3, 1, 0, 0, 3, Exact, 3, 0},
		{"window of the image's size", 5, 5, 3, 0, 0, 1, Exact, 1, 0},
		{"no image, padding alone", 0, 2, 1, 1, 2, 1, Exact, 2, 0},
		{"ceil, the next window begins in the padding", 4, 2, 3, 0, 1, 1, Ceil, 2, 0},
		{"ceil, the next window would begin behind the image", 3, 2, 3, 0, 1, 1, Ceil, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := axis{"height", "filter", c.in, c.size, c.stride, c.dilation, c.before, c.after, c.round, false}
			n, beyond, err := a.outputs()
			if err != nil {
				t.Fatal(err)
			}
			if n != c.want || beyond != c.wantBeyond {
				t.Errorf("%d windows, %d beyond, want %d and %d", n, beyond, c.want, c.wantBeyond)
			}
		})
	}
}

// Figure C1 of the lecture, and its kin.
func TestMisfit(t *testing.T) {
	for _, c := range []struct {
		name string
		a    axis
		want string
	}{
		{"C1", axis{"height", "filter", 7, 3, 3, 1, 0, 0, Exact, false},
			"(7 − 3 + 0)/3 + 1 = 2.33 windows along the height; what fits: padding of 2 in all, stride 2 or 4, filter 1 or 4, height 6 or 9; " +
				"or Round: ops.Floor for 2, ops.Ceil for 3"},
		{"padding", axis{"width", "filter", 224, 7, 2, 1, 3, 3, Exact, false},
			"(224 − 7 + 6)/2 + 1 = 112.50 windows along the width; what fits: padding of 7 in all, stride 1, filter 6 or 8, width 223 or 225; " +
				"or Round: ops.Floor for 112, ops.Ceil for 113"},
		{"dilation", axis{"width", "filter", 8, 3, 2, 2, 0, 0, Exact, false},
			"(8 − 5 + 0)/2 + 1 = 2.50 windows along the width (a filter of 3 with dilation 2 spans 5); what fits: padding of 1 in all, stride 1 or 3, " +
				"width 7 or 9; or Round: ops.Floor for 2, ops.Ceil for 3"},
		{"a pool may not be padded as far", axis{"height", "window", 6, 1, 4, 1, 0, 0, Exact, true},
			"(6 − 1 + 0)/4 + 1 = 2.25 windows along the height; what fits: stride 1 or 5, window 2, height 5 or 9; " +
				"or Round: ops.Floor or ops.Ceil for 2"},
		{"nearly whole", axis{"height", "filter", 1001, 1, 999, 1, 0, 0, Exact, false},
			"= 2.001001001001001 windows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := c.a.outputs()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// What the explanation of a misfit proposes must fit.
func TestProposalsFit(t *testing.T) {
	proposals := 0
	for in := 1; in < 12; in++ {
		for size := 1; size < 6; size++ {
			for stride := 2; stride < 6; stride++ {
				for pads := range 9 {
					for _, pool := range []bool{false, true} {
						a := axis{"height", "window", in, size, stride, 1, pads / 3, pads % 3, Exact, pool}
						if _, _, err := a.outputs(); err == nil || !strings.Contains(err.Error(), "what fits") {
							continue
						}
						free := in - size + a.before + a.after
						rest := free % stride
						try := func(what string, b axis) {
							proposals++
							if _, _, err := b.outputs(); err != nil {
								t.Errorf("%+v: proposed %s: %v", a, what, err)
							}
						}
						for _, step := range []int{-1, 1} {
							b := a
							if b.stride = a.divisor(free, step); b.stride > 0 {
								try("stride", b)
							}
							b = a
							if b.size = a.otherSize(step); b.size > 0 {
								try("size", b)
							}
						}
						b := a
						if b.in = in - rest; b.in > 0 {
							try("smaller image", b)
						}
						b.in = in - rest + stride
						try("larger image", b)
						b = a
						if total := a.before + a.after + stride - rest; !pool {
							b.before, b.after = 0, total
							try("padding", b)
						} else if total <= 2*(size-1) {
							b.before, b.after = total/2, total-total/2
							try("padding", b)
						}
					}
				}
			}
		}
	}
	if proposals < 1000 {
		t.Errorf("only %d proposals were tried", proposals)
	}
}

func TestAxisRefuses(t *testing.T) {
	good := axis{"height", "window", 7, 3, 2, 1, 1, 1, Floor, true}
	for _, c := range []struct {
		name   string
		change func(*axis)
		want   string
	}{
		{"window 0", func(a *axis) { a.size = 0 }, "the extent of the window is 0 along the height, want 1 to"},
		{"stride 0", func(a *axis) { a.stride = 0 }, "the stride is 0 along the height"},
		{"negative stride", func(a *axis) { a.stride = -2 }, "the stride is -2"},
		{"huge stride", func(a *axis) { a.stride = math.MaxInt }, "the stride is 9223372036854775807"},
		{"negative padding", func(a *axis) { a.before = -1 }, "the padding before is -1"},
		{"huge dilation", func(a *axis) { a.dilation = math.MaxInt }, "the dilation is 9223372036854775807"},
		{"rounding", func(a *axis) { a.round = 7 }, "there is no Rounding(7), want ops.Exact, ops.Floor or ops.Ceil"},
		{"padding as large as the window", func(a *axis) { a.after = 3 }, "padding 1 and 3 for a window of 3 along the height: a window must meet a pixel, so the padding is at most 2"},
		{"window too large", func(a *axis) { a.size = 12 }, "a window of 12 is larger than the height, 7 with padding 1 + 1; want at most 9, or padding of 3 more in all"},
		{"window too large, with dilation", func(a *axis) { a.size, a.dilation = 4, 5 },
			"a window of 4 with dilation 5, which spans 16, is larger than the height, 7 with padding 1 + 1; want at most 2, or padding of 7 more in all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := good
			if _, _, err := a.outputs(); err != nil {
				t.Fatal(err)
			}
			c.change(&a)
			if _, _, err := a.outputs(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// ONNX SAME_UPPER: as many outputs as ⌈in/stride⌉, whatever the stride and the filter.
func TestSame(t *testing.T) {
	for in := 1; in < 20; in++ {
		for size := 1; size < 8; size++ {
			for stride := 1; stride < 6; stride++ {
				for dilation := 1; dilation < 4; dilation++ {
					c, err := Conv{Same: true, Stride: [2]int{stride, 1}, Dilation: [2]int{dilation, 1}}.resolved(in, 1, size, 1)
					if err != nil {
						t.Fatal(err)
					}
					a, _ := c.axes(in, 1, size, 1)
					n, _, err := a.outputs()
					if err != nil || n != ceilDiv(in, stride) {
						t.Fatalf("in %d, size %d, stride %d, dilation %d: %d windows, %v, want %d", in, size, stride, dilation, n, err, ceilDiv(in, stride))
					}
					if d := a.after - a.before; d != 0 && d != 1 {
						t.Fatalf("in %d, size %d, stride %d: padding %d and %d", in, size, stride, a.before, a.after)
					}
				}
			}
		}
	}
}

func TestRoundingText(t *testing.T) {
	for r := Exact; r <= Ceil; r++ {
		text, err := r.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Rounding
		if err := back.UnmarshalText(text); err != nil || back != r {
			t.Errorf("%s becomes %v, %v", text, back, err)
		}
	}
	var r Rounding
	if err := r.UnmarshalText([]byte("up")); err == nil || !strings.Contains(err.Error(), `unknown rounding "up", want exact, floor or ceil`) {
		t.Errorf("got %v", err)
	}
}
