package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// Conv are the attributes of a convolution. The zero value is the common one:
// stride 1, no padding, one group.
type Conv struct {
	Stride   [2]int // vertical, horizontal; 0 stands for 1
	Dilation [2]int // distance of the filter's taps; 0 stands for 1
	Pad      [4]int // zeros at the top, left, bottom, right, as in ONNX
	// Groups cuts channels and filters into groups that do not see each other; 0 stands
	// for 1. As many groups as channels is a depthwise convolution.
	Groups int
	// Same asks for the padding with which the output has ⌈H/stride⌉ × ⌈W/stride⌉
	// elements, the odd one at the bottom and on the right (ONNX SAME_UPPER,
	// TensorFlow SAME). The ops keep it as Pad.
	Same bool
	// Round says what happens where (H − R + top + bottom)/stride is no whole
	// number. Exact, the zero value, refuses.
	Round Rounding
	// Algo names the algorithm, such as "im2col", for this node and for the
	// nodes of its gradient; "" leaves the choice to conv.Choose.
	Algo string
}

// Conv2D returns the convolution of images with filters: for each filter and
// each place of it, the sum of products.
//
//	x  float [N,C,H,W]
//	w  float [K,C/groups,R,S]
//	y  float [N,K,P,Q]         P = (H + top + bottom − ((R−1)·dilation + 1))/stride + 1, Q likewise
//
//	y[n,k,p,q] = Σ_{c,r,s} w[k,c,r,s] · x[n, c', p·stride − top + r·dilation, q·stride − left + s·dilation]
//	dx         = Conv2DInputGrad(w, dy)
//	dw         = Conv2DFilterGrad(x, dy)
//
// x is zero outside the image, and c' is channel c of the group of filter k. The filter is not
// flipped: this is the cross-correlation that all of deep learning calls convolution.
//
// H, W and the shape of w must be static. A P or Q that is no whole number is refused unless c.Round
// says how to round it, and so is a filter that is larger than the padded image.
// N, C and K may be 0; the sum over no channels is 0. NaN and infinities propagate, as 0·NaN = NaN in
// the padding too.
//
// LeCun et al., “Gradient-Based Learning Applied to Document Recognition”, 1998. ONNX Conv.
func Conv2D(x, w *graph.Value, c Conv) *graph.Value {
	return graph.Apply(conv2d{c.forConv(x, w)}, x, w)
}

// Conv2DBias is Conv2D plus a bias b, float [K], for each filter.
//
//	db = Σ_{n,p,q} dy[n,k,p,q]
func Conv2DBias(x, w, b *graph.Value, c Conv) *graph.Value {
	return graph.Apply(conv2d{c.forConv(x, w)}, x, w, b)
}

type conv2d struct{ Conv }

func (conv2d) Name() string { return "Conv2D" }

func (conv2d) Operands() []string { return []string{"x", "w", "b"} }

func (c conv2d) Infer(in []graph.Type) ([]graph.Type, error) {
	if len(in) != 2 && len(in) != 3 {
		return nil, fmt.Errorf("got %d operands, want x, w and perhaps b", len(in))
	}
	if err := areConvOperands(in[:2], "x", "NCHW", "w", "KCRS"); err != nil {
		return nil, err
	}
	x, w := in[0], in[1]
	if err := isFilter("w", w); err != nil {
		return nil, err
	}
	p, err := c.problem(x.Shape, w.Shape)
	if err != nil {
		return nil, err
	}
	if len(in) == 3 {
		b := in[2]
		if b.DType != x.DType {
			return nil, fmt.Errorf("x has element type %v, b %v, want the same", x.DType, b.DType)
		}
		if !b.Shape.Equal(graph.Shape{p.K}) {
			return nil, fmt.Errorf("b has shape %v, want [%d]: w has %d filters", b.Shape, p.K, p.K)
		}
	}
	P, Q := p.Out()
	return []graph.Type{graph.Of(x.DType, p.N, p.K, P, Q)}, nil
}

func (c conv2d) Plan(env *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	return c.PlanThen(env, in, out, nil)
}

func (c conv2d) PlanThen(env *kernel.Env, in, _ []graph.Type, then kernel.Kernel) (kernel.Plan, error) {
	p, err := c.problem(in[0].Shape, in[1].Shape)
	if err != nil {
		return kernel.Plan{}, err
	}
	p.Pass, p.DType, p.Bias = conv.Forward, in[0].DType, len(in) == 3
	return conv.ChooseThen(env, c.Algo, p, conv.Then(then))
}

func (c conv2d) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x, w := n.In(0).Shape(), n.In(1).Shape()
	grads := []*graph.Value{
		Conv2DInputGrad(n.In(1), dy[0], x[2], x[3], c.Conv),
		Conv2DFilterGrad(n.In(0), dy[0], w[2], w[3], c.Conv),
	}
	if len(n.Ins()) == 3 {
		grads = append(grads, Sum(dy[0], 0, 2, 3))
	}
	return grads
}

// Windows says on what a place of y depends in x.
func (c conv2d) Windows(in []graph.Type) [2]Window {
	x, w := in[0].Shape, in[1].Shape
	full, _ := c.resolved(x[2], x[3], w[2], w[3]) // Infer has found it right
	vertical, horizontal := full.axes(x[2], x[3], w[2], w[3])
	return [2]Window{vertical.seen(), horizontal.seen()}
}

// areConvOperands checks what the two operands of all three passes have in common.
func areConvOperands(in []graph.Type, nameA, layoutA, nameB, layoutB string) error {
	if err := arity(in, 2); err != nil {
		return err
	}
	if err := isImage(nameA, in[0], layoutA); err != nil {
		return err
	}
	if err := isImage(nameB, in[1], layoutB); err != nil {
		return err
	}
	if in[0].DType != in[1].DType {
		return fmt.Errorf("%s has element type %v, %s %v, want the same", nameA, in[0].DType, nameB, in[1].DType)
	}
	return nil
}

func isFilter(name string, t graph.Type) error {
	if !t.Shape.IsStatic() {
		return fmt.Errorf("%s is %v: the shape of a filter must be known", name, t)
	}
	return nil
}

// problem returns the convolution of an image of shape [N,C,H,W] with filters of
// shape [K,C/groups,R,S], without pass and element type; N may be graph.Batch. Rounding up is
// padding at the end.
func (c Conv) problem(x, w graph.Shape) (conv.Problem, error) {
	c, err := c.resolved(x[2], x[3], w[2], w[3])
	if err != nil {
		return conv.Problem{}, err
	}
	switch g := c.Groups; {
	case x[1] == graph.Batch:
		return conv.Problem{}, fmt.Errorf("x is %v: only its first dimension may be symbolic", x)
	case g < 1 || g > maxAttribute:
		return conv.Problem{}, fmt.Errorf("there are %d groups, want at least 1", g)
	case w[1] > maxAttribute || x[1] != w[1]*g:
		return conv.Problem{}, fmt.Errorf("x has %d channels, w wants %s", x[1], times(w[1], g))
	case w[0]%g != 0:
		return conv.Problem{}, fmt.Errorf("w has %d filters, which %d groups do not divide", w[0], g)
	}
	h, wd := c.axes(x[2], x[3], w[2], w[3])
	_, bottom, err := h.outputs()
	if err != nil {
		return conv.Problem{}, err
	}
	_, right, err := wd.outputs()
	if err != nil {
		return conv.Problem{}, err
	}
	c.Pad[2] += bottom
	c.Pad[3] += right
	return conv.Problem{
		N: x[0], C: x[1], H: x[2], W: x[3], K: w[0], R: w[2], S: w[3],
		Groups: c.Groups, Stride: c.Stride, Dilation: c.Dilation, Pad: c.Pad,
	}, nil
}

func times(n, groups int) string {
	if groups == 1 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d in each of %d groups", n, groups)
}

func (c Conv) axes(h, w, r, s int) (vertical, horizontal axis) {
	return axis{"height", "filter", h, r, c.Stride[0], c.Dilation[0], c.Pad[0], c.Pad[2], c.Round, false},
		axis{"width", "filter", w, s, c.Stride[1], c.Dilation[1], c.Pad[1], c.Pad[3], c.Round, false}
}

// resolved returns c with ones for zeros and Pad for Same.
func (c Conv) resolved(h, w, r, s int) (Conv, error) {
	c.Stride, c.Dilation = orOne(c.Stride), orOne(c.Dilation)
	if c.Groups == 0 {
		c.Groups = 1
	}
	if !c.Same {
		return c, nil
	}
	if c.Pad != [4]int{} || c.Round == Ceil {
		return c, fmt.Errorf("padding %v and rounding %v are given beside Same, which chooses both", c.Pad, c.Round)
	}
	vertical, horizontal := c.axes(h, w, r, s)
	for _, a := range []axis{vertical, horizontal} {
		if err := a.numbers(); err != nil {
			return c, err
		}
	}
	c.Same = false
	c.Pad[0], c.Pad[2] = vertical.samePadding()
	c.Pad[1], c.Pad[3] = horizontal.samePadding()
	// Where the stride is larger than the filter, a rest of the image may stay unseen even so.
	vertical, horizontal = c.axes(h, w, r, s)
	if _, _, err := vertical.outputs(); err != nil {
		c.Round = Floor
	}
	if _, _, err := horizontal.outputs(); err != nil {
		c.Round = Floor
	}
	return c, nil
}

// canonical returns c as the ops keep it: Same as Pad, and zeros for what is 1 in all,
// which the text form leaves out. What is wrong with c is left to Infer.
func (c Conv) canonical(h, w, r, s int) Conv {
	full, err := c.resolved(h, w, r, s)
	if err != nil {
		return c
	}
	if full.Stride == [2]int{1, 1} {
		full.Stride = [2]int{}
	}
	if full.Dilation == [2]int{1, 1} {
		full.Dilation = [2]int{}
	}
	if full.Groups == 1 {
		full.Groups = 0
	}
	return full
}

// forConv returns c in canonical form for Conv2D(x, w), if these are fit for it.
func (c Conv) forConv(x, w *graph.Value) Conv {
	if !areImages(x, w) {
		return c
	}
	return c.canonical(x.Shape()[2], x.Shape()[3], w.Shape()[2], w.Shape()[3])
}

// areImages reports whether the values are fit to be asked for height and width.
func areImages(vs ...*graph.Value) bool {
	for _, v := range vs {
		if !v.IsValid() || v.Shape().Rank() != 4 || !v.Shape()[2:].IsStatic() {
			return false
		}
	}
	return true
}
