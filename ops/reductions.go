package ops

import "neocog/graph"

// This file holds reductions which are made of other ops. Each has a form whose
// name ends in Keep, with extent 1 in place of each reduced axis. Axes are as Sum's.

// Min returns the least element over the given axes, as Max does the greatest: of
// several the first gets the gradient, NaN wins, the least of nothing is +Inf. ONNX ReduceMin.
func Min(x *graph.Value, axes ...int) *graph.Value { return Neg(Max(Neg(x), axes...)) }

// MinKeep is Min with extent 1 in place of each reduced axis.
func MinKeep(x *graph.Value, axes ...int) *graph.Value { return kept(Min(x, axes...), x, axes) }

// ArgMin returns where along an axis the least element is, as ArgMax does for the
// greatest. ONNX ArgMin.
func ArgMin(x *graph.Value, axis int) *graph.Value { return ArgMax(Neg(x), axis) }

// Prod returns the product over the given axes, which y lacks; over all axes, as a
// scalar, if none is given.
//
//	x     float [...]
//	axes  negative ones count from the end; not the symbolic batch
//	dx    = dy · the product of the other elements, right where some are 0
//
// The product of nothing is 1. Factors are multiplied pairwise, in the element type. ONNX ReduceProd.
func Prod(x *graph.Value, axes ...int) *graph.Value {
	line, ok := asLines(x, "Prod", axes)
	if !ok {
		return line
	}
	axis := line.Shape().Rank() - 1
	n := line.Shape()[axis]
	switch n {
	case graph.Batch:
		x.Graph().Errorf("Prod", "axis %v of x %v is the symbolic N: how many factors there are must be known", axes, x.Type())
		return x.Graph().Invalid()
	case 0:
		return Full(x.Graph(), graph.Type{DType: x.DType(), Shape: line.Shape()[:axis]}, 1)
	}
	for n > 1 {
		half := n / 2
		y := Mul(Slice(line, axis, 0, half), Slice(line, axis, half, 2*half))
		if n%2 == 1 {
			y = Concat(axis, y, Slice(line, axis, n-1, n))
		}
		line, n = y, half+n%2
	}
	return Reshape(line, line.Shape()[:axis]...)
}

// ProdKeep is Prod with extent 1 in place of each reduced axis.
func ProdKeep(x *graph.Value, axes ...int) *graph.Value { return kept(Prod(x, axes...), x, axes) }

// SumSquare returns Σ x² over the given axes. ONNX ReduceSumSquare.
func SumSquare(x *graph.Value, axes ...int) *graph.Value { return Sum(Square(x), axes...) }

// SumSquareKeep is SumSquare with extent 1 in place of each reduced axis.
func SumSquareKeep(x *graph.Value, axes ...int) *graph.Value { return SumKeep(Square(x), axes...) }

// NormL1 returns Σ |x| over the given axes; the gradient at 0 is 0. ONNX ReduceL1.
func NormL1(x *graph.Value, axes ...int) *graph.Value { return Sum(Abs(x), axes...) }

// NormL1Keep is NormL1 with extent 1 in place of each reduced axis.
func NormL1Keep(x *graph.Value, axes ...int) *graph.Value { return SumKeep(Abs(x), axes...) }

// NormL2 returns √(Σ x²) over the given axes.
//
//	dx  = dy·x/y, 0 where y is 0
//
// Squares beyond the greatest number of the element type give +Inf. ONNX ReduceL2.
func NormL2(x *graph.Value, axes ...int) *graph.Value { return rootOf(SumSquare(x, axes...)) }

// NormL2Keep is NormL2 with extent 1 in place of each reduced axis.
func NormL2Keep(x *graph.Value, axes ...int) *graph.Value { return kept(NormL2(x, axes...), x, axes) }

// rootOf is Sqrt with the gradient 0 at 0.
func rootOf(x *graph.Value) *graph.Value {
	isZero := Equal(x, scalarLike(x, 0))
	return Where(isZero, x, Sqrt(Where(isZero, scalarLike(x, 1), x)))
}

// LogSum returns log Σ x over the given axes. ONNX ReduceLogSum.
func LogSum(x *graph.Value, axes ...int) *graph.Value { return Log(Sum(x, axes...)) }

// LogSumKeep is LogSum with extent 1 in place of each reduced axis.
func LogSumKeep(x *graph.Value, axes ...int) *graph.Value { return Log(SumKeep(x, axes...)) }
