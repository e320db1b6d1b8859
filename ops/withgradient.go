package ops

import (
	"errors"
	"fmt"
	"slices"

	"neocog/graph"
	"neocog/vm/kernel"
)

// WithGradient returns the values out with a gradient of your own: what flows back from
// them goes to in, by the function gradient, and nowhere else.
//
//	label     names the gradient in graphs and errors
//	in        float, any number: what out was computed from
//	out       float, at least one
//	gradient  gets the results of WithGradient and the gradient of each, zero where the loss
//	          does not depend on it, and returns the gradient of each of in, of its type; nil
//	          means zero
//	results   = out; a single one is not copied
//	d(in)     = gradient(results, dresults); d(out) = 0
//
// How out was computed does not matter, and whatever it was computed from that is not among
// in counts as a constant. The function builds nodes, which are differentiated again for
// second derivatives; where it wants a value of the forward pass it takes one that stands in
// the graph already. It is for a better formula than that of the parts, for an estimate where
// there is no gradient (rounding, see the example), and for gradients that are clipped or
// reversed on their way.
//
// The graph's text form carries the label, not the function: to differentiate a graph that was
// parsed is an error which names the label. There is no ONNX op; what is exported is Identity.
// As custom_vjp of JAX, for any part of a graph.
func WithGradient(label string, in, out []*graph.Value, gradient func(y, dy []*graph.Value) []*graph.Value) []*graph.Value {
	all := append(out[:len(out):len(out)], in...)
	if gradient == nil && len(out) > 0 && out[0].IsValid() {
		err := fmt.Errorf("the gradient %q is nil, want a function", label)
		return slices.Repeat([]*graph.Value{mistake(out[0], "WithGradient", err)}, len(out))
	}
	return graph.ApplyN(max(1, len(out)), withGradient{Label: label, Outs: len(out), rule: &rule{gradient}}, all...)
}

// withGradient is its first Outs inputs; the gradient is that of the others.
type withGradient struct {
	Label string
	Outs  int
	rule  *rule // nil in a graph that was parsed
}

// A rule is a function in a box, whose address can be compared.
type rule struct {
	gradient func(y, dy []*graph.Value) []*graph.Value
}

func (withGradient) Name() string { return "WithGradient" }

func (o withGradient) Infer(in []graph.Type) ([]graph.Type, error) {
	if o.Outs < 1 {
		return nil, errors.New("there are no values that the gradient were of, want at least one")
	}
	if len(in) < o.Outs {
		return nil, fmt.Errorf("got %d operands, want at least the %d values that the gradient is of", len(in), o.Outs)
	}
	for i, t := range in {
		if !t.DType.IsFloat() {
			return nil, fmt.Errorf("operand %d is %v; only floats have gradients", i, t)
		}
	}
	return in[:o.Outs], nil
}

func (o withGradient) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	if o.Outs == 1 {
		return kernel.Plan{View: true}, nil
	}
	var p kernel.Plan
	for i := range out {
		run, err := kernel.Pick(in[i].DType, keepOneRun[float32](i), keepOneRun[float64](i))
		if err != nil {
			return p, err
		}
		p.Steps = append(p.Steps, kernel.Step{N: out[i].Shape.Size(), Grain: kernel.Grain, Run: run})
	}
	return p, nil
}

func (o withGradient) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	dx := make([]*graph.Value, len(n.Ins()))
	if o.rule == nil {
		g := n.Graph()
		g.Errorf("WithGradient", "the gradient %q is a function of the program which built the graph; the text form, which this one was parsed from, does not carry it", o.Label)
		dx[0] = g.Invalid()
		return dx
	}
	for i, d := range dy {
		if d == nil {
			dy[i] = ZerosLike(n.Out(i))
		}
	}
	given := o.rule.gradient(slices.Clone(n.Outs()), dy)
	if want := len(dx) - o.Outs; len(given) != want {
		n.Graph().Errorf("WithGradient", "the gradient %q gives %d values, want one for each of the %d inputs", o.Label, len(given), want)
		dx[0] = n.Graph().Invalid()
		return dx
	}
	copy(dx[o.Outs:], given)
	return dx
}

// keepOneRun copies input i to output i.
func keepOneRun[T kernel.Float](i int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		copy(kernel.Out[T](c, i)[lo:hi], kernel.In[T](c, i)[lo:hi])
	}
}
