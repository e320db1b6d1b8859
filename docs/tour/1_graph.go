// Tour builds a framework for convolutional networks from nothing but the standard library, in
// about 300 statements and as many lines of prose. It is meant to be read, file by file: the names
// of the files are in order.
//
// Nothing here is used by Neocog, and nothing of Neocog is used here; each chapter ends with the
// places where its grown-up version lives.
package main

import (
	"fmt"
	"strings"
)

// Chapter 1. The graph.
//
// To teach a network is to ask, thousands of times: if I turned this knob a little, by how much
// would the result improve? The knobs are the network's parameters, and the answer is a derivative.
// School taught us to find derivatives by looking at a formula, rule by rule. So that a program can
// do the same, it has to hold the formula in its hands: not compute it at once, as x*w + b would in
// Go, but write down what is to be computed. That is a graph.

// Shape is the size of a block of numbers in four directions. Images come in batches, so ours are
// images × channels × rows × columns. Smaller things have extents of 1: a single number is a
// Scalar.
type Shape [4]int

var Scalar = Shape{1, 1, 1, 1}

func (s Shape) Size() int { return s[0] * s[1] * s[2] * s[3] }

// A Tensor is such a block in memory, the last direction running fastest.
type Tensor struct {
	Shape
	Data []float64
}

// An Op is one kind of step, such as addition. It is a small struct which holds the attributes of
// the step, never its data, and knows three things.
type Op interface {
	// Infer returns the shape of the result, or why there can be none. It is asked while the
	// formula is written, before any number exists, so a mistake shows where it is made and not in
	// the middle of the night.
	Infer(in []Shape) (Shape, error)
	// Run computes. The memory for the result is given, and may hold rubbish.
	Run(in []Tensor, out Tensor)
	// VJP is the rule from school; chapter 4 explains it.
	VJP(y, dy *Value) []*Value
}

// A Value is the result of one step: what is done, to which other values.
type Value struct {
	Graph *Graph
	ID    int // its place in the graph
	Op    Op
	In    []*Value
	Shape Shape
}

// A Graph is all steps, in the order in which they were written. A step can use only what exists
// already, so this is also an order in which they can be run.
type Graph struct {
	Values []*Value
	Err    error // the first mistake
}

// Apply appends a step. It returns no error, for formulas are written as nested calls; a mistake
// waits in the graph until somebody wants to run it.
func (g *Graph) Apply(op Op, in ...*Value) *Value {
	v := &Value{Graph: g, ID: len(g.Values), Op: op, In: in}
	shapes := make([]Shape, len(in))
	for i, x := range in {
		shapes[i] = x.Shape
	}
	var err error
	if v.Shape, err = op.Infer(shapes); err != nil && g.Err == nil {
		g.Err = fmt.Errorf("%v: %w", v, err)
	}
	g.Values = append(g.Values, v)
	return v
}

// String shows the step as a line: v3 = add v1 v2 [1 1 1 1].
func (v *Value) String() string {
	attributes := strings.TrimPrefix(fmt.Sprintf("%+v", v.Op), "{}")
	s := fmt.Sprintf("v%d = %s%s", v.ID, strings.TrimPrefix(fmt.Sprintf("%T", v.Op), "main."), attributes)
	for _, x := range v.In {
		s += fmt.Sprintf(" v%d", x.ID)
	}
	return fmt.Sprint(s, " ", v.Shape)
}

// Grown up: graph/graph.go and graph/apply.go. There a step may have several results, numbers
// several types, shapes any length and a batch size that is left open (graph/shape.go); every
// mistake knows the line of your program that made it (graph/pos.go); and the text form can be read
// back (graph/parse.go).
