package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// Conv2DFilterGrad returns the gradient of Conv2D(x, w, c) with respect to w, for filters of r×s taps.
//
//	x   float [N,C,H,W]
//	dy  float [N,K,P,Q]
//	dw  float [K,C/groups,r,s]
//
//	dw[k,c,r,s]     = Σ_{n,p,q} dy[n,k,p,q] · x[n, c', p·stride − top + r·dilation, q·stride − left + s·dilation]
//	gradient of x   = Conv2DInputGrad(ddw, dy)
//	gradient of dy  = Conv2D(x, ddw)
//
// P and Q must be those that Conv2D gives. The gradient of an empty batch is 0.
func Conv2DFilterGrad(x, dy *graph.Value, r, s int, c Conv) *graph.Value {
	if areImages(x) {
		c = c.canonical(x.Shape()[2], x.Shape()[3], r, s)
	}
	return graph.Apply(conv2dFilterGrad{c, r, s}, x, dy)
}

// conv2dFilterGrad has the size of the filter besides the convolution's attributes.
type conv2dFilterGrad struct {
	Conv
	R, S int
}

func (conv2dFilterGrad) Name() string { return "Conv2DFilterGrad" }

func (conv2dFilterGrad) Operands() []string { return []string{"x", "dy"} }

func (c conv2dFilterGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := areConvOperands(in, "x", "NCHW", "dy", "NKPQ"); err != nil {
		return nil, err
	}
	x, dy := in[0], in[1]
	if x.Shape[0] != dy.Shape[0] {
		return nil, fmt.Errorf("x is %v, dy %v: want the same number of images", x, dy)
	}
	p, err := c.problemOf(x.Shape, dy.Shape)
	if err != nil {
		return nil, err
	}
	if err := isOutputOf(p, dy.Shape); err != nil {
		return nil, err
	}
	return []graph.Type{graph.Of(x.DType, p.K, p.C/p.Groups, p.R, p.S)}, nil
}

// problemOf returns the problem for the shapes of the operands.
func (c conv2dFilterGrad) problemOf(x, dy graph.Shape) (conv.Problem, error) {
	g := max(c.Groups, 1)
	if x[1] == graph.Batch || dy[1] == graph.Batch {
		return conv.Problem{}, fmt.Errorf("x is %v, dy %v: only the first dimension may be symbolic", x, dy)
	}
	if x[1]%g != 0 {
		return conv.Problem{}, fmt.Errorf("x has %d channels, which %d groups do not divide", x[1], g)
	}
	if dy[1]%g != 0 {
		return conv.Problem{}, fmt.Errorf("dy has %d channels, which %d groups do not divide", dy[1], g)
	}
	return c.problem(x, graph.Shape{dy[1], x[1] / g, c.R, c.S})
}

func (c conv2dFilterGrad) Plan(env *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p, err := c.problemOf(in[0].Shape, in[1].Shape)
	if err != nil {
		return kernel.Plan{}, err
	}
	p.Pass, p.DType = conv.FilterGrad, in[0].DType
	return conv.Choose(env, c.Algo, p)
}

func (c conv2dFilterGrad) VJP(n *graph.Node, ddw []*graph.Value) []*graph.Value {
	x := n.In(0).Shape()
	return []*graph.Value{
		Conv2DInputGrad(ddw[0], n.In(1), x[2], x[3], c.Conv),
		Conv2D(n.In(0), ddw[0], c.Conv),
	}
}
