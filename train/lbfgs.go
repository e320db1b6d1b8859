package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pkg/errors"
	"gonum.org/v1/gonum/optimize"
	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/vm"
)

// LBFGS minimises a loss over all of the data at once, where that fits: a linear
// classifier, a small network on little data. It builds a picture of the curvature from
// its last steps and looks for the best length of each, so that there is no learning
// rate. It is no Optimizer: one step takes several evaluations of the loss, which
// a graph's updates cannot.
//
// The same problem gives the same parameters to the last bit, for any number of threads.
// Losses want float64: in float32 the line search soon cannot tell two of them apart.
//
// Liu and Nocedal, “On the Limited Memory BFGS Method for Large Scale Optimization”,
// Mathematical Programming 45, 1989; line search of Moré and Thuente, 1994. Both
// are gonum's.
type LBFGS struct {
	Iterations int     // the most steps; 0 means 200
	Memory     int     // steps that are remembered; 0 means 15
	Tolerance  float64 // ends where no derivative is larger; 0 means 1e-6

	// Observe, if not nil, is told the loss after each step, from 1. An error ends the
	// search.
	Observe func(step int, loss float64) error
}

// A Minimum is where LBFGS ended.
type Minimum struct {
	Loss        float64
	Gradient    float64 // the largest derivative, without its sign
	Steps       int
	Evaluations int  // of loss and gradient
	Converged   bool // the gradient is within Tolerance
}

// Minimize changes the parameters of the loss's graph in state until the loss is
// least. Loss is a scalar; each of parts feeds the inputs of its graph once, and what
// is minimised is the mean of the losses of the parts, weighted by their batch sizes: a
// set may come in pieces that fit in memory. Updates of the graph are not performed, so
// that batch norm's running statistics stay, and dropout drops the same in every
// evaluation.
//
// It ends at Tolerance, after Iterations, or where rounding hides all progress; negative ones
// are errors. When ctx is done, a part is wrong or Observe fails, the error says so. In any case
// state holds the best parameters that were found.
func (o LBFGS) Minimize(ctx context.Context, loss *graph.Value, state *vm.State, parts []vm.Feeds, opts ...vm.Option) (Minimum, error) {
	if o.Iterations < 0 || o.Memory < 0 || !(o.Tolerance >= 0) {
		return Minimum{}, errors.Errorf("L-BFGS wants iterations, memory and tolerance of at least 0, got %d, %d and %g", o.Iterations, o.Memory, o.Tolerance)
	}
	p, err := newProblem(ctx, loss, state, parts, opts)
	if err != nil {
		return Minimum{}, err
	}
	defer p.machine.Close()
	seen := &observer{to: o.Observe}
	settings := &optimize.Settings{
		GradientThreshold: cmp.Or(o.Tolerance, 1e-6),
		MajorIterations:   cmp.Or(o.Iterations, 200),
		Converger:         optimize.NeverTerminate{},
		Recorder:          seen,
	}
	// The method ends at its own threshold, of the gradient's Euclidean norm, unless told not to.
	method := &optimize.LBFGS{Store: o.Memory, Linesearcher: &optimize.MoreThuente{}, GradStopThreshold: math.NaN()}
	first, err := p.start()
	if err != nil {
		return Minimum{}, err
	}
	if p.evaluate(first); p.err != nil {
		return Minimum{}, p.err
	}
	if !finite(p.loss) {
		return Minimum{}, errors.Errorf("the loss is %v at the start", p.loss)
	}
	res, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { p.evaluate(x); return p.loss },
		Grad: func(to, x []float64) { p.evaluate(x); copy(to, p.gradient) },
		Status: func() (optimize.Status, error) {
			if p.err != nil {
				return optimize.Failure, p.err
			}
			return optimize.NotTerminated, nil
		},
	}, first, settings, method)
	failed := p.err
	if failed == nil && err != nil && !rounding(err) {
		failed = err
	}
	best := first
	if res != nil && res.X != nil && finite(res.F) {
		best = res.X
	}
	if failed != nil { // ctx may be done; the parameters are put in place nevertheless
		return Minimum{}, errors.WithMessagef(failed, "L-BFGS%s", p.restore(best))
	}
	if p.evaluate(best); p.err != nil {
		return Minimum{}, p.err
	}
	m := Minimum{Loss: p.loss, Steps: res.Stats.MajorIterations, Evaluations: p.count}
	for _, d := range p.gradient {
		m.Gradient = max(m.Gradient, math.Abs(d))
	}
	m.Converged = m.Gradient <= settings.GradientThreshold
	return m, seen.step(m.Steps, m.Loss) // gonum does not record the last one
}

// rounding reports whether a search ended because no step makes the loss smaller.
func rounding(err error) bool {
	for _, e := range []error{optimize.ErrLinesearcherFailure, optimize.ErrNoProgress, optimize.ErrLinesearcherBound, optimize.ErrNonDescentDirection} {
		if errors.Is(err, e) {
			return true
		}
	}
	var f optimize.ErrFunc // NaN or Inf, far from the start
	return errors.As(err, &f)
}

// observer passes steps on.
type observer struct {
	to   func(int, float64) error
	last int
}

func (*observer) Init() error { return nil }

func (o *observer) Record(l *optimize.Location, op optimize.Operation, s *optimize.Stats) error {
	if op != optimize.MajorIteration {
		return nil
	}
	return o.step(s.MajorIterations, l.F)
}

// step tells of a step once; “iteration” 0 is the start.
func (o *observer) step(step int, loss float64) error {
	if o.to == nil || step <= o.last {
		return nil
	}
	o.last = step
	return o.to(step, loss)
}

// A problem is a loss and its gradient as functions of all parameters in a row.
type problem struct {
	ctx      context.Context
	machine  *vm.Machine
	state    *vm.State
	params   []*graph.Value
	parts    []vm.Feeds
	weights  []float64 // of the parts; their sum is 1
	loss     float64
	gradient []float64
	at       []float64 // where these are, nil for nowhere
	count    int
	err      error
}

func newProblem(ctx context.Context, loss *graph.Value, state *vm.State, parts []vm.Feeds, opts []vm.Option) (*problem, error) {
	if !loss.IsValid() || loss.Shape().Rank() != 0 || !loss.DType().IsFloat() {
		return nil, errors.Errorf("L-BFGS wants a loss that is a scalar of floats, got %v", loss)
	}
	if len(parts) == 0 {
		return nil, errors.New("L-BFGS wants at least one part to feed")
	}
	g := loss.Graph()
	p := &problem{ctx: ctx, state: state, params: g.Params(), parts: parts}
	if len(p.params) == 0 {
		return nil, errors.New("the loss has no parameters")
	}
	size := 0
	for _, w := range p.params {
		size += w.Shape().Size()
	}
	p.gradient = make([]float64, size)
	total := 0.0
	for _, part := range parts {
		n := 1
		for in, v := range part {
			if s := in.Shape(); s.Rank() > 0 && s[0] == graph.Batch && v != nil && v.Dims() > 0 {
				n = v.Shape()[0]
			}
		}
		p.weights, total = append(p.weights, float64(n)), total+float64(n)
	}
	for i := range p.weights {
		p.weights[i] /= total
	}
	grads := autodiff.Gradients(loss, p.params...)
	program, err := vm.Compile(g, append([]*graph.Value{loss}, grads...), append(opts, vm.NoUpdates())...)
	if err != nil {
		return nil, err
	}
	p.machine, err = program.NewMachine(state)
	return p, err
}

// start returns the parameters in the state.
func (p *problem) start() ([]float64, error) {
	var x []float64
	for _, w := range p.params {
		v, err := p.state.Get(label(w))
		if err != nil {
			return nil, err
		}
		x = appendFloats(x, v)
	}
	return x, nil
}

func appendFloats(x []float64, v *tensor.Dense) []float64 {
	if v.Dtype() == tensor.Float64 {
		return append(x, v.Float64s()...)
	}
	for _, f := range v.Float32s() {
		x = append(x, float64(f))
	}
	return x
}

// set puts parameters into the state.
func (p *problem) set(x []float64) error {
	for _, w := range p.params {
		n := w.Shape().Size()
		var backing any = slices.Clone(x[:n])
		if w.DType() == graph.Float32 {
			f := make([]float32, n)
			for i := range f {
				f[i] = float32(x[i])
			}
			backing = f
		}
		if err := p.state.Set(label(w), tensor.New(tensor.WithShape(w.Shape()...), tensor.WithBacking(backing))); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}

// restore is set for a search that has failed; it returns what to add to the error.
func (p *problem) restore(x []float64) string {
	if err := p.set(x); err != nil {
		return fmt.Sprintf(", whose parameters are lost (%v)", err)
	}
	return ""
}

// evaluate computes loss and gradient at x, or sets p.err.
func (p *problem) evaluate(x []float64) {
	if p.err != nil || p.at != nil && slices.Equal(p.at, x) {
		return
	}
	p.at = nil
	if p.err = p.set(x); p.err != nil {
		return
	}
	p.count++
	p.loss = 0
	clear(p.gradient)
	for i, part := range p.parts {
		out, err := p.machine.Run(p.ctx, part)
		if err != nil {
			p.err, p.loss = err, math.NaN()
			return
		}
		l, err := vm.Scalar(out[0])
		if err != nil {
			p.err = err
			return
		}
		p.loss += p.weights[i] * l
		to := p.gradient
		for _, d := range out[1:] {
			to = addFloats(to, d, p.weights[i])
		}
	}
	p.at = slices.Clone(x)
}

// addFloats adds weight times v to the beginning of to, and returns the rest.
func addFloats(to []float64, v *tensor.Dense, weight float64) []float64 {
	if v.Dtype() == tensor.Float64 {
		for i, d := range v.Float64s() {
			to[i] += weight * d
		}
	} else {
		for i, d := range v.Float32s() {
			to[i] += weight * float64(d)
		}
	}
	return to[v.Shape().TotalSize():]
}
