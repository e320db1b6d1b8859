package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// A Status is the outcome of a Check.
type Status string

// The outcomes. A warning is a figure that is unusual, but not wrong in itself.
const (
	OK   Status = "ok"
	Warn Status = "warning"
	Fail Status = "FAILED"
)

// A Check is one of the checks of Sanity.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Got    string `json:"got"`
	Want   string `json:"want"`
	Advice string `json:"advice,omitempty"` // what to do, unless all is well
}

// Activations says how the outputs of one layer are spread, before training.
type Activations struct {
	Node  string  `json:"node"` // scope and op
	Mean  float64 `json:"mean"`
	Std   float64 `json:"std"`
	Zeros float64 `json:"zeros"` // the part that is exactly 0
	Dead  float64 `json:"dead"`  // the part of a ReLU's units, or channels, that are 0 for every image; 0 of other ops
}

// A SanityReport is what Sanity found.
type SanityReport struct {
	Checks []Check       `json:"checks"`
	Layers []Activations `json:"layers"`
}

// OK reports whether no check failed.
func (r *SanityReport) OK() bool {
	return !slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Status == Fail })
}

func (r *SanityReport) add(name string, s Status, got, want, advice string) {
	if s == OK {
		advice = ""
	}
	r.Checks = append(r.Checks, Check{name, s, got, want, advice})
}

// The sizes of the checks.
const (
	sanityImages = 100 // of the initial loss and the activations
	fewImages    = 20  // that are over-fitted
	fewEpochs    = 200
	shortRun     = 100 // steps by which the learning rate is judged
	shortParts   = 5   // means over so many stretches of them
	gradImages   = 2
	gradParams   = 16   // parameters, drawn by the seed, whose gradients are checked
	strongL2     = 1000 // the lecture's
)

// Sanity makes the lecture's checks of a model before it is trained as cfg says on set
// (S1–S7; Karpathy, CS231n, “Babysitting the learning process”):
//
//	initial loss        ln C, as if each class were as likely, without regularisation
//	regularisation      the loss rises with L2 of strength 10³ on the weights that decay
//	activations         no layer collapses, explodes or is mostly dead ReLUs
//	gradient            central differences, float64, a random direction in each parameter
//	few images          20 of them are learnt by heart, within 200 epochs
//	learning rate       too low, too high, exploding: see Diagnose; 100 steps
//	update ratio        ‖Δw‖/‖w‖ of the last of these, about 10⁻³
//
// Augmentation, smoothing and schedules are left aside, and each check begins with
// fresh weights. set holds at least 20 images. Same seed, same report. The error is about
// what prevented the checks; a failed one is in the report.
func Sanity(ctx context.Context, m models.Model, cfg Config, set *data.Set) (*SanityReport, error) {
	cfg.Augment, cfg.Views, cfg.Smoothing, cfg.Schedule = "", "", 0, "constant"
	if cfg.Model != m.Name {
		return nil, errors.Errorf("the configuration is for model %q, got model %q", cfg.Model, m.Name)
	}
	norm, err := Normalize(cfg, set)
	if err != nil {
		return nil, err
	}
	t, err := New(m, cfg, norm)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if err := t.check(set); err != nil {
		return nil, err
	}
	if set.Len() < fewImages {
		return nil, errors.Errorf("the checks want %d images, %s has %d", fewImages, set.Name, set.Len())
	}
	s := &sanity{model: m, cfg: cfg, norm: norm, set: set.Shuffled(cfg.Seed)}
	for _, check := range []func(context.Context) error{s.start, s.gradient, s.few, s.rate} {
		if err := check(ctx); err != nil {
			return nil, err
		}
	}
	return &s.SanityReport, nil
}

type sanity struct {
	SanityReport
	model models.Model
	cfg   Config
	norm  data.Normalizer
	set   *data.Set // shuffled
}

// start looks at the untrained network: losses and activations.
func (s *sanity) start(ctx context.Context) error {
	p, err := s.probe(graph.Float32)
	if err != nil {
		return err
	}
	defer p.close()
	outputs := []*graph.Value{p.loss}
	if len(p.decay) > 0 {
		outputs = append(outputs, ops.L2(strongL2, p.decay...))
	}
	var nodes []*graph.Node
	for _, n := range p.g.Nodes() {
		if looksAt(n) {
			nodes, outputs = append(nodes, n), append(outputs, n.Out(0))
		}
	}
	out, err := p.run(ctx, outputs, min(sanityImages, s.set.Len()), s)
	if err != nil {
		return err
	}
	loss, want := float64(out[0].Float32s()[0]), math.Log(float64(s.model.Classes))
	status := OK
	switch {
	case !finite(loss) || loss > Explosion*want:
		status = Fail
	case math.Abs(loss-want) > 0.5*want:
		status = Warn
	}
	s.add("initial loss", status, fmt.Sprintf("%.6f", loss), fmt.Sprintf("ln %d = %.6f", s.model.Classes, want),
		"the first weights prefer some classes: make those of the last layer smaller, and look at the scale of the images")
	out = out[1:]
	if len(p.decay) == 0 {
		s.add("regularisation", Warn, "no weights that decay", "the loss rises", "make layers with layers.Builder, which knows the weights")
	} else {
		penalty := float64(out[0].Float32s()[0])
		out = out[1:]
		status = OK
		if !(penalty > 0) || !finite(penalty) {
			status = Fail
		}
		s.add("regularisation", status, fmt.Sprintf("%.6g with L2 of %d", loss+penalty, strongL2), fmt.Sprintf("above %.6g", loss), "the weights that decay are all zero, or not finite")
	}
	for i, n := range nodes {
		s.Layers = append(s.Layers, activations(n, out[i]))
	}
	s.spread()
	return nil
}

// spread judges the activations.
func (s *sanity) spread() {
	worst, dead := "", Activations{}
	low, high := math.Inf(1), 0.0
	for _, l := range s.Layers {
		low, high = min(low, l.Std), max(high, l.Std)
		if !finite(l.Std) || l.Std == 0 {
			worst = l.Node
		}
		if l.Dead > dead.Dead {
			dead = l
		}
	}
	status, got := OK, fmt.Sprintf("standard deviations %.2g to %.2g", low, high)
	advice := "weights of He (--init he) and batch norm keep them alike"
	switch {
	case worst != "":
		status, got = Fail, worst+" is the same for all images, or not finite"
	case high > 1e6*low:
		status = Warn
	}
	s.add("activations", status, got, "neither 0 nor infinite in any layer", advice)
	status, got = OK, percentOf(dead.Dead)
	switch {
	case dead.Dead >= 0.95:
		status = Fail
	case dead.Dead > 0.4:
		status = Warn
	}
	if dead.Node != "" {
		got += " in " + dead.Node
	}
	s.add("dead ReLUs", status, got, "few", "biases a little above 0, smaller weights, or a leaky ReLU")
}

func percentOf(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }

// looksAt reports whether n is a layer's output for each image.
func looksAt(n *graph.Node) bool {
	if n.IsSource() || n.Scope == "" && n.Op.Name() != "ReLU" {
		return false
	}
	t := n.Out(0).Type()
	if t.DType != graph.Float32 || len(n.Out(0).Shape()) < 2 || n.Out(0).Shape()[0] != graph.Batch {
		return false
	}
	switch n.Op.Name() {
	case "Conv2D", "MatMul", "BatchNorm", "ReLU", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Linear":
		return true
	}
	return false
}

// activations measures an output [N, units, ...].
func activations(n *graph.Node, t *tensor.Dense) Activations {
	x, shape := t.Float32s(), t.Shape()
	name := n.Op.Name()
	if n.Scope != "" {
		name = n.Scope + " " + name
	}
	a := Activations{Node: name}
	if len(x) == 0 {
		return a
	}
	units := shape[1]
	each := len(x) / shape[0] / units
	alive := make([]bool, units)
	sum, zeros := 0.0, 0
	for i, v := range x {
		sum += float64(v)
		if v == 0 {
			zeros++
		} else {
			alive[i/each%units] = true
		}
	}
	a.Mean, a.Zeros = sum/float64(len(x)), float64(zeros)/float64(len(x))
	square := 0.0
	for _, v := range x {
		square += (float64(v) - a.Mean) * (float64(v) - a.Mean)
	}
	a.Std = math.Sqrt(square / float64(len(x)))
	if n.Op.Name() == "ReLU" {
		for _, ok := range alive {
			if !ok {
				a.Dead += 1 / float64(units)
			}
		}
	}
	return a
}

// A probe is the network as it trains, without a step.
type probe struct {
	g       *graph.Graph
	x, y    *graph.Value
	loss    *graph.Value
	decay   []*graph.Value
	state   *vm.State
	machine *vm.Machine
	feeds   vm.Feeds
}

func (s *sanity) probe(d graph.DType) (*probe, error) {
	init, err := ParseInit(s.cfg.Init)
	if err != nil {
		return nil, err
	}
	b := &layers.Builder{Train: true, Weights: init, DType: d}
	p := &probe{state: vm.NewState(s.cfg.Seed)}
	var logits *graph.Value
	p.g, p.x, logits = s.model.Graph(b)
	if err := p.g.Err(); err != nil {
		return nil, err
	}
	p.decay = b.Decay
	p.y = p.g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	p.loss = ops.SoftmaxCrossEntropy(logits, p.y, ops.CrossEntropy{})
	return p, nil
}

// run returns outputs for the first n images. Nothing is updated, so that running
// statistics and the masks of dropout stay as they are from one run to the next.
func (p *probe) run(ctx context.Context, outputs []*graph.Value, n int, s *sanity) ([]*tensor.Dense, error) {
	if p.machine == nil {
		if err := p.g.Err(); err != nil {
			return nil, err
		}
		opts := []vm.Option{vm.NoUpdates()}
		if s.cfg.Threads > 0 {
			opts = append(opts, vm.Threads(s.cfg.Threads))
		}
		program, err := vm.Compile(p.g, outputs, opts...)
		if err != nil {
			return nil, err
		}
		if p.machine, err = program.NewMachine(p.state); err != nil {
			return nil, err
		}
		x, err := s.images(n)
		if err != nil {
			return nil, err
		}
		shape := append([]int{n}, s.model.Input...)
		feed := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(x))
		if p.x.DType() == graph.Float64 {
			wide := make([]float64, len(x))
			for i, v := range x {
				wide[i] = float64(v)
			}
			feed = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(wide))
		}
		p.feeds = vm.Feeds{p.x: feed, p.y: tensor.New(tensor.WithShape(n), tensor.WithBacking(slices.Clone(s.set.Labels[:n])))}
	}
	return p.machine.Run(ctx, p.feeds)
}

func (p *probe) close() {
	if p.machine != nil {
		p.machine.Close()
	}
}

// images returns the first n images as the network sees them.
func (s *sanity) images(n int) ([]float32, error) {
	dim := s.set.Dim()
	x := make([]float32, n*dim)
	for i := range n {
		if err := s.norm.Apply(x[i*dim:(i+1)*dim], s.set.Image(i)); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// gradient compares the derivative of the loss along a random direction in each of a few
// parameters with a central difference, in float64. Where a kink, of a ReLU or of max
// pooling, lies between the two sides, the difference is no derivative, and smaller steps are tried: one
// must agree, to 10⁻⁴ of the larger, or 10⁻⁹ for those that are next to nothing.
func (s *sanity) gradient(ctx context.Context) error {
	p, err := s.probe(graph.Float64)
	if err != nil {
		return err
	}
	defer p.close()
	params := p.g.Params()
	rng := rand.New(rand.NewPCG(s.cfg.Seed, 0x5a17))
	rng.Shuffle(len(params), func(i, j int) { params[i], params[j] = params[j], params[i] })
	params = params[:min(gradParams, len(params))]
	if len(params) == 0 {
		s.add("gradient", Fail, "no parameters", "parameters", "a network without parameters learns nothing")
		return nil
	}
	outputs := append([]*graph.Value{p.loss}, autodiff.Gradients(p.loss, params...)...)
	loss := func() (float64, []*tensor.Dense, error) {
		out, err := p.run(ctx, outputs, gradImages, s)
		if err != nil {
			return 0, nil, err
		}
		return out[0].Float64s()[0], out[1:], nil
	}
	_, grads, err := loss()
	if err != nil {
		return err
	}
	g := make([][]float64, len(grads))
	for i, d := range grads {
		g[i] = slices.Clone(d.Float64s()) // a view into the machine's memory
	}
	worst, where := 0.0, ""
	for i, w := range params {
		name := w.Node().Op.(graph.ParamOp).Label
		value, err := p.state.Get(name)
		if err != nil {
			return err
		}
		old := slices.Clone(value.Float64s())
		u, got, norm := make([]float64, len(old)), 0.0, 0.0
		for k := range u {
			u[k] = rng.NormFloat64()
			norm += u[k] * u[k]
		}
		for k := range u {
			u[k] /= math.Sqrt(norm)
			got += u[k] * g[i][k]
		}
		least := math.Inf(1)
		for _, h := range []float64{1e-4, 1e-5, 1e-6, 1e-7, 1e-8} {
			if least <= 0.1 {
				break
			}
			var side [2]float64
			for j, sign := range []float64{h, -h} {
				moved := make([]float64, len(old))
				for k := range old {
					moved[k] = old[k] + sign*u[k]
				}
				if err := p.set(name, value.Shape(), moved); err != nil {
					return err
				}
				if side[j], _, err = loss(); err != nil {
					return err
				}
			}
			want := (side[0] - side[1]) / (2 * h)
			least = min(least, math.Abs(got-want)/(1e-9+1e-4*max(math.Abs(got), math.Abs(want))))
		}
		if err := p.set(name, value.Shape(), old); err != nil {
			return err
		}
		if !(least <= worst) {
			worst, where = least, name
		}
	}
	status := OK
	if !(worst <= 1) {
		status = Fail
	}
	s.add("gradient", status, fmt.Sprintf("%d parameters; %s off by %.2g of the tolerance", len(params), where, worst), "at most 1",
		"an op's gradient is wrong: neocog gradcheck looks at each")
	return nil
}

func (p *probe) set(name string, shape tensor.Shape, v []float64) error {
	return p.state.Set(name, tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(v)))
}

// few learns 20 images by heart. Regularisation is off but for dropout, which hides units from
// the steps: where they do not get all images right, an evaluation may.
func (s *sanity) few(ctx context.Context) error {
	cfg := s.cfg
	cfg.WeightDecay, cfg.Batch, cfg.MicroBatch, cfg.Average, cfg.Groups = 0, fewImages, 0, 0, ""
	t, err := New(s.model, cfg, s.norm)
	if err != nil {
		return err
	}
	defer t.Close()
	loss, correct, epochs := 0.0, 0, 0
	few := s.set.Take(fewImages)
	loader := data.Loader{Set: few, Batch: fewImages, Norm: s.norm}
	for epochs = range fewEpochs {
		for b := range loader.Epoch(epochs) {
			if loss, correct, err = t.Step(ctx, cfg.LR, b); err != nil {
				return err
			}
		}
		if err := loader.Err(); err != nil {
			return err
		}
		if !finite(loss) || correct == fewImages && loss < 0.01 {
			break
		}
	}
	if finite(loss) && correct < fewImages {
		m, err := t.Evaluate(ctx, few)
		if err != nil {
			return err
		}
		if right := int(math.Round(m.Accuracy * fewImages)); right > correct {
			loss, correct = m.Loss, right
		}
	}
	status := OK
	switch {
	case !finite(loss) || correct < fewImages*9/10:
		status = Fail
	case correct < fewImages:
		status = Warn
	}
	s.add("few images", status, fmt.Sprintf("loss %.6f, accuracy %.2f after %d epochs", loss, float64(correct)/fewImages, epochs+1),
		fmt.Sprintf("accuracy 1.00 of %d images", fewImages),
		"what cannot learn 20 images by heart cannot learn more: look at learning rate, labels and gradient")
	return nil
}

// rate trains for a few steps and judges losses and the size of the last step.
func (s *sanity) rate(ctx context.Context) error {
	t, err := New(s.model, s.cfg, s.norm)
	if err != nil {
		return err
	}
	defer t.Close()
	f := &fit{Trainer: t}
	var losses []float64
	sum, n, step := 0.0, 0, 0
	loader := data.Loader{Set: s.set, Batch: min(s.cfg.Batch, s.set.Len()), Norm: s.norm, Seed: s.cfg.Seed, Shuffle: true, DropLast: true}
	if err := loader.Validate(); err != nil {
		return err
	}
	// The same images before and after, at a rate of 0: batches differ by more than a low rate moves.
	same := data.Loader{Set: s.set.Take(sanityImages), Batch: sanityImages, Norm: s.norm}
	still := func() error {
		for b := range same.Epoch(0) {
			l, _, err := t.Step(ctx, 0, b)
			if err != nil {
				return err
			}
			losses = append(losses, l)
		}
		return same.Err()
	}
	if err := still(); err != nil {
		return err
	}
	ratio := math.NaN()
	for epoch := 0; step < shortRun; epoch++ {
		for b := range loader.Epoch(epoch) {
			if step == shortRun {
				break
			}
			last := step == shortRun-1
			if last {
				f.before = f.weights(nil)
			}
			l, _, err := t.Step(ctx, s.cfg.LR, b)
			if err != nil {
				return err
			}
			if last {
				ratio = f.ratio()
			}
			step, sum, n = step+1, sum+l, n+1
			if n == shortRun/shortParts || !finite(l) {
				losses, sum, n = append(losses, sum/float64(n)), 0, 0
			}
			if !finite(l) {
				step = shortRun
				break
			}
		}
		if err := loader.Err(); err != nil {
			return err
		}
	}
	if err := still(); err != nil {
		return err
	}
	verdict, advice := Diagnose(losses, s.cfg.LR)
	status := Fail
	if verdict == Falling {
		status = OK
	}
	s.add("learning rate", status, fmt.Sprintf("%g: %s, loss %.4g → %.4g", s.cfg.LR, verdict, losses[0], losses[len(losses)-1]), "learning", advice)
	status = OK
	if !(ratio >= 1e-4 && ratio <= 1e-2) {
		status = Warn
	}
	advice = "a step is small beside the weights: a higher learning rate may be faster"
	if !(ratio < 1e-3) {
		advice = "a step is large beside the weights: a lower learning rate, or larger first weights, may be safer"
	}
	s.add("update ratio", status, fmt.Sprintf("%.2g", ratio), "about 1e-3", advice)
	return nil
}
