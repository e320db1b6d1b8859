package autodiff

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// Config says how Check checks. The zero Config is the strict default for
// smooth functions.
type Config struct {
	// Order 2 also checks the gradient of the gradient. 0 means 1.
	Order int
	// A derivative passes if |got − want| ≤ ATol + RTol·|want|. 0 means 1e-6 and
	// 1e-8 for first derivatives; second ones always have ten times as much.
	RTol, ATol float64
	// Step is the distance of the finite differences, relative to max(1,|x|). 0
	// means 1e-3, which suits smooth functions, see below; functions with kinks
	// that are not kept away from need less, such as 1e-6, and an RTol to match.
	Step float64
	// MaxElements is the largest input of which every element is varied; larger
	// ones are varied in Directions random directions. 0 means 512 and 8.
	MaxElements, Directions int
	// Seed draws the directions and, for second derivatives, the weights.
	Seed uint64
	// Options are given to vm.Compile.
	Options []vm.Option
}

// A Mismatch is a derivative which is wrong.
type Mismatch struct {
	Order     int     // 1 or 2
	Input     int     // which input was varied
	Index     []int   // which element, nil for a random direction
	Direction int     // which random direction, where Index is nil
	Got       float64 // by automatic differentiation
	Want      float64 // by finite differences
	Step      float64
}

// String returns one line on the mismatch.
func (m Mismatch) String() string {
	where := fmt.Sprintf("element %v", m.Index)
	if m.Index == nil {
		where = fmt.Sprintf("random direction %d", m.Direction)
	}
	return fmt.Sprintf("derivative of order %d by input %d, %s: got %.12g, finite difference %.12g (step %g)", m.Order, m.Input, where, m.Got, m.Want, m.Step)
}

// A Report is the result of Check.
type Report struct {
	Checked    int        // derivatives compared
	Mismatches []Mismatch // those which are wrong
	// Worst is the largest |got − want| / (ATol + RTol·|want|) seen; above 1 is wrong. Error and Tolerance are the two
	// parts of it.
	Worst, Error, Tolerance float64
}

// Err returns nil if all derivatives are right, else an error which shows the
// first few that are wrong.
func (r *Report) Err() error {
	if len(r.Mismatches) == 0 {
		return nil
	}
	s := fmt.Sprintf("%d of %d derivatives are wrong", len(r.Mismatches), r.Checked)
	for _, m := range r.Mismatches[:min(5, len(r.Mismatches))] {
		s += "\n\t" + m.String()
	}
	return errors.New(s)
}

// Check compares the gradient of a scalar function with finite differences.
//
// f is called once or twice, with graph inputs which stand for the tensors in
// at, and returns a scalar. The gradient with respect to every float64 input is
// checked; tensors of integers or bools are passed on as they are. float32 is
// refused: its rounding would hide mistakes. So is a call without any float64
// input, which would check nothing.
//
// Differences are central, with one step of Richardson extrapolation: the error
// is about h⁴·f⁽⁵⁾/480 + 10⁻¹⁶·|f|/h, so that at h = 10⁻³ derivatives of well-scaled
// functions are known to about 10⁻¹². For the second order the function
// Σ u·∂f/∂x with random weights u is checked in the same way.
//
// The error is about what prevented the check; Report.Err says whether the
// gradient is right.
func Check(f func(in []*graph.Value) *graph.Value, at []*tensor.Dense, c Config) (*Report, error) {
	c = c.withDefaults()
	rep := &Report{}
	if err := check(f, at, c, 1, rep); err != nil {
		return nil, err
	}
	if c.Order < 2 {
		return rep, nil
	}
	rng := rand.New(rand.NewPCG(c.Seed, 2))
	weights := make([][]float64, len(at))
	for i, t := range at {
		weights[i] = normal(rng, graph.Shape(t.Shape()).Size())
	}
	second := func(in []*graph.Value) *graph.Value {
		var float []*graph.Value
		var u [][]float64
		for i, v := range in {
			if v.DType().IsFloat() {
				float, u = append(float, v), append(u, weights[i])
			}
		}
		loss := f(in)
		var sum *graph.Value
		for i, d := range Gradients(loss, float...) {
			w := graph.Const(loss.Graph(), float[i].Shape(), u[i]...)
			term := ops.Sum(ops.Mul(w, d))
			if sum == nil {
				sum = term
			} else {
				sum = ops.Add(sum, term)
			}
		}
		return sum
	}
	c.RTol, c.ATol = 10*c.RTol, 10*c.ATol
	if err := check(second, at, c, 2, rep); err != nil {
		return nil, errors.WithMessage(err, "second order")
	}
	return rep, nil
}

func (c Config) withDefaults() Config {
	set := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	set(&c.RTol, 1e-6)
	set(&c.ATol, 1e-8)
	set(&c.Step, 1e-3)
	if c.MaxElements == 0 {
		c.MaxElements = 512
	}
	if c.Directions == 0 {
		c.Directions = 8
	}
	return c
}

// checker evaluates a function and its gradient at varying points.
type checker struct {
	c      Config
	order  int
	in     []*graph.Value
	x      [][]float64 // contents of the feeds, nil for inputs that do not vary
	feeds  vm.Feeds
	value  *vm.Machine
	report *Report
}

func check(f func([]*graph.Value) *graph.Value, at []*tensor.Dense, c Config, order int, rep *Report) error {
	g := graph.New("gradient check")
	k := &checker{c: c, order: order, feeds: vm.Feeds{}, report: rep}
	var float []*graph.Value
	for i, t := range at {
		if t == nil {
			return errors.Errorf("input %d is nil", i)
		}
		typ, err := vm.TypeOf(t)
		if err != nil {
			return errors.WithMessagef(err, "input %d", i)
		}
		if typ.DType == graph.Float32 {
			return errors.Errorf("input %d is float32, want float64: rounding would hide mistakes", i)
		}
		v := g.Input(fmt.Sprintf("in%d", i), typ)
		own, err := rowMajor(v, t)
		if err != nil {
			return errors.WithMessagef(err, "input %d", i)
		}
		k.in, k.feeds[v] = append(k.in, v), own
		var x []float64
		if typ.DType == graph.Float64 {
			float, x = append(float, v), own.Float64s()
		}
		k.x = append(k.x, x)
	}
	if len(float) == 0 {
		return errors.New("no input is float64, so that there is nothing to check")
	}
	loss := f(k.in)
	if err := g.Err(); err != nil {
		return err
	}
	if !loss.IsValid() || loss.Graph() != g || loss.DType() != graph.Float64 || loss.Shape().Rank() != 0 {
		return errors.Errorf("the function gives %v, want a scalar f64 of its inputs' graph", loss)
	}
	gradients, err := k.run(g, append([]*graph.Value{loss}, Gradients(loss, float...)...))
	if err != nil {
		return err
	}
	p, err := vm.Compile(g, []*graph.Value{loss}, slices.Concat(k.c.Options, []vm.Option{vm.NoUpdates()})...)
	if err != nil {
		return err
	}
	if k.value, err = p.NewMachine(vm.NewState(k.c.Seed)); err != nil {
		return err
	}
	defer k.value.Close()
	next := 1
	for i := range k.x {
		if k.x[i] == nil {
			continue
		}
		if err := k.input(i, gradients[next]); err != nil {
			return err
		}
		next++
	}
	return nil
}

// rowMajor returns a copy of t, a feed of v, whose elements lie in row-major
// order, as those of its gradient do, whatever their order in t.
func rowMajor(v *graph.Value, t *tensor.Dense) (*tensor.Dense, error) {
	out, err := vm.Interpret(v.Graph(), []*graph.Value{v}, vm.NewState(0), vm.Feeds{v: t})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// run computes outputs once and returns their elements.
func (k *checker) run(g *graph.Graph, outputs []*graph.Value) ([][]float64, error) {
	p, err := vm.Compile(g, outputs, slices.Concat(k.c.Options, []vm.Option{vm.NoUpdates()})...)
	if err != nil {
		return nil, err
	}
	m, err := p.NewMachine(vm.NewState(k.c.Seed))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	out, err := m.Run(context.Background(), k.feeds)
	if err != nil {
		return nil, err
	}
	x := make([][]float64, len(out))
	for i, t := range out {
		x[i] = append(x[i], t.Float64s()...)
	}
	return x, nil
}

// input checks the gradient by input i.
func (k *checker) input(i int, gradient []float64) error {
	x := k.x[i]
	if len(x) <= k.c.MaxElements {
		shape := k.in[i].Shape()
		for j := range x {
			h := k.c.Step * max(1, math.Abs(x[j]))
			old := x[j]
			want, err := k.derivative(h, func(d float64) { x[j] = old + d })
			if err != nil {
				return err
			}
			k.compare(Mismatch{Input: i, Index: unravel(j, shape), Got: gradient[j], Want: want, Step: h})
		}
		return nil
	}
	rng := rand.New(rand.NewPCG(k.c.Seed, uint64(i)))
	old := append([]float64(nil), x...)
	for n := range k.c.Directions {
		dir := normal(rng, len(x))
		got := 0.0
		for j, d := range dir {
			got += d * gradient[j]
		}
		want, err := k.derivative(k.c.Step, func(d float64) {
			for j := range x {
				x[j] = old[j] + d*dir[j]
			}
		})
		if err != nil {
			return err
		}
		k.compare(Mismatch{Input: i, Direction: n, Got: got, Want: want, Step: k.c.Step})
	}
	return nil
}

// derivative is the derivative at 0 of the function which move shifts by d; it
// leaves the function at 0.
func (k *checker) derivative(h float64, move func(d float64)) (float64, error) {
	var f [4]float64
	for i, d := range [...]float64{h, -h, h / 2, -h / 2} {
		move(d)
		out, err := k.value.Run(context.Background(), k.feeds)
		if err != nil {
			return 0, err
		}
		f[i] = out[0].Float64s()[0]
	}
	move(0)
	wide, narrow := (f[0]-f[1])/(2*h), (f[2]-f[3])/h
	return (4*narrow - wide) / 3, nil
}

func (k *checker) compare(m Mismatch) {
	m.Order = k.order
	k.report.Checked++
	off, allowed := math.Abs(m.Got-m.Want), k.c.ATol+k.c.RTol*math.Abs(m.Want)
	ratio := off / allowed
	if !(ratio <= 1) { // NaN is wrong
		k.report.Mismatches = append(k.report.Mismatches, m)
	}
	if r := k.report; r.Tolerance == 0 || r.Worst == r.Worst && !(ratio <= r.Worst) { // NaN is the worst
		r.Worst, r.Error, r.Tolerance = ratio, off, allowed
	}
}

func normal(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// unravel returns the index of element i, row-major.
func unravel(i int, shape graph.Shape) []int {
	at := make([]int, len(shape))
	for d := len(at) - 1; d >= 0; d-- {
		at[d], i = i%shape[d], i/shape[d]
	}
	return at
}
