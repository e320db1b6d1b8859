package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"neocog/graph"
	"neocog/vm/kernel"
)

// What Infer accepts must run, whatever attributes a text may hold; what it refuses must be refused without a panic.
func TestConv2DInferAgreesWithPlan(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	pick := func(usual int) int {
		switch rnd.IntN(24) {
		case 0:
			return []int{-1, math.MinInt, math.MaxInt, 1 << 30, math.MaxInt / 2}[rnd.IntN(5)]
		case 1:
			return 0
		}
		return rnd.IntN(usual + 1)
	}
	accepted := [3]int{}
	for range 20000 {
		c := Conv{
			Stride: [2]int{pick(3), pick(3)}, Dilation: [2]int{pick(2), pick(2)}, Pad: [4]int{pick(2), pick(2), pick(2), pick(2)},
			Groups: pick(2), Same: rnd.IntN(6) == 0, Round: Rounding(rnd.IntN(3)),
		}
		if c.Same {
			c.Pad = [4]int{}
		}
		g := max(min(c.Groups, 4), 1)
		x := graph.Of(graph.Float32, rnd.IntN(3), 2*g, rnd.IntN(9), rnd.IntN(9))
		w := graph.Of(graph.Float32, 3*g, 2, rnd.IntN(4), rnd.IntN(4))
		if y, ok := inferAndPlan(t, conv2d{c}, x, w); ok {
			accepted[0]++
			if dx, ok := inferAndPlan(t, conv2dInputGrad{c, x.Shape[2], x.Shape[3]}, w, y); !ok || !dx.Equal(x) {
				t.Errorf("%+v: dx is %v, want %v", c, dx, x)
			}
			if dw, ok := inferAndPlan(t, conv2dFilterGrad{c, w.Shape[2], w.Shape[3]}, x, y); !ok || !dw.Equal(w) {
				t.Errorf("%+v: dw is %v, want %v", c, dw, w)
			}
		}
		dy := graph.Of(graph.Float32, x.Shape[0], 3*g, 1+rnd.IntN(4), 1+rnd.IntN(4))
		if _, ok := inferAndPlan(t, conv2dInputGrad{c, pick(9), pick(9)}, w, dy); ok {
			accepted[1]++
		}
		if _, ok := inferAndPlan(t, conv2dFilterGrad{c, pick(4), pick(4)}, x, dy); ok {
			accepted[2]++
		}
		p := Pool{Size: [2]int{pick(3), pick(3)}, Stride: c.Stride, Pad: c.Pad, Round: c.Round, CountPad: rnd.IntN(2) == 0}
		if y, ok := inferAndPlan(t, avgPool2D{p}, x); ok {
			if dx, ok := inferAndPlan(t, avgPool2DGrad{p, x.Shape[2], x.Shape[3]}, y); !ok || !dx.Equal(x) {
				t.Errorf("%+v: dx is %v, want %v", p, dx, x)
			}
		}
		inferAndPlan(t, maxPool2D{p}, x)
		inferAndPlan(t, maxPool2DGrad{pick(9), pick(9)}, graph.Type{DType: graph.Int32, Shape: dy.Shape}, dy)
	}
	if accepted[0] < 2000 || accepted[1] < 50 || accepted[2] < 50 {
		t.Errorf("only %v were accepted", accepted)
	}
}

func inferAndPlan(t *testing.T, op kernel.Op, in ...graph.Type) (graph.Type, bool) {
	t.Helper()
	out, err := op.Infer(in)
	if err != nil {
		return graph.Type{}, false
	}
	if n := out[0].Shape.Size(); n < 0 || n > 1<<24 {
		return out[0], true // accepted, but nobody could hold it
	}
	if _, err := op.Plan(&kernel.Env{}, in, out); err != nil {
		t.Errorf("%s%s %v: Infer gives %v, Plan %v", op.Name(), graph.Attributes(op), in, out, err)
	}
	return out[0], true
}
