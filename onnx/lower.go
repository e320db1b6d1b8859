package onnx

import (
	"math"
	"reflect"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// lower returns a graph that computes the same as g from ops which have a
// counterpart in ONNX's operator set 17, with the copies of the values of g. Ops that
// have none are expressed by ops of ours: each of lowerings is an identity of
// this library, which a test checks by running both sides.
func lower(g *graph.Graph, roots []*graph.Value) (*graph.Graph, map[*graph.Value]*graph.Value) {
	to, first := g.Rebuild(roots, true, func(to *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value {
		if f := lowerings[n.Op.Name()]; f != nil {
			return f(n, in)
		}
		return nil
	})
	if to.Err() != nil {
		return to, first
	}
	// Again, for results which nothing reads.
	var kept []*graph.Value
	for _, v := range roots {
		kept = append(kept, first[v])
	}
	clean, second := to.Rebuild(kept, true, nil)
	images := map[*graph.Value]*graph.Value{}
	for v, w := range first {
		if w = second[w]; w != nil {
			images[v] = w
		}
	}
	return clean, images
}

// field returns an attribute of an op. Ops of other packages are known by their names
// and the fields that the text form shows.
func field[T any](op graph.Op, name string) T {
	return reflect.ValueOf(op).FieldByName(name).Interface().(T)
}

// lowerings are the ops without counterpart, by name: what they are made of. in are
// the operands in the new graph; results that nothing reads are dropped.
var lowerings = map[string]func(n *graph.Node, in []*graph.Value) []*graph.Value{
	"OneMinus": func(_ *graph.Node, in []*graph.Value) []*graph.Value { return one(ops.Sub(scalarOf(in[0], 1), in[0])) },
	// tanh(x/2)·(eˣ + 1), in which nothing cancels.
	"Expm1": func(_ *graph.Node, in []*graph.Value) []*graph.Value {
		return one(ops.Mul(ops.Tanh(ops.Scale(in[0], 0.5)), ops.AddScalar(ops.Exp(in[0]), 1)))
	},
	"SumSquares": func(_ *graph.Node, in []*graph.Value) []*graph.Value { return one(ops.Sum(ops.Square(in[0]))) },
	"GELU": func(_ *graph.Node, in []*graph.Value) []*graph.Value {
		return one(ops.Mul(in[0], normalDistribution(in[0])))
	},
	"GELUGrad": func(_ *graph.Node, in []*graph.Value) []*graph.Value {
		x, dy := in[0], in[1]
		density := ops.Scale(ops.Exp(ops.Scale(ops.Square(x), -0.5)), 1/math.Sqrt(2*math.Pi))
		return one(ops.Mul(dy, ops.Add(normalDistribution(x), ops.Mul(x, density))))
	},
	"ReLUGrad": func(_ *graph.Node, in []*graph.Value) []*graph.Value {
		return one(ops.Where(ops.Less(scalarOf(in[0], 0), in[0]), in[1], scalarOf(in[1], 0)))
	},
	"LeakyReLUGrad": func(n *graph.Node, in []*graph.Value) []*graph.Value {
		return one(ops.Where(ops.Less(scalarOf(in[0], 0), in[0]), in[1], ops.Scale(in[1], field[float64](n.Op, "Alpha"))))
	},
	"ClipGrad": func(n *graph.Node, in []*graph.Value) []*graph.Value {
		lo, hi := scalarOf(in[0], field[float64](n.Op, "Lo")), scalarOf(in[0], field[float64](n.Op, "Hi"))
		within := ops.And(ops.LessEqual(lo, in[0]), ops.LessEqual(in[0], hi))
		return one(ops.Where(within, in[1], scalarOf(in[1], 0)))
	},

	"SpreadMean": func(n *graph.Node, in []*graph.Value) []*graph.Value {
		x, to := in[0], graph.Shape(field[graph.Dims](n.Op, "Shape").Slice())
		return one(ops.BroadcastTo(ops.Div(x, countOf(x, to, x.Shape())), to...))
	},
	"SampleVariance": func(n *graph.Node, in []*graph.Value) []*graph.Value {
		variance, x := in[0], in[1]
		m := countOf(variance, x.Shape(), variance.Shape())
		atLeast1 := func(v *graph.Value) *graph.Value { return ops.Maximum(v, scalarOf(v, 1)) }
		return one(ops.Mul(variance, ops.Div(atLeast1(m), atLeast1(ops.AddScalar(m, -1)))))
	},
	"BatchNormGrad": lowerBatchNormGrad,
	"OneHot": func(n *graph.Node, in []*graph.Value) []*graph.Value {
		return one(oneHotOf(in[0], field[int](n.Op, "Classes"), field[graph.DType](n.Op, "DType")))
	},
	"Correct":                 lowerCorrect,
	"SoftmaxCrossEntropy":     lowerCrossEntropy,
	"SoftmaxCrossEntropyGrad": lowerCrossEntropyGrad,
	"LRN":                     lowerLRN,
	"LRNGrad":                 lowerLRNGrad,

	"Dropout":         lowerDropout,
	"Pad":             lowerPad,
	"Resize":          lowerResize,
	"ResizeGrad":      lowerResizeGrad,
	"GatherGrad":      lowerGatherGrad,
	"MaxGrad":         lowerMaxGrad,
	"MaxPick":         lowerMaxPick,
	"MaxPool2DGrad":   lowerMaxPoolGrad,
	"MaxPool2DGather": lowerMaxPoolGather,
	"AvgPool2DGrad":   lowerAvgPoolGrad,
}

// interpreted returns the elements of a value that depends on constants only; nil where
// its graph is faulty, which Export reports.
func interpreted(v *graph.Value) []float64 {
	if !v.IsValid() {
		return nil
	}
	got, err := vm.Interpret(v.Graph(), []*graph.Value{v}, vm.NewState(0), nil)
	if err != nil {
		return nil
	}
	k, err := constantOf(got[0])
	if err != nil {
		return nil
	}
	return k.floats()
}

// scalarOf returns a scalar constant in the graph and of the element type of x.
func scalarOf(x *graph.Value, v float64) *graph.Value { return x.Graph().Scalar(x.DType(), v) }

// normalDistribution is Φ(x) = ½·(1 + erf(x/√2)).
func normalDistribution(x *graph.Value) *graph.Value {
	return ops.Scale(ops.AddScalar(ops.Erf(ops.Scale(x, 1/math.Sqrt2)), 1), 0.5)
}

// countOf returns how many elements of a tensor of shape all there are for each of one
// of shape part, as a scalar of like's type: a constant, or the batch times one.
func countOf(like *graph.Value, all, part graph.Shape) *graph.Value {
	count, symbolic := 1.0, 0
	for _, d := range all {
		if d == graph.Batch {
			symbolic++
		} else {
			count *= float64(d)
		}
	}
	for _, d := range part {
		if d == graph.Batch {
			symbolic--
		} else {
			count /= float64(d)
		}
	}
	if math.IsNaN(count) || math.IsInf(count, 0) {
		count = 0
	}
	if symbolic <= 0 {
		return scalarOf(like, count)
	}
	batch := ops.Sum(ops.Full(like.Graph(), graph.Of(like.DType(), graph.Batch), 1))
	n := batch
	for range symbolic - 1 {
		n = ops.Mul(n, batch)
	}
	return ops.Scale(n, count)
}

// lowerBatchNormGrad follows the formula of ops.BatchNorm.
func lowerBatchNormGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	x, mean, variance, gamma, dy := in[0], in[1], in[2], in[3], in[4]
	axes := []int{0}
	channel := graph.Shape{1, x.Shape()[1]}
	for i := 2; i < x.Shape().Rank(); i++ {
		axes, channel = append(axes, i), append(channel, 1)
	}
	each := func(v *graph.Value) *graph.Value { return ops.Reshape(v, channel...) }
	scale := ops.Reciprocal(ops.Sqrt(ops.AddScalar(variance, field[float64](n.Op, "Eps"))))
	standard := ops.Mul(ops.Sub(x, each(mean)), each(scale))
	product := ops.Mul(dy, standard)
	dx := ops.Sub(ops.Sub(dy, each(ops.Mean(dy, axes...))), ops.Mul(standard, each(ops.Mean(product, axes...))))
	return []*graph.Value{ops.Mul(dx, each(ops.Mul(gamma, scale))), ops.Sum(product, axes...), ops.Sum(dy, axes...)}
}

// lowerCorrect counts the rows whose greatest element is at the label.
func lowerCorrect(_ *graph.Node, in []*graph.Value) []*graph.Value {
	hit := ops.Equal(ops.ArgMax(in[0], 1), ops.Cast(in[1], graph.Int32))
	return one(ops.Cast(ops.Sum(ops.Cast(hit, graph.Float32)), graph.Int32))
}

// oneHotOf compares labels with each class. ONNX has an OneHot, which ONNX Runtime has for
// few combinations of element types.
func oneHotOf(labels *graph.Value, classes int, d graph.DType) *graph.Value {
	class := make([]int32, classes)
	for i := range class {
		class[i] = int32(i)
	}
	of := graph.Const(labels.Graph(), graph.Shape{classes}, class...)
	at := ops.Reshape(ops.Cast(labels, graph.Int32), append(labels.Shape().Clone(), 1)...)
	return ops.Cast(ops.Equal(at, of), d)
}

// targets returns the probabilities that labels mean, smoothed.
func targets(n *graph.Node, labels, like *graph.Value) *graph.Value {
	classes := like.Shape()[1]
	t := labels
	if labels.DType().IsInt() {
		t = oneHotOf(labels, classes, like.DType())
	}
	if e := field[float64](n.Op, "Smoothing"); e != 0 {
		t = ops.AddScalar(ops.Scale(t, 1-e), e/float64(classes))
	}
	return t
}

// lowerCrossEntropy leaves alone what ONNX's SoftmaxCrossEntropyLoss is.
func lowerCrossEntropy(n *graph.Node, in []*graph.Value) []*graph.Value {
	logits, labels := in[0], in[1]
	p := ops.Softmax(logits, 1)
	if labels.DType().IsInt() && field[float64](n.Op, "Smoothing") == 0 {
		return []*graph.Value{graph.ApplyN(2, n.Op, in...)[0], p}
	}
	sum := ops.Sum(ops.Mul(targets(n, labels, logits), ops.LogSoftmax(logits, 1)))
	loss := ops.Neg(ops.Div(sum, countOf(logits, logits.Shape()[:1], nil)))
	return []*graph.Value{loss, p}
}

// lowerCrossEntropyGrad is dloss·(p·Σ t − t)/N.
func lowerCrossEntropyGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	p, labels, dloss := in[0], in[1], in[2]
	t := targets(n, labels, p)
	all := p
	if labels.DType().IsFloat() {
		all = ops.Mul(p, ops.SumKeep(t, 1))
	}
	return one(ops.Mul(ops.Sub(all, t), ops.Div(dloss, countOf(p, p.Shape()[:1], nil))))
}

// neighbours sums alpha times channels of x: for channel c those of which c is in
// the sum, or, with adjoint, those whose sum c is in. It is a convolution of 1×1 with
// a band of a matrix.
func neighbours(n *graph.Node, x *graph.Value, adjoint bool) *graph.Value {
	size, alpha := field[int](n.Op, "Size"), field[float64](n.Op, "Alpha")
	s := x.Shape()
	channels := s[1]
	before, after := (size-1)/2, size/2
	band := make([]float64, channels*channels)
	for c := range channels {
		for j := max(0, c-before); j <= min(channels-1, c+after); j++ {
			if adjoint {
				band[j*channels+c] = alpha
			} else {
				band[c*channels+j] = alpha
			}
		}
	}
	w := constantLike(x, graph.Shape{channels, channels, 1, 1}, band)
	return ops.Reshape(ops.Conv2D(ops.Reshape(x, s[0], channels, s[2:].Size(), 1), w, ops.Conv{}), s...)
}

// lowerLRN leaves y alone; s = k + α·Σ x².
func lowerLRN(n *graph.Node, in []*graph.Value) []*graph.Value {
	s := ops.AddScalar(neighbours(n, ops.Square(in[0]), false), field[float64](n.Op, "K"))
	return []*graph.Value{graph.ApplyN(2, n.Op, in...)[0], s}
}

// lowerLRNGrad is dy·p − 2β·x·αBᵀ(dy·x·p/s), p = s^−β.
func lowerLRNGrad(n *graph.Node, in []*graph.Value) []*graph.Value {
	x, s, dy := in[0], in[1], in[2]
	beta := field[float64](n.Op, "Beta")
	own := ops.Mul(dy, ops.Pow(s, scalarOf(s, -beta)))
	others := neighbours(n, ops.Div(ops.Mul(own, x), s), true)
	return one(ops.Sub(own, ops.Scale(ops.Mul(x, others), 2*beta)))
}

// lowerDropout multiplies by a dropout of ones, which the gradient can share.
func lowerDropout(n *graph.Node, in []*graph.Value) []*graph.Value {
	if isOnes(in[0]) {
		return nil
	}
	ones := ops.Full(in[0].Graph(), in[0].Type(), 1)
	return one(ops.Mul(in[0], graph.Apply(n.Op, ones, in[1])))
}

// isOnes reports whether v is what ops.Full makes of 1.
func isOnes(v *graph.Value) bool {
	if v.Node().Op.Name() == "BroadcastTo" {
		v = v.Node().In(0)
	}
	k, ok := v.Node().Op.(graph.ConstOp)
	return ok && v.Shape().Rank() == 0 && k.At(v.DType(), 0) == 1
}

// inWindow returns how many pixels of an axis, or pixels and padding, a window that
// begins at from sees.
func inWindow(from, size, in, after int, padding bool) int {
	lo, hi := max(from, 0), min(from+size, in)
	if padding {
		lo, hi = from, min(from+size, in+after)
	}
	return hi - lo
}

// constantLike adds a constant of x's element type.
func constantLike(x *graph.Value, s graph.Shape, v []float64) *graph.Value {
	if x.DType() == graph.Float64 {
		return graph.Const(x.Graph(), s, v...)
	}
	f := make([]float32, len(v))
	for i := range v {
		f[i] = float32(v[i])
	}
	return graph.Const(x.Graph(), s, f...)
}
