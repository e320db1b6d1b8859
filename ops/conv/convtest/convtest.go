package convtest

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

const anyFloat = graph.Float64

// A Suite says what is expected of an algorithm.
type Suite struct {
	Algorithm conv.Algorithm
	// Tolerance32 and Tolerance64 bound the relative L2 error, ‖got − want‖ / ‖want‖. Where want is small by
	// chance, what its sums of n terms t are like takes its place: the norm of Σ|t|/√n. 0 stands for 1e-6
	// and 1e-14, or 2·√n·u where that is more, since rounding errors of a plain sum add up like a random walk to √(n/6)·u; and
	// for the bound of a plain sum besides (see Run): for algorithms that only add products of x, w and dy.
	Tolerance32, Tolerance64 float64
	// Transforms says that the algorithm computes with linear combinations of its operands, as FFT and
	// some of Winograd's do: integers need not come out exactly, and a NaN may spread further than it must.
	Transforms bool
	// Mixes says that images, filters or channels meet, so that a large one costs another its digits: Errors leaves that out.
	Mixes bool
	// Exact says that integers come out exactly although the algorithm transforms.
	Exact bool
	// Adapt, if not nil, changes the random problems into such as the algorithm is for: one for a single size of filter would refuse most.
	Adapt func(p conv.Problem) conv.Problem
	// Random is the number of random problems besides Cases; 0 stands for what the flag -shapes says.
	Random int
}

var shapes = flag.Int("shapes", 500, "the number of random problems for each convolution algorithm")

// Run checks a as strictly as a plain sum of products can be checked. Every element that is a sum of n
// products t must satisfy
//
//	|got − want| ≤ (n+1)·u·Σ|t|     u = 2^-24 for float32, 2^-53 for float64
//
// (Higham, Accuracy and Stability of Numerical Algorithms, §3.1: γₙ for any order of summation), the float64 oracle's
// own error being allowed for in the same way.
func Run(t *testing.T, a conv.Algorithm) {
	t.Helper()
	Suite{Algorithm: a}.Run(t)
}

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	if s.Random == 0 {
		s.Random = *shapes
	}
	accepted := 0
	for i, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			n, err := s.problem(fill(c.Problem), uint64(i))
			if err != nil {
				t.Error(err)
			}
			accepted += n
		})
	}
	t.Run("random", func(t *testing.T) {
		for i := range s.Random {
			seed := uint64(1000 + i)
			p := random(rand.New(rand.NewPCG(seed, 0)), i)
			if s.Adapt != nil {
				p = s.Adapt(p)
			}
			n, err := s.problem(p, seed)
			if err != nil {
				t.Fatal(err)
			}
			accepted += n
		}
	})
	if accepted == 0 && !t.Failed() {
		t.Errorf("%s refuses every problem", s.Algorithm.Name())
	}
}

func fill(p conv.Problem) conv.Problem {
	p.Groups = max(p.Groups, 1)
	for i := range 2 {
		p.Stride[i], p.Dilation[i] = max(p.Stride[i], 1), max(p.Dilation[i], 1)
	}
	return p
}

// problem checks p in every pass and element type and returns how many were accepted.
func (s Suite) problem(p conv.Problem, seed uint64) (accepted int, err error) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	whole, real := makeData(p, integers(rnd)), makeData(p, normals(rnd))
	var results [3][]float64 // of real, by pass
	var right *answers
	for i, p := range variants(p) {
		if i%len(dtypes) == 0 {
			right = nil // of another pass
		}
		fault := func(err error) error { return fmt.Errorf("%s, %v, seed %d: %w", s.Algorithm.Name(), p, seed, err) }
		if err := p.Check(); err != nil {
			return accepted, err
		}
		plan, err := s.Algorithm.Plan(&kernel.Env{}, p)
		var no *conv.Unsupported
		if errors.As(err, &no) {
			if no.Reason == "" || no.Problem != p {
				return accepted, fault(fmt.Errorf("the refusal %q gives no reason or another problem", err))
			}
			continue
		}
		if err != nil {
			return accepted, fault(err)
		}
		accepted++
		if right == nil {
			right = newAnswers(p, whole, real, seed)
		}
		c := check{Suite: s, p: p, plan: plan, right: right}
		for _, env := range []*kernel.Env{{Workers: 1}, {Workers: 2}, {Workers: 3}, {Workers: 8}, {Workers: 2, Kept: []bool{true, true, true}}} {
			plan, err := s.Algorithm.Plan(env, p)
			if err != nil {
				return accepted, fault(fmt.Errorf("for %d workers: %w", env.Workers, err))
			}
			c.others = append(c.others, plan)
		}
		var out []float64
		if p.DType == graph.Float32 {
			_, err = run[float32](c, whole, real)
		} else if out, err = run[float64](c, whole, real); !p.Bias {
			results[p.Pass] = out
		}
		if err != nil {
			return accepted, fault(err)
		}
	}
	if err := s.adjoint(real, results); err != nil {
		return accepted, fmt.Errorf("%s, %v, seed %d: %w", s.Algorithm.Name(), p, seed, err)
	}
	return accepted, nil
}

var dtypes = [...]graph.DType{graph.Float32, graph.Float64}

// variants returns p in every pass, the forward pass with and without bias, each in every element type.
func variants(p conv.Problem) (all []conv.Problem) {
	for _, pass := range []conv.Pass{conv.Forward, conv.InputGrad, conv.FilterGrad, conv.Forward} {
		p.Bias = len(all) == 3*len(dtypes) // the last
		for _, p.DType = range dtypes {
			p.Pass = pass
			all = append(all, p)
		}
	}
	return all
}

// check is one plan under test.
type check struct {
	Suite
	p    conv.Problem
	plan kernel.Plan
	// others are the plans for known numbers of workers, and where what is prepared of the inputs is kept.
	others []kernel.Plan
	right  *answers
}

// run returns the result for real.
func run[T kernel.Float](c check, whole, real data) ([]float64, error) {
	out, err := everyCutting[T](c, whole)
	if err != nil {
		return nil, err
	}
	if want := c.right.whole; !c.Transforms || c.Exact {
		for i := range want {
			if float64(out[i]) != want[i] {
				return nil, fmt.Errorf("small integers: element %d of %d is %v, want %v exactly", i, len(want), out[i], want[i])
			}
		}
	}
	if err := specials[T](c, whole); err != nil {
		return nil, err
	}

	if out, err = everyCutting[T](c, real); err != nil {
		return nil, err
	}
	_, err = accurate(c, out)
	return convert64(out), err
}

// accurate compares out with the oracle's result for real and returns the relative L2 error.
func accurate[T kernel.Float](c check, out []T) (relative float64, err error) {
	want, mag, terms := c.right.real, c.right.mag, c.right.terms
	u, tolerance := 0x1p-53, c.Tolerance64
	if c.p.DType == graph.Float32 {
		u, tolerance = 0x1p-24, c.Tolerance32
	}
	sum := tolerance == 0
	if sum {
		tolerance = 1e-14
		if c.p.DType == graph.Float32 {
			tolerance = 1e-6
		}
		tolerance = max(tolerance, 2*math.Sqrt(float64(terms))*u)
	}
	errNorm, norm, typical := 0.0, 0.0, 0.0
	for i, w := range want {
		e := math.Abs(float64(out[i]) - w)
		if bound := float64(terms+1) * (u + 0x1p-53) * mag[i]; sum && !(e <= bound) {
			return 0, fmt.Errorf("element %d of %d is %v, want %v ± %.3g", i, len(want), out[i], w, bound)
		}
		errNorm, norm, typical = math.Hypot(errNorm, e), math.Hypot(norm, w), math.Hypot(typical, mag[i]/math.Sqrt(float64(max(terms, 1))))
	}
	norm = max(norm, typical)
	if !(errNorm <= tolerance*norm) {
		return 0, fmt.Errorf("the relative L2 error is %.3g, want at most %.3g", errNorm/norm, tolerance)
	}
	return errNorm / max(norm, math.SmallestNonzeroFloat64), nil
}

// specials puts a NaN, then an infinity, into each input, and wants them where the definition has them; products with
// padding may be left out.
func specials[T kernel.Float](c check, d data) error {
	for _, s := range c.right.specials {
		in := d.ins(c.p)[s.input]
		old := in[s.element]
		in[s.element] = s.value
		got, err := execute(c.plan, inputs[T](c.p, d), len(s.want), cuttings[0])
		in[s.element] = old
		if err != nil {
			return err
		}
		for o, w := range s.want {
			g := float64(got[o])
			lost := g-g == 0 && s.bare[o]-s.bare[o] != 0
			// dy may count as zero outside: then w reaches pixels at the border of dx too.
			outside := c.p.Pass == conv.InputGrad && s.input == 0 && g != g
			right := g == w || g != g && w != w || g == s.bare[o] || outside
			if lost || !right && !c.Transforms {
				return fmt.Errorf("with %v as element %d of input %d: element %d is %v, want %v", s.value, s.element, s.input, o, g, w)
			}
		}
	}
	return nil
}

// everyCutting returns the result for d, which must be the same however the items are given out.
func everyCutting[T kernel.Float](c check, d data) ([]T, error) {
	x, w, y := c.p.Lens()
	n := [...]int{y, x, w}[c.p.Pass]
	var first []T
	for i, cut := range cuttings {
		out, err := execute(c.plan, inputs[T](c.p, d), n, cut)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cut.name, err)
		}
		if i == 0 {
			first = out
		} else if !sameBits(first, out) {
			return nil, fmt.Errorf("%s gives other bits than %s", cut.name, cuttings[0].name)
		}
	}
	for _, plan := range c.others {
		out, err := execute(plan, inputs[T](c.p, d), n, cuttings[0])
		if err != nil {
			return nil, err
		}
		if !sameBits(first, out) {
			return nil, errors.New("the plan for another number of workers, or for inputs that are kept, gives other bits")
		}
	}
	return first, finished(c, d, first)
}

// finished checks that a conv.Finisher hands over each output once, and when it is complete.
func finished[T kernel.Float](c check, d data, result []T) error {
	f, ok := c.Algorithm.(conv.Finisher)
	if !ok || c.p.Pass != conv.Forward {
		return nil
	}
	plan, err := f.PlanThen(&kernel.Env{}, c.p, func(c *kernel.Call, lo, hi int) {
		for i, v := range kernel.Out[T](c, 0)[lo:hi] {
			kernel.Out[T](c, 0)[lo+i] = 2*v + 1
		}
	})
	if err != nil {
		return fmt.Errorf("with something to do with the outputs: %w", err)
	}
	want := slices.Clone(result)
	for i, v := range want {
		want[i] = 2*v + 1
	}
	for _, cut := range cuttings[:2] {
		out, err := execute(plan, inputs[T](c.p, d), len(want), cut)
		if err != nil {
			return fmt.Errorf("with something to do with the outputs: %w", err)
		}
		if !sameBits(want, out) {
			return errors.New("not every output is handed over once, when it is complete")
		}
	}
	return nil
}

// adjoint checks that the passes which are there belong to one trilinear form.
func (s Suite) adjoint(d data, results [3][]float64) error {
	dots := [3]float64{}
	first := -1
	mag := 0.0 // what rounding errors are relative to
	for pass, other := range [3][]float64{conv.Forward: d.dy, conv.InputGrad: d.x, conv.FilterGrad: d.w} {
		if results[pass] == nil {
			continue
		}
		if first < 0 {
			first = pass
		}
		for i, v := range other {
			dots[pass] += v * results[pass][i]
			mag += math.Abs(v * results[pass][i])
		}
	}
	// The terms of the passes' sums are larger than the sums, by a factor which random signs keep
	// near the root of their number, below 100 here.
	tolerance := max(s.Tolerance64, 1e-14) * 100 * mag
	for pass, v := range dots {
		if results[pass] != nil && !(math.Abs(v-dots[first]) <= tolerance) {
			return fmt.Errorf("the inner product of %v is %v, but that of %v is %v", conv.Pass(first), dots[first], conv.Pass(pass), v)
		}
	}
	return nil
}

func inputs[T kernel.Float](p conv.Problem, d data) [][]T {
	var in [][]T
	for _, s := range d.ins(p) {
		in = append(in, convert[T](s))
	}
	return in
}

func convert64[T kernel.Float](s []T) []float64 {
	out := make([]float64, len(s))
	for i, v := range s {
		out[i] = float64(v)
	}
	return out
}
