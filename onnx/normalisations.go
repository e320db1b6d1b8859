package onnx

import (
	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/ops"
)

// normalisations are what makes elements comparable with each other, and Dropout.
var normalisations = []rule{
	{op: "BatchNormalization", from: 6, in: [2]int{5, 5}, attributes: []string{"epsilon", "momentum", "is_test", "spatial", "training_mode"}, build: batchNorm},
	{op: "InstanceNormalization", from: 6, in: [2]int{3, 3}, attributes: []string{"epsilon"}, build: func(c *call) []*graph.Value {
		return one(ops.InstanceNorm(c.float(0), c.float(1), c.float(2), c.attrFloat("epsilon", 1e-5)))
	}},
	{op: "LayerNormalization", from: 17, in: [2]int{2, 3}, attributes: []string{"axis", "epsilon", "stash_type"}, build: layerNorm},
	{op: "GroupNormalization", from: 21, in: [2]int{3, 3}, attributes: []string{"epsilon", "num_groups", "stash_type"}, build: func(c *call) []*graph.Value {
		return one(ops.GroupNorm(c.float(0), c.attrInt("num_groups", 0), c.float(1), c.float(2), c.attrFloat("epsilon", 1e-5)))
	}},
	{op: "MeanVarianceNormalization", from: 9, in: [2]int{1, 1}, attributes: []string{"axes"}, build: meanVariance},
	{op: "LRN", from: 6, in: [2]int{1, 1}, attributes: []string{"alpha", "beta", "bias", "size"}, build: func(c *call) []*graph.Value {
		size := c.attrInt("size", 0)
		return one(ops.LRN(c.float(0), ops.LocalResponse{
			Size: size, Alpha: c.attrFloat("alpha", 1e-4) / float64(max(size, 1)), Beta: c.attrFloat("beta", 0.75), K: c.attrFloat("bias", 1),
		}))
	}},
	{op: "LpNormalization", from: 6, in: [2]int{1, 1}, attributes: []string{"axis", "p"}, build: func(c *call) []*graph.Value {
		x := c.rank(0, 1)
		axis := c.axis(c.attrInt("axis", -1), x.Shape().Rank())
		norm := ops.NormL2Keep
		if c.attrInt("p", 2) == 1 {
			norm = ops.NormL1Keep
		}
		return one(overNorm(x, norm(x, axis)))
	}},
	{op: "Dropout", from: 6, to: 6, in: [2]int{1, 1}, attributes: []string{"is_test", "ratio"}, build: func(c *call) []*graph.Value {
		return dropout(c, c.attrInt("is_test", 0) == 0, c.attrFloat("ratio", 0.5))
	}},
	{op: "Dropout", from: 7, to: 11, in: [2]int{1, 1}, attributes: []string{"ratio"}, build: func(c *call) []*graph.Value { return dropout(c, false, 0) }},
	{op: "Dropout", from: 12, in: [2]int{1, 3}, attributes: []string{"seed"}, build: func(c *call) []*graph.Value {
		ratio := 0.5
		if c.has(1) {
			ratio = c.scalar(1, "the ratio")
		}
		return dropout(c, c.has(2) && c.scalar(2, "training_mode") != 0, ratio)
	}},
}

// overNorm is x/norm, and 0 where the norm is 0.
func overNorm(x, norm *graph.Value) *graph.Value {
	if !norm.IsValid() {
		return norm
	}
	return ops.Div(x, ops.Where(ops.Equal(norm, scalarOf(norm, 0)), scalarOf(norm, 1), norm))
}

// batchNorm normalises by the statistics of the model or, in training mode, by
// those of the batch, with the blended ones as further results.
func batchNorm(c *call) []*graph.Value {
	x, gamma, beta := c.float(0), c.float(1), c.float(2)
	eps, momentum := c.attrFloat("epsilon", 1e-5), c.attrFloat("momentum", 0.9)
	if c.attrInt("spatial", 1) == 0 {
		c.refuse("spatial is 0: statistics of each pixel are not known")
	}
	training := c.attrInt("training_mode", 0) != 0
	if c.model.opset < 14 {
		if training = c.model.opset < 7 && c.attrInt("is_test", 0) == 0 && len(c.n.Output) > 1; training || len(c.n.Output) > 1 {
			c.refuse("training before operator set 14 is not known")
		}
	}
	mean, variance := c.statistic(3), c.statistic(4)
	if !training {
		return one(ops.BatchNormInfer(x, gamma, beta, mean, variance, eps))
	}
	y, batchMean, batchVar := ops.BatchNorm(x, gamma, beta, eps)
	blend := func(run, batch *graph.Value) *graph.Value {
		if momentum == 0 {
			return batch
		}
		return ops.Add(ops.Scale(run, momentum), ops.Scale(batch, rounded(x, 1-momentum)))
	}
	return []*graph.Value{y, blend(mean, batchMean), blend(variance, batchVar)}
}

// layerNorm has the mean and 1/√(variance + epsilon) as further results.
func layerNorm(c *call) []*graph.Value {
	x := c.rank(0, 1)
	gamma := c.stretching(1, x)
	axis := c.axis(c.attrInt("axis", -1), x.Shape().Rank())
	if c.attrInt("stash_type", 1) != 1 {
		c.refuse("stash_type is %d; statistics of type float are known", c.attrInt("stash_type", 1))
	}
	standard := ops.Standardise(x, axis, c.attrFloat("epsilon", 1e-5))
	y := standard
	if k, ok := literal(gamma); !ok || !allOnes(k) {
		y = ops.Mul(y, gamma)
	}
	if c.has(2) {
		y = ops.Add(y, c.stretching(2, x))
	}
	var axes []int
	for i := axis; i < x.Shape().Rank(); i++ {
		axes = append(axes, i)
	}
	out := []*graph.Value{y}
	if len(c.n.Output) > 1 {
		out = append(out, ops.MeanKeep(x, axes...))
	}
	if len(c.n.Output) > 2 && standard.IsValid() {
		out = append(out, standard.Node().Out(1))
	}
	return out
}

func allOnes(k constant) bool {
	for _, v := range k.floats() {
		if v != 1 {
			return false
		}
	}
	return true
}

// meanVariance divides by the deviation, to which ONNX adds 1e-9.
func meanVariance(c *call) []*graph.Value {
	x := c.float(0)
	axes := c.attrInts("axes")
	if axes == nil {
		axes = []int{0, 2, 3}
	}
	axes = c.axes(axes, x.Shape().Rank())
	centred := ops.Sub(x, ops.MeanKeep(x, axes...))
	variance := ops.MeanKeep(ops.Square(centred), axes...) // not E[x²] − E[x]², in which everything may cancel
	return one(ops.Div(centred, ops.AddScalar(ops.Sqrt(variance), rounded(x, 1e-9))))
}

// dropout is the identity, with a mask that keeps everything, or drops by random
// numbers of ours. A seed asks for the random numbers of another program.
func dropout(c *call, training bool, ratio float64) []*graph.Value {
	x := c.in(0)
	masked := len(c.n.Output) > 1 && c.n.Output[1] != ""
	if training && ratio != 0 {
		switch {
		case c.attribute("seed", onnxpb.TypeInt, always) != nil:
			c.refuse("with a seed it draws certain random numbers, and Neocog draws others")
		case masked:
			c.refuse("a mask in training mode is not known")
		}
		return one(ops.Dropout(x, ratio, ops.Random(c.g)))
	}
	if !masked {
		return one(x)
	}
	if c.model.opset < 10 {
		c.refuse("a mask before operator set 10 is not known")
	}
	return []*graph.Value{x, ops.Cast(ops.OnesLike(x), graph.Bool)}
}
