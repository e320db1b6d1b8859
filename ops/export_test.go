package ops

import "neocog/graph"

// Names of unexported ops for the tests of package ops_test: opstest imports ops,
// so that tests which use it cannot stand in package ops itself.
type (
	ReLUOp     = relu
	ReLUGradOp = reluGrad
)

// Constructors of gradient ops, and of ops with all their results.

// CrossEntropyLossAndP is SoftmaxCrossEntropy with both results of the op.
func CrossEntropyLossAndP(logits, labels *graph.Value, cfg CrossEntropy) []*graph.Value {
	return graph.ApplyN(2, crossEntropy{cfg}, logits, labels)
}

// CrossEntropyGrad is the gradient op of SoftmaxCrossEntropy.
func CrossEntropyGrad(p, labels, dloss *graph.Value, cfg CrossEntropy) *graph.Value {
	return graph.Apply(crossEntropyGrad{cfg}, p, labels, dloss)
}

// SpreadMean is the gradient op of Mean.
func SpreadMean(x *graph.Value, shape ...int) *graph.Value {
	return graph.Apply(spreadMean{graph.MakeDims(shape...)}, x)
}

// MatMulTrans is MatMul of transposed operands.
func MatMulTrans(a, b *graph.Value, t Trans) *graph.Value {
	return graph.Apply(matMul{t.A, t.B}, a, b)
}

// PadAll is Pad which also puts elements between neighbours.
func PadAll(x *graph.Value, lo, hi, between []int, value float64) *graph.Value {
	return padAll(x, lo, hi, between, value)
}

// MaxAndIndex is Max with both results of the op.
func MaxAndIndex(x *graph.Value, axes ...int) []*graph.Value {
	return graph.ApplyN(2, reduceMax{axesOf(x, axes)}, x)
}

// MaxGrad is the gradient op of Max.
func MaxGrad(index, dy *graph.Value, shape []int, axes ...int) *graph.Value {
	return graph.Apply(maxGrad{graph.MakeDims(shape...), graph.MakeDims(axes...)}, index, dy)
}

// MaxPick is the gradient op of MaxGrad.
func MaxPick(x, index *graph.Value, axes ...int) *graph.Value {
	return graph.Apply(maxPick{graph.MakeDims(axes...)}, x, index)
}

// BatchNormGradOp is the gradient op of BatchNorm.
func BatchNormGradOp(in []*graph.Value, eps float64) []*graph.Value {
	return graph.ApplyN(3, batchNormGrad{eps}, in...)
}

// SumSquares is the op behind L2.
func SumSquares(x *graph.Value) *graph.Value { return graph.Apply(sumSquares{}, x) }

// SampleVariance is the op behind RunningStats.
func SampleVariance(variance, x *graph.Value) *graph.Value {
	return graph.Apply(sampleVariance{}, variance, x)
}

// LRNAndSum is LRN with both results of the op.
func LRNAndSum(x *graph.Value, r LocalResponse) []*graph.Value {
	return graph.ApplyN(2, lrn{r}, x)
}

// LRNGrad is the gradient op of LRN.
func LRNGrad(in []*graph.Value, r LocalResponse) *graph.Value {
	return graph.Apply(lrnGrad{r}, in...)
}

// GELUGrad, LeakyReLUGrad and ClipGrad are the gradient ops of activations.
func GELUGrad(x, dy *graph.Value) *graph.Value { return graph.Apply(geluGrad{}, x, dy) }

func LeakyReLUGrad(x, dy *graph.Value, alpha float64) *graph.Value {
	return graph.Apply(leakyReLUGrad{alpha}, x, dy)
}

func ClipGrad(x, dy *graph.Value, lo, hi float64) *graph.Value {
	return graph.Apply(clipGrad{lo, hi}, x, dy)
}

// GatherGrad is the gradient op of Gather.
func GatherGrad(indices, dy *graph.Value, axis, n int) *graph.Value {
	return graph.Apply(gatherGrad{axis, n}, indices, dy)
}

// StandardiseAndScale is Standardise with both results of the op.
func StandardiseAndScale(x *graph.Value, axis int, eps float64) []*graph.Value {
	return graph.ApplyN(2, standardise{axis, eps}, x)
}

// ResizeGrad is the gradient op of a Resize along an axis of extent n.
func ResizeGrad(dy *graph.Value, axis, n int, r Resampling) *graph.Value {
	return graph.Apply(resizeGrad{resize{axis, dy.Shape()[axis], r}, n}, dy)
}
