// Package lenet is LeNet-5 as programs for Gorgonia have it, after Gorgonia's example convnet.
package lenet

import (
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

type convnet struct {
	g                  *G.ExprGraph
	w0, w1, w2, w3, w4 *G.Node // weights; the number says of which layer
	out                *G.Node
}

func newConvNet(g *G.ExprGraph, dt tensor.Dtype) *convnet {
	init := G.WithInit(glorot(rand.New(rand.NewPCG(1, 2))))
	return &convnet{
		g:  g,
		w0: G.NewTensor(g, dt, 4, G.WithShape(6, 1, 5, 5), G.WithName("w0"), init),
		w1: G.NewTensor(g, dt, 4, G.WithShape(16, 6, 5, 5), G.WithName("w1"), init),
		w2: G.NewMatrix(g, dt, G.WithShape(16*5*5, 120), G.WithName("w2"), init),
		w3: G.NewMatrix(g, dt, G.WithShape(120, 84), G.WithName("w3"), init),
		w4: G.NewMatrix(g, dt, G.WithShape(84, 10), G.WithName("w4"), init),
	}
}

func (m *convnet) learnables() G.Nodes { return G.Nodes{m.w0, m.w1, m.w2, m.w3, m.w4} }

func (m *convnet) fwd(x *G.Node) {
	c0 := G.Must(G.Conv2d(x, m.w0, tensor.Shape{5, 5}, []int{2, 2}, []int{1, 1}, []int{1, 1}))
	p0 := G.Must(G.MaxPool2D(G.Must(G.Rectify(c0)), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	c1 := G.Must(G.Conv2d(p0, m.w1, tensor.Shape{5, 5}, []int{0, 0}, []int{1, 1}, []int{1, 1}))
	p1 := G.Must(G.MaxPool2D(G.Must(G.Rectify(c1)), tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
	r := G.Must(G.Reshape(p1, tensor.Shape{x.Shape()[0], 16 * 5 * 5}))
	a2 := G.Must(G.Rectify(G.Must(G.Mul(r, m.w2))))
	a3 := G.Must(G.Rectify(G.Must(G.Mul(a2, m.w3))))
	m.out = G.Must(G.SoftMax(G.Must(G.Mul(a3, m.w4))))
}

// Train takes steps with momentum through batches of images, [n,1,28,28], and one-hot labels, [n,10], and returns the costs.
func Train(images, labels *tensor.Dense, batch, steps int) (costs []float64, err error) {
	dt := images.Dtype()
	g := G.NewGraph()
	x := G.NewTensor(g, dt, 4, G.WithShape(batch, 1, 28, 28), G.WithName("x"))
	y := G.NewMatrix(g, dt, G.WithShape(batch, 10), G.WithName("y"))
	m := newConvNet(g, dt)
	m.fwd(x)

	losses := G.Must(G.HadamardProd(G.Must(G.Log(m.out)), y))
	cost := G.Must(G.Neg(G.Must(G.Mean(losses))))
	var costVal G.Value
	G.Read(cost, &costVal)
	if _, err := G.Grad(cost, m.learnables()...); err != nil {
		return nil, err
	}

	vm := G.NewTapeMachine(g, G.BindDualValues(m.learnables()...))
	defer vm.Close()
	solver := G.NewMomentum(G.WithLearnRate(0.5), G.WithMomentum(0.9))
	for i := range steps {
		lo := i * batch % (images.Shape()[0] - batch + 1)
		xVal, err := images.Slice(G.S(lo, lo+batch))
		if err != nil {
			return nil, err
		}
		yVal, err := labels.Slice(G.S(lo, lo+batch))
		if err != nil {
			return nil, err
		}
		G.Let(x, xVal)
		G.Let(y, yVal)
		if err := vm.RunAll(); err != nil {
			return nil, err
		}
		if err := solver.Step(G.NodesToValueGrads(m.learnables())); err != nil {
			return nil, err
		}
		vm.Reset()
		costs = append(costs, number(costVal))
	}
	return costs, nil
}

// glorot is gorgonia.GlorotU, but with the same numbers in every run.
func glorot(rng *rand.Rand) G.InitWFn {
	return func(dt tensor.Dtype, shape ...int) any {
		taps := tensor.Shape(shape[2:]).TotalSize() // 1 for matrices
		bound := math.Sqrt(6 / float64(taps*(shape[0]+shape[1])))
		wide := make([]float64, tensor.Shape(shape).TotalSize())
		narrow := make([]float32, len(wide))
		for i := range wide {
			wide[i] = bound * (2*rng.Float64() - 1)
			narrow[i] = float32(wide[i])
		}
		if dt == tensor.Float64 {
			return wide
		}
		return narrow
	}
}

func number(v G.Value) float64 {
	if f, ok := v.Data().(float32); ok {
		return float64(f)
	}
	return v.Data().(float64)
}
