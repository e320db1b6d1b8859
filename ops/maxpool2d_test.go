package ops

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"neocog/graph"
)

func TestMaxPool2DTiesAndNaN(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name   string
		x      []float64 // 2×2, one window
		y      float64
		argmax int32
	}{
		{"maximum", []float64{1, 2, 4, 3}, 4, 2},
		{"all equal: the first", []float64{5, 5, 5, 5}, 5, 0},
		{"the first of two", []float64{1, 7, 7, 0}, 7, 1},
		{"the first zero, whatever its sign", []float64{math.Copysign(0, -1), 0, 0, 0}, math.Copysign(0, -1), 0},
		{"NaN wins", []float64{1, inf, nan, 3}, nan, 2},
		{"the first NaN wins", []float64{nan, 1, nan, inf}, nan, 0},
		{"the first NaN wins, not the last", []float64{1, nan, nan, nan}, nan, 1},
		{"only −Inf: the first pixel", []float64{-inf, -inf, -inf, -inf}, -inf, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := run(t, maxPool2D{Pool{Size: [2]int{2, 2}}}, f64(sh(1, 1, 2, 2), c.x...))
			same(t, "y", got[0], f64(sh(1, 1, 1, 1), c.y))
			same(t, "argmax", got[1], of(sh(1, 1, 1, 1), c.argmax))
		})
	}
}

// Padding is no pixel: it does not win over −Inf either.
func TestMaxPool2DPadding(t *testing.T) {
	inf := float32(math.Inf(1))
	got, _ := run(t, maxPool2D{Pool{Size: [2]int{2, 2}, Stride: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}}}, f32(sh(1, 1, 2, 2), -3, -inf, -5, -inf))
	same(t, "y", got[0], f32(sh(1, 1, 3, 3), -3, -3, -inf, -3, -3, -inf, -5, -5, -inf))
	same(t, "argmax", got[1], of[int32](sh(1, 1, 3, 3), 0, 0, 1, 0, 0, 1, 2, 2, 3))
}

func TestMaxPool2DGradAddsUp(t *testing.T) {
	argmax := of[int32](sh(1, 2, 1, 3), 0, 3, 3, 1, 1, 1)
	expect(t, maxPool2DGrad{2, 2}, f64(sh(1, 2, 2, 2), 10, 0, 0, 50, 0, 63, 0, 0), argmax, f64(sh(1, 2, 1, 3), 10, 20, 30, 1, 22, 40))
	expect(t, maxPool2DGather{}, f64(sh(1, 2, 1, 3), 1, 4, 4, 6, 6, 6), argmax, f64(sh(1, 2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8))
}

func TestMaxPool2DIndexOutOfRange(t *testing.T) {
	argmax := of[int32](sh(1, 2, 1, 2), 0, 4, -1, 3)
	_, fault := run(t, maxPool2DGrad{2, 2}, argmax, f64(sh(1, 2, 1, 2), 1, 2, 3, 4))
	if want := "argmax is 4 at element 1: want 0 to 3"; fault == nil || fault.Error() != want {
		t.Errorf("got %v, want %s", fault, want)
	}
	_, fault = run(t, maxPool2DGather{}, argmax, f64(sh(1, 2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8))
	if want := "argmax is 4 at element 1: want 0 to 3"; fault == nil || fault.Error() != want {
		t.Errorf("got %v, want %s", fault, want)
	}
}

func TestMaxPool2DGradErrors(t *testing.T) {
	dy := graph.Of(graph.Float32, 2, 3, 4, 4)
	index := graph.Of(graph.Int32, 2, 3, 4, 4)
	for _, c := range []struct {
		name string
		op   graph.Op
		in   []graph.Type
		want string
	}{
		{"argmax of floats", maxPool2DGrad{8, 8}, []graph.Type{dy, dy}, "argmax is f32[2,3,4,4], want i32[2,3,4,4]"},
		{"argmax of another shape", maxPool2DGrad{8, 8}, []graph.Type{graph.Of(graph.Int32, 2, 3, 4, 5), dy}, "argmax is i32[2,3,4,5], want i32[2,3,4,4]"},
		{"no image", maxPool2DGrad{0, 8}, []graph.Type{index, dy}, "the image is 0×8, want 1 to 2147483647 pixels"},
		{"planes", maxPool2DGather{}, []graph.Type{index, graph.Of(graph.Float32, 2, 4, 8, 8)}, "argmax is i32[2,3,4,4], want i32 with the planes of ddx, which is f32[2,4,8,8]"},
		{"rank of argmax", maxPool2DGather{}, []graph.Type{graph.Of(graph.Int32, 2, 3), dy}, "argmax has 2 dimensions, want 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.op.Infer(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestPoolEmpty(t *testing.T) {
	p := Pool{Size: [2]int{2, 2}}
	for _, planes := range [][2]int{{0, 3}, {2, 0}} {
		n, c := planes[0], planes[1]
		x, y, index := f32(sh(n, c, 4, 4)), f32(sh(n, c, 2, 2)), of[int32](sh(n, c, 2, 2))
		expect(t, maxPool2D{p}, y, x)
		expect(t, avgPool2D{p}, y, x)
		expect(t, maxPool2DGrad{4, 4}, x, index, y)
		expect(t, maxPool2DGather{}, y, index, x)
		expect(t, avgPool2DGrad{p, 4, 4}, x, y)
	}
}

// Both poolings against their definition, on the image with its padding written out.
func TestPoolDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	checked := 0
	for range 400 {
		p := Pool{Round: Rounding(rnd.IntN(3)), CountPad: rnd.IntN(2) == 0}
		for i := range 2 {
			p.Size[i], p.Stride[i] = 1+rnd.IntN(4), 1+rnd.IntN(4)
			p.Pad[i], p.Pad[i+2] = rnd.IntN(p.Size[i]), rnd.IntN(p.Size[i])
		}
		H, W := 1+rnd.IntN(9), 1+rnd.IntN(9)
		x := make([]float64, H*W)
		for i := range x {
			x[i] = float64(rnd.IntN(9) - 4)
		}
		in := f64(sh(1, 1, H, W), x...)
		types, err := avgPool2D{p}.Infer([]graph.Type{in.t})
		if err != nil {
			continue
		}
		checked++
		P, Q := types[0].Shape[2], types[0].Shape[3]
		var largest, mean []float64
		var argmax []int32
		for o := range P * Q {
			best, at, sum, count := math.Inf(-1), -1, 0.0, 0
			for r := range p.Size[0] {
				for s := range p.Size[1] {
					h, w := o/Q*p.Stride[0]+r-p.Pad[0], o%Q*p.Stride[1]+s-p.Pad[1]
					pixel := h >= 0 && h < H && w >= 0 && w < W
					if pixel && (at < 0 || x[h*W+w] > best) {
						best, at = x[h*W+w], h*W+w
					}
					if pixel {
						sum += x[h*W+w]
					}
					if pixel || p.CountPad && h < H+p.Pad[2] && w < W+p.Pad[3] {
						count++
					}
				}
			}
			largest, argmax, mean = append(largest, best), append(argmax, int32(at)), append(mean, sum/float64(count))
		}
		expect(t, avgPool2D{p}, f64(sh(1, 1, P, Q), mean...), in)
		p.CountPad = false
		got, _ := run(t, maxPool2D{p}, in)
		same(t, "largest", got[0], f64(sh(1, 1, P, Q), largest...))
		same(t, "argmax", got[1], of(sh(1, 1, P, Q), argmax...))
		if t.Failed() {
			t.Fatalf("%+v on %d×%d", p, H, W)
		}
	}
	if checked < 100 {
		t.Errorf("only %d of 400 fitted", checked)
	}
}
