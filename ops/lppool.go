package ops

import (
	"fmt"
	"math"

	"neocog/graph"
)

// LpPool2D returns the p-norm of each window.
//
//	x      float [N,C,H,W]
//	norm   p, at least 1; 2 is usual
//	y      float [N,C,P,Q]:  (Σ |x|^p)^(1/p)
//	dx     = the sum of dy·sign(x)·(|x|/y)^(p−1) over all windows with the pixel in it, 0 where y is 0
//
// Padding counts as 0, and CountPad has no part in it. It is made of other ops. ONNX LpPool.
func LpPool2D(x *graph.Value, norm float64, p Pool) *graph.Value {
	if !x.IsValid() {
		return Reshape(x)
	}
	if err := isImage("x", x.Type(), "NCHW"); err != nil {
		return mistake(x, "LpPool2D", err)
	}
	if err := checkNormOf(norm); err != nil {
		return mistake(x, "LpPool2D", err)
	}
	sums := sumPool(toPower(x, norm), p)
	if !sums.IsValid() {
		return sums
	}
	return rooted(sums, norm)
}

// LpPool1D is LpPool2D of sequences x [N,C,L].
func LpPool1D(x *graph.Value, norm float64, p Pool1) *graph.Value {
	if y, ok := areLines("LpPool1D", x); !ok {
		return y
	}
	return fromRow(LpPool2D(asRow(x), norm, p.row()))
}

// LpPool3D is LpPool2D of volumes x [N,C,D,H,W]. It is made of the sums of planes and, of those, of lines.
func LpPool3D(x *graph.Value, norm float64, p Pool3) *graph.Value {
	if y, ok := areVolumes("LpPool3D", x); !ok {
		return y
	}
	if err := checkNormOf(norm); err != nil {
		return mistake(x, "LpPool3D", err)
	}
	sums := pool3D("LpPool3D", toPower(x, norm), p, sumPool)
	if !sums.IsValid() {
		return sums
	}
	return rooted(sums, norm)
}

// sumPool returns the sum of each window of images, without the padding.
func sumPool(x *graph.Value, p Pool) *graph.Value {
	p.CountPad = false
	sums := AvgPool2D(x, p)
	if !sums.IsValid() {
		return sums
	}
	for i := range 2 {
		counts, err := p.elementsAlong(i, x)
		if err != nil {
			return mistake(x, "LpPool2D", err)
		}
		if len(counts) == 1 {
			sums = Scale(sums, counts[0])
			continue
		}
		shape := graph.Shape(ones(4))
		shape[2+i] = len(counts)
		sums = Mul(sums, constLike(x, shape, counts))
	}
	return sums
}

// mostCounts bounds the windows along an axis of which some have padding.
const mostCounts = 1 << 20

// elementsAlong returns how many pixels each window along height (i = 0) or width of x [N,C,H,W] has; one number where
// all have as many. No place is listed, however many there are.
func (p Pool) elementsAlong(i int, x *graph.Value) ([]float64, error) {
	a := p.along(i, x)
	n, _, err := a.outputs()
	if err != nil {
		return nil, err
	}
	if a.before == 0 && (n-1)*a.stride+a.span() <= a.in {
		return []float64{float64(a.size)}, nil
	}
	if n > mostCounts {
		return nil, fmt.Errorf("%d windows along the %s, some with padding, are more than can be counted, %d", n, a.name, mostCounts)
	}
	counts := make([]float64, n)
	for o := range counts {
		from := o*a.stride - a.before
		first, last := 0, min(a.size-1, (a.in-1-from)/a.dilation)
		if from < 0 {
			first = (-from + a.dilation - 1) / a.dilation
		}
		counts[o] = float64(last - first + 1)
	}
	return counts, nil
}

// GlobalLpPool returns the p-norm of each plane: LpPool2D with a window over all of the image.
//
//	x     float [N,C,...], at least 3 dimensions
//	norm  p, at least 1; 2 is usual
//	y     [N,C,1,...]
//
// ONNX GlobalLpPool.
func GlobalLpPool(x *graph.Value, norm float64) *graph.Value {
	axes, y := planeAxes("GlobalLpPool", x)
	if axes == nil {
		return y
	}
	if err := checkNormOf(norm); err != nil {
		return mistake(x, "GlobalLpPool", err)
	}
	return rooted(SumKeep(toPower(x, norm), axes...), norm)
}

func checkNormOf(norm float64) error {
	if !(norm >= 1) || math.IsInf(norm, 0) {
		return fmt.Errorf("the norm is %v, want a finite number of at least 1", norm)
	}
	return nil
}

// toPower returns |x|^p.
func toPower(x *graph.Value, p float64) *graph.Value {
	switch p {
	case 1:
		return Abs(x)
	case 2:
		return Square(x)
	}
	return Pow(Abs(x), scalarLike(x, p))
}

// rooted returns x^(1/p) with the gradient 0 at 0.
func rooted(x *graph.Value, p float64) *graph.Value {
	switch p {
	case 1:
		return x
	case 2:
		return rootOf(x)
	}
	isZero := Equal(x, scalarLike(x, 0))
	return Where(isZero, x, Pow(Where(isZero, scalarLike(x, 1), x), scalarLike(x, 1/p)))
}
