package graph_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"neocog/graph"
)

func TestShape(t *testing.T) {
	n := graph.Batch
	for _, c := range []struct {
		shape  graph.Shape
		text   string
		rank   int
		static bool
		size   int
		bound  string // with N = 7
	}{
		{nil, "[]", 0, true, 1, "[]"},
		{graph.Shape{}, "[]", 0, true, 1, "[]"},
		{graph.Shape{0}, "[0]", 1, true, 0, "[0]"},
		{graph.Shape{3, 0, 5}, "[3,0,5]", 3, true, 0, "[3,0,5]"},
		{graph.Shape{2, 3, 4}, "[2,3,4]", 3, true, 24, "[2,3,4]"},
		{graph.Shape{n}, "[N]", 1, false, -1, "[7]"},
		{graph.Shape{n, 3, n}, "[N,3,N]", 3, false, -1, "[7,3,7]"},
		{graph.Shape{0, n}, "[0,N]", 2, false, -1, "[0,7]"},
	} {
		if got := c.shape.String(); got != c.text {
			t.Errorf("String of %#v is %s, want %s", []int(c.shape), got, c.text)
		}
		if c.shape.Rank() != c.rank || c.shape.IsStatic() != c.static || c.shape.Size() != c.size {
			t.Errorf("%v: rank %d, static %t, size %d; want %d, %t, %d", c.shape, c.shape.Rank(), c.shape.IsStatic(), c.shape.Size(), c.rank, c.static, c.size)
		}
		before := c.shape.Clone()
		if got := c.shape.Bind(7).String(); got != c.bound {
			t.Errorf("%v bound to 7 is %s, want %s", c.shape, got, c.bound)
		}
		if !c.shape.Equal(before) {
			t.Errorf("Bind changed %v to %v", before, c.shape)
		}
	}
	a := graph.Shape{n, 3}
	for _, b := range []graph.Shape{{n}, {3, n}, {1, 3}, {n, 3, 1}, nil} {
		if a.Equal(b) || b.Equal(a) {
			t.Errorf("%v equals %v", a, b)
		}
	}
	if b := a.Clone(); !b.Equal(a) || &b[0] == &a[0] {
		t.Errorf("Clone of %v is %v, or shares its memory", a, b)
	}
}

func TestType(t *testing.T) {
	for _, c := range []struct {
		typ   graph.Type
		text  string
		valid bool
		bytes int
	}{
		{graph.Type{}, "invalid", false, 0},
		{graph.Of(graph.Float32), "f32[]", true, 4},
		{graph.Of(graph.Float64, 2, 3), "f64[2,3]", true, 48},
		{graph.Of(graph.Int32, 5), "i32[5]", true, 20},
		{graph.Of(graph.Int64, 0, 5), "i64[0,5]", true, 0},
		{graph.Of(graph.Bool, graph.Batch, 5), "bool[N,5]", true, -1},
	} {
		if c.typ.String() != c.text || c.typ.IsValid() != c.valid || c.typ.Bytes() != c.bytes {
			t.Errorf("%v: valid %t, %d bytes; want %s, %t, %d", c.typ, c.typ.IsValid(), c.typ.Bytes(), c.text, c.valid, c.bytes)
		}
	}
	if b := f32(graph.Batch, 3).Bind(2); !b.Equal(f32(2, 3)) || b.Equal(graph.Of(graph.Float64, 2, 3)) {
		t.Errorf("f32[N,3] bound to 2 is %v", b)
	}
}

func TestDType(t *testing.T) {
	for _, c := range []struct {
		d          graph.DType
		name       string
		size       int
		float, int bool
	}{
		{graph.Float32, "f32", 4, true, false},
		{graph.Float64, "f64", 8, true, false},
		{graph.Int32, "i32", 4, false, true},
		{graph.Int64, "i64", 8, false, true},
		{graph.Bool, "bool", 1, false, false},
	} {
		if c.d.String() != c.name || c.d.Size() != c.size || c.d.IsFloat() != c.float || c.d.IsInt() != c.int {
			t.Errorf("%v: size %d, float %t, int %t; want %+v", c.d, c.d.Size(), c.d.IsFloat(), c.d.IsInt(), c)
		}
		var back graph.DType
		if err := back.UnmarshalText([]byte(c.name)); err != nil || back != c.d {
			t.Errorf("%s is read as %v, %v", c.name, back, err)
		}
	}
	if graph.DTypeOf[float32]() != graph.Float32 || graph.DTypeOf[float64]() != graph.Float64 || graph.DTypeOf[int32]() != graph.Int32 ||
		graph.DTypeOf[int64]() != graph.Int64 || graph.DTypeOf[bool]() != graph.Bool {
		t.Error("DTypeOf is wrong")
	}
	for _, s := range []string{"", "invalid", "F32", "float32", "DType(9)"} {
		if err := new(graph.DType).UnmarshalText([]byte(s)); err == nil || !strings.Contains(err.Error(), "want f32, f64, i32, i64 or bool") {
			t.Errorf("%q: error %v", s, err)
		}
	}
	if d := graph.DType(9); d.String() != "DType(9)" || d.Size() != 0 {
		t.Errorf("DType 9 is %v of size %d", d, d.Size())
	}
}

func TestDims(t *testing.T) {
	for _, l := range [][]int{{}, {0}, {2, 0, 1}, {-1, math.MaxInt, math.MinInt}, {1, 2, 3, 4, 5, 6, 7, 8}} {
		d := graph.MakeDims(l...)
		text, err := d.MarshalText()
		if err != nil || d.Len() != len(l) || !slices.Equal(d.Slice(), l) {
			t.Errorf("%v becomes %v", l, d)
		}
		var back graph.Dims
		if err := back.UnmarshalText(text); err != nil || back != d {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
		for _, v := range l {
			if !d.Contains(v) {
				t.Errorf("%v does not contain %d", d, v)
			}
		}
		if d.Contains(99) {
			t.Errorf("%v contains 99", d)
		}
	}
	if graph.MakeDims(1, 0) == graph.MakeDims(1) || graph.MakeDims() != (graph.Dims{}) {
		t.Error("lists of different lengths are equal, or the empty list is not the zero Dims")
	}
	if d := graph.MakeDims(1, 2, 3, 4, 5, 6, 7, 8, 9); d.Len() != 9 || len(d.Slice()) != graph.MaxRank || d.Contains(9) {
		t.Errorf("a list of 9 has length %d and %d elements", d.Len(), len(d.Slice()))
	}
	d := graph.MakeDims(1, 2)
	d.Slice()[0] = 5
	if d.Contains(5) {
		t.Error("Slice shares the memory of the list")
	}
	for _, s := range []string{"", "[", "1 2", "[a]", "[1,2]", "[1 2 3 4 5 6 7 8 9]"} {
		if err := new(graph.Dims).UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q is read as a list", s)
		}
	}
}
