package graph_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"neocog/graph"
)

// mistakes returns the texts of what is wrong with g, without places.
func mistakes(g *graph.Graph) []string {
	var all *graph.Errors
	if !errors.As(g.Err(), &all) {
		return nil
	}
	var out []string
	for _, e := range all.List {
		out = append(out, e.Op+": "+e.Err.Error())
	}
	return out
}

func want(t *testing.T, g *graph.Graph, texts ...string) {
	t.Helper()
	if got := mistakes(g); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", texts) {
		t.Errorf("mistakes\n%q\nwant\n%q", got, texts)
	}
}

func TestOneMistakeIsOneReport(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", f32(2))
	p := g.Param("p", f32(2), graph.Zeros())
	y := graph.Apply(same{}, x, g.Input("z", f32(3)))
	if y == nil || y.IsValid() || y.Type().IsValid() || y.Graph() != g || y.ID() != -1 {
		t.Errorf("the result %v is valid", y)
	}
	for range 20 {
		y = graph.Apply(same{}, x, y, p)
	}
	ys := graph.ApplyN(2, split{}, y)
	graph.Apply(same{}, ys...)
	g.Update(p, ys[0])
	g.Update(ys[1], p)
	want(t, g, "test.Same: a is f32[2], b is f32[3], want the same")
	if n := len(g.Nodes()); n != 3 {
		t.Errorf("faulty nodes stand among the %d of the graph", n)
	}
	if err := g.Check(); err == nil || err.Error() != g.Err().Error() {
		t.Errorf("Check says %v", err)
	}
}

func TestMistakesOfApply(t *testing.T) {
	for name, c := range map[string]struct {
		build func(g *graph.Graph, x *graph.Value) *graph.Value
		want  string
	}{
		"nil operand": {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(same{}, x, nil) }, "test.Same: operand 1 is nil"},
		"nil first":   {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(same{}, nil, x) }, "test.Same: operand 0 is nil"},
		"two graphs": {func(g *graph.Graph, x *graph.Value) *graph.Value {
			return graph.Apply(same{}, x, graph.New("other").Input("y", f32(2)))
		}, `test.Same: operand 1 belongs to graph "other", operand 0 to graph "g"`},
		// A nil op once was a nil pointer dereference.
		"nil op":          {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(nil, x) }, "Apply: the op is nil"},
		"nil op on nil":   {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(nil, x, nil) }, "Apply: the op is nil"},
		"panic":           {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(bad{"panic"}, x) }, "test.Bad: its Infer panicked: oh no"},
		"error":           {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(bad{"error"}, x) }, "test.Bad: never satisfied"},
		"too many":        {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(bad{"two"}, x) }, "test.Bad: Infer gives 2 results, the caller wants 1"},
		"too few":         {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.ApplyN(3, bad{"two"}, x)[2] }, "test.Bad: Infer gives 2 results, the caller wants 3"},
		"no result":       {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(bad{"none"}, x) }, "test.Bad: its Infer gives no result"},
		"rank":            {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(bad{"rank"}, x) }, "test.Bad: result 0: shape [1,1,1,1,1,1,1,1,1] has 9 dimensions, the most is 8"},
		"negative extent": {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(bad{"negative"}, x) }, "test.Bad: result 0: shape [-3] has the negative extent -3"},
		"invalid type":    {func(g *graph.Graph, x *graph.Value) *graph.Value { return graph.Apply(bad{"invalid"}, x) }, "test.Bad: result 0: the element type is invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New("g")
			if y := c.build(g, g.Input("x", f32(2))); y == nil || y.IsValid() {
				t.Errorf("the result is %v, want an invalid value", y)
			}
			want(t, g, c.want)
		})
	}
}

func TestApplyWithoutOperands(t *testing.T) {
	y := graph.Apply(same{})
	if y == nil || y.IsValid() || y.Graph() == nil {
		t.Fatalf("the result is %v", y)
	}
	want(t, y.Graph(), "Apply: an op without inputs belongs to no graph; use Input, Param or Const")
	want(t, graph.Apply(same{}, nil, nil).Graph(), "test.Same: operand 0 is nil")
	want(t, graph.Apply(nil).Graph(), "Apply: an op without inputs belongs to no graph; use Input, Param or Const", "Apply: the op is nil")
}

func TestMistakesOfSources(t *testing.T) {
	n := graph.Batch
	for name, c := range map[string]struct {
		build func(g *graph.Graph) *graph.Value
		want  string
	}{
		"empty name": {func(g *graph.Graph) *graph.Value { return g.Input("", f32()) }, "Input: the name is empty"},
		"empty in scope": {func(g *graph.Graph) (v *graph.Value) {
			g.Scope("s", func() { v = g.Param("", f32(), graph.Zeros()) })
			return
		}, "Param: the name is empty"},
		"taken":             {func(g *graph.Graph) *graph.Value { g.Input("x", f32()); return g.Buffer("x", f32(), graph.Zeros()) }, `Buffer: the name is taken by Input "x", build_test.go:N`},
		"invalid type":      {func(g *graph.Graph) *graph.Value { return g.Input("x", graph.Type{}) }, "Input: the element type is invalid"},
		"negative extent":   {func(g *graph.Graph) *graph.Value { return g.Param("x", f32(3, -2), graph.Zeros()) }, "Param: shape [3,-2] has the negative extent -2"},
		"symbolic":          {func(g *graph.Graph) *graph.Value { return g.Buffer("x", f32(n, 2), graph.Zeros()) }, "Buffer: type f32[N,2] has a symbolic dimension; what is stored has a fixed shape"},
		"initialiser":       {func(g *graph.Graph) *graph.Value { return g.Param("x", graph.Of(graph.Int32, 2), graph.Uniform(0, 1)) }, "Param: uniform(0,1) fills floats, the type is i32[2]"},
		"constant elements": {func(g *graph.Graph) *graph.Value { return graph.Const(g, graph.Shape{2, 2}, 1.0, 2, 3) }, "Const: shape [2,2] wants 4 elements, got 3"},
		"constant shape":    {func(g *graph.Graph) *graph.Value { return graph.Const(g, graph.Shape{-2}, 1.0) }, "Const: shape [-2] has the negative extent -2"},
		// It once wanted −1 elements.
		"symbolic constant":  {func(g *graph.Graph) *graph.Value { return graph.Const(g, graph.Shape{n}, 1.0) }, "Const: shape [N] has a symbolic dimension; a constant has a fixed shape"},
		"constant of bytes":  {func(g *graph.Graph) *graph.Value { return g.ConstOf(f32(2), "abc") }, "Const: type f32[2] wants 8 bytes, got 3"},
		"constant of N":      {func(g *graph.Graph) *graph.Value { return g.ConstOf(f32(n), "abcd") }, "Const: shape [N] has a symbolic dimension; a constant has a fixed shape"},
		"scalar of no dtype": {func(g *graph.Graph) *graph.Value { return g.Scalar(graph.Invalid, 1) }, "Const: the element type is invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New("g")
			v := c.build(g)
			if v == nil || v.IsValid() {
				t.Errorf("the result is %v, want an invalid value", v)
			}
			graph.Apply(same{}, v)
			if got := mistakes(g); len(got) != 1 || lines.ReplaceAllString(got[0], ".go:N") != c.want {
				t.Errorf("mistakes %q, want %q", got, c.want)
			}
			if len(g.Inputs())+len(g.Params())+len(g.Buffers()) > 1 {
				t.Error("what is faulty is listed")
			}
		})
	}
}

func TestMistakesOfUpdate(t *testing.T) {
	for name, c := range map[string]struct {
		update func(g *graph.Graph, x, p *graph.Value)
		want   string
	}{
		"of an input":   {func(g *graph.Graph, x, p *graph.Value) { g.Update(x, p) }, "Update: %0 is no parameter or buffer"},
		"of a result":   {func(g *graph.Graph, x, p *graph.Value) { g.Update(graph.Apply(same{}, p), p) }, "Update: %2 is no parameter or buffer"},
		"other type":    {func(g *graph.Graph, x, p *graph.Value) { g.Update(p, g.Scalar(graph.Float32, 1)) }, "Update: the parameter is f32[2], its next value f32[]"},
		"twice":         {func(g *graph.Graph, x, p *graph.Value) { g.Update(p, x); g.Update(p, p) }, "Update: the parameter has an update already, to %0"},
		"nil":           {func(g *graph.Graph, x, p *graph.Value) { g.Update(p, nil) }, "Update: operand 1 is nil"},
		"nil parameter": {func(g *graph.Graph, x, p *graph.Value) { g.Update(nil, p) }, "Update: operand 0 is nil"},
		"other graph": {func(g *graph.Graph, x, p *graph.Value) {
			g.Update(p, graph.New("other").Input("x", f32(2)))
		}, `Update: param and next must belong to graph "g"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New("g")
			c.update(g, g.Input("x", f32(2)), g.Param("p", f32(2), graph.Zeros()))
			want(t, g, c.want)
		})
	}
}

func TestErrorsAreLimited(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", f32(2))
	for range 14 {
		graph.Apply(bad{"error"}, x)
	}
	if n := len(mistakes(g)); n != 10 {
		t.Errorf("%d mistakes are kept, want 10", n)
	}
	for _, s := range []string{g.Err().Error(), fmt.Sprintf("%v", g.Err()), strings.TrimSpace(fmt.Sprintf("%+v", g.Err()))} {
		if !strings.HasSuffix(s, "\nand 4 more") {
			t.Errorf("the text ends with %q", s[max(0, len(s)-80):])
		}
	}
}

func TestErrorsUnwrap(t *testing.T) {
	g := graph.New("g")
	if g.Err() != nil {
		t.Fatalf("an empty graph has the error %v", g.Err())
	}
	x := g.Input("x", f32(2))
	sentinel := errors.New("sentinel")
	graph.Apply(failing{&sentinel}, x)
	g.Errorf("MyOp", "%w as well", sentinel)
	if !errors.Is(g.Err(), sentinel) {
		t.Errorf("%v is not the error of Infer", g.Err())
	}
	var one *graph.Error
	if !errors.As(g.Err(), &one) || one.Op != "test.Failing" || len(one.Operands) != 1 {
		t.Errorf("the first mistake is %#v", one)
	}
}

type failing struct{ err *error }

func (failing) Name() string                               { return "test.Failing" }
func (f failing) Infer([]graph.Type) ([]graph.Type, error) { return nil, *f.err }

func TestScopes(t *testing.T) {
	g := graph.New("g")
	var w, s, d *graph.Value
	g.Scope("block1", func() {
		g.Scope("conv2", func() {
			w = g.Param("w", f32(2), graph.Zeros())
			g.AtRoot(func() { s = g.Buffer("step", f32(), graph.Zeros()) })
		})
	})
	func() {
		defer func() { recover() }()
		g.Scope("lost", func() { panic("in a model") })
	}()
	d = graph.Apply(same{}, w)
	if w.Node().Scope != "block1/conv2" || g.Lookup("block1/conv2/w") != w || g.Lookup("step") != s || s.Node().Scope != "" || d.Node().Scope != "" {
		t.Errorf("scopes are wrong:\n%v", g)
	}
	g.Scope("now", func() {
		g.Deriving(w.Node(), func() { d = graph.Apply(same{}, w) })
		if e := graph.Apply(same{}, d); e.Node().Scope != "now" || e.Node().Origin != nil {
			t.Errorf("after Deriving the scope is %q, the origin %v", e.Node().Scope, e.Node().Origin)
		}
	})
	if d.Node().Scope != "block1/conv2" || d.Node().Origin != w.Node() {
		t.Errorf("a derived node has scope %q and origin %v", d.Node().Scope, d.Node().Origin)
	}
}
