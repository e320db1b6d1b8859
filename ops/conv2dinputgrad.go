package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// Conv2DInputGrad returns the gradient of Conv2D(x, w, c) with respect to x, for images of h×wd
// pixels. As an op of its own it is the transposed convolution, or “deconvolution”:
// it lays down, at each place, the filter times an element of dy.
//
//	w   float [K,C/groups,R,S]
//	dy  float [N,K,P,Q]
//	dx  float [N,C,h,wd]
//
//	dx[n,c,p·stride − top + r·dilation, q·stride − left + s·dilation] += w[k,c,r,s] · dy[n,k,p,q]
//	gradient of w   = Conv2DFilterGrad(ddx, dy)
//	gradient of dy  = Conv2D(ddx, w)
//
// P and Q must be those that Conv2D gives for h×wd pixels. Several h and wd may give the same P and Q where
// c.Round is Floor or Ceil, hence the two arguments; a transposed convolution usually wants
// h = (P−1)·stride + (R−1)·dilation + 1 − top − bottom. Pixels which no filter meets are 0.
// Zeiler et al., “Deconvolutional Networks”, CVPR 2010. ONNX ConvTranspose.
func Conv2DInputGrad(w, dy *graph.Value, h, wd int, c Conv) *graph.Value {
	if areImages(w) {
		c = c.canonical(h, wd, w.Shape()[2], w.Shape()[3])
	}
	return graph.Apply(conv2dInputGrad{c, h, wd}, w, dy)
}

// conv2dInputGrad has the size of the image besides the convolution's attributes.
type conv2dInputGrad struct {
	Conv
	H, W int
}

func (conv2dInputGrad) Name() string { return "Conv2DInputGrad" }

func (conv2dInputGrad) Operands() []string { return []string{"w", "dy"} }

func (c conv2dInputGrad) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := areConvOperands(in, "w", "KCRS", "dy", "NKPQ"); err != nil {
		return nil, err
	}
	w, dy := in[0], in[1]
	if err := isFilter("w", w); err != nil {
		return nil, err
	}
	if c.H < 0 || c.W < 0 {
		return nil, fmt.Errorf("the image is %d×%d, want at least 0×0", c.H, c.W)
	}
	p, err := c.problemOf(w.Shape, dy.Shape)
	if err != nil {
		return nil, err
	}
	if dy.Shape[1] != p.K {
		return nil, fmt.Errorf("dy has %d channels, w has %d filters", dy.Shape[1], p.K)
	}
	if err := isOutputOf(p, dy.Shape); err != nil {
		return nil, err
	}
	return []graph.Type{graph.Of(dy.DType, p.N, p.C, p.H, p.W)}, nil
}

// isOutputOf returns an error unless dy has the height and width of p's output.
func isOutputOf(p conv.Problem, dy graph.Shape) error {
	if P, Q := p.Out(); dy[2] != P || dy[3] != Q {
		return fmt.Errorf("dy is %d×%d, but a %d×%d filter on %d×%d pixels gives %d×%d", dy[2], dy[3], p.R, p.S, p.H, p.W, P, Q)
	}
	return nil
}

// problemOf returns the problem for the shapes of the operands.
func (c conv2dInputGrad) problemOf(w, dy graph.Shape) (conv.Problem, error) {
	if w[1] > maxAttribute || c.Groups > maxAttribute {
		return conv.Problem{}, fmt.Errorf("w wants %d channels in each of %d groups, more than can be counted", w[1], c.Groups)
	}
	return c.problem(graph.Shape{dy[0], w[1] * max(c.Groups, 1), c.H, c.W}, w)
}

func (c conv2dInputGrad) Plan(env *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	p, err := c.problemOf(in[0].Shape, in[1].Shape)
	if err != nil {
		return kernel.Plan{}, err
	}
	p.Pass, p.DType = conv.InputGrad, in[0].DType
	return conv.Choose(env, c.Algo, p)
}

func (c conv2dInputGrad) VJP(n *graph.Node, ddx []*graph.Value) []*graph.Value {
	w := n.In(0).Shape()
	return []*graph.Value{
		Conv2DFilterGrad(ddx[0], n.In(1), w[2], w[3], c.Conv),
		Conv2D(ddx[0], n.In(0), c.Conv),
	}
}
