package autodiff_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

var (
	long = flag.Bool("long", false, "check the gradients of 1,000 random compositions of ops: half a minute")
	seed = flag.Uint64("seed", 0, "check the gradient of the one composition of this seed alone")
)

// A term is a value of a composition, whose elements are at most size from 0.
type term struct {
	v    *graph.Value
	size float64
}

// A composer makes a random function of 5 to 40 steps. It draws the same one from the same seed, whichever graph it
// builds in.
type composer struct {
	rng   *rand.Rand
	input func(shape graph.Shape) *graph.Value
	table []compositionStep
	terms []term
	steps map[string]int // by name
}

const (
	mostElements = 64 // of a value
	mostSize     = 8  // of an element: what may be more is brought to 1 by tanh
)

// compose returns the sum of what nothing reads, each element with a weight.
func (c *composer) compose() *graph.Value {
	for range 1 + c.rng.IntN(2) {
		c.source(inputShapes[c.rng.IntN(len(inputShapes))])
	}
	for n := 5 + c.rng.IntN(36); n > 0; {
		s := c.table[c.rng.IntN(len(c.table))]
		x := c.terms[len(c.terms)-1-min(c.rng.IntN(len(c.terms)), c.rng.IntN(len(c.terms)))] // rather a late one
		y, ok := s.apply(c, x)
		if !ok || y.v.IsValid() && y.v.Shape().Size() > mostElements {
			continue
		}
		if y.size > mostSize {
			y = term{ops.Tanh(y.v), 1}
		}
		c.terms = append(c.terms, y)
		c.steps[s.name]++
		n--
	}
	var sum *graph.Value
	for _, x := range c.terms {
		if slices.ContainsFunc(c.terms, func(y term) bool { return slices.Contains(y.v.Node().Ins(), x.v) }) {
			continue
		}
		w := make([]float64, x.v.Shape().Size())
		for i := range w {
			w[i] = c.rng.NormFloat64()
		}
		part := ops.Sum(ops.Mul(x.v, graph.Const(x.v.Graph(), x.v.Shape(), w...)))
		if sum == nil {
			sum = part
		} else {
			sum = ops.Add(sum, part)
		}
	}
	return sum
}

// source adds an input.
func (c *composer) source(shape graph.Shape) term {
	t := term{c.input(shape), 1}
	c.terms = append(c.terms, t)
	return t
}

var inputShapes = []graph.Shape{{3, 4}, {2, 3, 4}, {2, 2, 4, 4}, {1, 4, 3, 3}, {5}, {4, 4}, {2, 4, 3}}

// like returns another term of x's shape, or x's mean along an axis, which broadcasts.
func (c *composer) like(x term) term {
	for range 4 {
		if y := c.terms[c.rng.IntN(len(c.terms))]; y.v.Shape().Equal(x.v.Shape()) && y.v != x.v {
			return y
		}
	}
	if isRank(x, 0) {
		return term{ops.Sigmoid(x.v), 1}
	}
	return term{ops.MeanKeep(x.v, c.axis(x)), x.size}
}

func (c *composer) axis(x term) int     { return c.rng.IntN(x.v.Shape().Rank()) }
func (c *composer) one(n ...int) int    { return n[c.rng.IntN(len(n))] }
func extent(x term, axis int) int       { return x.v.Shape()[axis] }
func isRank(x term, n int) bool         { return x.v.Shape().Rank() == n }
func above(x *graph.Value) *graph.Value { return ops.AddScalar(ops.Square(x), 0.5) } // at least 0.5

// indices draws so many numbers below n, as a constant.
func (c *composer) indices(x term, n int, shape ...int) *graph.Value {
	v := make([]int64, graph.Shape(shape).Size())
	for i := range v {
		v[i] = c.rng.Int64N(int64(n))
	}
	return graph.Const(x.v.Graph(), shape, v...)
}

// composition checks the gradient of the function of a seed; order 2 that of the gradient too. It returns the largest step at which all
// derivatives agree. With a step of h a kink is crossed by about that part of the elements, and a derivative which is right agrees at a
// smaller one, while one that is wrong agrees at none.
func composition(seed uint64, order int, table []compositionStep, used map[string]int) (step float64, rep *autodiff.Report, err error) {
	compose := func(input func(graph.Shape) *graph.Value, used map[string]int) *graph.Value {
		c := &composer{rng: rand.New(rand.NewPCG(seed, 11)), input: input, table: table, steps: used}
		return c.compose()
	}
	g := graph.New("composition")
	var shapes [][]int
	compose(func(s graph.Shape) *graph.Value {
		shapes = append(shapes, s)
		return g.Input(fmt.Sprintf("in%d", len(shapes)), graph.Of(graph.Float64, s...))
	}, used)
	if err := g.Err(); err != nil {
		return 0, nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 12))
	var at []*tensor.Dense
	for _, s := range shapes {
		v := make([]float64, graph.Shape(s).Size())
		for i := range v {
			v[i] = 2*rng.Float64() - 1
		}
		at = append(at, tensor.New(tensor.WithShape(s...), tensor.WithBacking(v)))
	}
	f := func(in []*graph.Value) *graph.Value {
		next := 0
		return compose(func(graph.Shape) *graph.Value { next++; return in[next-1] }, map[string]int{})
	}
	for _, step := range []float64{1e-3, 1e-4, 1e-5, 1e-6} {
		rep, err = autodiff.Check(f, at, autodiff.Config{Order: order, Step: step, MaxElements: 16, Directions: 3, Seed: seed, Options: []vm.Option{vm.Threads(1)}})
		if err != nil || rep.Err() == nil {
			return step, rep, err
		}
	}
	return 0, rep, nil
}

// Of each fourth composition the second order is checked as well.
func TestGradientsOfRandomCompositions(t *testing.T) {
	first, n := uint64(1), uint64(60)
	if *long {
		n = 1000
	}
	if *seed > 0 {
		first, n = *seed, 1
	}
	used, steps := map[string]int{}, map[float64]int{}
	checked, second := 0, 0
	for s := first; s < first+n; s++ {
		order := 1
		if s%4 == 0 {
			order = 2
			second++
		}
		step, rep, err := composition(s, order, compositionSteps, used)
		if err != nil {
			t.Errorf("-seed %d: %v", s, err)
			continue
		}
		checked += rep.Checked
		steps[step]++
		if err := rep.Err(); err != nil {
			t.Errorf("-seed %d: %v", s, err)
		}
	}
	t.Logf("%d derivatives of %d compositions, of %d of them second ones too; by the step that sufficed: %v", checked, n, second, steps)
	for _, s := range compositionSteps {
		if used[s.name] == 0 && n >= 1000 {
			t.Errorf("%s occurs in no composition", s.name)
		}
	}
}

// An op whose gradient is a thousandth off is found in nearly every composition that has it, and no other is blamed.
func TestCompositionsFindAWrongOp(t *testing.T) {
	wrong := each("wrong", func(x *graph.Value) *graph.Value {
		return ops.WithGradient("wrong", values{x}, values{ops.Tanh(x)}, func(y, dy values) values {
			return values{ops.Scale(ops.Mul(dy[0], ops.OneMinus(ops.Square(y[0]))), 1.001)}
		})[0]
	}, upTo(1))
	table := append(slices.Repeat([]compositionStep{wrong}, 8), compositionSteps...)
	with, found := 0, 0
	for s := uint64(2001); s < 2021; s++ {
		used := map[string]int{}
		_, rep, err := composition(s, 1, table, used)
		if err != nil {
			t.Fatal(err)
		}
		missed := rep.Err() != nil
		if used["wrong"] > 0 {
			with++
			if missed {
				found++
			}
		} else if missed {
			t.Errorf("seed %d is blamed without the wrong op: %v", s, rep.Err())
		}
	}
	if with < 10 || found*10 < with*9 {
		t.Errorf("of %d compositions with the wrong op %d are found, want nine of ten", with, found)
	}
}
