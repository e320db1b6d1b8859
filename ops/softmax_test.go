package ops

import (
	"math"
	"testing"

	"neocog/graph"
)

func TestSoftmaxValues(t *testing.T) {
	e := math.E
	s, l := 1+e+e*e, math.Log(1+e+e*e)
	x := f64(sh(2, 3), 0, 1, 2, 1002, 1001, 1000)
	expect(t, softmax{1}, f64(sh(2, 3), 1/s, e/s, e*e/s, e*e/s, e/s, 1/s), x)
	expect(t, logSoftmax{1}, f64(sh(2, 3), -l, 1-l, 2-l, 2-l, 1-l, -l), x)
	expect(t, softmax{0}, f64(sh(3, 2), 1/s, .2, e/s, .4, e*e/s, .4), f64(sh(3, 2), 0, 0, 1, math.Log(2), 2, math.Log(2)))
	expect(t, softmax{1}, f32(sh(1, 2, 2), .5, .25, .5, .75), f32(sh(1, 2, 2), 3, 0, 3, float32(math.Log(3))))
	expect(t, softmax{0}, f64(sh(0)), f64(sh(0)))
	expect(t, logSoftmax{1}, f64(sh(0, 3)), f64(sh(0, 3)))
	expect(t, softmax{1}, f64(sh(2, 1), 1, 1), f64(sh(2, 1), -7, 1e300))
}

func TestSoftmaxEdges(t *testing.T) {
	x := f64(sh(4, 2), -inf, 1, inf, 1, nan, 1, -inf, -inf)
	expect(t, softmax{1}, f64(sh(4, 2), 0, 1, nan, nan, nan, nan, nan, nan), x)
	expect(t, logSoftmax{1}, f64(sh(4, 2), -inf, 0, nan, nan, nan, nan, nan, nan), x)
}

func TestSoftmaxRefuses(t *testing.T) {
	refuses(t, "axis 2 is out of range, x f32[N,3] has axes 0 to 1", func(g *graph.Graph) { Softmax(in(g, "x", graph.Batch, 3), 2) })
	refuses(t, "axis -1 is out of range, x is a scalar", func(g *graph.Graph) { LogSoftmax(in(g, "x"), -1) })
	refuses(t, "got i64[3]", func(g *graph.Graph) { Softmax(g.Input("x", graph.Of(graph.Int64, 3)), 0) })
	g := graph.New("axis")
	x := in(g, "x", graph.Batch, 3)
	if Softmax(x, -1).Node().Op != Softmax(x, 1).Node().Op {
		t.Error("axes -1 and 1 of two are different ops")
	}
}
