package ops

import (
	"math"

	"neocog/graph"
)

// This file holds activations which are made of other ops, and have their gradients.

// PReLU returns x where x > 0, slope·x elsewhere: a LeakyReLU whose slope is learned.
//
//	x      float [...]
//	slope  broadcasts to x, such as [C,1,1] for images or a scalar
//	y      the shape in which x and slope meet
//	dx     = dy where x > 0, else dy·slope;  dslope = dy·min(x, 0)
//
// The gradient at x = 0 is dy·slope, as PyTorch's. It is ReLU(x) + slope·min(x, 0).
// He et al., “Delving Deep into Rectifiers”, ICCV 2015. ONNX PRelu.
func PReLU(x, slope *graph.Value) *graph.Value {
	return Add(ReLU(x), Mul(slope, Clip(x, math.Inf(-1), 0)))
}

// ELU returns x where x > 0, alpha·(eˣ − 1) elsewhere.
//
//	x      float [...]
//	alpha  1 in the paper and in ONNX
//	y      same type as x
//	dx     = dy where x > 0, else dy·alpha·eˣ
//
// The gradient at x = 0 is dy·alpha, as PyTorch's. It is ReLU(x) + alpha·Expm1(min(x, 0)).
// Clevert, Unterthiner and Hochreiter, “Fast and Accurate Deep Network Learning
// by Exponential Linear Units”, ICLR 2016. ONNX Elu.
func ELU(x *graph.Value, alpha float64) *graph.Value {
	return Add(ReLU(x), Scale(Expm1(Clip(x, math.Inf(-1), 0)), alpha))
}

// SELU returns γ·ELU(x, α), the self-normalising activation, with the constants
// of the paper to the digits of float32 that ONNX gives.
//
// Klambauer et al., “Self-Normalizing Neural Networks”, NIPS 2017. ONNX Selu.
func SELU(x *graph.Value) *graph.Value {
	const (
		alpha = 1.67326319217681884765625
		gamma = 1.05070102214813232421875
	)
	return Scale(ELU(x, alpha), gamma)
}

// CELU returns x where x > 0, alpha·(e^(x/alpha) − 1) elsewhere: an ELU whose slope
// is 1 on both sides of 0.
//
//	alpha  above 0 and finite; 1 in ONNX, where it is ELU
//
// Barron, “Continuously Differentiable Exponential Linear Units”, 2017. ONNX Celu.
func CELU(x *graph.Value, alpha float64) *graph.Value {
	if x.IsValid() && !(alpha > 0 && !math.IsInf(alpha, 0)) {
		x.Graph().Errorf("CELU", "alpha is %v, want a finite number above 0", alpha)
		return x.Graph().Invalid()
	}
	return Add(ReLU(x), Scale(Expm1(Scale(Clip(x, math.Inf(-1), 0), 1/alpha)), alpha))
}

// GELUTanh returns the approximation ½x·(1 + tanh(√(2/π)·(x + 0.044715x³))) of GELU,
// which is within 5e-4 of it.
//
// It is computed as the same x·σ(2√(2/π)·x·(1 + 0.044715x²)), in which nothing cancels; NaN for −Inf. Its gradient
// is NaN where x³ is more than the type holds, |x| above 1.8e19 in float32.
// Hendrycks and Gimpel, “Gaussian Error Linear Units”, 2016. ONNX Gelu, approximate tanh.
func GELUTanh(x *graph.Value) *graph.Value {
	const c = 2 * 0.7978845608028654 // 2√(2/π)
	inner := Mul(x, AddScalar(Scale(Square(x), 0.044715*c), c))
	return Mul(x, Sigmoid(inner))
}

// SiLU returns x·σ(x), also called swish; NaN for −Inf.
//
// Ramachandran, Zoph and Le, “Searching for Activation Functions”, 2017.
func SiLU(x *graph.Value) *graph.Value { return Mul(x, Sigmoid(x)) }

// Mish returns x·tanh(log(1 + eˣ)); NaN for −Inf.
//
// Misra, “Mish: A Self Regularized Non-Monotonic Activation Function”, BMVC 2020. ONNX Mish.
func Mish(x *graph.Value) *graph.Value { return Mul(x, Tanh(Softplus(x))) }

// HardSigmoid returns alpha·x + beta kept between 0 and 1.
//
//	alpha, beta  0.2 and 0.5 in ONNX; 1/6 and 0.5 in MobileNetV3 and PyTorch
//	dx           = dy·alpha where 0 ≤ alpha·x + beta ≤ 1, else 0
//
// Courbariaux, Bengio and David, “BinaryConnect”, NIPS 2015. ONNX HardSigmoid.
func HardSigmoid(x *graph.Value, alpha, beta float64) *graph.Value {
	return Clip(AddScalar(Scale(x, alpha), beta), 0, 1)
}

// HardSwish returns x·HardSigmoid(x, 1/6, 1/2); NaN for −Inf.
//
// Howard et al., “Searching for MobileNetV3”, ICCV 2019. ONNX HardSwish.
func HardSwish(x *graph.Value) *graph.Value { return Mul(x, HardSigmoid(x, 1./6, 0.5)) }

// Softsign returns x/(1 + |x|), between −1 and 1; NaN for ±Inf.
//
// Glorot and Bengio, “Understanding the Difficulty of Training Deep Feedforward
// Neural Networks”, AISTATS 2010. ONNX Softsign.
func Softsign(x *graph.Value) *graph.Value { return Div(x, AddScalar(Abs(x), 1)) }
