package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
	"neocog/weights"
)

// A Base is a trained network to start another one from.
type Base struct {
	Model   models.Model
	State   *vm.State       // holds its parameters and buffers
	Norm    data.Normalizer // what its images go through
	Classes []string        // that it knows; nil if unknown

	at    string // where a run that had a new head was cut
	input string // for what images a run asked for its model, as Config.Input
	graph string // the text of a graph that is not in the zoo, with its input and logits
	says  string // the model that a file of weights says it is of
}

// OpenBase returns the network of a run folder.
func OpenBase(dir string) (*Base, error) {
	t, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	b := &Base{Model: t.model, State: t.state, Norm: t.norm, Classes: t.classes, input: t.cfg.Input, graph: t.graph}
	if t.cfg.Classes == 0 {
		return b, nil
	}
	// Its own head is to be replaced: below it is the network that it started from.
	b.at = t.cfg.Head
	if b.graph != "" {
		b.Model, err = parseModel(t.cfg.Model, b.graph)
	} else {
		b.Model, err = models.Find(t.cfg.Model)
	}
	if err == nil {
		b.Model, err = t.cfg.reshape(b.Model)
	}
	return b, err
}

// NewBase returns an imported network: a graph up to its logits, and a State with its
// weights. See models.FromGraph.
func NewBase(name string, logits *graph.Value, state *vm.State, norm data.Normalizer) (*Base, error) {
	if !logits.IsValid() {
		return nil, errors.Errorf("%s: the graph has no logits: %v", name, logits)
	}
	g, images := logits.Graph().Rebuild([]*graph.Value{logits}, false, nil)
	m, err := models.FromGraph(name, images[logits])
	return &Base{Model: m, State: state, Norm: norm, graph: g.String()}, err
}

// OpenWeights returns the network of a safetensors or npz file: the model of the zoo of that name with the tensors of the
// file, which are called as the model calls its parameters and buffers; the empty name is for a file that was written by
// Trainer.WriteWeights, which says it. Of other programs it may hold more, and need not hold what From does not use, such as
// the last layer; what is missing, or of another shape, is an error there. Images are not normalised: set Norm.
func OpenWeights(path, model string) (*Base, error) {
	f, err := weights.Read(path)
	if err != nil {
		return nil, err
	}
	b := &Base{State: vm.NewState(0), says: f.Meta[metaModel]}
	for name, d := range f.Tensors {
		if err := b.State.Set(name, d); err != nil {
			return nil, errors.WithMessagef(err, "%s", path)
		}
	}
	if model == "" {
		model = f.Meta[metaModel]
	}
	if model == "" {
		return nil, errors.Errorf("%s does not say which model it has the weights of", path)
	}
	b.Model, err = models.Find(model)
	return b, errors.WithMessagef(err, "%s", path)
}

// parseModel reads a graph whose last node makes the logits.
func parseModel(name, text string) (models.Model, error) {
	g, err := graph.Parse(text, ops.All()...)
	if err != nil {
		return models.Model{}, err
	}
	nodes := g.Nodes()
	if len(nodes) == 0 {
		return models.Model{}, errors.New("the graph is empty")
	}
	return models.FromGraph(name, nodes[len(nodes)-1].Out(0))
}

// Model returns the model of the zoo that c names, for the input and with the head that it asks for.
func Model(c Config) (models.Model, error) {
	m, err := models.Find(c.Model)
	if err != nil {
		return m, err
	}
	return c.head(m)
}

// reshape returns m for images of c.Input.
func (c Config) reshape(m models.Model) (models.Model, error) {
	s, err := parseShape("input", c.Input)
	if err != nil || s == nil {
		return m, err
	}
	m.Input = s
	g, _, _ := m.Graph(&layers.Builder{})
	return m, errors.WithMessagef(g.Err(), "model %q for images %s", m.Name, size(s))
}

func (c Config) head(m models.Model) (models.Model, error) {
	m, err := c.reshape(m)
	if err != nil {
		return m, err
	}
	if c.Classes == 0 {
		return m, nil
	}
	return m.WithHead(c.Head, c.Classes)
}

// From returns a Trainer whose network is that of b up to the node cfg.Head, with b's
// weights, and a new linear layer for cfg.Classes classes. cfg.Groups says which
// parameters are trained: models.Head names the new ones. cfg.Model and cfg.Input become
// those of b.
func (b *Base) From(cfg Config) (*Trainer, error) {
	if cfg.Head == "" {
		cfg.Head = b.at
	}
	cfg.Model, cfg.Input = b.Model.Name, b.input
	m, err := b.Model.WithHead(cfg.Head, cfg.Classes)
	if err != nil {
		return nil, err
	}
	t, err := New(m, cfg, b.Norm)
	if err != nil {
		return nil, err
	}
	t.graph = b.graph
	if err := t.start(b); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// start takes b's weights, but for the head's.
func (t *Trainer) start(b *Base) error {
	m := &weights.Misfit{}
	names, types := t.names()
	for _, name := range names {
		if strings.HasPrefix(name, models.Head+"/") {
			continue
		}
		want := weights.Want{Name: name, Type: types[name]}
		switch have, ok := b.State.Type(name); {
		case !ok:
			m.Missing = append(m.Missing, want)
		case !have.Equal(want.Type):
			m.Other = append(m.Other, weights.Mismatch{Want: want, Have: have})
		default:
			v, err := b.State.Get(name)
			if err == nil {
				err = t.state.Set(name, v)
			}
			if err != nil {
				return err
			}
		}
	}
	if len(m.Missing)+len(m.Other) == 0 {
		return nil
	}
	from := "what it starts from"
	if b.says != "" {
		from = fmt.Sprintf("the file, which says that it has those of model %q", b.says)
	}
	return errors.WithMessagef(m, "the weights of model %q are not in %s", t.model.Name, from)
}

// Features are what a layer makes of images: the input of a linear classifier.
type Features struct {
	X      []float32 // N·Dim numbers, image after image
	Dim    int
	Labels []int32
}

// Features runs the images of a set through the network, without augmentation, up to the
// node at; see models.Features. The name "" stands for the input of the last linear layer.
func (t *Trainer) Features(ctx context.Context, set *data.Set, at string) (*Features, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	if got := (graph.Shape{set.C, set.H, set.W}); !got.Equal(t.model.Input) {
		return nil, errors.Errorf("model %q wants images %s, %s has images %s", t.model.Name, size(t.model.Input), set.Name, size(got))
	}
	if err := t.average(); err != nil {
		return nil, err
	}
	g, x, logits := t.model.Graph(&layers.Builder{})
	if err := g.Err(); err != nil {
		return nil, err
	}
	v, err := models.Features(logits, at)
	if err != nil {
		return nil, errors.WithMessagef(err, "model %q", t.model.Name)
	}
	m, err := t.compile(g, t.averaged, []*graph.Value{v}, x, nil)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	f := &Features{Dim: v.Shape()[1], Labels: set.Labels}
	f.X = make([]float32, set.Len()*f.Dim)
	loader := data.Loader{Set: set, Batch: evalBatch, Norm: t.norm, Workers: t.cfg.Workers}
	for b := range loader.Epoch(0) {
		out, err := m.run(ctx, b)
		if err != nil {
			return nil, errors.WithMessagef(err, "features of %s", set.Name)
		}
		copy(f.X[b.Index[0]*f.Dim:], out[0].Float32s())
	}
	return f, loader.Err()
}

// The classifiers of FitHead.
const (
	Logistic = "logistic" // softmax regression
	SVM      = "svm"      // one support-vector machine for each class against the others
)

// A HeadFit is what FitHead came to.
type HeadFit struct {
	Minimum
	Accuracy float64 // share of the images of the set classified right
}

// FitHead replaces the weights of the head, models.Head, by those of the linear classifier
// of the features that the head gets of the set: the minimum of its loss over all images,
// found by L-BFGS in float64.
//
//	logistic  1/N Σ −log p_label            p = softmax(W·x + b)
//	svm       1/N Σ Σ_c max(0, 1 − t_c·s_c)²  s = W·x + b, t_c = 1 for the label, else −1
//	both      + ½·λ Σ W²
//
// There each feature is brought to mean 0 and variance 1, so that λ means the same for
// all; the weights are brought back. A feature that is the same for all images gets the
// weight 0. Scores of an SVM tell classes apart, but are no
// logarithms of probabilities.
//
// The second loss is that of Fan et al., “LIBLINEAR”, JMLR 9, 2008, section 2.
func (t *Trainer) FitHead(ctx context.Context, set *data.Set, classifier string, lambda float64) (HeadFit, error) {
	if !(lambda >= 0) || math.IsInf(lambda, 0) {
		return HeadFit{}, errors.Errorf("λ is %v, want at least 0", lambda)
	}
	f, err := t.Features(ctx, set, "")
	if err != nil {
		return HeadFit{}, err
	}
	if f.Dim*t.model.Classes == 0 || len(f.Labels) == 0 {
		return HeadFit{}, errors.Errorf("%s holds no images", set.Name)
	}
	mean, scale := f.moments()
	g := graph.New("classifier")
	x, y := g.Input("x", graph.Of(graph.Float64, graph.Batch, f.Dim)), g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	b := &layers.Builder{DType: graph.Float64, Weights: layers.Constant(0)}
	scores := b.Linear(models.Head, x, t.model.Classes)
	var loss *graph.Value
	switch classifier {
	case Logistic:
		loss = ops.SoftmaxCrossEntropy(scores, y, ops.CrossEntropy{})
	case SVM:
		sign := ops.AddScalar(ops.Scale(ops.OneHot(y, t.model.Classes, graph.Float64), 2), -1)
		loss = ops.Mean(ops.Sum(ops.Square(ops.ReLU(ops.OneMinus(ops.Mul(sign, scores)))), 1))
	default:
		return HeadFit{}, errors.Errorf("classifier %q, want %s or %s", classifier, Logistic, SVM)
	}
	if lambda > 0 {
		loss = ops.Add(loss, ops.Scale(ops.Sum(ops.Square(b.Decay[0])), lambda/2))
	}
	if err := g.Err(); err != nil {
		return HeadFit{}, err
	}
	state := vm.NewState(0)
	var opts []vm.Option
	if t.cfg.Threads > 0 {
		opts = append(opts, vm.Threads(t.cfg.Threads))
	}
	parts := f.parts(x, y, mean, scale)
	min, err := LBFGS{Tolerance: 1e-5}.Minimize(ctx, loss, state, parts, opts...)
	if err != nil {
		return HeadFit{}, err
	}
	if err := t.setHead(state, mean, scale); err != nil {
		return HeadFit{}, err
	}
	right, err := f.classify(ctx, scores, state, parts, opts)
	return HeadFit{min, float64(right) / float64(len(f.Labels))}, err
}

// classify returns how many rows of scores, which the parts feed, are largest at the label.
func (f *Features) classify(ctx context.Context, scores *graph.Value, state *vm.State, parts []vm.Feeds, opts []vm.Option) (right int, err error) {
	p, err := vm.Compile(scores.Graph(), []*graph.Value{scores}, opts...)
	if err != nil {
		return 0, err
	}
	m, err := p.NewMachine(state)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	i := 0
	for _, part := range parts {
		out, err := m.Run(ctx, part)
		if err != nil {
			return 0, err
		}
		classes := out[0].Shape()[1]
		for row := out[0].Float64s(); len(row) > 0; row = row[classes:] {
			if slices.Index(row[:classes], slices.Max(row[:classes])) == int(f.Labels[i]) {
				right++
			}
			i++
		}
	}
	return right, nil
}

// constant is the standard deviation, in means, below which a feature counts as constant:
// in float32 its numbers are so few ulp apart that its weight would amplify rounding.
const constant = 0x1p-20

// moments returns the mean of each feature, and 1 over its standard deviation, 0 where it
// is constant.
func (f *Features) moments() (mean, scale []float64) {
	mean, scale = make([]float64, f.Dim), make([]float64, f.Dim)
	n := float64(len(f.Labels))
	// Sums are of differences to the first row: those of a feature that never changes are
	// exactly 0, where the rounding of its mean would pass for a deviation.
	for i, v := range f.X {
		mean[i%f.Dim] += (float64(v) - float64(f.X[i%f.Dim])) / n
	}
	for j := range mean {
		mean[j] += float64(f.X[j])
	}
	for i, v := range f.X {
		d := float64(v) - mean[i%f.Dim]
		scale[i%f.Dim] += d * d / n
	}
	for j, v := range scale {
		if scale[j] = 0; math.Sqrt(v) > constant*math.Abs(mean[j]) {
			scale[j] = 1 / math.Sqrt(v)
		}
	}
	return mean, scale
}

// parts returns the standardised features as feeds of at most 4,096 images.
func (f *Features) parts(x, y *graph.Value, mean, scale []float64) []vm.Feeds {
	const most = 4096
	var parts []vm.Feeds
	for from := 0; from < len(f.Labels); from += most {
		to := min(len(f.Labels), from+most)
		rows := make([]float64, (to-from)*f.Dim)
		for i, v := range f.X[from*f.Dim : to*f.Dim] {
			rows[i] = (float64(v) - mean[i%f.Dim]) * scale[i%f.Dim]
		}
		parts = append(parts, vm.Feeds{
			x: tensor.New(tensor.WithShape(to-from, f.Dim), tensor.WithBacking(rows)),
			y: tensor.New(tensor.WithShape(to-from), tensor.WithBacking(f.Labels[from:to])),
		})
	}
	return parts
}

// setHead makes the head that of a classifier of standardised features:
// W·(x − mean)·scale + b.
func (t *Trainer) setHead(state *vm.State, mean, scale []float64) error {
	w, err := state.Get(models.Head + "/w")
	if err != nil {
		return err
	}
	b, err := state.Get(models.Head + "/b")
	if err != nil {
		return err
	}
	dim, classes := len(mean), b.Shape()[0]
	weights, biases := make([]float32, classes*dim), make([]float32, classes)
	for k := range classes {
		bias := b.Float64s()[k]
		for j := range dim {
			v := w.Float64s()[k*dim+j] * scale[j]
			weights[k*dim+j] = float32(v)
			bias -= v * mean[j]
		}
		biases[k] = float32(bias)
	}
	if err := t.state.Set(models.Head+"/w", tensor.New(tensor.WithShape(classes, dim), tensor.WithBacking(weights))); err != nil {
		return errors.WithMessagef(err, "model %q has no head for %d features and %d classes", t.model.Name, dim, classes)
	}
	return t.state.Set(models.Head+"/b", tensor.New(tensor.WithShape(classes), tensor.WithBacking(biases)))
}

// Keep writes a Trainer that Fit did not train, such as one with a head of FitHead, into the
// run folder: its weights, and a record with its figures. classes are the names of the
// classes.
func (r *Run) Keep(t *Trainer, classes []string, rec Record) error {
	if len(classes) != t.model.Classes {
		return errors.Errorf("model %q has %d classes, got %d names", t.model.Name, t.model.Classes, len(classes))
	}
	t.classes, t.epoch = classes, rec.Epoch
	if err := r.Put(t); err != nil {
		return err
	}
	return r.Append(rec)
}
