package models_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/models/layers"
)

func TestAll(t *testing.T) {
	var names []string
	for _, m := range models.All() {
		if m.Name == "" || m.Doc == "" || m.Source == "" || len(m.Input) != 3 || m.Build == nil {
			t.Errorf("model %+v lacks something", m)
		}
		if slices.Contains(names, m.Name) {
			t.Errorf("two models are called %q", m.Name)
		}
		names = append(names, m.Name)
		found, err := models.Find(m.Name)
		if err != nil || found.Name != m.Name {
			t.Errorf("Find(%q) = %q, %v", m.Name, found.Name, err)
		}
		for _, d := range []graph.DType{graph.Invalid, graph.Float64} {
			b := &layers.Builder{DType: d}
			g, x, logits := m.Graph(b)
			want := graph.Of(graph.Float32, graph.Batch, m.Classes)
			if d != graph.Invalid {
				want.DType = d
			}
			if g.Err() != nil || g.Name() != m.Name || g.Lookup("x") != x || !logits.Type().Equal(want) {
				t.Errorf("%s: graph %q, logits %v, error %v; want %v", m.Name, g.Name(), logits, g.Err(), want)
			}
			if b.Weights != nil || b.Biases != 0 {
				t.Errorf("%s leaves its own initialisers in the Builder", m.Name)
			}
		}
	}
	for _, m := range models.All() {
		for _, alias := range m.Aliases {
			if slices.Contains(names, alias) {
				t.Errorf("%q is the name of two models", alias)
			}
			names = append(names, alias)
			if found, err := models.Find(alias); err != nil || found.Name != m.Name {
				t.Errorf("Find(%q) = %q, %v; want %q", alias, found.Name, err, m.Name)
			}
		}
	}
}

func TestFindUnknown(t *testing.T) {
	_, err := models.Find("lenet-5")
	if err == nil || !strings.HasPrefix(err.Error(), `unknown model "lenet-5", did you mean lenet5`) {
		t.Errorf("got %v, want the nearest name", err)
	}
	if _, err := models.Find("transformer"); err == nil || !strings.Contains(err.Error(), "known: lenet5, ") || !strings.Contains(err.Error(), "convnetjs-cifar10") {
		t.Errorf("got %v, want all names", err)
	}
}

// An image of the wrong size is one mistake, with the layer's line in the model
// and the line that built it.
func TestWrongImages(t *testing.T) {
	for _, c := range []struct {
		input graph.Shape
		want  []string
	}{
		// 29 + 4 − 4 = 29 rows cannot be halved.
		{graph.Shape{1, 29, 29}, []string{"lenet5.go:", "MaxPool2D", "29", "14.5"}},
		// Too small for the third convolution: 24 → 24 → 12 → 8 → 4.
		{graph.Shape{1, 24, 24}, []string{"lenet5.go:", `Conv2D "conv3"`, "a filter of 5", "height, 4"}},
		{graph.Shape{28, 28}, []string{"lenet5.go:", `Conv "conv1"`, "x is f32[N,28,28]"}},
	} {
		t.Run(c.input.String(), func(t *testing.T) {
			g := graph.New("lenet5")
			y := models.LeNet5(&layers.Builder{}, g.Input("x", graph.Of(graph.Float32, append([]int{graph.Batch}, c.input...)...)))
			err := g.Err()
			if err == nil || y.IsValid() {
				t.Fatalf("no error, the result is %v", y)
			}
			if n := len(err.(*graph.Errors).List); n != 1 {
				t.Errorf("%d reports, want one", n)
			}
			for _, part := range append(c.want, "called from model_test.go:") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not mention %q:\n%v", part, err)
				}
			}
		})
	}
}

// The form of 1998 has the layers and sizes of today's, other functions between
// them.
func TestLeNetTanh(t *testing.T) {
	g := graph.New("lenet")
	y := models.LeNet{Tanh: true}.Build(&layers.Builder{Weights: layers.Xavier}, g.Input("x", graph.Of(graph.Float32, graph.Batch, 1, 32, 32)))
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, n := range g.Nodes() {
		count[n.Op.Name()]++
	}
	if count["Tanh"] != 4 || count["AvgPool2D"] != 2 || count["ReLU"]+count["MaxPool2D"] != 0 {
		t.Errorf("ops %v, want 4 Tanh and 2 AvgPool2D", count)
	}
	s, err := inspect.Summarise(g, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s.Total.Params != 61706 || !y.Shape().Equal(graph.Shape{graph.Batch, 10}) {
		t.Errorf("%d parameters, result %v", s.Total.Params, y.Type())
	}
}

// The output of every layer, parameters and multiply-adds, as in the table of
// each model's documentation.
func TestTables(t *testing.T) {
	for name, want := range map[string][]string{
		"lenet5": {
			"x [N,1,28,28] 0 0", "conv1 [N,6,28,28] 156 117600", " [N,6,14,14] 0 0", "conv2 [N,16,10,10] 2416 240000",
			" [N,16,5,5] 0 0", "conv3 [N,120,1,1] 48120 48000", "fc1 [N,84] 10164 10080", "fc2 [N,10] 850 840",
		},
		"lenet5-32": {
			"x [N,1,32,32] 0 0", "conv1 [N,6,28,28] 156 117600", " [N,6,14,14] 0 0", "conv2 [N,16,10,10] 2416 240000",
			" [N,16,5,5] 0 0", "conv3 [N,120,1,1] 48120 48000", "fc1 [N,84] 10164 10080", "fc2 [N,10] 850 840",
		},
		"twolayer": {"x [N,3,32,32] 0 0", "fc1 [N,50] 153650 153600", "fc2 [N,10] 510 500"},
		"fullyconnected": {
			"x [N,3,32,32] 0 0", "fc1 [N,100] 307300 307200", "norm1 [N,100] 200 0",
			"fc2 [N,100] 10100 10000", "norm2 [N,100] 200 0", "fc3 [N,10] 1010 1000",
		},
		"compact": {
			"x [N,1,28,28] 0 0", "conv1 [N,16,28,28] 400 313600", " [N,16,14,14] 0 0", "conv1_norm [N,16,14,14] 32 0",
			"conv2 [N,32,14,14] 4608 903168", " [N,32,7,7] 0 0", "conv2_norm [N,32,7,7] 64 0",
			"conv3 [N,64,7,7] 18432 903168", " [N,64,3,3] 0 0", "conv3_norm [N,64,3,3] 128 0", "fc1 [N,128] 73856 73728", "fc2 [N,10] 1290 1280",
		},
		"convnetjs-cifar10": {
			"x [N,3,32,32] 0 0", "conv1 [N,16,32,32] 1216 1228800", " [N,16,16,16] 0 0", "conv2 [N,20,16,16] 8020 2048000",
			" [N,20,8,8] 0 0", "conv3 [N,20,8,8] 10020 640000", " [N,20,4,4] 0 0", "fc [N,10] 3210 3200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := models.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			g, _, _ := m.Graph(&layers.Builder{})
			s, err := inspect.Summarise(g, 1)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range s.Rows {
				got = append(got, fmt.Sprintf("%s %v %d %d", r.Layer, r.Output, r.Params, r.MACs))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// What is no batch of images is one mistake, in the first layer, whatever comes after
// it; and nil is none of the caller's panics.
func TestNoImages(t *testing.T) {
	for _, m := range models.All() {
		for _, train := range []bool{false, true} {
			g := graph.New(m.Name)
			y := m.Build(&layers.Builder{Train: train}, g.Input("x", graph.Of(graph.Float32, graph.Batch, 7)))
			if m.Name == "twolayer" || m.Name == "fullyconnected" {
				if !y.Type().Equal(graph.Of(graph.Float32, graph.Batch, 10)) {
					t.Errorf("%s of rows is %v, %v", m.Name, y.Type(), g.Err())
				}
			} else if err := g.Err(); err == nil || y.IsValid() || len(err.(*graph.Errors).List) != 1 || !strings.Contains(err.Error(), "x is f32[N,7] with 2 dimensions, want 4") {
				t.Errorf("%s of rows: %v", m.Name, err)
			}
			if y := m.Build(&layers.Builder{Train: train}, nil); y.IsValid() || y != nil && y.Graph().Err() == nil {
				t.Errorf("%s of nil is %v", m.Name, y)
			}
		}
	}
}
