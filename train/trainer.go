package train

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/tune"
	"neocog/vm"
)

// A Trainer is a model with the two graphs that training takes, compiled, over
// one vm.State: one which computes loss, gradients and updates, and one which
// evaluates. It may be used by one goroutine at a time.
//
// It trains in float32; losses and counts are added up in float64 or exactly,
// in the order of the images.
type Trainer struct {
	model   models.Model
	cfg     Config
	norm    data.Normalizer
	classes []string // of the data trained on; nil until known
	graph   string   // the text of a network that the run folder must keep; see Base
	state   *vm.State
	// averaged is what evaluation and prediction see: state itself, or the means of
	// its parameters where cfg.Average asks for them.
	averaged *vm.State

	train, infer *graph.Graph
	steps        machine // loss, logits; feeds lr, x, y; updates
	parts        machine // loss, logits; feeds x, y; only adds gradients up; for micro-batches
	eval         machine // loss, probabilities; feeds x, y
	predict      machine // probabilities; feeds x

	rate        scalar // the input lr
	keep, share scalar // the inputs of Accumulate
	views       data.Views
	mixes       bool // images with each other, and so steps take probabilities for labels
	epoch       int  // epochs finished
	step        int  // steps done
}

// A scalar is a number that is fed to a graph.
type scalar struct {
	value []float32
	feed  *tensor.Dense
}

func newScalar() scalar {
	v := []float32{0}
	return scalar{v, tensor.New(tensor.WithShape(), tensor.WithBacking(v))}
}

// A machine is one compiled program with memory for its feeds at each batch size.
type machine struct {
	*vm.Machine
	x, y  *graph.Value // y is nil where the program has no labels
	fixed vm.Feeds     // the scalars
	shape graph.Shape  // of one image
	feeds map[int]*feed
}

type feed struct {
	x     []float32
	y     []int32   // labels
	soft  []float32 // their probabilities, where images are mixed
	feeds vm.Feeds
}

// New compiles a model for training as cfg says. norm is what images go through
// before the network; the Trainer applies it in Predict and keeps it with the
// weights. Mistakes in the model come back with the user's line.
func New(m models.Model, cfg Config, norm data.Normalizer) (*Trainer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Model != m.Name {
		return nil, errors.Errorf("the configuration is for model %q, got model %q", cfg.Model, m.Name)
	}
	if m.Build == nil || m.Classes < 1 || len(m.Input) != 3 || !m.Input.IsStatic() {
		return nil, errors.Errorf("model %q wants a function Build, at least one class and an input [C,H,W]; it has %d classes and input %v", m.Name, m.Classes, m.Input)
	}
	t := &Trainer{model: m, cfg: cfg, norm: norm, state: vm.NewState(cfg.Seed),
		rate: newScalar(), keep: newScalar(), share: newScalar()}
	t.averaged = t.state
	if cfg.Average > 0 {
		t.averaged = vm.NewState(cfg.Seed)
	}
	steps, err := data.ParseAugment(cfg.Augment)
	if err != nil {
		return nil, err
	}
	t.mixes = slices.ContainsFunc(steps, func(s data.Step) bool { _, ok := s.(data.Mixup); return ok })
	if t.views, err = data.ParseViews(cfg.Views); err != nil {
		return nil, err
	}
	t.train, t.steps, err = t.compileTraining(true)
	if err == nil && cfg.MicroBatch > 0 {
		_, t.parts, err = t.compileTraining(false)
	}
	if err == nil {
		err = t.compileInference()
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// logits builds the model and checks what it returns.
func (t *Trainer) logits(train bool) (b *layers.Builder, g *graph.Graph, x, y, logits *graph.Value, err error) {
	init, err := ParseInit(t.cfg.Init)
	if err != nil {
		return nil, nil, nil, nil, nil, err
	}
	b = &layers.Builder{Train: train, Weights: init}
	g, x, logits = t.model.Graph(b)
	if err := g.Err(); err != nil {
		return nil, nil, nil, nil, nil, err
	}
	if want := graph.Of(graph.Float32, graph.Batch, t.model.Classes); logits == nil || !logits.Type().Equal(want) {
		got := "nothing"
		if logits != nil {
			got = logits.Type().String()
		}
		return nil, nil, nil, nil, nil, errors.Errorf("model %q returns %s, want logits %v for its %d classes", t.model.Name, got, want, t.model.Classes)
	}
	labels := graph.Of(graph.Int32, graph.Batch)
	if train && t.mixes {
		labels = graph.Of(graph.Float32, graph.Batch, t.model.Classes)
	}
	return b, g, x, g.Input("labels", labels), logits, nil
}

// compileTraining compiles a step, or without update a part of one, which only adds
// its gradients to those of the parts before it.
func (t *Trainer) compileTraining(update bool) (*graph.Graph, machine, error) {
	b, g, x, y, logits, err := t.logits(true)
	if err != nil {
		return nil, machine{}, err
	}
	opt, err := t.cfg.optimizer()
	if err != nil {
		return nil, machine{}, err
	}
	groups, err := ParseGroups(t.cfg.Groups)
	if err != nil {
		return nil, machine{}, err
	}
	plan, err := newPlan(groups, g.Params(), b.Decay, t.cfg.WeightDecay)
	if err != nil {
		return nil, machine{}, err
	}
	loss := b.Loss(logits, y, ops.CrossEntropy{Smoothing: t.cfg.Smoothing})
	grads := autodiff.Gradients(loss, plan.params...)
	fixed := vm.Feeds{}
	input := func(name string, s scalar) *graph.Value {
		v := g.Input(name, graph.Of(graph.Float32))
		fixed[v] = s.feed
		return v
	}
	if t.cfg.MicroBatch > 0 {
		grads = Accumulate(input("keep", t.keep), input("share", t.share), plan.params, grads)
	}
	if update {
		if t.cfg.ClipValue > 0 {
			grads = ClipValue(t.cfg.ClipValue, grads)
		}
		if t.cfg.ClipNorm > 0 {
			grads = ClipNorm(t.cfg.ClipNorm, grads)
		}
		plan.apply(opt, input("lr", t.rate), grads)
		if t.cfg.Average > 0 {
			Average(t.cfg.Average, plan.params)
		}
	}
	m, err := t.compile(g, t.state, []*graph.Value{loss, logits}, x, y)
	m.fixed = fixed
	return g, m, err
}

func (t *Trainer) compileInference() error {
	_, g, x, y, logits, err := t.logits(false)
	if err != nil {
		return err
	}
	loss, probs := ops.SoftmaxCrossEntropy(logits, y, ops.CrossEntropy{}), ops.Softmax(logits, 1)
	t.infer = g
	if t.eval, err = t.compile(g, t.averaged, []*graph.Value{loss, probs}, x, y); err != nil {
		return err
	}
	t.predict, err = t.compile(g, t.averaged, []*graph.Value{probs}, x, nil)
	return err
}

// SetConv makes Evaluate and Predict compute convolutions otherwise than Config says: see Config.Conv, Accuracy and Tune.
func (t *Trainer) SetConv(algorithm, accuracy, times string) error {
	cfg := t.cfg
	t.cfg.Conv, t.cfg.Accuracy, t.cfg.Tune = algorithm, accuracy, times
	old := []machine{t.eval, t.predict}
	err := t.cfg.Validate()
	if err == nil {
		err = t.compileInference()
	}
	if err != nil {
		t.cfg, t.eval, t.predict = cfg, old[0], old[1]
		return err
	}
	for _, m := range old {
		m.Machine.Close()
	}
	return nil
}

func (t *Trainer) compile(g *graph.Graph, state *vm.State, outputs []*graph.Value, x, y *graph.Value) (machine, error) {
	var opts []vm.Option
	if t.cfg.Threads > 0 {
		opts = append(opts, vm.Threads(t.cfg.Threads))
	}
	algs, err := t.cfg.algorithms()
	if err != nil {
		return machine{}, err
	}
	class, err := t.cfg.accuracy()
	if err != nil {
		return machine{}, err
	}
	if t.cfg.Tune != "" {
		times, err := tune.Open(t.cfg.Tune)
		if err != nil {
			return machine{}, err
		}
		opts = append(opts, vm.WithTimes(times))
	}
	p, err := vm.Compile(g, outputs, append(opts, vm.WithConv(algs...), vm.WithAccuracy(class))...)
	if err != nil {
		return machine{}, err
	}
	m, err := p.NewMachine(state)
	return machine{Machine: m, x: x, y: y, shape: t.model.Input, feeds: map[int]*feed{}}, err
}

// feed returns the memory for n images, made once.
func (m *machine) feed(n int) *feed {
	if f := m.feeds[n]; f != nil {
		return f
	}
	shape := append([]int{n}, m.shape...)
	f := &feed{x: make([]float32, graph.Shape(shape).Size()), y: make([]int32, n), feeds: vm.Feeds{}}
	maps.Copy(f.feeds, m.fixed)
	f.feeds[m.x] = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(f.x))
	switch {
	case m.y == nil:
	case m.y.DType() == graph.Int32:
		f.feeds[m.y] = tensor.New(tensor.WithShape(n), tensor.WithBacking(f.y))
	default:
		classes := m.y.Shape()[1]
		f.soft = make([]float32, n*classes)
		f.feeds[m.y] = tensor.New(tensor.WithShape(n, classes), tensor.WithBacking(f.soft))
	}
	m.feeds[n] = f
	return f
}

// run feeds the batch and returns the results.
func (m *machine) run(ctx context.Context, b data.Batch) ([]*tensor.Dense, error) {
	n := b.N
	if each := m.shape.Size(); n > len(b.X) || len(b.X) != n*each || m.y != nil && len(b.Y) != n {
		return nil, errors.Errorf("a batch of %d images wants %d numbers and %d labels, got %d and %d", n, n*each, n, len(b.X), len(b.Y))
	}
	f := m.feed(n)
	copy(f.x, b.X)
	copy(f.y, b.Y)
	if f.soft != nil {
		clear(f.soft)
		classes := len(f.soft) / n
		for i, y := range b.Y {
			share := float32(1)
			if len(b.Share) > 0 {
				share = b.Share[i]
				if other := int(b.Other[i]); other >= 0 && other < classes {
					f.soft[i*classes+other] += 1 - share
				}
			}
			if y < 0 || int(y) >= classes {
				return nil, errors.Errorf("label of image %d is %d, want 0 to %d", i, y, classes-1)
			}
			f.soft[i*classes+int(y)] += share
		}
	}
	return m.Run(ctx, f.feeds)
}

// Step trains on one batch at the given learning rate, in parts of Config.MicroBatch
// images. It returns the mean loss of the batch before the step, and how many of its
// images were classified right. After the first step at a batch size it does not allocate. An error leaves the
// parameters as they were, and so does ctx, which ends a step before its first part or not at all; a loss that is not finite is no error here, and Fit's
// to judge.
func (t *Trainer) Step(ctx context.Context, lr float64, b data.Batch) (loss float64, correct int, err error) {
	if b.N < 1 {
		return 0, 0, errors.Errorf("a batch has %d images, want at least 1", b.N)
	}
	t.rate.value[0] = float32(lr)
	size, each, classes := t.cfg.MicroBatch, t.model.Input.Size(), t.model.Classes
	if size == 0 {
		size = b.N
	}
	if len(b.X) != b.N*each || len(b.Y) != b.N {
		return 0, 0, errors.Errorf("a batch of %d images wants %d numbers and %d labels, got %d and %d", b.N, b.N*each, b.N, len(b.X), len(b.Y))
	}
	if len(b.Share) > 0 && !t.mixes {
		return 0, 0, errors.Errorf("the batch holds mixed images, which the configuration's augment %q does not make", t.cfg.Augment)
	}
	if size < b.N {
		// A part leaves its mark in the statistics of batch normalisation: a step is made whole or not at all.
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		ctx = context.Background()
	}
	for from := 0; from < b.N; from += size {
		n := min(size, b.N-from)
		share := float64(n) / float64(b.N)
		t.keep.value[0], t.share.value[0] = float32(min(from, 1)), float32(share)
		m := &t.parts
		if from+n == b.N {
			m = &t.steps
		}
		part := data.Batch{X: b.X[from*each : (from+n)*each], Y: b.Y[from : from+n], N: n}
		if len(b.Share) > 0 {
			part.Other, part.Share = b.Other[from:from+n], b.Share[from:from+n]
		}
		out, err := m.run(ctx, part)
		if err != nil {
			return 0, 0, err
		}
		loss += share * float64(out[0].Float32s()[0])
		correct += count(out[1].Float32s(), part.Y, classes, nil)
	}
	t.step++
	return loss, correct, nil
}

// count returns how many rows of scores are largest at their label, and counts
// them in the confusion matrix if there is one.
func count(scores []float32, labels []int32, classes int, confusion [][]int) int {
	correct := 0
	for i, y := range labels {
		k := largest(scores[i*classes : (i+1)*classes])
		if k == int(y) {
			correct++
		}
		if confusion != nil && k >= 0 {
			confusion[y][k]++
		}
	}
	return correct
}

// largest returns the index of the largest score, the first of equals, -1 if
// one is NaN: such a row is classified nowhere.
func largest(scores []float32) int {
	best := 0
	for k, v := range scores {
		if v != v {
			return -1
		}
		if v > scores[best] {
			best = k
		}
	}
	return best
}

// check says whether a set is what the model wants, after each of the changes to its
// images.
func (t *Trainer) check(s *data.Set, changes ...data.Augment) error {
	if s == nil {
		return errors.New("there is no data set")
	}
	if err := s.Validate(); err != nil {
		return err
	}
	if s.Len() == 0 {
		return errors.Errorf("%s holds no images", s.Name)
	}
	got, want := graph.Shape{s.C, s.H, s.W}, t.model.Input
	for _, a := range changes {
		h, w, err := a.Size(s.C, s.H, s.W)
		if err != nil {
			return err
		}
		if got = (graph.Shape{s.C, h, w}); !got.Equal(want) {
			break
		}
	}
	if got.Equal(want) && len(s.Classes) == t.model.Classes {
		return nil
	}
	var fit []string
	for _, m := range models.All() {
		if m.Input.Equal(got) && m.Classes == len(s.Classes) {
			fit = append(fit, m.Name)
		}
	}
	// The keys of a Config, as the flags are called.
	var hints, keys []string
	if len(fit) > 0 {
		hints = append(hints, "models that fit: "+strings.Join(fit, ", "))
	}
	if !got.Equal(want) && len(fit) == 0 {
		keys = append(keys, fmt.Sprintf("--input %dx%dx%d", got[0], got[1], got[2]))
	}
	if len(s.Classes) != t.model.Classes && (len(fit) == 0 || got.Equal(want)) {
		keys = append(keys, fmt.Sprintf("--classes %d", len(s.Classes)))
	}
	if len(keys) > 0 {
		hints = append(hints, strings.Join(keys, " ")+" builds it for these")
	}
	hint := strings.Join(hints, "; ")
	after := ""
	if len(changes) > 0 && !got.Equal(graph.Shape{s.C, s.H, s.W}) {
		after = ", after augmentation"
	}
	return errors.Errorf("model %q wants images %s of %d classes, %s has images %s of %d classes%s; %s",
		t.model.Name, size(want), t.model.Classes, s.Name, size(got), len(s.Classes), after, hint)
}

// size returns [C,H,W] as C×H×W.
func size(s graph.Shape) string { return fmt.Sprintf("%d×%d×%d", s[0], s[1], s[2]) }

// average brings averaged up to date.
func (t *Trainer) average() error {
	if t.averaged == t.state {
		return nil
	}
	weight, _ := t.state.Get(averageWeight) // nil before the first step
	names, _ := t.names()
	for _, name := range names {
		v, err := t.state.Get(name)
		if err != nil {
			return err
		}
		// One that is frozen, or a running statistic, has no mean.
		if e, err := t.state.Get(averageName(name)); err == nil && weight.Float32s()[0] > 0 {
			v = e
			for i, x := range v.Float32s() {
				v.Float32s()[i] = x / weight.Float32s()[0]
			}
		}
		if err := t.averaged.Set(name, v); err != nil {
			return err
		}
	}
	return nil
}

// State returns the parameters, buffers and optimiser slots, by name.
func (t *Trainer) State() *vm.State { return t.state }

// TrainGraph returns the graph of a training step: its outputs are loss and
// logits, its inputs x, labels and lr.
func (t *Trainer) TrainGraph() *graph.Graph { return t.train }

// Graph returns the graph for inference, with inputs x and labels.
func (t *Trainer) Graph() *graph.Graph { return t.infer }

// Model returns the model.
func (t *Trainer) Model() models.Model { return t.model }

// Config returns the configuration.
func (t *Trainer) Config() Config { return t.cfg }

// Normalizer returns what images go through before the network.
func (t *Trainer) Normalizer() data.Normalizer { return t.norm }

// Classes returns the names of the classes, nil before a data set is known.
func (t *Trainer) Classes() []string { return t.classes }

// Epoch and Steps return how far training has come.
func (t *Trainer) Epoch() int { return t.epoch }

// Steps returns the number of training steps done.
func (t *Trainer) Steps() int { return t.step }

// Close ends the workers of the machines. A Trainer that is no longer reachable
// is closed by itself.
func (t *Trainer) Close() {
	for _, m := range []machine{t.steps, t.parts, t.eval, t.predict} {
		if m.Machine != nil {
			m.Machine.Close()
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
