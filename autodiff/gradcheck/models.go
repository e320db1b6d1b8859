package gradcheck

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// sides is how large the images are on which a model is checked, in inference and in training: small, but with more
// than one place in the last maps, which batch norm needs. Models that are not here are checked at their own size.
var sides = map[string][2]int{
	"lenet5": {28, 28}, "lenet5-32": {32, 32}, "twolayer": {8, 8}, "fullyconnected": {8, 8}, "compact": {16, 16}, "convnetjs-cifar10": {8, 8},
	"alexnet": {67, 67}, "alexnet-groups": {67, 67}, "alexnet-owt": {63, 63}, "zfnet": {63, 63}, "zfnet-fig3": {63, 63}, "nin": {8, 8},
	"vgg-a": {32, 32}, "vgg-a-lrn": {32, 32}, "vgg-b": {32, 32}, "vgg-c": {32, 32}, "vgg-d": {32, 32}, "vgg-e": {32, 32},
	"googlenet": {47, 79}, "googlenet-torchvision": {64, 96}, "inception-v3": {107, 299},
	"resnet18": {48, 48}, "resnet34": {48, 48}, "resnet50": {48, 48}, "resnet101": {48, 48}, "resnet152": {48, 48},
	"resnet20-cifar10": {16, 16}, "resnet32-cifar10": {16, 16}, "resnet44-cifar10": {16, 16}, "resnet56-cifar10": {16, 16}, "resnet110-cifar10": {16, 16},
	"squeezenet": {29, 29}, "squeezenet-1.1": {25, 25},
	"alphago-128": {5, 5}, "alphago-192": {5, 5}, "alphago-256": {5, 5}, "alphago-384": {5, 5},
}

// slack multiplies the tolerances of a model in training. Inception-v3's auxiliary classifier takes images of 299 pixels
// and no others: of so many units some are near a kink at every step that is not all rounding. ResNet-152 has more units still, and
// slopes of thousands, which make kinks of rounding errors: seen were differences of 6e-6 between a derivative and its difference quotient.
var slack = map[string]float64{"inception-v3": 10, "resnet152": 100}

// Models returns every model of the zoo, each with the graph of inference and that of training.
func Models() []Subject {
	var all []Subject
	for _, m := range models.All() {
		s := Subject{Kind: Model, Name: m.Name}
		for i, title := range []string{"inference", "training"} {
			side := m.Input[1]
			if n, ok := sides[m.Name]; ok {
				side = n[i]
			}
			k := network{model: m, side: side, train: i == 1, slack: 1}
			if s, ok := slack[m.Name]; ok && k.train {
				k.slack = s
			}
			s.Cases = append(s.Cases, Case{fmt.Sprintf("%s, %d images of %d×%d", title, batch, side, side), k.check})
		}
		all = append(all, s)
	}
	return all
}

const (
	batch = 2 // images
	// sampled is how many parameters are moved one by one, and have second derivatives compared: all where there are no more,
	// else from the first to the last at even distances.
	sampled = 8
	// all at once in so many random directions
	directions = 2
)

// A network is a model whose loss is differentiated.
type network struct {
	model models.Model
	side  int
	train bool
	slack float64 // of tolerances
}

// A trial is a network with its parameters and one batch.
type trial struct {
	ctx    context.Context
	graph  *graph.Graph
	loss   *graph.Value
	moving []*graph.Value // the images and all parameters
	size   []float64      // by which each is moved
	at     [][]float64    // what they are
	feeds  vm.Feeds
	state  *vm.State
	result Result
	config autodiff.Config
}

func (k network) check(ctx context.Context, c autodiff.Config) (Result, error) {
	c.RTol, c.ATol = k.slack*c.RTol, k.slack*c.ATol
	t, err := k.prepare(ctx, c)
	if err != nil {
		return Result{}, err
	}
	if err := t.slopes(); err != nil {
		return Result{}, err
	}
	if err := t.curvature(); err != nil {
		return Result{}, err
	}
	return t.result, nil
}

// prepare builds the loss, draws a batch and parameters, and scales the logits.
func (k network) prepare(ctx context.Context, c autodiff.Config) (*trial, error) {
	m, err := k.model.At(k.side, k.side, k.train)
	if err != nil {
		return nil, err
	}
	b := &layers.Builder{Train: k.train, DType: graph.Float64}
	g, x, logits := m.Graph(b)
	labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	// Without the statistics of the batch the logits of a deep network are as large as can be, and the loss has no second derivative
	// to speak of: in inference they are brought to the size 1.
	scale := g.Input("scale", graph.Of(graph.Float64))
	t := &trial{ctx: ctx, graph: g, state: vm.NewState(c.Seed), config: c}
	if k.train {
		t.loss = b.Loss(logits, labels, ops.CrossEntropy{})
	} else {
		t.loss = ops.SoftmaxCrossEntropy(ops.Mul(logits, scale), labels, ops.CrossEntropy{})
	}
	if err := g.Err(); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(c.Seed, 5))
	images := graph.Shape{batch, m.Input[0], m.Input[1], m.Input[2]}
	pixels, classes := normals(rng, images.Size(), 1), make([]int32, batch)
	for i := range classes {
		classes[i] = int32(rng.IntN(m.Classes))
	}
	t.feeds = vm.Feeds{
		x:      tensor.New(tensor.WithShape(images...), tensor.WithBacking(pixels)),
		labels: tensor.New(tensor.WithShape(batch), tensor.WithBacking(classes)),
		scale:  tensor.New(tensor.FromScalar(1.0)),
	}
	t.moving = append([]*graph.Value{x}, g.Params()...)
	first, err := t.program(logits, t.loss) // makes the parameters
	if err != nil {
		return nil, err
	}
	defer first.Close()
	if _, err := first.Run(ctx, t.feeds); err != nil {
		return nil, err
	}
	for i, v := range t.moving {
		w, size := pixels, 1.0
		if i > 0 {
			d, err := t.state.Get(label(v))
			if err != nil {
				return nil, err
			}
			w = d.Float64s()
			size = rootMeanSquare(w)
			if v.Shape().Rank() == 1 { // biases start at 0, where what sees nothing but zeros has its kink
				size = 0.1
				for j, d := range normals(rng, len(w), size) {
					w[j] += d
				}
			}
		}
		t.at, t.size = append(t.at, w), append(t.size, size)
	}
	if err := t.move(0, t.at); err != nil { // 0 times anything
		return nil, err
	}
	out, err := first.Run(ctx, t.feeds)
	if err != nil {
		return nil, err
	}
	if size := rootMeanSquare(out[0].Float64s()); size > 0 {
		t.feeds[scale] = tensor.New(tensor.FromScalar(1 / size))
	}
	return t, nil
}
