package ops

import (
	"math"
	"strings"
	"testing"

	"neocog/graph"
)

// Rows 0, log 2, log 5 have the probabilities 1/8, 2/8, 5/8.
var logits = f64(sh(2, 3), 0, math.Log(2), math.Log(5), math.Log(5), 0, math.Log(2))

func TestCrossEntropyValues(t *testing.T) {
	p := f64(sh(2, 3), .125, .25, .625, .625, .125, .25)
	for _, c := range []struct {
		name   string
		op     crossEntropy
		labels tensor
		want   float64
	}{
		{"i32", crossEntropy{}, of[int32](sh(2), 2, 1), (math.Log(8./5) + math.Log(8)) / 2},
		{"i64", crossEntropy{}, of[int64](sh(2), 0, 0), (math.Log(8) + math.Log(8./5)) / 2},
		{"one-hot", crossEntropy{}, f64(sh(2, 3), 0, 0, 1, 0, 1, 0), (math.Log(8./5) + math.Log(8)) / 2},
		{"probabilities", crossEntropy{}, f64(sh(2, 3), .5, .5, 0, 0, 0, 1), (.5*math.Log(8) + .5*math.Log(4) + math.Log(4)) / 2},
		{"smoothed", crossEntropy{CrossEntropy{0.3}}, of[int32](sh(2), 2, 1),
			.35*(math.Log(8./5)+math.Log(8)) + .1*(math.Log(8)+math.Log(4)+math.Log(8./5))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, fault := run(t, c.op, logits, c.labels)
			if fault != nil {
				t.Fatal(fault)
			}
			same(t, "loss", got[0], f64(sh(), c.want))
			same(t, "p", got[1], p)
		})
	}
}

func TestCrossEntropyGradValues(t *testing.T) {
	p := f64(sh(2, 3), .125, .25, .625, .625, .125, .25)
	two := f64(sh(), 2)
	expect(t, crossEntropyGrad{}, f64(sh(2, 3), .125, .25, -.375, .625, -.875, .25), p, of[int32](sh(2), 2, 1), two)
	expect(t, crossEntropyGrad{}, f64(sh(2, 3), .125, .25, -.375, .625, -.875, .25), p, f64(sh(2, 3), 0, 0, 1, 0, 1, 0), two)
	expect(t, crossEntropyGrad{CrossEntropy{.75}}, f64(sh(2, 3), -.125, 0, .125, .375, -.375, 0), p, of[int64](sh(2), 2, 1), two)
}

func TestCrossEntropyEdges(t *testing.T) {
	// A certain and right class costs nothing, a certain and wrong one the difference of the logits.
	loss := func(labels tensor, x ...float64) float64 {
		t.Helper()
		got, _ := run(t, crossEntropy{}, f64(sh(1, 2), x...), labels)
		return got[0].data.([]float64)[0]
	}
	first := of[int32](sh(1), 0)
	for _, c := range []struct {
		name string
		got  float64
		want float64
	}{
		{"right", loss(first, 2000, 0), 0},
		{"wrong", loss(first, 0, 2000), 2000},
		{"impossible", loss(first, -inf, 0), inf},
		{"impossible but not asked", loss(f64(sh(1, 2), 0, 1), -inf, 0), 0},
		{"nan", loss(first, 0, nan), nan},
	} {
		if c.got != c.want && !(c.got != c.got && c.want != c.want) {
			t.Errorf("%s: loss %v, want %v", c.name, c.got, c.want)
		}
	}
	got, fault := run(t, crossEntropy{}, f64(sh(0, 2)), of[int32](sh(0)))
	if fault != nil {
		t.Error(fault)
	}
	same(t, "no rows", got[0], f64(sh(), nan))
}

func TestCrossEntropyLabelOutOfRange(t *testing.T) {
	for _, bad := range []tensor{of[int64](sh(2), 1, 3), of[int64](sh(2), 1, -1), of[int64](sh(2), 1, 1<<40)} {
		_, fault := run(t, crossEntropy{}, logits, bad)
		if fault == nil || !strings.Contains(fault.Error(), "at row 1: want 0 to 2") {
			t.Errorf("labels %v: fault %v", bad.data, fault)
		}
		_, fault = run(t, crossEntropyGrad{}, logits, bad, f64(sh(), 1))
		if fault == nil {
			t.Errorf("gradient for labels %v: no fault", bad.data)
		}
	}
	// Of several faults the first row's is reported, whatever the grouping.
	_, fault := run(t, crossEntropy{}, logits, of[int32](sh(2), 7, 8))
	if fault == nil || fault.Error() != "label 7 at row 0: want 0 to 2" {
		t.Errorf("fault %v", fault)
	}
}

func TestCrossEntropyRefuses(t *testing.T) {
	N := graph.Batch
	loss := func(labels graph.Type, cfg CrossEntropy, extents ...int) func(g *graph.Graph) {
		return func(g *graph.Graph) { SoftmaxCrossEntropy(in(g, "x", extents...), g.Input("t", labels), cfg) }
	}
	refuses(t, "labels are i32[10], want classes i32[N] or i64[N], or probabilities f32[N,10], for logits f32[N,10]", loss(graph.Of(graph.Int32, 10), CrossEntropy{}, N, 10))
	refuses(t, "labels are f64[N,10], want", loss(graph.Of(graph.Float64, N, 10), CrossEntropy{}, N, 10))
	refuses(t, "logits has 4 dimensions, want 2: [N, C]", loss(graph.Of(graph.Int32, N), CrossEntropy{}, N, 10, 1, 1))
	refuses(t, "has no classes", loss(graph.Of(graph.Int32, N), CrossEntropy{}, N, 0))
	refuses(t, "the label smoothing is 1, want at least 0 and less than 1", loss(graph.Of(graph.Int32, N), CrossEntropy{1}, N, 10))
	refuses(t, "the label smoothing is NaN", loss(graph.Of(graph.Int32, N), CrossEntropy{math.NaN()}, N, 10))
	g := graph.New("fine")
	hasType(t, SoftmaxCrossEntropy(in(g, "x", N, 10), g.Input("t", graph.Of(graph.Int64, N)), CrossEntropy{}), "f32[]")
}
