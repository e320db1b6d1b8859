package models_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm"
)

var update = flag.Bool("update", false, "write the golden files")

// The table of the package's documentation.
func TestTableOfModels(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 7 && strings.Contains(line, "×") {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells[1:5])
		}
	}
	for i, m := range models.All() {
		if i >= len(rows) {
			t.Fatalf("the table has %d rows, the next would be %s", len(rows), m.Name)
		}
		_, s := build(t, m.Name, &layers.Builder{})
		want := []string{m.Name, fmt.Sprintf("%d×%d×%d", m.Input[1], m.Input[2], m.Input[0]), thousands(s.Total.Params), thousands(s.Total.MACs)}
		if !slices.Equal(rows[i], want) {
			t.Errorf("row %d is %q, want %q", i, rows[i], want)
		}
	}
	if n := len(models.All()); len(rows) != n {
		t.Errorf("%d rows for %d models", len(rows), n)
	}
}

// thousands writes 61706 as 61,706.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// printed are the models whose graphs are kept as text, to be read.
var printed = []string{"lenet5", "lenet5-32", "twolayer", "fullyconnected", "convnetjs-cifar10"}

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
			if !slices.Contains(printed, m.Name) {
				return
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
// the interpreter, which has none of these: the logits for prediction, the loss
// and every gradient. The number of threads changes no bit.
func TestTapeAgreesWithInterpreter(t *testing.T) {
	const batch = 3
	for _, m := range models.All() {
		if !slices.Contains(printed, m.Name) {
			continue // TestZooAgreesWithInterpreter
		}
		for d, tol := range map[graph.DType]float64{graph.Float32: 1e-5, graph.Float64: 1e-12} {
			t.Run(fmt.Sprint(m.Name, "/", d, "/forward"), func(t *testing.T) {
				_, x, logits := m.Graph(&layers.Builder{DType: d})
				agree(t, []*graph.Value{logits}, vm.Feeds{x: image(m, d, batch)}, tol)
			})
			t.Run(fmt.Sprint(m.Name, "/", d, "/gradient"), func(t *testing.T) {
				_, x, labels, loss, gradients := training(m, d)
				classes := tensor.New(tensor.WithShape(batch), tensor.WithBacking([]int32{3, 1, 9}))
				agree(t, append([]*graph.Value{loss}, gradients...), vm.Feeds{x: image(m, d, batch), labels: classes}, tol)
			})
		}
	}
}

// agree runs the outputs' graph by the interpreter, and by the tape with 1, 2
// and 3 threads.
func agree(t *testing.T, out []*graph.Value, feeds vm.Feeds, tol float64) {
	t.Helper()
	g := out[0].Graph()
	want, err := vm.Interpret(g, out, vm.NewState(5), feeds)
	if err != nil {
		t.Fatal(err)
	}
	var first [][]float64
	for _, threads := range []int{1, 2, 3} {
		p, err := vm.Compile(g, out, vm.Threads(threads))
		if err != nil {
			t.Fatal(err)
		}
		machine, err := p.NewMachine(vm.NewState(5))
		if err != nil {
			t.Fatal(err)
		}
		defer machine.Close()
		got, err := machine.Run(context.Background(), feeds)
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			if err := opstest.Near(got[i], want[i], tol); err != nil {
				t.Errorf("%d threads, output %d, %v: %v", threads, i, out[i].Node(), err)
			}
			if v := opstest.Elements(got[i]); threads == 1 {
				first = append(first, v)
			} else if !slices.Equal(v, first[i]) {
				t.Errorf("%d threads, output %d, %v: other bits than with one thread", threads, i, out[i].Node())
			}
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

// The gradient of the loss by the image and by every parameter, in float64, of
// the graph for prediction and of that for training, with batch norm and
// dropout. ReLU and max pooling have kinks, which some unit is always near: the
// step must be small, and rounding then bounds what can be seen:
// 10⁻¹⁶·|f|/h ≈ 2·10⁻¹⁰.
func TestGradientCheck(t *testing.T) {
	for _, m := range models.All() {
		if !slices.Contains(printed, m.Name) {
			continue // along directions, in package gradcheck
		}
		for _, train := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/train=%v", m.Name, train), func(t *testing.T) {
				const batch = 3
				// He's weights, whatever the model's own: the tiny ones of TwoLayer leave
				// every unit near its kink.
				g, x, logits := m.Graph(&layers.Builder{Train: train, DType: graph.Float64, Weights: layers.He})
				if err := g.Err(); err != nil {
					t.Fatal(err)
				}
				labels := tensor.New(tensor.WithShape(batch), tensor.WithBacking([]int32{7, 2, 2}))
				at, given := []*tensor.Dense{image(m, graph.Float64, batch), labels}, []*graph.Value{x, nil}
				for _, p := range g.Params() {
					op := p.Node().Op.(graph.ParamOp)
					at, given = append(at, opstest.Dense(p.Type(), op.Init.Values(op.Label, p.Type(), 3))), append(given, p)
				}
				f := func(in []*graph.Value) *graph.Value {
					return ops.SoftmaxCrossEntropy(replay(logits, given, in), in[1], ops.CrossEntropy{})
				}
				rep, err := autodiff.Check(f, at, autodiff.Config{Step: 1e-6, RTol: 1e-5, ATol: 1e-8, MaxElements: 64})
				if err != nil {
					t.Fatal(err)
				}
				if err := rep.Err(); err != nil {
					t.Error(err)
				}
				// 8 directions of each, or every element of one below 65, of which 10 is the least.
				if want := (1 + len(g.Params())) * 6; rep.Checked < want {
					t.Errorf("%d derivatives were checked, want at least %d", rep.Checked, want)
				}
			})
		}
	}
}

// replay builds y again in the graph of the values by, which stand for the
// values given; buffers become constants.
func replay(y *graph.Value, given, by []*graph.Value) *graph.Value {
	to, images := by[0].Graph(), map[*graph.Value]*graph.Value{}
	for i, v := range given {
		images[v] = by[i]
	}
	for _, n := range y.Graph().Nodes()[:y.Node().Index()+1] {
		v := n.Out(0)
		switch op := n.Op.(type) {
		case graph.InputOp:
		case graph.ParamOp:
			if op.Buffer {
				images[v] = ops.Full(to, v.Type(), op.Init.A)
			}
		case graph.ConstOp:
			images[v] = to.ConstOf(v.Type(), op.Data)
		default:
			in := make([]*graph.Value, len(n.Ins()))
			for i, v := range n.Ins() {
				in[i] = images[v]
			}
			for i, v := range graph.ApplyN(len(n.Outs()), n.Op, in...) {
				images[n.Out(i)] = v
			}
		}
	}
	return images[y]
}
