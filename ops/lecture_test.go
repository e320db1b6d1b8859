package ops_test

import (
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// The figures C1 to C7 of the lecture's convolution arithmetic; docs/lecture.md
// lists them. Numbers on the right-hand side are the lecture's.

// square returns the side of the map that a convolution of an n×n image with an
// f×f filter makes, and what is wrong.
func square(n, f int, c ops.Conv) (side int, err error) {
	g := graph.New("square")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 1, n, n))
	w := g.Param("w", graph.Of(graph.Float32, 1, 1, f, f), graph.Zeros())
	y := ops.Conv2D(x, w, c)
	if err := g.Err(); err != nil {
		return 0, err
	}
	return y.Shape()[3], nil
}

func TestC1OutputSize(t *testing.T) {
	for _, c := range []struct{ stride, want int }{{1, 5}, {2, 3}} {
		if got, err := square(7, 3, ops.Conv{Stride: [2]int{c.stride, c.stride}}); err != nil || got != c.want {
			t.Errorf("7×7, 3×3, stride %d: %d, %v; want %d", c.stride, got, err, c.want)
		}
	}
	_, err := square(7, 3, ops.Conv{Stride: [2]int{3, 3}})
	if err == nil {
		t.Fatal("7×7, 3×3, stride 3 is accepted, and does not fit")
	}
	for _, part := range []string{"2.33", "7", "3", "Floor", "Ceil"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the refusal does not mention %q: %v", part, err)
		}
	}
	for round, want := range map[ops.Rounding]int{ops.Floor: 2, ops.Ceil: 3} {
		if got, err := square(7, 3, ops.Conv{Stride: [2]int{3, 3}, Round: round}); err != nil || got != want {
			t.Errorf("rounded %v: %d, %v; want %d", round, got, err, want)
		}
	}
}

func TestC2SamePadding(t *testing.T) {
	for f, p := range map[int]int{3: 1, 5: 2, 7: 3} {
		by, err := square(9, f, ops.Conv{Pad: [4]int{p, p, p, p}})
		if err != nil || by != 9 {
			t.Errorf("%d×%d padded by %d: side %d, %v; want 9", f, f, p, by, err)
		}
		if same, err := square(9, f, ops.Conv{Same: true}); err != nil || same != 9 {
			t.Errorf("%d×%d, Same: side %d, %v; want 9", f, f, same, err)
		}
	}
	// An even filter takes one more row after the image than before it.
	if got, err := square(9, 4, ops.Conv{Pad: [4]int{1, 1, 2, 2}}); err != nil || got != 9 {
		t.Errorf("4×4 padded by 1 and 2: side %d, %v; want 9", got, err)
	}
	if got, err := square(9, 4, ops.Conv{Same: true}); err != nil || got != 9 {
		t.Errorf("4×4, Same: side %d, %v; want 9", got, err)
	}
}

func TestC3RepeatedConvolutionsShrink(t *testing.T) {
	side := 32
	for _, want := range []int{28, 24, 20} {
		next, err := square(side, 5, ops.Conv{})
		if err != nil || next != want {
			t.Fatalf("5×5 on %d×%d: side %d, %v; want %d", side, side, next, err, want)
		}
		side = next
	}
}

// The code computes y[p] = Σ x[p+r]·w[r]; the lecture's f∗g flips the filter.
func TestC6ConvolutionIsCrossCorrelation(t *testing.T) {
	g := graph.New("flip")
	x := graph.Const(g, graph.Shape{1, 1, 1, 4}, 1.0, 2, 3, 5)
	w := graph.Const(g, graph.Shape{1, 1, 1, 2}, 10.0, 1)
	y := run1(t, g, vm.NewState(0), vm.Feeds{}, ops.Conv2D(x, w, ops.Conv{}))[0].Float64s()
	for i, want := range []float64{10*1 + 2, 10*2 + 3, 10*3 + 5} { // flipped it would be 2·10 + 1, …
		if y[i] != want {
			t.Errorf("y[%d] = %v, want %v", i, y[i], want)
		}
	}
}

func TestC7Pooling(t *testing.T) {
	for _, c := range []struct{ n, f, s, want int }{{4, 2, 2, 2}, {224, 2, 2, 112}, {55, 3, 2, 27}, {27, 3, 2, 13}, {13, 3, 2, 6}} {
		g := graph.New("pool")
		x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, c.n, c.n))
		y := ops.MaxPool2D(x, ops.Pool{Size: [2]int{c.f, c.f}, Stride: [2]int{c.s, c.s}})
		if err := g.Err(); err != nil || y.Shape()[2] != c.want {
			t.Errorf("%d×%d, F=%d, S=%d: %v, %v; want %d", c.n, c.n, c.f, c.s, y.Type(), err, c.want)
		}
		if len(g.Params()) != 0 {
			t.Error("pooling has parameters")
		}
	}
}
