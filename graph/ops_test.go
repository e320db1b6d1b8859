package graph_test

import (
	"errors"
	"fmt"

	"neocog/graph"
)

// every is an op with an attribute of each kind that the text form knows.
type every struct {
	Flag   bool
	Int    int
	Int8   int8
	Int64  int64
	Uint   uint
	Uint8  uint8
	Uint64 uint64
	Float  float64
	Single float32
	Text   string
	Pair   [2]int
	Grid   [2][2]float64
	Words  [2]string
	Dims   graph.Dims
	DType  graph.DType
	Mode   mode
	Modes  [2]mode
	Nested
}

// Nested is embedded in every.
type Nested struct{ Inner int }

// A mode prints a name and is written as a number.
type mode int

func (m mode) String() string { return fmt.Sprintf("mode number %d", int(m)) }

func (every) Name() string                                { return "test.Every" }
func (every) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

// same gives a result of the type of each of its operands, which must agree.
type same struct{}

func (same) Name() string       { return "test.Same" }
func (same) Operands() []string { return []string{"a", "b"} }

func (same) Infer(in []graph.Type) ([]graph.Type, error) {
	for _, t := range in {
		if !t.Equal(in[0]) {
			return nil, fmt.Errorf("a is %v, b is %v, want the same", in[0], t)
		}
	}
	return in[:1], nil
}

// split has two results, the second a scalar.
type split struct{}

func (split) Name() string { return "test.Split" }

func (split) Infer(in []graph.Type) ([]graph.Type, error) {
	if len(in) != 1 {
		return nil, fmt.Errorf("got %d operands, want 1", len(in))
	}
	return []graph.Type{in[0], graph.Of(graph.Int64)}, nil
}

// bad misbehaves in the way its attribute says.
type bad struct{ How string }

func (bad) Name() string { return "test.Bad" }

func (b bad) Infer(in []graph.Type) ([]graph.Type, error) {
	switch b.How {
	case "panic":
		panic("oh no")
	case "error":
		return nil, errors.New("never satisfied")
	case "none":
		return nil, nil
	case "two":
		return []graph.Type{in[0], in[0]}, nil
	case "rank":
		return []graph.Type{graph.Of(graph.Float32, 1, 1, 1, 1, 1, 1, 1, 1, 1)}, nil
	case "negative":
		return []graph.Type{graph.Of(graph.Float32, -3)}, nil
	case "invalid":
		return []graph.Type{{}}, nil
	}
	return in[:1], nil
}

var testOps = []graph.Op{every{}, same{}, split{}, bad{}}

func f32(extents ...int) graph.Type { return graph.Of(graph.Float32, extents...) }
