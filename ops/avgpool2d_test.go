package ops

import (
	"math"
	"strings"
	"testing"

	"neocog/graph"
)

func TestAvgPool2DDivisor(t *testing.T) {
	x := f64(sh(1, 1, 3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9)
	p := Pool{Size: [2]int{2, 2}, Pad: [4]int{1, 1, 0, 0}}
	expect(t, avgPool2D{p}, f64(sh(1, 1, 2, 2), 1, 2.5, 5.5, 7), x)
	p.CountPad = true
	expect(t, avgPool2D{p}, f64(sh(1, 1, 2, 2), 0.25, 1.25, 2.75, 7), x)
	// What Ceil adds is no padding.
	p = Pool{Size: [2]int{2, 2}, Round: Ceil, CountPad: true}
	expect(t, avgPool2D{p}, f64(sh(1, 1, 2, 2), 3, 4.5, 7.5, 9), x)
	expect(t, avgPool2DGrad{p, 3, 3}, f64(sh(1, 1, 3, 3), 1, 1, 4, 1, 1, 4, 8, 8, 32), f64(sh(1, 1, 2, 2), 4, 8, 16, 32))
}

func TestAvgPool2DNaN(t *testing.T) {
	nan := math.NaN()
	expect(t, avgPool2D{Pool{Size: [2]int{1, 2}}}, f64(sh(1, 1, 1, 2), nan, 3), f64(sh(1, 1, 1, 4), 1, nan, 2, 4))
}

func TestAvgPool2DGradErrors(t *testing.T) {
	op := avgPool2DGrad{Pool{Size: [2]int{2, 2}}, 4, 6}
	_, err := op.Infer([]graph.Type{graph.Of(graph.Float32, 1, 1, 2, 2)})
	if want := "dy is 2×2, but a 2×2 window on 4×6 pixels gives 2×3"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
