package inspect_test

import (
	"encoding/json"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

func lenet(t *testing.T) *graph.Graph {
	t.Helper()
	m, err := models.Find("lenet5")
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := m.Graph(&layers.Builder{})
	return g
}

func TestSummaryOfLeNet(t *testing.T) {
	s, err := inspect.Summarise(lenet(t), 4)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		layer, ops string
		params     int64
		macs       int64 // for the batch of 4
		bytes      int64
	}
	want := []row{
		{"x", "Input", 0, 0, 4 * 784 * 4},
		{"conv1", "Conv2D ReLU", 156, 4 * 117600, 4 * 4704 * 4},
		{"", "MaxPool2D", 0, 0, 4 * 1176 * 4},
		{"conv2", "Conv2D ReLU", 2416, 4 * 240000, 4 * 1600 * 4},
		{"", "MaxPool2D", 0, 0, 4 * 400 * 4},
		{"conv3", "Conv2D ReLU Flatten", 48120, 4 * 48000, 4 * 120 * 4},
		{"fc1", "MatMul Add ReLU", 10164, 4 * 10080, 4 * 84 * 4},
		{"fc2", "MatMul Add", 850, 4 * 840, 4 * 10 * 4},
	}
	if len(s.Rows) != len(want) {
		t.Fatalf("%d rows, want %d:\n%v", len(s.Rows), len(want), s)
	}
	for i, r := range s.Rows {
		if got := (row{r.Layer, strings.Join(r.Ops, " "), r.Params, r.MACs, r.Activations}); got != want[i] {
			t.Errorf("row %d is %+v, want %+v", i, got, want[i])
		}
	}
	text := s.String()
	for _, part := range []string{"[28x28x6]", "5*5*6*16+16 = 2,416", "61,706", "1,666,080"} {
		if !strings.Contains(text, part) {
			t.Errorf("the table lacks %q:\n%s", part, text)
		}
	}
	if md := s.Markdown(); !strings.Contains(md, "| conv1 ") || !strings.Contains(md, "| --- |") {
		t.Errorf("no Markdown table:\n%s", md)
	}
}

func TestSummaryRefuses(t *testing.T) {
	if _, err := inspect.Summarise(lenet(t), 0); err == nil {
		t.Error("a batch of 0 is accepted")
	}
	g := graph.New("faulty")
	ops.MatMul(g.Input("a", graph.Of(graph.Float32, 2, 3)), g.Input("b", graph.Of(graph.Float32, 2, 3)))
	if _, err := inspect.Summarise(g, 1); err == nil {
		t.Error("a faulty graph is summarised")
	}
}

// The JSON form holds every node, edge and update of the graph.
func TestGraphJSON(t *testing.T) {
	g := graph.New("tiny")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 4))
	w := g.Param("w", graph.Of(graph.Float32, 4, 2), graph.Normal(0, 0.5))
	loss := ops.Sum(ops.Tanh(ops.MatMul(x, w)))
	g.Update(w, ops.Sub(w, autodiff.Gradients(loss, w)[0]))
	text, err := inspect.GraphJSON(g)
	if err != nil {
		t.Fatal(err)
	}
	var back inspect.Graph
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Nodes) != len(g.Nodes()) || len(back.Inputs) != 1 || len(back.Params) != 1 || len(back.Updates) != 1 {
		t.Fatalf("%d nodes, %d inputs, %d parameters, %d updates", len(back.Nodes), len(back.Inputs), len(back.Params), len(back.Updates))
	}
	origins := 0
	for i, n := range g.Nodes() {
		b := back.Nodes[i]
		if b.Op != n.Op.Name() || len(b.Inputs) != len(n.Ins()) || len(b.Outputs) != len(n.Outs()) {
			t.Errorf("node %v becomes %+v", n, b)
			continue
		}
		for j, v := range n.Ins() {
			if b.Inputs[j] != v.ID() {
				t.Errorf("input %d of %v becomes %d", j, n, b.Inputs[j])
			}
		}
		if b.Outputs[0].ID != n.Out(0).ID() || b.Outputs[0].DType != n.Out(0).DType().String() {
			t.Errorf("the result of %v becomes %+v", n, b.Outputs[0])
		}
		if b.Origin != nil {
			origins++
		}
	}
	if origins == 0 {
		t.Error("no gradient node names its origin")
	}
	if u := back.Updates[0]; u.Param != w.ID() || u.Next != g.Updates()[0].Next.ID() {
		t.Errorf("the update becomes %+v", u)
	}
}
