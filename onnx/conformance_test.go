package onnx

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
)

// A case passes with the outputs that its model gives, and with no others.
func TestCasesFailWithAnotherOutput(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	floats := func(v ...float64) constant { return ofFloats(graph.Of(graph.Float32, len(v)), v) }
	right := floats(1, nan, inf, -inf, 1e9)
	reshaped := right
	reshaped.typ.Shape = graph.Shape{1, 5}
	for _, c := range []struct {
		name    string
		in      constant
		want    *constant
		verdict Verdict
		why     string
	}{
		{"the same", right, &right, Passed, ""},
		{"within the tolerance", floats(1000, 0), ref(floats(1000.9, 1e-7)), Passed, ""},
		{"a wrong element", floats(1000, 0), ref(floats(1002, 0)), Failed, "element 0"},
		{"a number for NaN", right, ref(floats(1, 2, inf, -inf, 1e9)), Failed, "element 1"},
		{"NaN for a number", floats(1, 2), ref(floats(1, nan)), Failed, "element 1"},
		{"a number for Inf", right, ref(floats(1, nan, 3e38, -inf, 1e9)), Failed, "element 2"},
		{"Inf for a number", floats(3e38), ref(floats(inf)), Failed, "element 0"},
		{"the other Inf", right, ref(floats(1, nan, inf, inf, 1e9)), Failed, "element 3"},
		{"another shape", right, &reshaped, Failed, "want f32[1,5]"},
		{"another length", right, ref(floats(1)), Failed, "want f32[1]"},
		{"another type", right, ref(ofFloats(graph.Of(graph.Float64, 5), right.floats())), Failed, "want f64[5]"},
		{"no output", right, nil, Failed, "output_0.pb"},
		{"integers", ofInts(graph.Shape{2}, 1000, 1<<53+1), ref(ofInts(graph.Shape{2}, 1000, 1<<53+1)), Passed, ""},
		{"another integer", ofInts(graph.Shape{1}, 1000), ref(ofInts(graph.Shape{1}, 1001)), Failed, "is 1000, want 1001"},
		{"another integer beyond 2⁵³", ofInts(graph.Shape{1}, 1<<53), ref(ofInts(graph.Shape{1}, 1<<53+1)), Failed, "element 0"},
		{"another boolean", ofFloats(graph.Of(graph.Bool, 1), []float64{1}), ref(ofFloats(graph.Of(graph.Bool, 1), []float64{0})), Failed, "element 0"},
	} {
		m := small()
		d := dataTypeOf(c.in.typ.DType)
		m.Graph.Initializer, m.Graph.Node = nil, []*onnxpb.Node{{Name: "n", OpType: "Identity", Input: []string{"x"}, Output: []string{"y"}}}
		m.Graph.Input, m.Graph.Output = []*onnxpb.ValueInfo{typed("x", d, int64(c.in.typ.Shape[0]))}, []*onnxpb.ValueInfo{typed("y", d)}
		files := fstest.MapFS{
			"case/model.onnx":                    {Data: onnxpb.Marshal(m)},
			"case/test_data_set_0/input_0.pb":    {Data: onnxpb.Marshal(encode("x", c.in))},
			"case/test_data_set_0/irrelevant.pb": {},
		}
		if c.want != nil {
			files["case/test_data_set_0/output_0.pb"] = &fstest.MapFile{Data: onnxpb.Marshal(encode("y", *c.want))}
		}
		o := RunCase(context.Background(), files, "case")
		if o.Verdict != c.verdict || c.why != "" && !strings.Contains(o.Err.Error(), c.why) {
			t.Errorf("%s: %s, %v; want %s with %q", c.name, o.Verdict, o.Err, c.verdict, c.why)
		}
	}
}

func ref(c constant) *constant { return &c }
