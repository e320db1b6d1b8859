package layers

import (
	"neocog/graph"
	"neocog/ops"
)

// A Builder makes the layers of one network. The zero Builder makes float32
// layers with He's initialisation, for inference.
type Builder struct {
	// Train asks for the graph to train with: BatchNorm uses the statistics of the
	// batch and keeps running ones, Dropout drops.
	Train bool
	// DType is the element type of parameters and of the network's input; the zero
	// DType stands for graph.Float32.
	DType graph.DType
	// Weights is how weights start; nil stands for He.
	Weights Initializer
	// Biases is the number at which biases start.
	Biases float64
	// Decay collects the weights of the layers made so far: what L2 regularisation
	// and weight decay apply to. Biases and the parameters of BatchNorm are not
	// among them.
	Decay []*graph.Value
	// Aux collects the logits of auxiliary classifiers, which networks have only
	// while they train; Loss takes them in.
	Aux []*graph.Value
}

// Default runs build with w as b.Weights, unless the user has chosen some: for a
// network whose source says how it starts.
func (b *Builder) Default(w Initializer, build func()) {
	if b.Weights == nil {
		b.Weights = w
		defer func() { b.Weights = nil }()
	}
	build()
}

// typ returns the type of a parameter of that shape.
func (b *Builder) typ(extents ...int) graph.Type {
	if b.DType == graph.Invalid {
		return graph.Of(graph.Float32, extents...)
	}
	return graph.Of(b.DType, extents...)
}

// weights declares the parameter w of the current scope, [out, …], to which
// decay applies.
func (b *Builder) weights(g *graph.Graph, shape graph.Shape, fanIn, fanOut int) *graph.Value {
	init := b.Weights
	if init == nil {
		init = He
	}
	w := g.Param("w", b.typ(shape...), init(shape, max(fanIn, 1), max(fanOut, 1)))
	if w.IsValid() {
		b.Decay = append(b.Decay, w)
	}
	return w
}

// bias declares the parameter b of the current scope, one for each row of w.
// Where w is faulty it returns w: one report is enough.
func (b *Builder) bias(w *graph.Value) *graph.Value {
	if !w.IsValid() {
		return w
	}
	return w.Graph().Param("b", b.typ(w.Shape()[0]), graph.Constant(b.Biases))
}

// layer runs build in a scope called name and returns its result. Where x is
// faulty, which has been reported or will be by the next op, it returns x.
// Where x has another number of dimensions than the layout wants, it says so.
func layer(kind, name string, x *graph.Value, want layout, build func(g *graph.Graph) *graph.Value) (y *graph.Value) {
	if !x.IsValid() {
		return x
	}
	g := x.Graph()
	g.Scope(name, func() {
		if r := x.Shape().Rank(); r < want.min || r > want.max {
			g.Errorf(kind, "x is %v with %d dimensions, want %s", x.Type(), r, want.text)
			y = g.Invalid()
			return
		}
		y = build(g)
	})
	return y
}

// A layout is how many dimensions a layer's x may have, and what they are.
type layout struct {
	min, max int
	text     string
}

var (
	images   = layout{4, 4, "4: [N,C,H,W]"}
	rows     = layout{2, 2, "2: [N,in]; ops.Flatten makes rows of images"}
	channels = layout{2, graph.MaxRank, "at least 2: [N,C,...]"}
	batches  = layout{1, graph.MaxRank, "at least 1: [N,...]"}
)

// Conv is a convolution with a bias for each filter.
//
//	x   [N,C,H,W]
//	w   [filters, C/c.Groups, size[0], size[1]]   fan-in C/groups·R·S, fan-out filters/groups·R·S
//	b   [filters]
//	y   [N,filters,P,Q]                           see ops.Conv2D
//
// It has (C/groups·R·S + 1)·filters parameters.
func (b *Builder) Conv(name string, x *graph.Value, filters int, size [2]int, c ops.Conv) *graph.Value {
	return layer("Conv", name, x, images, func(g *graph.Graph) *graph.Value {
		w := b.filters(g, x, filters, size, c)
		return ops.Conv2DBias(x, w, b.bias(w), c)
	})
}

// ConvNoBias is Conv without a bias: for what BatchNorm follows, whose beta is
// one.
func (b *Builder) ConvNoBias(name string, x *graph.Value, filters int, size [2]int, c ops.Conv) *graph.Value {
	return layer("ConvNoBias", name, x, images, func(g *graph.Graph) *graph.Value {
		return ops.Conv2D(x, b.filters(g, x, filters, size, c), c)
	})
}

// SeparableConv is a convolution of each channel by itself, then one of 1×1 across channels: about as many times fewer
// multiplications than Conv as its filters have taps.
//
//	x             [N,C,H,W]
//	depthwise/w   [C, 1, size[0], size[1]]
//	pointwise/w   [filters, C, 1, 1]
//	pointwise/b   [filters]
//	y             [N,filters,P,Q]
//
// c is the first one's; its Groups are C, and must be left 0. It has R·S·C + (C + 1)·filters parameters. Chollet, “Xception:
// Deep Learning with Depthwise Separable Convolutions”, CVPR 2017.
func (b *Builder) SeparableConv(name string, x *graph.Value, filters int, size [2]int, c ops.Conv) *graph.Value {
	return layer("SeparableConv", name, x, images, func(g *graph.Graph) *graph.Value {
		if c.Groups != 0 {
			g.Errorf("SeparableConv", "%d groups are asked for, want 0: there is one for each channel of x %v", c.Groups, x.Type())
			return g.Invalid()
		}
		c.Groups = x.Shape()[1]
		each := b.ConvNoBias("depthwise", x, c.Groups, size, c)
		return b.Conv("pointwise", each, filters, [2]int{1, 1}, ops.Conv{})
	})
}

// filters declares the weights of a convolution of x. What is wrong with them is
// told by Conv2D.
func (b *Builder) filters(g *graph.Graph, x *graph.Value, filters int, size [2]int, c ops.Conv) *graph.Value {
	if filters < 1 {
		g.Errorf("Conv", "filters is %d, want at least 1", filters)
		return g.Invalid()
	}
	groups, taps := max(c.Groups, 1), size[0]*size[1]
	each := x.Shape()[1] / groups // channels that a filter sees
	return b.weights(g, graph.Shape{filters, each, size[0], size[1]}, each*taps, filters/groups*taps)
}

// Linear is a fully connected layer: y = x·wᵀ + b.
//
//	x   [N,in]
//	w   [out,in]     fan-in in, fan-out out
//	b   [out]
//	y   [N,out]
//
// It has (in + 1)·out parameters.
func (b *Builder) Linear(name string, x *graph.Value, out int) *graph.Value {
	return layer("Linear", name, x, rows, func(g *graph.Graph) *graph.Value {
		in := x.Shape()[1]
		w := b.weights(g, graph.Shape{out, in}, in, out)
		return ops.Linear(x, w, b.bias(w))
	})
}

// PositionBias adds a bias of its own to each position of each channel, as the
// last layer of AlphaGo's network does; the biases that Conv adds are one for all
// positions of a channel.
//
//	x   [N, ...]
//	b   [...]
//	y   x + b
func (b *Builder) PositionBias(name string, x *graph.Value) *graph.Value {
	return layer("PositionBias", name, x, batches, func(g *graph.Graph) *graph.Value {
		return ops.Add(x, g.Param("b", b.typ(x.Shape()[1:]...), graph.Constant(b.Biases)))
	})
}

// What BatchNorm uses: PyTorch's constants.
const (
	normEpsilon  = 1e-5
	normMomentum = 0.1
)

// BatchNorm normalises each channel of x, [N, C, ...]: while training by the
// statistics of the batch, which it also mixes into running ones with momentum
// 0.1; otherwise by the running ones. See ops.BatchNorm.
//
//	gamma [C], from 1    beta [C], from 0
//	mean, var [C]        buffers: the running statistics, from 0 and 1
func (b *Builder) BatchNorm(name string, x *graph.Value) *graph.Value {
	return b.BatchNormEps(name, x, normEpsilon)
}

// BatchNormEps is BatchNorm with a number of one's own, in place of 10⁻⁵, that is
// added to variances: for networks whose published weights want it.
func (b *Builder) BatchNormEps(name string, x *graph.Value, eps float64) *graph.Value {
	return layer("BatchNorm", name, x, channels, func(g *graph.Graph) *graph.Value {
		c := b.typ(x.Shape()[1])
		gamma, beta := g.Param("gamma", c, graph.Constant(1)), g.Param("beta", c, graph.Zeros())
		mean, variance := g.Buffer("mean", c, graph.Zeros()), g.Buffer("var", c, graph.Constant(1))
		if !b.Train {
			return ops.BatchNormInfer(x, gamma, beta, mean, variance, eps)
		}
		y, batchMean, batchVariance := ops.BatchNorm(x, gamma, beta, eps)
		newMean, newVariance := ops.RunningStats(x, batchMean, batchVariance, mean, variance, normMomentum)
		g.Update(mean, newMean)
		g.Update(variance, newVariance)
		return y
	})
}

// Dropout drops elements of x with probability p while training, and is x
// otherwise. See ops.Dropout.
func (b *Builder) Dropout(name string, x *graph.Value, p float64) *graph.Value {
	if !b.Train || !x.IsValid() {
		return x
	}
	y := x
	g := x.Graph()
	g.Scope(name, func() { y = ops.Dropout(x, p, ops.Random(g)) })
	return y
}

// auxWeight is how much the loss of an auxiliary classifier counts. Szegedy et
// al., “Going Deeper with Convolutions”, CVPR 2015, section 5.
const auxWeight = 0.3

// Loss is the softmax cross-entropy of the logits, and of each of b.Aux 0.3 times
// its own: what networks are trained on.
//
//	logits [N,classes]   labels as ops.SoftmaxCrossEntropy takes them   →   a scalar
func (b *Builder) Loss(logits, labels *graph.Value, c ops.CrossEntropy) *graph.Value {
	loss := ops.SoftmaxCrossEntropy(logits, labels, c)
	for _, aux := range b.Aux {
		loss = ops.Add(loss, ops.Scale(ops.SoftmaxCrossEntropy(aux, labels, c), auxWeight))
	}
	return loss
}
