package models_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm"
)

var update = flag.Bool("update", false, "write the golden files")

// training returns the graph to train a model with: loss and the gradients of
// all parameters.
func training(m models.Model, d graph.DType) (g *graph.Graph, x, labels, loss *graph.Value, gradients []*graph.Value) {
	g, x, logits := m.Graph(&layers.Builder{Train: true, DType: d})
	labels = g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	loss = ops.SoftmaxCrossEntropy(logits, labels, ops.CrossEntropy{})
	return g, x, labels, loss, autodiff.Gradients(loss, g.Params()...)
}

// The published sizes, and what follows from the layers' shapes: see the
// documentation of each model.
func TestSizes(t *testing.T) {
	for name, want := range map[string]struct{ params, macs int64 }{
		// (25·1+1)·6 + (25·6+1)·16 + (25·16+1)·120 + 121·84 + 85·10; 784·6·25 + 100·16·150 + 400·120 + 120·84 + 840
		"lenet5":    {156 + 2416 + 48120 + 10164 + 850, 117600 + 240000 + 48000 + 10080 + 840},
		"lenet5-32": {61706, 117600 + 240000 + 48000 + 10080 + 840},
		"twolayer":  {3073*50 + 51*10, 3072*50 + 500},
		// (75+1)·16 + (400+1)·20 + (500+1)·20 + 321·10; 1024·16·75 + 256·20·400 + 64·20·500 + 3200
		"convnetjs-cifar10": {1216 + 8020 + 10020 + 3210, 1228800 + 2048000 + 640000 + 3200},
		"fullyconnected":    {318810, 318200},
	} {
		m, err := models.Find(name)
		if err != nil {
			t.Error(err)
			continue
		}
		g, _, _ := m.Graph(&layers.Builder{})
		s, err := inspect.Summarise(g, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s.Total.Params != want.params || s.Total.MACs != want.macs {
			t.Errorf("%s: %d parameters, %d multiply-adds; want %d, %d", name, s.Total.Params, s.Total.MACs, want.params, want.macs)
		}
	}
}

func TestEveryModelDifferentiatesAndParses(t *testing.T) {
	for _, m := range models.All() {
		t.Run(m.Name, func(t *testing.T) {
			g, _, _, _, gradients := training(m, graph.Float32)
			if err := g.Err(); err != nil {
				t.Fatal(err)
			}
			if err := g.Check(); err != nil {
				t.Fatal(err)
			}
			for i, p := range g.Params() {
				if !gradients[i].Type().Equal(p.Type()) {
					t.Errorf("the gradient of %v is %v", p.Node(), gradients[i].Type())
				}
			}
			text := g.String()
			back, err := graph.Parse(text, ops.All()...)
			if err != nil {
				t.Fatal(err)
			}
			if back.String() != text {
				t.Error("the text form changes when it is parsed")
			}
			golden := filepath.Join("..", "testdata", "graphs", m.Name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if text != string(want) {
				t.Errorf("the graph is not that of %s; -update writes it", golden)
			}
		})
	}
}

// The tape, with its passes, its memory plan and its algorithms, agrees with
// the interpreter, which has none of these: loss and every gradient.
func TestTapeAgreesWithInterpreter(t *testing.T) {
	for _, m := range models.All() {
		for d, tol := range map[graph.DType]float64{graph.Float32: 2e-5, graph.Float64: 1e-12} {
			t.Run(fmt.Sprint(m.Name, "/", d), func(t *testing.T) {
				const batch = 3
				g, x, labels, loss, gradients := training(m, d)
				out := append([]*graph.Value{loss}, gradients...)
				feeds := vm.Feeds{x: image(m, d, batch), labels: tensor.New(tensor.WithShape(batch), tensor.WithBacking([]int32{3, 1, 9}))}
				want, err := vm.Interpret(g, out, vm.NewState(5), feeds)
				if err != nil {
					t.Fatal(err)
				}
				for _, threads := range []int{1, 2, 3} {
					p, err := vm.Compile(g, out, vm.Threads(threads))
					if err != nil {
						t.Fatal(err)
					}
					machine, err := p.NewMachine(vm.NewState(5))
					if err != nil {
						t.Fatal(err)
					}
					got, err := machine.Run(context.Background(), feeds)
					if err != nil {
						t.Fatal(err)
					}
					for i := range out {
						if err := opstest.Near(got[i], want[i], tol); err != nil {
							t.Errorf("%d threads, output %d, %v: %v", threads, i, out[i].Node(), err)
						}
					}
					machine.Close()
				}
			})
		}
	}
}

// image returns a batch of images whose pixels are smooth and all different, so
// that no maximum is a tie.
func image(m models.Model, d graph.DType, batch int) *tensor.Dense {
	t := graph.Type{DType: d, Shape: append(graph.Shape{batch}, m.Input...)}
	v := make([]float64, t.Shape.Size())
	for i := range v {
		v[i] = float64(i*7919%10007)/10007 - 0.4
	}
	return opstest.Dense(t, v)
}

// The gradient of the loss by the image and by every parameter, in float64. ReLU
// and max pooling have kinks, which some unit is always near: the step must be
// small, and rounding then bounds what can be seen: 10⁻¹⁶·|f|/h ≈ 2·10⁻¹⁰.
func TestGradientCheck(t *testing.T) {
	for _, m := range models.All() {
		t.Run(m.Name, func(t *testing.T) {
			const batch = 2
			// He's weights, whatever the model's own: the tiny ones of TwoLayer leave
			// every unit near its kink.
			g, _, _ := m.Graph(&layers.Builder{DType: graph.Float64, Weights: layers.He})
			if err := g.Err(); err != nil {
				t.Fatal(err)
			}
			s := vm.NewState(3)
			at := []*tensor.Dense{image(m, graph.Float64, batch), tensor.New(tensor.WithShape(batch), tensor.WithBacking([]int32{7, 2}))}
			names := map[string]int{}
			for _, p := range g.Params() {
				op := p.Node().Op.(graph.ParamOp)
				names[op.Label] = len(at)
				v := op.Init.Values(op.Label, p.Type(), s.Seed())
				at = append(at, opstest.Dense(p.Type(), v))
			}
			f := func(in []*graph.Value) *graph.Value {
				// The model again, its parameters replaced by the inputs.
				to := in[0].Graph()
				x, images := g.Inputs()[0], map[*graph.Value]*graph.Value{}
				images[x] = in[0]
				var last *graph.Value
				for _, n := range g.Nodes() {
					switch op := n.Op.(type) {
					case graph.InputOp:
					case graph.ParamOp:
						if op.Buffer {
							images[n.Out(0)] = ops.Full(to, n.Out(0).Type(), op.Init.A)
						} else {
							images[n.Out(0)] = in[names[op.Label]]
						}
					case graph.ConstOp:
						images[n.Out(0)] = to.ConstOf(n.Out(0).Type(), op.Data)
					default:
						args := make([]*graph.Value, len(n.Ins()))
						for i, v := range n.Ins() {
							args[i] = images[v]
						}
						for i, v := range graph.ApplyN(len(n.Outs()), n.Op, args...) {
							images[n.Out(i)] = v
							last = v
						}
					}
				}
				for _, n := range g.Nodes() { // the logits are the last [N, classes]
					if v := n.Out(0); v.Shape().Rank() == 2 && v.Shape()[1] == m.Classes {
						last = images[v]
					}
				}
				return ops.SoftmaxCrossEntropy(last, in[1], ops.CrossEntropy{})
			}
			rep, err := autodiff.Check(f, at, autodiff.Config{Step: 1e-6, RTol: 1e-5, ATol: 1e-8, MaxElements: 64})
			if err != nil {
				t.Fatal(err)
			}
			if err := rep.Err(); err != nil {
				t.Error(err)
			}
			if want := len(g.Params()) * 6; rep.Checked < want {
				t.Errorf("%d derivatives were checked, want at least %d", rep.Checked, want)
			}
		})
	}
}
