package train

import (
	"context"
	"fmt"
	"math"
	"strings"

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
	state   *vm.State

	train, infer *graph.Graph
	steps        machine // loss, logits; feeds lr, x, y; updates
	eval         machine // loss, probabilities; feeds x, y
	predict      machine // probabilities; feeds x

	rate  []float32 // the memory of lr
	epoch int       // epochs finished
	step  int       // steps done
}

// A machine is one compiled program with memory for its feeds at each batch size.
type machine struct {
	*vm.Machine
	lr    *tensor.Dense
	in    [3]*graph.Value // lr, x, y; nil where the program has no such input
	shape graph.Shape     // of one image
	feeds map[int]*feed
}

type feed struct {
	x     []float32
	y     []int32
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
	t := &Trainer{model: m, cfg: cfg, norm: norm, state: vm.NewState(cfg.Seed), rate: []float32{0}}
	lr := tensor.New(tensor.WithShape(), tensor.WithBacking(t.rate))
	if err := t.compileTraining(lr); err != nil {
		return nil, err
	}
	return t, t.compileInference()
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
	return b, g, x, g.Input("labels", graph.Of(graph.Int32, graph.Batch)), logits, nil
}

func (t *Trainer) compileTraining(rate *tensor.Dense) error {
	b, g, x, y, logits, err := t.logits(true)
	if err != nil {
		return err
	}
	opt, err := t.cfg.optimizer()
	if err != nil {
		return err
	}
	loss := b.Loss(logits, y, ops.CrossEntropy{Smoothing: t.cfg.Smoothing})
	params := g.Params()
	grads := autodiff.Gradients(loss, params...)
	lr := g.Input("lr", graph.Of(graph.Float32))
	opt.Apply(lr, params, L2(t.cfg.WeightDecay, params, grads, b.Decay))
	t.train = g
	t.steps, err = t.compile(g, []*graph.Value{loss, logits}, [3]*graph.Value{lr, x, y})
	t.steps.lr = rate
	return err
}

func (t *Trainer) compileInference() error {
	_, g, x, y, logits, err := t.logits(false)
	if err != nil {
		return err
	}
	loss, probs := ops.SoftmaxCrossEntropy(logits, y, ops.CrossEntropy{}), ops.Softmax(logits, 1)
	t.infer = g
	if t.eval, err = t.compile(g, []*graph.Value{loss, probs}, [3]*graph.Value{nil, x, y}); err != nil {
		return err
	}
	t.predict, err = t.compile(g, []*graph.Value{probs}, [3]*graph.Value{nil, x, nil})
	return err
}

func (t *Trainer) compile(g *graph.Graph, outputs []*graph.Value, in [3]*graph.Value) (machine, error) {
	var opts []vm.Option
	if t.cfg.Threads > 0 {
		opts = append(opts, vm.Threads(t.cfg.Threads))
	}
	algs, err := t.cfg.algorithms()
	if err != nil {
		return machine{}, err
	}
	p, err := vm.Compile(g, outputs, append(opts, vm.WithConv(algs...))...)
	if err != nil {
		return machine{}, err
	}
	m, err := p.NewMachine(t.state)
	return machine{Machine: m, in: in, shape: t.model.Input, feeds: map[int]*feed{}}, err
}

// feed returns the memory for n images, made once.
func (m *machine) feed(n int) *feed {
	if f := m.feeds[n]; f != nil {
		return f
	}
	shape := append([]int{n}, m.shape...)
	f := &feed{x: make([]float32, graph.Shape(shape).Size()), y: make([]int32, n), feeds: vm.Feeds{}}
	all := [3]*tensor.Dense{m.lr,
		tensor.New(tensor.WithShape(shape...), tensor.WithBacking(f.x)),
		tensor.New(tensor.WithShape(n), tensor.WithBacking(f.y))}
	for i, v := range m.in {
		if v != nil {
			f.feeds[v] = all[i]
		}
	}
	m.feeds[n] = f
	return f
}

// run feeds the batch and returns the results.
func (m *machine) run(ctx context.Context, x []float32, y []int32, n int) ([]*tensor.Dense, error) {
	if each := m.shape.Size(); n > len(x) || len(x) != n*each || m.in[2] != nil && len(y) != n {
		return nil, errors.Errorf("a batch of %d images wants %d numbers and %d labels, got %d and %d", n, n*each, n, len(x), len(y))
	}
	f := m.feed(n)
	copy(f.x, x)
	copy(f.y, y)
	return m.Run(ctx, f.feeds)
}

// Step trains on one batch at the given learning rate. It returns the mean loss
// of the batch before the step, and how many of its images were classified right.
// After the first step at a batch size it does not allocate. An error leaves the
// parameters as they were; a loss that is not finite is no error here, and Fit's
// to judge.
func (t *Trainer) Step(ctx context.Context, lr float64, b data.Batch) (loss float64, correct int, err error) {
	if b.N < 1 {
		return 0, 0, errors.Errorf("a batch has %d images, want at least 1", b.N)
	}
	t.rate[0] = float32(lr)
	out, err := t.steps.run(ctx, b.X, b.Y, b.N)
	if err != nil {
		return 0, 0, err
	}
	t.step++
	return float64(out[0].Float32s()[0]), count(out[1].Float32s(), b.Y, t.model.Classes, nil), nil
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

// check says whether a set is what the model wants.
func (t *Trainer) check(s *data.Set) error {
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
	if got.Equal(want) && len(s.Classes) == t.model.Classes {
		return nil
	}
	var fit []string
	for _, m := range models.All() {
		if m.Input.Equal(got) && m.Classes == len(s.Classes) {
			fit = append(fit, m.Name)
		}
	}
	hint := "no model of this library fits"
	if len(fit) > 0 {
		hint = "models that fit: " + strings.Join(fit, ", ")
	}
	return errors.Errorf("model %q wants images %s of %d classes, %s has images %s of %d classes; %s",
		t.model.Name, size(want), t.model.Classes, s.Name, size(got), len(s.Classes), hint)
}

// size returns [C,H,W] as C×H×W.
func size(s graph.Shape) string { return fmt.Sprintf("%d×%d×%d", s[0], s[1], s[2]) }

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
	for _, m := range []machine{t.steps, t.eval, t.predict} {
		if m.Machine != nil {
			m.Machine.Close()
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
