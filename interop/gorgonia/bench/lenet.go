package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// convolution is the type of gorgonia.Conv2d, and of ours.
type convolution func(im, filter *G.Node, kernelShape tensor.Shape, pad, stride, dilation []int) (*G.Node, error)

// lenet is LeNet-5 for Gorgonia, with images and labels of chance.
type lenet struct {
	g          *G.ExprGraph
	learnables G.Nodes
	cost       *G.Node
	costVal    G.Value
	rng        *rand.Rand
}

func newLeNet(batch int, convolve convolution) (n *lenet, err error) {
	defer func() { // of Must
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	n = &lenet{g: G.NewGraph(), rng: rand.New(rand.NewPCG(1, 2))}
	h := n.variable("x", 1, batch, 1, 28, 28)
	for i, c := range []struct{ filters, pad int }{{6, 2}, {16, 0}} {
		w := n.weights(fmt.Sprintf("conv%d", i+1), c.filters, h.Shape()[1], 5, 5)
		h = G.Must(convolve(h, w, tensor.Shape{5, 5}, []int{c.pad, c.pad}, []int{1, 1}, []int{1, 1}))
		h = G.Must(G.MaxPool2D(G.Must(G.Rectify(h)), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	}
	h = G.Must(G.Reshape(h, tensor.Shape{batch, 16 * 5 * 5}))
	for i, units := range []int{120, 84, 10} {
		if i > 0 {
			h = G.Must(G.Rectify(h))
		}
		h = G.Must(G.Mul(h, n.weights(fmt.Sprintf("fc%d", i+1), h.Shape()[1], units)))
	}
	y := n.variable("y", 0, batch, 10)
	for i := range batch {
		y.Value().Data().([]float32)[10*i+n.rng.IntN(10)] = 1
	}
	losses := G.Must(G.HadamardProd(G.Must(G.Log(G.Must(G.SoftMax(h)))), y))
	n.cost = G.Must(G.Neg(G.Must(G.Mean(losses))))
	G.Read(n.cost, &n.costVal)
	_, err = G.Grad(n.cost, n.learnables...)
	return n, err
}

// variable has normally distributed values of this standard deviation.
func (n *lenet) variable(name string, deviation float64, shape ...int) *G.Node {
	v := make([]float32, tensor.Shape(shape).TotalSize())
	for i := range v {
		v[i] = float32(deviation * n.rng.NormFloat64())
	}
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
	return G.NewTensor(n.g, tensor.Float32, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(value))
}

// weights begin as Glorot and Bengio proposed.
func (n *lenet) weights(name string, shape ...int) *G.Node {
	taps := tensor.Shape(shape[2:]).TotalSize()
	w := n.variable(name, math.Sqrt(2/float64(taps*(shape[0]+shape[1]))), shape...)
	n.learnables = append(n.learnables, w)
	return w
}

// stepper returns a function that takes a step of momentum.
func (n *lenet) stepper(vm G.VM) func() error {
	// So small a rate that labels of chance never make the weights grow without bounds.
	solver := G.NewMomentum(G.WithLearnRate(1e-6), G.WithMomentum(0.9))
	return func() error {
		defer vm.Reset()
		if err := vm.RunAll(); err != nil {
			return err
		}
		return solver.Step(G.NodesToValueGrads(n.learnables))
	}
}
