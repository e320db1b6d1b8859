package train_test

import (
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
)

// small is a model with everything that keeps state: convolution, batch norm,
// dropout.
var small = models.Model{
	Name: "small", Input: graph.Shape{1, 28, 28}, Classes: 10,
	Build: func(b *layers.Builder, x *graph.Value) *graph.Value {
		x = ops.ReLU(b.BatchNorm("norm", b.ConvNoBias("conv", x, 4, [2]int{5, 5}, ops.Conv{Stride: [2]int{1, 1}})))
		x = ops.MaxPool2D(x, ops.Pool{Size: [2]int{4, 4}})
		return b.Linear("fc", b.Dropout("drop", ops.Flatten(x), 0.2), 10)
	},
}

// smallTrainer returns a Trainer of small, with what change makes of its default
// configuration.
func smallTrainer(t testing.TB, change func(c *train.Config)) *train.Trainer {
	t.Helper()
	c := train.DefaultConfig(small.Name)
	c.Epochs, c.Batch = 2, 32
	if change != nil {
		change(&c)
	}
	norm, err := train.Normalize(c, data.Digits(100, 1))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := train.New(small, c, norm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}
