package graph_test

import (
	"math"
	"strings"
	"testing"

	"neocog/graph"
)

func TestAttributesRoundTrip(t *testing.T) {
	for _, c := range []struct {
		op   every
		text string
	}{
		{every{}, ""},
		{every{Flag: true}, "{Flag:true}"},
		{every{Int: math.MinInt32, Int8: -128, Int64: math.MaxInt64}, "{Int:-2147483648 Int8:-128 Int64:9223372036854775807}"},
		{every{Uint: 7, Uint8: 255, Uint64: math.MaxUint64}, "{Uint:7 Uint8:255 Uint64:18446744073709551615}"},
		{every{Float: 0.1, Single: 0.1}, "{Float:0.1 Single:0.1}"},
		{every{Float: 1e-300, Single: math.SmallestNonzeroFloat32}, "{Float:1e-300 Single:1e-45}"},
		{every{Float: math.Inf(1), Single: float32(math.Inf(-1))}, "{Float:+Inf Single:-Inf}"},
		{every{Text: `a "quoted" \ text = with [brackets } and %1` + "\n\t∂é\x00"}, `{Text:"a \"quoted\" \\ text = with [brackets } and %1\n\t∂é\x00"}`},
		{every{Pair: [2]int{2, 0}, Grid: [2][2]float64{{1, 2.5}, {-3, 0}}}, "{Pair:[2 0] Grid:[[1 2.5] [-3 0]]}"},
		{every{Words: [2]string{"a b", "]"}}, `{Words:["a b" "]"]}`},
		{every{Dims: graph.MakeDims(0, 2), DType: graph.Int32}, "{Dims:[0 2] DType:i32}"},
		{every{Nested: Nested{Inner: 4}}, "{Inner:4}"},
		// An attribute with a String method once stood in the text by that, and could not be read.
		{every{Mode: 3, Modes: [2]mode{1, 0}}, "{Mode:3 Modes:[1 0]}"},
	} {
		if got := graph.Attributes(c.op); got != c.text {
			t.Errorf("attributes %s, want %s", got, c.text)
		}
		g := graph.New("g")
		graph.Apply(c.op, g.Input("x", f32(3)))
		back := roundTrip(t, g)
		if got := back.Nodes()[1].Op; got != c.op {
			t.Errorf("%#v becomes %#v", c.op, got)
		}
	}
}

func TestNegativeZeroAttributeStaysNegative(t *testing.T) {
	op := every{Float: math.Copysign(0, -1)}
	if got := graph.Attributes(op); got != "{Float:-0}" {
		t.Fatalf("attributes %q, want {Float:-0}", got)
	}
	g := graph.New("g")
	graph.Apply(op, g.Input("x", f32(3)))
	if back := roundTrip(t, g).Nodes()[1].Op.(every); !math.Signbit(back.Float) {
		t.Error("−0 becomes 0")
	}
}

func TestAttributesOfOtherGoTypes(t *testing.T) {
	if got := graph.Attributes(word("abc")); got != "" {
		t.Errorf("an op which is no struct has attributes %q", got)
	}
	g := graph.New("g")
	graph.Apply(slicer{}, g.Input("x", f32(3)))
	_, err := graph.Parse(strings.Replace(g.String(), "test.Slicer", "test.Slicer{List:[1]}", 1), slicer{})
	if want := "line 3: attribute List of test.Slicer: attributes of Go type []int cannot be written as text"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

type word string

func (word) Name() string                                { return "test.Word" }
func (word) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

type slicer struct{ List []int }

func (slicer) Name() string                                { return "test.Slicer" }
func (slicer) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }
