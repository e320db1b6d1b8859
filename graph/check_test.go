package graph

import (
	"fmt"
	"strings"
	"testing"
)

// twice gives its first operand's type back.
type twice struct{}

func (twice) Name() string                    { return "test.Twice" }
func (twice) Infer(in []Type) ([]Type, error) { return in[:1], nil }

// fickle infers another type each time.
type fickle struct{ n *int }

func (fickle) Name() string { return "test.Fickle" }

func (f fickle) Infer(in []Type) ([]Type, error) {
	*f.n++
	if *f.n == 3 {
		return nil, fmt.Errorf("not again")
	}
	return []Type{Of(Float32, *f.n)}, nil
}

func checked() *Graph {
	g := New("g")
	x := g.Input("x", Of(Float32, 2))
	p := g.Param("p", Of(Float32, 2), Zeros())
	y := Apply(twice{}, x, p)
	g.Deriving(y.node, func() { Apply(twice{}, y) })
	Const(g, Shape{2}, float32(1), 2)
	g.Update(p, y)
	return g
}

func TestCheckFindsPlantedFaults(t *testing.T) {
	if err := checked().Check(); err != nil {
		t.Fatalf("a good graph: %v", err)
	}
	for name, c := range map[string]struct {
		plant func(g *Graph)
		want  string
	}{
		"recorded mistake":   {func(g *Graph) { Apply(twice{}, nil, g.inputs[0]) }, "operand 0 is nil"},
		"order":              {func(g *Graph) { g.nodes[2], g.nodes[3] = g.nodes[3], g.nodes[2] }, "out of place"},
		"other graph's node": {func(g *Graph) { g.nodes[0] = checked().nodes[0] }, "out of place"},
		"later input":        {func(g *Graph) { g.nodes[2].in[0] = g.nodes[3].out[0] }, "input 0 does not come before the node"},
		"own result":         {func(g *Graph) { g.nodes[2].in[1] = g.nodes[2].out[0] }, "input 1 does not come before the node"},
		"other graph":        {func(g *Graph) { g.nodes[2].in[1] = checked().params[0] }, "input 1 does not come before the node"},
		"invalid input":      {func(g *Graph) { g.nodes[2].in[1] = g.Invalid() }, "input 1 does not come before the node"},
		"nil input":          {func(g *Graph) { g.nodes[2].in[1] = nil }, "input 1 does not come before the node"},
		"stray value": {func(g *Graph) {
			v := *g.inputs[0]
			g.nodes[2].in[0] = &v
		}, "input 0 does not come before the node"},
		"numbering":       {func(g *Graph) { g.nodes[3].out[0].id = 7 }, "value 3 has number 7"},
		"count of values": {func(g *Graph) { g.values++ }, "counts 6 values and has 5"},
		"type":            {func(g *Graph) { g.nodes[3].out[0].typ = Of(Float32, 3) }, "inference gives f32[2] for result 0"},
		"result count": {func(g *Graph) {
			g.nodes[3].out = append(g.nodes[3].out, &Value{node: g.nodes[3], index: 1, typ: Of(Float32), id: 4})
		}, "inference gives 1 results"},
		"inference fails":    {func(g *Graph) { n := 0; Apply(fickle{&n}, g.inputs[0]); n = 2 }, "not again"},
		"inference changes":  {func(g *Graph) { n := 0; Apply(fickle{&n}, g.inputs[0]) }, "inference gives f32[2] for result 0"},
		"origin":             {func(g *Graph) { g.nodes[3].Origin = checked().nodes[0] }, "derives from a node of graph"},
		"name":               {func(g *Graph) { g.byName["y"] = g.inputs[0] }, `name "y" stands for`},
		"name of other":      {func(g *Graph) { g.byName["x"] = g.params[0] }, `name "x" stands for`},
		"name missing":       {func(g *Graph) { delete(g.byName, "p") }, "is listed and has no name"},
		"update type":        {func(g *Graph) { g.updates[0].Next = Const(g, Shape{1}, float32(1)) }, "does not keep the type"},
		"update of other":    {func(g *Graph) { g.updates[0].Next = checked().inputs[0] }, "does not keep the type"},
		"update of an input": {func(g *Graph) { g.updates[0].Param = g.inputs[0] }, "is of no parameter"},
		"second update":      {func(g *Graph) { g.updates = append(g.updates, g.updates[0]) }, "or a second one"},
		"source with input":  {func(g *Graph) { g.nodes[4].in = g.inputs }, "a source has one result and no input"},
		"source type":        {func(g *Graph) { g.nodes[1].out[0].typ = Of(Float32, -5) }, "negative extent"},
		"constant size":      {func(g *Graph) { g.nodes[4].Op = ConstOp{"abc"} }, "wants 8 bytes, the constant has 3"},
		"initialiser":        {func(g *Graph) { g.nodes[1].Op = ParamOp{"p", Init{Kind: "magic"}, false} }, `unknown initialiser "magic"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := checked()
			c.plant(g)
			if err := g.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if g.String() == "" { // the printer must work on the graph that is being debugged
				t.Error("a faulty graph does not print")
			}
		})
	}
}

// A VJP which wrote into the slice that ApplyN gave it damaged the graph.
func TestResultsOfApplyNBelongToTheCaller(t *testing.T) {
	g := New("slice")
	x := g.Input("x", Of(Float32, 2))
	out := ApplyN(1, twice{}, x)
	out[0] = x
	if err := g.Check(); err != nil {
		t.Error(err)
	}
}
