package models_test

import (
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

func labels(values []*graph.Value) []string {
	var names []string
	for _, v := range values {
		names = append(names, v.Node().Op.(graph.ParamOp).Label)
	}
	return names
}

// A new head takes the place of what comes after the node; the rest keeps its names, its
// decay and, while training, the updates of its running statistics and no others.
func TestWithHead(t *testing.T) {
	m, err := models.Find("resnet20-cifar10")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at       string
		features int
		last     string // parameter before the head's
	}{
		{"", 64, "conv4_3/conv2_norm/beta"},
		{"conv4_3", 64, "conv4_3/conv2_norm/beta"},
		{"conv3_2", 32, "conv3_2/conv2_norm/beta"},
		{"conv1", 16, "conv1/w"},
	} {
		cut, err := m.WithHead(c.at, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, train := range []bool{false, true} {
			b := &layers.Builder{Train: train}
			g, _, logits := cut.Graph(b)
			if err := g.Err(); err != nil {
				t.Fatal(err)
			}
			if err := g.Check(); err != nil {
				t.Fatal(err)
			}
			if !logits.Type().Equal(graph.Of(graph.Float32, graph.Batch, 7)) {
				t.Errorf("%q: logits are %v", c.at, logits.Type())
			}
			names := labels(g.Params())
			if n := len(names); !slices.Equal(names[n-3:], []string{c.last, "head/w", "head/b"}) {
				t.Errorf("%q: the last parameters are %v", c.at, names[max(0, len(names)-5):])
			}
			if w := g.Lookup("head/w"); !w.Shape().Equal(graph.Shape{7, c.features}) {
				t.Errorf("%q: head/w is %v, want %d features", c.at, w.Type(), c.features)
			}
			buffers := 0
			if train {
				buffers = len(g.Buffers())
			}
			if len(g.Updates()) != buffers {
				t.Errorf("%q, train %v: %d updates of %d buffers", c.at, train, len(g.Updates()), len(g.Buffers()))
			}
			if d := labels(b.Decay); !slices.Contains(d, "head/w") || !slices.Contains(d, "conv1/w") || slices.Contains(d, "fc/w") {
				t.Errorf("%q: weights with decay are %v", c.at, d)
			}
		}
	}
}

// What a network has only while it trains stays where it is below the cut, and goes with
// what is cut off: dropout and its keys, auxiliary classifiers.
func TestWithHeadWhileTraining(t *testing.T) {
	for name, want := range map[string]string{"nin": "cccp4", "googlenet": ""} {
		m, err := models.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		cut, err := m.WithHead(want, 5)
		if err != nil {
			t.Fatal(err)
		}
		b := &layers.Builder{Train: true}
		g, _, _ := cut.Graph(b)
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
		if len(b.Aux) > 0 {
			t.Errorf("%s: auxiliary classifiers are left", name)
		}
		if !strings.Contains(g.String(), "Dropout") {
			t.Errorf("%s: no dropout is left", name)
		}
		for _, p := range labels(g.Params()) {
			if strings.HasPrefix(p, "aux") {
				t.Errorf("%s: parameter %s is left", name, p)
			}
		}
	}
}

// A graph is a model: built from one it is the same graph again.
func TestFromGraph(t *testing.T) {
	m, err := models.Find("resnet20-cifar10")
	if err != nil {
		t.Fatal(err)
	}
	want, _, logits := m.Graph(&layers.Builder{})
	again, err := models.FromGraph(m.Name, logits)
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ := again.Graph(&layers.Builder{})
	if a, b := nodes(want), nodes(got); !slices.Equal(a, b) {
		t.Errorf("%d nodes, want %d, or others", len(b), len(a))
	}
	if again.Classes != 10 || !again.Input.Equal(m.Input) {
		t.Errorf("%d classes of images %v", again.Classes, again.Input)
	}
}

// nodes lists the nodes of a graph without their places.
func nodes(g *graph.Graph) []string {
	var list []string
	for _, n := range g.Nodes() {
		line := n.Op.Name() + " " + n.Scope
		for _, v := range n.Ins() {
			line += " " + v.String()
		}
		for _, v := range n.Outs() {
			line += " " + v.Type().String()
		}
		list = append(list, line)
	}
	return list
}

func TestHeadMistakes(t *testing.T) {
	find := func(name string) models.Model {
		m, err := models.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	g := graph.New("two")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 8, 8))
	y := g.Input("y", graph.Of(graph.Float32, graph.Batch, 3, 8, 8))
	for _, c := range []struct {
		name, want string
		run        func() error
	}{
		{"no classes", "lenet5: a head for 0 classes, want at least 1", func() error { _, err := find("lenet5").WithHead("", 0); return err }},
		{"no node", `lenet5: unknown node "conv7", did you mean conv`, func() error { _, err := find("lenet5").WithHead("conv7", 2); return err }},
		{"no linear layer", "squeezenet: the network has no linear layer; name the node whose value is to be used: ", func() error {
			_, err := find("squeezenet").WithHead("", 2)
			return err
		}},
		{"no logits", "want logits [N,classes]", func() error { _, err := models.FromGraph("two", ops.Add(x, y)); return err }},
		{"two inputs", "want one, of images", func() error {
			_, err := models.FromGraph("two", ops.Flatten(ops.GlobalAvgPool(ops.Add(x, y))))
			return err
		}},
	} {
		if err := c.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
