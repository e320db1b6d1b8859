package convtest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// Errors checks what Run checks of errors, in float32 and one cutting alone, and so of ten thousand random problems in a minute; and what
// becomes of numbers that are far from 1:
//
//   - small integers come out exactly, normal numbers within the tolerance;
//   - images, filters and channels do not meet, unless the algorithm Mixes: where the operands of one are 2^40 times those of the other, each
//     result has the digits that it has alone, and a NaN in one leaves the others as they are;
//   - where magnitudes of all elements differ by up to 2^40, sums are as exact as ever, element by element, and transforms
//     relative to the largest product;
//   - operands near the largest float32 give the same digits, or an infinity or a NaN: never another number;
//   - operands so small that products are subnormal lose digits, gradually.
//
// It goes on until the algorithm has accepted so many problems in one of the passes, or has been asked five times as many. Of each pass the largest relative L2 error on
// normal numbers is logged.
func (s Suite) Errors(t *testing.T, problems int) {
	t.Helper()
	var worst [3]float64
	var accepted [3]int
	asked := 0
	for ; asked < 5*problems && slices.Max(accepted[:]) < problems; asked++ {
		i := asked
		seed := uint64(1_000_000 + i)
		p := random(rand.New(rand.NewPCG(seed, 0)), i)
		if s.Adapt != nil {
			p = s.Adapt(p)
		}
		p.DType = graph.Float32
		for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
			e, err := s.errors(p, seed)
			var no *conv.Unsupported
			if errors.As(err, &no) {
				continue
			}
			if err != nil {
				t.Fatalf("%s, %v, seed %d: %v", s.Algorithm.Name(), p, seed, err)
			}
			accepted[p.Pass]++
			worst[p.Pass] = max(worst[p.Pass], e)
		}
	}
	if accepted == [3]int{} {
		t.Errorf("%s refuses all of %d problems", s.Algorithm.Name(), asked)
	}
	t.Logf("%s: %d problems, of which it accepts, by pass, %v; the largest relative L2 error is %.2g", s.Algorithm.Name(), asked, accepted, worst)
}

// errors checks one problem and returns its error on normal numbers.
func (s Suite) errors(p conv.Problem, seed uint64) (relative float64, err error) {
	if err := p.Check(); err != nil {
		return 0, err
	}
	plan, err := s.Algorithm.Plan(&kernel.Env{}, p)
	if err != nil {
		return 0, err
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	whole, real := makeData(p, integers(rnd)), makeData(p, normals(rnd))
	c := check{Suite: s, p: p, plan: plan, right: &answers{real: oracle(p, real, true), mag: oracle(p, real.each(math.Abs), true)}}
	for _, n := range oracle(p, real.each(func(float64) float64 { return 1 }), true) {
		c.right.terms = max(c.right.terms, int(n))
	}
	outs := len(c.right.real)
	compute := func(d data) ([]float32, error) { return execute(plan, inputs[float32](p, d), outs, cuttings[0]) }

	if !s.Transforms || s.Exact {
		got, err := compute(whole)
		if err != nil {
			return 0, err
		}
		for i, want := range oracle(p, whole, true) {
			if float64(got[i]) != want {
				return 0, fmt.Errorf("small integers: element %d of %d is %v, want %v exactly", i, outs, got[i], want)
			}
		}
	}
	plain, err := compute(real)
	if err != nil {
		return 0, err
	}
	if relative, err = accurate(c, plain); err != nil {
		return 0, err
	}
	checks := []func(data, *rand.Rand, []float32, func(data) ([]float32, error)) error{c.wide, c.huge, c.tiny, c.apart}
	if s.Mixes {
		checks = checks[:3]
	}
	for _, f := range checks {
		if err := f(real, rnd, plain, compute); err != nil {
			return 0, err
		}
	}
	return relative, nil
}

// A place says to which image, filter and channel an element belongs; −1 where its tensor has none.
type place struct{ n, k, c int }

func placeX(p conv.Problem, i int) place { i /= p.H * p.W; return place{i / p.C, -1, i % p.C} }

func placeY(p conv.Problem, i int) place {
	P, Q := p.Out()
	i /= P * Q
	return place{i / p.K, i % p.K, -1}
}

func placeW(p conv.Problem, i int) place {
	cg, kg := p.C/p.Groups, p.K/p.Groups
	i /= p.R * p.S
	k := i / cg
	return place{-1, k, k/kg*cg + i%cg}
}

// places are those of the inputs of a pass, and of the output.
func places(p conv.Problem) (ins [2]func(conv.Problem, int) place, out func(conv.Problem, int) place) {
	switch p.Pass {
	case conv.InputGrad:
		return [2]func(conv.Problem, int) place{placeW, placeY}, placeX
	case conv.FilterGrad:
		return [2]func(conv.Problem, int) place{placeX, placeY}, placeW
	}
	return [2]func(conv.Problem, int) place{placeX, placeW}, placeY
}

// meets reports whether elements of an input and of the output may have to do with each other: the pass is linear in images, or filters,
// or channels, which are whatever both have.
func (a place) meets(b place) bool {
	either := func(i, j int) bool { return i < 0 || j < 0 || i == j }
	return either(a.n, b.n) && either(a.k, b.k) && either(a.c, b.c)
}

// shared returns the exponent that an input's elements of that place get: by what the input shares with the output.
func (a place) shared(pass conv.Pass, input int) int {
	of := [...][2]int{conv.Forward: {a.n, a.k}, conv.InputGrad: {a.c, a.n}, conv.FilterGrad: {a.c, a.k}}[pass][input]
	return of * 7 % 41 // 2^0 … 2^40
}

// scaled returns the operands of c's pass with a power of two at each element.
func (c check) scaled(d data, exponent func(input, i int) int) data {
	d = d.each(func(v float64) float64 { return v })
	for input, in := range d.ins(c.p)[:2] {
		for i, v := range in {
			in[i] = math.Ldexp(v, exponent(input, i))
		}
	}
	return d
}

// apart scales images, filters and channels by powers of two, and puts a NaN into one.
func (c check) apart(d data, rnd *rand.Rand, plain []float32, compute func(data) ([]float32, error)) error {
	ins, out := places(c.p)
	got, err := compute(c.scaled(d, func(input, i int) int { return ins[input](c.p, i).shared(c.p.Pass, input) }))
	if err != nil {
		return err
	}
	for i, v := range plain {
		at := out(c.p, i)
		// An output has both coordinates.
		want := math.Ldexp(float64(v), at.shared(c.p.Pass, 0)+at.shared(c.p.Pass, 1))
		if float64(got[i]) != want {
			return fmt.Errorf("images, filters and channels scaled by powers of two: element %d of %d is %v, want %v exactly", i, len(plain), got[i], want)
		}
	}
	for input, in := range d.ins(c.p)[:2] {
		if len(in) == 0 {
			continue
		}
		j := rnd.IntN(len(in))
		old := in[j]
		in[j] = math.NaN()
		got, err := compute(d)
		in[j] = old
		if err != nil {
			return err
		}
		at := ins[input](c.p, j)
		for i, v := range plain {
			if !at.meets(out(c.p, i)) && math.Float32bits(got[i]) != math.Float32bits(v) {
				return fmt.Errorf("NaN as element %d of input %d: element %d, of another image, filter or channel, becomes %v, was %v", j, input, i, got[i], v)
			}
		}
	}
	return nil
}

// wide scales each element by a power of two of its own.
func (c check) wide(d data, rnd *rand.Rand, _ []float32, compute func(data) ([]float32, error)) error {
	const spread = 41 // exponents
	d = c.scaled(d, func(int, int) int { return rnd.IntN(spread) - spread/2 })
	got, err := compute(d)
	if err != nil {
		return err
	}
	mag := oracle(c.p, d.each(math.Abs), true)
	largest := [2]float64{}
	for input, in := range d.ins(c.p)[:2] {
		for _, v := range in {
			largest[input] = max(largest[input], math.Abs(v))
		}
	}
	for i, want := range oracle(c.p, d, true) {
		bound := float64(c.right.terms+1) * (0x1p-24 + 0x1p-53) * mag[i]
		if c.Transforms {
			bound = c.Tolerance32 * math.Sqrt(float64(c.right.terms+1)) * largest[0] * largest[1]
		}
		if !(math.Abs(float64(got[i])-want) <= bound) {
			return fmt.Errorf("magnitudes from 2^-20 to 2^20: element %d of %d is %v, want %v ± %.3g", i, len(got), got[i], want, bound)
		}
	}
	return nil
}

// huge scales the first input to the end of float32's range.
func (c check) huge(d data, _ *rand.Rand, plain []float32, compute func(data) ([]float32, error)) error {
	for _, exponent := range []int{100, 120, 125} {
		got, err := compute(c.scaled(d, func(input, _ int) int { return exponent * (1 - input) }))
		if err != nil {
			return err
		}
		for i, v := range plain {
			want := float32(math.Ldexp(float64(v), exponent))
			bound := 0.0
			if !c.Transforms { // an algorithm may compute again, in another order, what overflowed
				bound = math.Ldexp(float64(c.right.terms+1)*0x1p-23*c.right.mag[i], exponent)
			}
			if g := got[i]; g-g == 0 && !(math.Abs(float64(g)-float64(want)) <= bound) {
				return fmt.Errorf("the first input times 2^%d: element %d of %d is %v, want %v, or infinite", exponent, i, len(plain), g, want)
			} else if g-g != 0 && exponent <= 100 {
				return fmt.Errorf("the first input times 2^%d: element %d of %d is %v, want %v", exponent, i, len(plain), g, want)
			}
		}
	}
	return nil
}

// tiny scales the first input to where products are subnormal. Each operation then rounds to a multiple of 2^-149, and what comes after makes
// that larger by the second input, and by what transforms multiply with.
func (c check) tiny(d data, _ *rand.Rand, plain []float32, compute func(data) ([]float32, error)) error {
	const exponent = -125
	got, err := compute(c.scaled(d, func(input, _ int) int { return exponent * (1 - input) }))
	if err != nil {
		return err
	}
	bound := 0x1p-149 * 64 * float64(c.right.terms+1)
	if c.Transforms {
		bound *= 256 // they multiply by fractions first, and by large numbers at the end
	}
	for i, v := range plain {
		if want := math.Ldexp(float64(v), exponent); !(math.Abs(float64(got[i])-want) <= bound) {
			return fmt.Errorf("the first input times 2^%d: element %d of %d is %v, want %v ± %.3g", exponent, i, len(plain), got[i], want, bound)
		}
	}
	return nil
}
