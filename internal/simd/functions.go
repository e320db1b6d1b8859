package simd

import "math"

// Exp computes y = eˣ: +Inf where that exceeds the largest number, 0 or a
// subnormal number where it is small, NaN for NaN.
func Exp[T Float](y, x []T) { function(expKernel, y, x, exp, math.Exp) }

// Log computes the natural logarithm: −Inf for 0 and −0, NaN for negative
// numbers, +Inf for +Inf.
func Log[T Float](y, x []T) { function(logKernel, y, x, log, math.Log) }

// Sigmoid computes y = 1/(1 + e⁻ˣ): 0 for −Inf, 1 for +Inf, NaN for NaN.
func Sigmoid[T Float](y, x []T) { function(sigmoidKernel, y, x, sigmoid, wideSigmoid) }

// Tanh computes the hyperbolic tangent: ±1 for ±Inf, −0 for −0, NaN for NaN.
func Tanh[T Float](y, x []T) { function(tanhKernel, y, x, tanh, math.Tanh) }

// GELU computes y = x·Φ(x), Φ being the distribution function of the standard
// normal distribution: −0 for −Inf, +Inf for +Inf, NaN for NaN.
//
// Hendrycks and Gimpel, “Gaussian Error Linear Units”, 2016.
func GELU[T Float](y, x []T) { function(geluKernel, y, x, gelu, wideGELU) }

// GELUGrad computes dx = dy·(Φ(x) + x·φ(x)), φ being the density: the gradient of
// GELU. Near its zero, x = −0.7518, the error is 10⁻¹⁰ of dy.
func GELUGrad[T Float](dx, x, dy []T) {
	if pair(geluGradKernel, dx, x, dy) {
		return
	}
	f := wideGELUGrad
	if single(dx) != nil {
		f = geluGrad
	}
	for i, v := range x {
		dx[i] = T(f(float64(v)) * float64(dy[i]))
	}
}

// function runs the kernel, or else narrow for float32, wide for float64.
func function[T Float](k kernel, y, x []T, narrow, wide func(float64) float64) {
	if each(k, y, x) {
		return
	}
	f := wide
	if single(y) != nil {
		f = narrow
	}
	for i, v := range x {
		y[i] = T(f(float64(v)))
	}
}

// The functions below define those of float32. Their polynomials interpolate at
// Chebyshev nodes. Products are converted, so that no processor fuses them with a
// sum. The kernels read the same constants.

type constants struct {
	zero, one, two float64
	abs            uint64 // all bits but the sign
	exp            expConstants
	log            logConstants
	gelu           geluConstants
}

// eˣ = 2ⁿ·(1 + p), n being the integer nearest to x/ln 2, r = x − n·ln 2, |r| ≤ ln 2/2,
// p = r·(c₀ + c₁r + …), whose relative error is 2.7e-10.
type expConstants struct {
	limit, less float64 // of x, 110 and −110: beyond, float32 has only Inf and 0
	log2e, ln2  float64
	shift       float64 // 1.5·2⁵²: added to a number, leaves the nearest integer in the low bits
	ten         float64 // beyond, tanh is 1
	c           [7]float64
}

// log x = k·ln 2 + log m, √½ ≤ m < √2, s = (m−1)/(m+1), z = s²,
// log m = 2s + 2s·z·(c₀ + c₁z + …), where the relative error of the sum is 1.3e-11.
type logConstants struct {
	bias     uint64 // 1024 in the exponent, less root
	root     uint64 // the bits of √½
	fraction uint64
	magic    uint64  // the bits of 2⁵²
	unbias   float64 // 2⁵² + 1024
	ln2      float64
	minusInf float64
	nan, inf float64
	c        [5]float64
}

// Φ(−v) = e^(−t²)·q/2, t = v/√2, u = (t−2)/(t+2), q = c₀ + c₁u + …, whose relative
// error for v up to 15 is 1.3e-10. Beyond, float32 has only 0.
type geluConstants struct {
	far, minusFar float64
	rootHalf      float64
	half          float64
	density       float64 // 1/√(2π)
	c             [13]float64
}

const root = 0x3fe6a09e667f3bcd

var constant = constants{
	zero: 0, one: 1, two: 2, abs: 1<<63 - 1,
	exp: expConstants{
		limit: 110, less: -110, log2e: math.Log2E, ln2: math.Ln2, shift: 3 << 51, ten: 10,
		c: [7]float64{
			1,
			0.5000000047146053,
			0.16666666719028886,
			0.04166635277111706,
			0.008333298469788763,
			0.0013941118895904252,
			0.000198992855890021,
		},
	},
	log: logConstants{
		bias: 1024<<52 - root, root: root, fraction: 1<<52 - 1, magic: 1075 << 52, unbias: 1<<52 + 1024,
		ln2: math.Ln2, minusInf: math.Inf(-1), nan: math.NaN(), inf: math.Inf(1),
		c: [5]float64{
			0.333333333336848,
			0.19999999399190344,
			0.14285877241014588,
			0.11095700375453527,
			0.09681344666306965,
		},
	},
	gelu: geluConstants{
		far: 15, minusFar: -15, rootHalf: math.Sqrt2 / 2, half: 0.5, density: 1 / (math.Sqrt2 * math.SqrtPi),
		c: [13]float64{
			0.25539567633025057,
			-0.42718584782428637,
			0.24165819218486595,
			-0.07897856258311385,
			0.0037329310726978123,
			0.006997227144866501,
			-0.0008474585179873575,
			-0.0009806920477477897,
			4.499370034598903e-05,
			0.00017093043793710164,
			2.366833074212301e-05,
			-2.332734105643107e-05,
			-8.275364119101272e-06,
		},
	},
}

// expParts returns p and, in its low 12 bits, n.
func expParts(x float64) (p float64, n uint64) {
	e := &constant.exp
	if x < e.less {
		x = e.less
	} else if x > e.limit {
		x = e.limit
	}
	t := float64(x*e.log2e) + e.shift
	r := x - float64((t-e.shift)*e.ln2)
	c := &e.c
	p = float64(c[6]*r) + c[5]
	p = float64(p*r) + c[4]
	p = float64(p*r) + c[3]
	p = float64(p*r) + c[2]
	p = float64(p*r) + c[1]
	p = float64(p*r) + c[0]
	return float64(p * r), math.Float64bits(t)
}

// exp returns eˣ. The bits of a NaN in x that are shifted into its exponent are 0.
func exp(x float64) float64 {
	p, n := expParts(x)
	return math.Float64frombits(math.Float64bits(p+1) + n<<52)
}

func sigmoid(x float64) float64 { return 1 / (exp(0-x) + 1) }

// tanh returns (e²ˣ − 1)/(e²ˣ + 1), computed from e²ˣ − 1 so that nothing cancels.
func tanh(x float64) float64 {
	v := min(math.Abs(x), constant.exp.ten)
	p, n := expParts(v + v)
	s := math.Float64frombits(math.Float64bits(1) + n<<52)
	m := float64(s*p) + (s - 1)
	return math.Copysign(m/(m+2), x)
}

func log(x float64) float64 {
	switch {
	case x == 0:
		return math.Inf(-1)
	case x < 0:
		return math.NaN()
	case !(x < math.Inf(1)):
		return x
	}
	l := &constant.log
	b := math.Float64bits(x) + l.bias
	k := math.Float64frombits(b>>52|l.magic) - l.unbias
	f := math.Float64frombits(b&l.fraction+l.root) - 1
	s := f / (f + 2)
	z := s * s
	c := &l.c
	p := float64(c[4]*z) + c[3]
	p = float64(p*z) + c[2]
	p = float64(p*z) + c[1]
	p = float64(p*z) + c[0]
	h := s + s
	return float64(k*l.ln2) + (float64(h*float64(p*z)) + h)
}

// normal returns Φ(x) and e^(−x²/2).
func normal(x float64) (phi, e float64) {
	g := &constant.gelu
	t := min(math.Abs(x), g.far) * g.rootHalf
	e = exp(0 - float64(t*t))
	u := (t - 2) / (t + 2)
	q := g.c[12]
	for i := 11; i >= 0; i-- {
		q = float64(q*u) + g.c[i]
	}
	phi = float64(q * e * g.half)
	if !(x < 0) {
		phi = 1 - phi
	}
	return phi, e
}

func gelu(x float64) float64 {
	phi, _ := normal(x)
	return max(x, constant.gelu.minusFar) * phi
}

func geluGrad(x float64) float64 {
	phi, e := normal(x)
	v := min(max(x, constant.gelu.minusFar), constant.gelu.far)
	return float64(float64(v*e)*constant.gelu.density) + phi
}

func wideSigmoid(x float64) float64 {
	e := math.Exp(-math.Abs(x)) // cannot overflow
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

func wideGELU(x float64) float64 {
	if math.IsInf(x, -1) {
		return math.Copysign(0, -1)
	}
	return x * math.Erfc(-x/math.Sqrt2) / 2
}

func wideGELUGrad(x float64) float64 {
	if math.IsInf(x, 0) {
		return wideSigmoid(x)
	}
	return math.Erfc(-x/math.Sqrt2)/2 + x*math.Exp(-x*x/2)/(math.Sqrt2*math.SqrtPi)
}
