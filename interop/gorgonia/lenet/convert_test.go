package lenet_test

import (
	"context"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/data"
	"neocog/graph"
	neocog "neocog/interop/gorgonia"
	"neocog/onnx"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// A network of Gorgonia's moves: it learns with Neocog's loss, gradients and optimiser, and is written as ONNX.
func TestConvertedNetworkLearns(t *testing.T) {
	const batch = 64
	rng := rand.New(rand.NewPCG(1, 2))
	weights := func(deviation float64, shape ...int) *tensor.Dense {
		v := make([]float32, tensor.Shape(shape).TotalSize())
		for i := range v {
			v[i] = float32(deviation * rng.NormFloat64())
		}
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
	}
	eg := G.NewGraph()
	images := G.NewTensor(eg, tensor.Float32, 4, G.WithShape(batch, 1, 28, 28), G.WithName("images"))
	w0 := G.NewTensor(eg, tensor.Float32, 4, G.WithShape(6, 1, 5, 5), G.WithName("w0"), G.WithValue(weights(0.2, 6, 1, 5, 5)))
	w1 := G.NewMatrix(eg, tensor.Float32, G.WithShape(6*14*14, 10), G.WithName("w1"), G.WithValue(weights(0.03, 6*14*14, 10)))
	h := G.Must(G.Rectify(G.Must(G.Conv2d(images, w0, tensor.Shape{5, 5}, []int{2, 2}, []int{1, 1}, []int{1, 1}))))
	h = G.Must(G.Reshape(G.Must(G.MaxPool2D(h, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2})), tensor.Shape{batch, 6 * 14 * 14}))
	logits := G.Must(G.Mul(h, w1))

	net, err := neocog.Convert(G.Nodes{logits}, G.Nodes{w0, w1})
	if err != nil {
		t.Fatal(err)
	}
	g, x := net.Graph, net.Values[images]
	labels := g.Input("labels", graph.Of(graph.Int32, batch))
	loss := ops.SoftmaxCrossEntropy(net.Values[logits], labels, ops.CrossEntropy{})
	train.Momentum{Mu: 0.9}.Apply(g.Scalar(graph.Float32, 0.02), g.Params(), autodiff.Gradients(loss, g.Params()...))
	program, err := vm.Compile(g, []*graph.Value{ops.Correct(net.Values[logits], labels)})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := program.NewMachine(net.State)
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()

	loader := data.Loader{Set: data.Digits(20*batch, 1), Batch: batch, Norm: data.Normalizer{Scale: []float32{1. / 255}}}
	var correct int32
	for epoch := range 6 {
		correct = 0
		for b := range loader.Epoch(epoch) {
			out, err := machine.Run(context.Background(), vm.Feeds{
				x:      tensor.New(tensor.WithShape(batch, 1, 28, 28), tensor.WithBacking(b.X)),
				labels: tensor.New(tensor.WithShape(batch), tensor.WithBacking(b.Y)),
			})
			if err != nil {
				t.Fatal(err)
			}
			correct += out[0].Int32s()[0]
		}
	}
	if correct < 20*batch*8/10 {
		t.Errorf("in its last epoch it had %d of %d digits right, want 80 %%", correct, 20*batch)
	}
	if _, err := onnx.Export(g, []*graph.Value{net.Values[logits]}, []string{"logits"}, net.State); err != nil {
		t.Error(err)
	}
}
