package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// Standardise gives each part of x the mean 0 and the variance 1, a part being all
// axes from one on: what LayerNorm, InstanceNorm and GroupNorm have in common.
//
//	x     float [A..., B...]; B, from axis on, is known
//	axis  negative counts from the end
//	eps   at least 0, added to the variance
//	y     same type as x:  (x − mean)/√(variance + eps)
//	dx    = (dy − mean(dy) − y·mean(dy·y))/√(variance + eps), means over a part
//
// Mean and variance, that of the population, are computed in float64. With eps 0 a
// part whose elements are equal gives NaN. ONNX MeanVarianceNormalization.
func Standardise(x *graph.Value, axis int, eps float64) *graph.Value {
	return graph.ApplyN(2, standardise{axisOf(x, axis), eps}, x)[0]
}

// LayerNorm standardises each example and gives each of its elements a scale and a shift.
//
//	x            float [A..., B...]
//	gamma, beta  [B...]: their rank says how many axes are standardised
//	y            γ·x̂ + β,  x̂ = Standardise(x, the first axis of B, eps)
//
// Ba, Kiros and Hinton, “Layer Normalization”, 2016. ONNX LayerNormalization; PyTorch's LayerNorm.
func LayerNorm(x, gamma, beta *graph.Value, eps float64) *graph.Value {
	if !x.IsValid() || !gamma.IsValid() {
		return Mul(x, gamma)
	}
	axis := x.Shape().Rank() - gamma.Shape().Rank()
	if axis < 0 || gamma.Shape().Rank() == 0 || !gamma.Shape().Equal(x.Shape()[axis:]) {
		x.Graph().Errorf("LayerNorm", "gamma is %v, want the last extents of x %v, at least one", gamma.Type(), x.Type())
		return x.Graph().Invalid()
	}
	if beta.IsValid() && !beta.Type().Equal(gamma.Type()) {
		x.Graph().Errorf("LayerNorm", "beta is %v, want the type of gamma, %v", beta.Type(), gamma.Type())
		return x.Graph().Invalid()
	}
	return Add(Mul(Standardise(x, axis, eps), gamma), beta)
}

// InstanceNorm standardises each plane of each image and gives each channel a scale and a shift.
//
//	x            float [N, C, ...]; at least [N, C, L]
//	gamma, beta  [C]
//	y            γ_c·x̂ + β_c,  x̂ = Standardise(x, 2, eps)
//
// Ulyanov, Vedaldi and Lempitsky, “Instance Normalization”, 2016. ONNX InstanceNormalization.
func InstanceNorm(x, gamma, beta *graph.Value, eps float64) *graph.Value {
	if y, ok := fitChannels("InstanceNorm", x, gamma, beta, 3, eps); !ok {
		return y
	}
	return affine(Standardise(x, 2, eps), gamma, beta)
}

// GroupNorm standardises groups of neighbouring channels of each image together and gives each channel a scale
// and a shift.
//
//	x            float [N, C, ...], known but for N
//	groups       divides C
//	gamma, beta  [C]
//
// With one group it standardises images, with C groups it is InstanceNorm. Wu and He, “Group Normalization”,
// ECCV 2018. ONNX GroupNormalization, opset 21.
func GroupNorm(x *graph.Value, groups int, gamma, beta *graph.Value, eps float64) *graph.Value {
	if y, ok := fitChannels("GroupNorm", x, gamma, beta, 2, eps); !ok {
		return y
	}
	s := x.Shape()
	if groups < 1 || s[1]%groups != 0 {
		x.Graph().Errorf("GroupNorm", "%d groups do not divide the %d channels of x %v", groups, s[1], x.Type())
		return x.Graph().Invalid()
	}
	rest := s[1:].Size()
	if rest < 0 {
		x.Graph().Errorf("GroupNorm", "x is %v, want all extents but the first known", x.Type())
		return x.Graph().Invalid()
	}
	parts := Standardise(Reshape(x, s[0], groups, rest/groups), 2, eps)
	return affine(Reshape(parts, s...), gamma, beta)
}

// RMSNorm divides each example by the root of the mean of its squares and gives each of its elements a scale.
//
//	x      float [A..., B...]
//	gamma  [B...]: its rank says over how many axes the mean goes
//	eps    at least 0, added to the mean
//	y      γ·x/√(mean(x²) + eps)
//
// It is made of other ops. Zhang and Sennrich, “Root Mean Square Layer Normalization”, NeurIPS 2019. ONNX
// RMSNormalization, opset 23.
func RMSNorm(x, gamma *graph.Value, eps float64) *graph.Value {
	if !x.IsValid() || !gamma.IsValid() {
		return Mul(x, gamma)
	}
	axis := x.Shape().Rank() - gamma.Shape().Rank()
	if axis < 0 || gamma.Shape().Rank() == 0 || !gamma.Shape().Equal(x.Shape()[axis:]) {
		x.Graph().Errorf("RMSNorm", "gamma is %v, want the last extents of x %v, at least one", gamma.Type(), x.Type())
		return x.Graph().Invalid()
	}
	if err := checkEps(eps); err != nil {
		x.Graph().Errorf("RMSNorm", "%w", err)
		return x.Graph().Invalid()
	}
	var axes []int
	for i := axis; i < x.Shape().Rank(); i++ {
		axes = append(axes, i)
	}
	return Mul(Div(x, Sqrt(AddScalar(MeanKeep(Square(x), axes...), eps))), gamma)
}

// fitChannels reports whether gamma and beta fit x, of at least that rank; if not, y is invalid and
// the graph knows why.
func fitChannels(op string, x, gamma, beta *graph.Value, least int, eps float64) (y *graph.Value, ok bool) {
	if !x.IsValid() || !gamma.IsValid() || !beta.IsValid() {
		return Add(Mul(x, gamma), beta), false
	}
	g := x.Graph()
	if x.Shape().Rank() < least {
		g.Errorf(op, "x has %d dimensions, want at least %d: [N, C, ...]", x.Shape().Rank(), least)
		return g.Invalid(), false
	}
	if err := checkNorm(eps, x.Type(), []string{"gamma", "beta"}, []graph.Type{gamma.Type(), beta.Type()}); err != nil {
		g.Errorf(op, "%w", err)
		return g.Invalid(), false
	}
	return nil, true
}

// affine gives each channel of x its scale and shift.
func affine(x, gamma, beta *graph.Value) *graph.Value {
	return Add(Mul(x, perChannel(gamma, x)), perChannel(beta, x))
}

// standardise has two results: y, and 1/√(variance + Eps) with extent 1 for the axes
// of a part, which its gradient reads.
type standardise struct {
	Axis int
	Eps  float64
}

func (standardise) Name() string { return "Standardise" }

func (o standardise) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := checkEps(o.Eps); err != nil {
		return nil, err
	}
	out, err := inferAlong(in, o.Axis)
	if err != nil {
		return nil, err
	}
	x := in[0]
	if !x.Shape[o.Axis:].IsStatic() {
		return nil, fmt.Errorf("x is %v: its extents from axis %d on must be known", x, o.Axis)
	}
	scale := x.Shape.Clone()
	for i := o.Axis; i < len(scale); i++ {
		scale[i] = 1
	}
	return []graph.Type{out[0], {DType: x.DType, Shape: scale}}, nil
}

func checkEps(eps float64) error {
	if !(eps >= 0) || math.IsInf(eps, 0) {
		return fmt.Errorf("eps is %v, want a number of at least 0", eps)
	}
	return nil
}

func (o standardise) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	s := in[0].Shape
	parts, n := s[:o.Axis].Size(), s[o.Axis:].Size()
	k, err := kernel.Pick(in[0].DType, standardiseRun[float32](n, o.Eps), standardiseRun[float64](n, o.Eps))
	p := kernel.One(parts, grainOf(4*n), k)
	p.InPlace = []int{1}
	return p, err
}

func (o standardise) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	y, scale := n.Out(0), n.Out(1)
	var axes []int
	for i := o.Axis; i < y.Shape().Rank(); i++ {
		axes = append(axes, i)
	}
	var dx *graph.Value
	if d[0] != nil {
		dx = Mul(Sub(Sub(d[0], MeanKeep(d[0], axes...)), Mul(y, MeanKeep(Mul(d[0], y), axes...))), scale)
	}
	if d[1] != nil { // ∂scale/∂x = −scale²·y/count
		count := float64(max(1, y.Shape()[o.Axis:].Size()))
		v := Mul(y, Mul(Scale(d[1], -1/count), Square(scale)))
		if dx == nil {
			dx = v
		} else {
			dx = Add(dx, v)
		}
	}
	return []*graph.Value{dx}
}

func standardiseRun[T kernel.Float](n int, eps float64) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y, scale := kernel.In[T](c, 0), kernel.Out[T](c, 0), kernel.Out[T](c, 1)
		for i := lo; i < hi; i++ {
			part := x[i*n : (i+1)*n]
			count := float64(max(1, n))
			mean := simd.Sum(part) / count
			s := 1 / math.Sqrt(simd.SumSquares(part, mean)/count+eps)
			scale[i] = T(s)
			simd.AffineWide(y[i*n:(i+1)*n], part, mean, s, 0)
		}
	}
}
