package gorgonia

import (
	"errors"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// transpose also knows the end of gorgonia.Conv2d: transpose(reshape(reshape(im2col(x)) × reshape(w)ᵀ)).
func transpose(c *call) (*graph.Value, error) {
	if x, w, attr, ok := c.convolution(); ok {
		image, err := c.value(x)
		if err != nil {
			return nil, err
		}
		filter, err := c.value(w)
		if err != nil {
			return nil, err
		}
		return ops.Conv2D(image, filter, attr), nil
	}
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	return ops.Transpose(x, c.ints("pattern")...), nil
}

// convolution returns image, filter and attributes if the node is what Conv2d of Gorgonia returns.
func (c *call) convolution() (x, w *G.Node, attr ops.Conv, ok bool) {
	// down returns n's operands if n is an op of this kind.
	down := func(n *G.Node, want string) G.Nodes {
		if n == nil || n.Op() == nil || kind(n.Op()) != want {
			return nil
		}
		return children(n)
	}
	first := func(list G.Nodes) *G.Node {
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	if p := c.ints("pattern"); len(p) != 4 || [4]int(p) != [4]int{0, 3, 1, 2} {
		return nil, nil, attr, false
	}
	rows := first(down(children(c.n)[0], "reshapeOp"))
	factors := down(rows, "linAlgBinOp")
	if len(factors) != 2 {
		return nil, nil, attr, false
	}
	times := &call{c.converter, rows}
	columns, filter := first(down(factors[0], "reshapeOp")), first(down(factors[1], "reshapeOp"))
	image := first(down(columns, "im2colOp"))
	if image == nil || filter == nil || filter.Dims() != 4 || number(times.attr("āBinaryOperator")) != 0 || times.attr("transA").Bool() || !times.attr("transB").Bool() {
		return nil, nil, attr, false
	}
	im := &call{c.converter, columns}
	if taps := filter.Shape()[2:]; im.int("h") != taps[0] || im.int("w") != taps[1] { // Gorgonia only compares how many there are
		return nil, nil, attr, false
	}
	h, v := im.int("padW"), im.int("padH")
	return image, filter, ops.Conv{
		Stride:   [2]int{im.int("strideH"), im.int("strideW")},
		Dilation: [2]int{im.int("dilationH"), im.int("dilationW")},
		Pad:      [4]int{v, h, v, h},
		Round:    ops.Floor,
	}, true
}

func softmax(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	if c.attr("isLog").Bool() {
		return ops.LogSoftmax(x, c.int("axis")), nil
	}
	return ops.Softmax(x, c.int("axis")), nil
}

func maxPool(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	// Of four paddings Gorgonia takes the lower one for the upper one, and right for left.
	north, west, south, east := c.int("padNorth"), c.int("padWest"), c.int("padSouth"), c.int("padEast")
	if c.attr("explicitPadding").Bool() {
		north, south, west, east = south, north, east, west
	}
	return ops.MaxPool2D(x, ops.Pool{
		Size:   [2]int{c.int("h"), c.int("w")},
		Stride: [2]int{c.int("strideH"), c.int("strideW")},
		Pad:    [4]int{north, west, south, east},
		Round:  ops.Floor,
	}), nil
}

// Gorgonia's is no average, so that neither its results nor its gradients could be those of AvgPool2D.
func avgPool(c *call) (*graph.Value, error) {
	return c.refuse("Gorgonia divides by the width of the image, not by the size of the window; ops.AvgPool2D is the average")
}

func globalAvgPool(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	return ops.GlobalAvgPool(x), nil
}

// batchNorm normalises by the batch, which it also mixes into the running statistics, or in evaluation by those. Both are buffers, and begin
// as the op has them now. Scale and shift are nodes of their own.
func batchNorm(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	op := c.n.Op().(*G.BatchNormOp)
	t := graph.Of(x.DType(), x.Type().Shape[1])
	r := running{op: op, name: c.unique("batchnorm")}
	c.Graph.Scope(r.name, func() {
		r.mean, r.variance = c.Graph.Buffer("mean", t, graph.Zeros()), c.Graph.Buffer("var", t, graph.Constant(1))
	})
	mean, variance := op.Stats()
	if isZero(variance) { // the op is new; Gorgonia's machines reset it
		if err := op.Reset(); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(c.State.Set(r.name+"/mean", mean.(*tensor.Dense)), c.State.Set(r.name+"/var", variance.(*tensor.Dense))); err != nil {
		return nil, err
	}
	gamma, beta := ops.Ones(c.Graph, t), ops.Zeros(c.Graph, t)
	eps := c.attr("epsilon").Float()
	if !c.attr("training").Bool() {
		return ops.BatchNormInfer(x, gamma, beta, r.mean, r.variance, eps), nil
	}
	y, batchMean, batchVariance := ops.BatchNorm(x, gamma, beta, eps)
	nextMean, nextVariance := ops.RunningStats(x, batchMean, batchVariance, r.mean, r.variance, c.attr("momentum").Float())
	c.Graph.Update(r.mean, nextMean)
	c.Graph.Update(r.variance, nextVariance)
	c.running = append(c.running, r)
	return y, nil
}

func isZero(t tensor.Tensor) bool {
	switch v := t.Data().(type) {
	case []float32:
		return !slices.ContainsFunc(v, func(x float32) bool { return x != 0 })
	case []float64:
		return !slices.ContainsFunc(v, func(x float64) bool { return x != 0 })
	}
	return false
}

// running are the running statistics of a BatchNormOp in training, and the buffers that they became.
type running struct {
	op             *G.BatchNormOp
	name           string // scope of the buffers
	mean, variance *graph.Value
}

// giveBack makes what the buffers hold the op's.
func (r running) giveBack(s *vm.State) error {
	mean, err := s.Get(r.name + "/mean")
	if err != nil {
		return err
	}
	variance, err := s.Get(r.name + "/var")
	if err != nil {
		return err
	}
	return r.op.SetStats(mean, variance)
}

func dropout(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	if !c.attr("isTraining").Bool() {
		return x, nil
	}
	return ops.Dropout(x, c.attr("probability").Float(), ops.Random(c.Graph)), nil
}

// upsample repeats rows and columns.
func upsample(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	s, k := x.Type().Shape, c.int("stride")+1
	cells := ops.BroadcastTo(ops.Reshape(x, s[0], s[1], s[2], 1, s[3], 1), s[0], s[1], s[2], k, s[3], k)
	return ops.Reshape(cells, s[0], s[1], s[2]*k, s[3]*k), nil
}

// groupNorm normalises; scale and shift are nodes of their own.
func groupNorm(c *call) (*graph.Value, error) {
	x, err := c.in(0)
	if err != nil {
		return nil, err
	}
	t := graph.Of(x.DType(), x.Type().Shape[1])
	return ops.GroupNorm(x, c.int("numGroups"), ops.Ones(c.Graph, t), ops.Zeros(c.Graph, t), c.attr("epsilon").Float()), nil
}
