package ops

import (
	"math"
	"testing"

	"neocog/graph"
	"neocog/vm/kernel"
)

func TestBroadcastShapes(t *testing.T) {
	N := graph.Batch
	for _, c := range []struct {
		name string
		a, b graph.Shape
		want string
	}{
		{"same", sh(2, 3), sh(2, 3), "f32[2,3]"},
		{"scalar", sh(2, 3), sh(), "f32[2,3]"},
		{"row", sh(2, 3), sh(3), "f32[2,3]"},
		{"column", sh(2, 1), sh(3), "f32[2,3]"},
		{"middle", sh(2, 1, 4), sh(3, 1), "f32[2,3,4]"},
		{"batch with 1", sh(N, 3), sh(1, 3), "f32[N,3]"},
		{"batch with batch", sh(N, 1), sh(N, 5), "f32[N,5]"},
		{"one stretches to batch", sh(1, 3), sh(N, 1), "f32[N,3]"},
		{"one stretches to nothing", sh(1, 3), sh(0, 1), "f32[0,3]"},
	} {
		g := graph.New(c.name)
		hasType(t, Add(in(g, "a", c.a...), in(g, "b", c.b...)), c.want)
		hasType(t, Mul(in(g, "c", c.b...), in(g, "d", c.a...)), c.want)
	}
	refuses(t, "a has 3, b has 4 at axis 1 from the end", func(g *graph.Graph) { Add(in(g, "a", 2, 3), in(g, "b", 2, 4)) })
	refuses(t, "a has N, b has 32 at axis 2 from the end, want equal extents or 1; the symbolic N goes with N and 1 only",
		func(g *graph.Graph) { Sub(in(g, "a", N, 3), in(g, "b", 32, 3)) })
	refuses(t, "a has elements f32, b has f64", func(g *graph.Graph) { Mul(in(g, "a", 2), g.Input("b", graph.Of(graph.Float64, 2))) })
	refuses(t, "the elements are i32, want f32 or f64", func(g *graph.Graph) {
		a := g.Input("a", graph.Of(graph.Int32, 2))
		Div(a, a)
	})
	refuses(t, "the elements are bool", func(g *graph.Graph) {
		a := g.Input("a", graph.Of(graph.Bool, 2))
		Add(a, a)
	})
}

func TestBinaryValues(t *testing.T) {
	a, b := f32(sh(2, 3), 1, 2, 3, 4, 5, 6), f32(sh(3), 10, 20, 30)
	expect(t, add{}, f32(sh(2, 3), 11, 22, 33, 14, 25, 36), a, b)
	expect(t, add{}, f32(sh(2, 3), 11, 22, 33, 14, 25, 36), b, a)
	expect(t, sub{}, f32(sh(2, 3), -9, -18, -27, -6, -15, -24), a, b)
	expect(t, sub{}, f32(sh(2, 3), 9, 18, 27, 6, 15, 24), b, a)
	col := f32(sh(2, 1), 2, 4)
	expect(t, mul{}, f32(sh(2, 3), 2, 4, 6, 16, 20, 24), a, col)
	expect(t, div{}, f32(sh(2, 3), 2, 1, 2./3, 1, .8, 4./6), col, a)
	expect(t, div{}, f32(sh(2, 3), .5, 1, 1.5, 1, 1.25, 1.5), a, col)
	expect(t, mul{}, f32(sh(2, 3), 20, 40, 60, 40, 80, 120), col, b)
	expect(t, add{}, f64(sh(), 5), f64(sh(), 2), f64(sh(), 3))
	expect(t, add{}, f64(sh(1, 1), 5), f64(sh(1, 1), 2), f64(sh(1), 3))
	expect(t, sub{}, f64(sh(3), -1, 0, 1), f64(sh(3), 1, 2, 3), f64(sh(), 2))
	expect(t, sub{}, f64(sh(3), 1, 0, -1), f64(sh(), 2), f64(sh(3), 1, 2, 3))
	expect(t, mul{}, f32(sh(0, 3)), f32(sh(0, 1)), b)
	// bias of images, [2,2,2,1] + [2,1,1]
	expect(t, add{}, f32(sh(2, 2, 2, 1), 1, 2, 13, 14, 5, 6, 17, 18),
		f32(sh(2, 2, 2, 1), 1, 2, 3, 4, 5, 6, 7, 8), f32(sh(2, 1, 1), 0, 10))
	// interleaved stretching, [2,1,2] · [1,3,1]
	expect(t, mul{}, f32(sh(2, 3, 2), 1, 2, 10, 20, 100, 200, 3, 4, 30, 40, 300, 400),
		f32(sh(2, 1, 2), 1, 2, 3, 4), f32(sh(1, 3, 1), 1, 10, 100))
}

func TestBinaryEdges(t *testing.T) {
	expect(t, div{}, f64(sh(4), inf, -inf, nan, 0), f64(sh(4), 1, -1, 0, 1), f64(sh(4), 0, 0, 0, inf))
	expect(t, mul{}, f64(sh(3), nan, nan, 0), f64(sh(3), 0, nan, 0), f64(sh(3), inf, 0, 1))
	expect(t, sub{}, f64(sh(2), nan, 0), f64(sh(2), inf, 1), f64(sh(2), inf, 1))
	expect(t, add{}, f64(sh(1), math.Copysign(0, -1)), f64(sh(1), math.Copysign(0, -1)), f64(sh(), math.Copysign(0, -1)))
	expect(t, add{}, of[int32](sh(2), math.MinInt32, 3), of[int32](sh(2), math.MaxInt32, 1), of[int32](sh(2), 1, 2))
	expect(t, mul{}, of[int64](sh(2), 6, -8), of[int64](sh(2), 3, -4), of[int64](sh(), 2))
	expect(t, sub{}, of[int64](sh(2), 1, -6), of[int64](sh(2), 3, -4), of[int64](sh(), 2))
}

// Every pattern of stretched axes must agree with the definition.
func TestBroadcastAgreesWithDefinition(t *testing.T) {
	extents := [4]int{2, 3, 1, 5}
	for mask := range 256 {
		var a, b graph.Shape
		for i, n := range extents {
			na, nb := n, n
			if mask>>i&1 == 1 {
				na = 1
			}
			if mask>>(4+i)&1 == 1 {
				nb = 1
			}
			a, b = append(a, na), append(b, nb)
		}
		y, err := broadcastShape(a, b)
		if err != nil {
			t.Fatal(err)
		}
		xa, xb := ramp[float64](a.Size()), ramp[float64](b.Size() + 7)[7:]
		sa, sb := stretched(a, y), stretched(b, y)
		want := make([]float64, 0, y.Size())
		for i := range y[0] {
			for j := range y[1] {
				for l := range y[3] {
					want = append(want, xa[i*sa[0]+j*sa[1]+l*sa[3]]-xb[i*sb[0]+j*sb[1]+l*sb[3]])
				}
			}
		}
		expect(t, sub{}, f64(y, want...), f64(a, xa...), f64(b, xb...))
	}
}

func TestContiguousOperandsAreOneLoop(t *testing.T) {
	s := sh(2, 3, 4)
	if l := newNest(s, stretched(s, s), stretched(s, s)); l.rank != 1 || l.n[0] != 24 {
		t.Errorf("%v + %v takes %d loops", s, s, l.rank)
	}
	bias := sh(3, 1)
	if l := newNest(s, stretched(s, s), stretched(bias, s)); l.rank != 3 {
		t.Errorf("%v + %v takes %d loops, want 3", s, bias, l.rank)
	}
}

// allocs returns the allocations of one execution of p's steps.
func allocs(p kernel.Plan, c *kernel.Call) float64 {
	return testing.AllocsPerRun(10, func() {
		for _, s := range p.Steps {
			s.Run(c, 0, s.N)
		}
	})
}

func TestKernelsDoNotAllocate(t *testing.T) {
	for _, c := range []struct {
		op graph.Op
		in []graph.Type
	}{
		{add{}, []graph.Type{graph.Of(graph.Float32, 8, 6, 5), graph.Of(graph.Float32, 6, 1)}},
		{sum{}, []graph.Type{graph.Of(graph.Float32, 8, 6, 500)}},
		{sum{graph.MakeDims(0, 2)}, []graph.Type{graph.Of(graph.Float32, 8, 6, 5)}},
		{sum{graph.MakeDims(0)}, []graph.Type{graph.Of(graph.Float64, 8, 6, 5)}},
		{broadcastTo{graph.MakeDims(4, 3)}, []graph.Type{graph.Of(graph.Float64, 3)}},
		{spreadMean{graph.MakeDims(4, 3)}, []graph.Type{graph.Of(graph.Float64, 3)}},
	} {
		out, err := c.op.Infer(c.in)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.op.(kernel.Op).Plan(&kernel.Env{}, c.in, out)
		if err != nil {
			t.Fatal(err)
		}
		call := kernel.Call{Fault: new(kernel.Fault), Scratch: newBuf(p.Shared).ptr(), Local: newBuf(p.Local).ptr()}
		for i, typ := range append(c.in, out...) {
			call.Bufs = append(call.Bufs, kernel.Buf{Ptr: newBuf(typ.Bytes()).ptr(), Len: typ.Shape.Size()})
			if i < len(c.in) {
				call.Ins = append(call.Ins, int32(i))
			} else {
				call.Outs = append(call.Outs, int32(i))
			}
		}
		if n := allocs(p, &call); n != 0 {
			t.Errorf("%s%s allocates %v times", c.op.Name(), graph.Attributes(c.op), n)
		}
	}
}
