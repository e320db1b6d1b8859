package ops

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/internal/cpu"
	pages "neocog/internal/guard" // guard is the number of cells around buffers in other tests
	"neocog/internal/par"
	"neocog/vm/kernel"
)

// The loops which define poolings of one plane, in any float type.
func maxPoolLoop[T kernel.Float](g pooling, x []T) (y []T, argmax []int32) {
	for o := range g.P * g.Q {
		h0, h1, w0, w1 := g.window(o/g.Q, o%g.Q)
		at := -1
		for h := h0; h < h1; h++ {
			for w := w0; w < w1; w++ {
				k := h*g.W + w
				if at < 0 || x[k] > x[at] || x[k] != x[k] && x[at] == x[at] {
					at = k
				}
			}
		}
		y, argmax = append(y, x[at]), append(argmax, int32(at))
	}
	return y, argmax
}

func avgPoolLoop[T kernel.Float](g pooling, x []T) (y []T) {
	for o := range g.P * g.Q {
		h0, h1, w0, w1 := g.window(o/g.Q, o%g.Q)
		var sum T
		for h := h0; h < h1; h++ {
			var row T
			for w := w0; w < w1; w++ {
				row += x[h*g.W+w]
			}
			sum += row
		}
		y = append(y, sum/T(g.divisor(o/g.Q, o%g.Q)))
	}
	return y
}

func avgPoolGradLoop[T kernel.Float](g pooling, dy []T) []T {
	dx := make([]T, g.H*g.W)
	for o, v := range dy {
		h0, h1, w0, w1 := g.window(o/g.Q, o%g.Q)
		for h := h0; h < h1; h++ {
			for w := w0; w < w1; w++ {
				dx[h*g.W+w] += v / T(g.divisor(o/g.Q, o%g.Q))
			}
		}
	}
	return dx
}

// poolings returns poolings of images up to more than two vectors wide.
func poolings(t *testing.T, n int) []pooling {
	rng := rand.New(rand.NewPCG(3, 4))
	var all []pooling
	for len(all) < n {
		p := Pool{
			Size:   [2]int{1 + rng.IntN(4), 1 + rng.IntN(4)},
			Stride: [2]int{1 + rng.IntN(3), 1 + rng.IntN(4)},
			Round:  Floor + Rounding(rng.IntN(2)), CountPad: rng.IntN(2) == 0,
		}
		if rng.IntN(3) == 0 {
			p.Size[1] = 1 + rng.IntN(9)
		}
		for i := range p.Pad {
			p.Pad[i] = rng.IntN(p.Size[i%2])
		}
		if rng.IntN(2) == 0 {
			p.Pad = [4]int{}
		}
		if g, err := p.on(1+rng.IntN(9), 1+len(all)%80); err == nil {
			all = append(all, g)
		} else if rng.IntN(1000) == 0 {
			t.Logf("left out: %v", err)
		}
	}
	return all
}

// compute runs the plan of an op, its items divided among so many workers, and returns its results. Nothing beside the
// operands may be touched.
func compute[T kernel.Float](t *testing.T, op graph.Op, workers int, side pages.Side, in []graph.Type, argmax []int32, x []T) ([]T, []int32) {
	t.Helper()
	outs, err := op.Infer(in)
	if err != nil {
		t.Fatal(err)
	}
	p, err := op.(kernel.Op).Plan(&kernel.Env{}, in, outs)
	if err != nil {
		t.Fatal(err)
	}
	var frees []interface {
		Check() error
		Free()
	}
	call := kernel.Call{Fault: &kernel.Fault{}}
	floats := func(s []T) []T {
		b := pages.Copy(s, side)
		frees = append(frees, b)
		call.Bufs = append(call.Bufs, kernel.Buf{Ptr: unsafe.Pointer(unsafe.SliceData(b.Slice())), Len: len(s)})
		return b.Slice()
	}
	places := func(s []int32) []int32 {
		b := pages.Copy(s, side)
		frees = append(frees, b)
		call.Bufs = append(call.Bufs, kernel.Buf{Ptr: unsafe.Pointer(unsafe.SliceData(b.Slice())), Len: len(s)})
		return b.Slice()
	}
	if argmax != nil {
		places(argmax)
	}
	floats(x)
	y := floats(slices.Repeat([]T{T(math.NaN())}, outs[0].Shape.Size()))
	var where []int32
	if len(outs) > 1 {
		where = places(slices.Repeat([]int32{-1}, outs[1].Shape.Size()))
	}
	for i := range call.Bufs {
		if i < len(in) {
			call.Ins = append(call.Ins, int32(i))
		} else {
			call.Outs = append(call.Outs, int32(i))
		}
	}
	local := pages.Make[uint8](p.Local, side)
	frees = append(frees, local)
	call.Local = unsafe.Pointer(unsafe.SliceData(local.Slice()))
	err = pages.Catch(func() {
		for w := range workers {
			local.Fill()
			if lo, hi := par.Split(p.Steps[0].N, workers, w); lo < hi {
				p.Steps[0].Run(&call, lo, hi)
			}
		}
	})
	y, where = slices.Clone(y), slices.Clone(where)
	for _, f := range frees {
		if err == nil {
			err = f.Check()
		}
		f.Free()
	}
	if err == nil {
		err = call.Fault.Take()
	}
	if err != nil {
		t.Fatalf("%s, %+v: %v", op.Name(), op, err)
	}
	return y, where
}

// Every level gives the bits of the plain loops: on ties, NaN, infinities and zeros of both signs, for any number of workers.
func TestPoolsAreThePlainLoops(t *testing.T) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			ran := cpu.With(l, func() {
				t.Run("float32", poolsAreThePlainLoops[float32])
				t.Run("float64", poolsAreThePlainLoops[float64])
			})
			if !ran {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

func poolsAreThePlainLoops[T kernel.Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dtype := graph.Float32
	if unsafe.Sizeof(T(0)) == 8 {
		dtype = graph.Float64
	}
	draw := func(n int) []T {
		x := make([]T, n)
		ties := rng.IntN(2) == 0
		for i := range x {
			if x[i] = T(rng.NormFloat64()); ties {
				x[i] = []T{0, T(math.Copysign(0, -1)), 1, 1, 2, T(math.Inf(-1)), T(math.Inf(1)), T(math.NaN())}[rng.IntN(4+rng.IntN(5))]
			}
		}
		return x
	}
	for i, g := range poolings(t, 480) {
		workers, side := []int{1, 2, 3, 8}[i%4], pages.Side(i/4%2)
		const n, c = 2, 3
		image, windows := graph.Of(dtype, n, c, g.H, g.W), graph.Of(dtype, n, c, g.P, g.Q)
		x, dy := draw(image.Shape.Size()), draw(windows.Shape.Size())
		var y, mean, dmean, dmax []T
		var argmax []int32
		for k := range n * c {
			plane, dplane := x[k*g.H*g.W:][:g.H*g.W], dy[k*g.P*g.Q:][:g.P*g.Q]
			v, at := maxPoolLoop(g, plane)
			y, argmax = append(y, v...), append(argmax, at...)
			mean, dmean = append(mean, avgPoolLoop(g, plane)...), append(dmean, avgPoolGradLoop(g, dplane)...)
			d := make([]T, len(plane))
			for j, v := range dplane {
				d[at[j]] += v
			}
			dmax = append(dmax, d...)
		}
		same := func(what string, got, want []T) {
			t.Helper()
			for j, v := range want {
				if bits, b := math.Float64bits(float64(got[j])), math.Float64bits(float64(v)); bits != b && (v == v || got[j] == got[j]) {
					t.Fatalf("%s, %+v, %d workers: element %d is %v, want %v", what, g, workers, j, got[j], v)
				}
			}
		}
		maxOf := g.Pool
		maxOf.CountPad = false
		got, where := compute(t, maxPool2D{maxOf}, workers, side, []graph.Type{image}, nil, x)
		same("MaxPool2D", got, y)
		if !slices.Equal(where, argmax) {
			t.Fatalf("MaxPool2D, %+v: the places are %v, want %v", g, where, argmax)
		}
		places := graph.Type{DType: graph.Int32, Shape: windows.Shape}
		got, _ = compute(t, maxPool2DGrad{g.H, g.W}, workers, side, []graph.Type{places, windows}, argmax, dy)
		same("MaxPool2DGrad", got, dmax)
		got, _ = compute(t, maxPool2DGather{}, workers, side, []graph.Type{places, image}, argmax, x)
		same("MaxPool2DGather", got, y)
		got, _ = compute(t, avgPool2D{g.Pool}, workers, side, []graph.Type{image}, nil, x)
		same("AvgPool2D", got, mean)
		got, _ = compute(t, avgPool2DGrad{g.Pool, g.H, g.W}, workers, side, []graph.Type{windows}, nil, dy)
		same("AvgPool2DGrad", got, dmean)
	}
}
