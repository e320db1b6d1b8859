package onnx

import (
	"context"
	"io/fs"
	"math"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// roundTrip exports the network, imports it, and repeats that; what comes back must be
// the same text both times.
func roundTrip(t *testing.T, name string, net *Network, o Options) *Network {
	t.Helper()
	again := reimport(t, name, net, o)
	third := reimport(t, name, again, o)
	if a, b := again.Graph.String(), third.Graph.String(); a != b {
		t.Errorf("%s: import, export, import differ:\n%s", name, firstDifference(a, b))
	}
	return again
}

func reimport(t *testing.T, name string, net *Network, o Options) (again *Network) {
	t.Helper()
	data, err := net.Export()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	m, err := Decode(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	again, err = m.Import(o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return again
}

func firstDifference(a, b string) string {
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range la {
		if i >= len(lb) || strings.Join(strings.Fields(la[i]), " ") != strings.Join(strings.Fields(lb[i]), " ") {
			lo := max(0, i-2)
			return strings.Join(la[lo:min(i+4, len(la))], "\n") + "\n---\n" + strings.Join(lb[lo:min(i+4, len(lb))], "\n")
		}
	}
	return "the second is longer"
}

// An op that is added to package ops must get a way out.
func TestEveryOpIsExported(t *testing.T) {
	for _, op := range ops.All() {
		if exporters[op.Name()] == nil && lowerings[op.Name()] == nil {
			t.Errorf("%s has neither an exporter nor a lowering", op.Name())
		}
	}
}

// Every vector that passes is imported, exported and imported again.
func TestVectorsRoundTrip(t *testing.T) {
	fsys := vectors(t)
	dirs, err := FindCases(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]Verdict{}
	for _, o := range outcomes(t) {
		verdicts[o.Name] = o.Verdict
	}
	count := 0
	for _, dir := range dirs {
		if verdicts[path.Base(dir)] != Passed {
			continue
		}
		file, err := fs.ReadFile(fsys, path.Join(dir, "model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := loadSet(m, fsys, path.Join(dir, "test_data_set_0"))
		if err != nil {
			t.Fatal(err)
		}
		net, err := m.Import(Options{Known: c.known})
		if err != nil {
			t.Fatal(err)
		}
		again := roundTrip(t, dir, net, Options{})
		// A ConvTranspose of volumes becomes an op that no file has a name for, and is the same
		// text from the second import on.
		if a, b := net.Graph.String(), again.Graph.String(); a != b && path.Base(dir) != "test_convtranspose_3d" {
			t.Errorf("%s: import, export, import differ:\n%s", dir, firstDifference(a, b))
		}
		got, err := again.Run(context.Background(), c.known)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		for i := range got {
			if err := compare(got[i], c.want[i]); err != nil {
				t.Errorf("%s: exported and imported: %v", dir, err)
			}
		}
		count++
	}
	t.Logf("%d vectors", count)
}

// feedsFor returns images and labels for a graph.
func feedsFor(g *graph.Graph, batch int) map[string]*tensor.Dense { return drawnFeeds(g, batch, 1) }

// drawnFeeds is feedsFor with a seed.
func drawnFeeds(g *graph.Graph, batch int, seed uint64) map[string]*tensor.Dense {
	rng := rand.New(rand.NewPCG(seed, 2))
	feeds := map[string]*tensor.Dense{}
	for _, v := range g.Inputs() {
		s := v.Shape().Bind(batch)
		if v.DType() == graph.Int32 {
			labels := make([]int32, s.Size())
			for i := range labels {
				labels[i] = int32(rng.IntN(5))
			}
			feeds[labelOf(v)] = tensor.New(tensor.WithShape(s...), tensor.WithBacking(labels))
			continue
		}
		x := make([]float32, s.Size())
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		feeds[labelOf(v)] = tensor.New(tensor.WithShape(s...), tensor.WithBacking(x))
	}
	return feeds
}

// zooNetwork returns a model of the zoo as it predicts or as it trains: with the loss and
// all gradients.
func zooNetwork(t *testing.T, m models.Model, train bool) *Network {
	t.Helper()
	b := &layers.Builder{Train: train}
	g, _, logits := m.Graph(b)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	net := &Network{Graph: g, Outputs: []*graph.Value{logits}, OutputNames: []string{"logits"}, State: vm.NewState(1)}
	if train {
		labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
		loss := b.Loss(logits, labels, ops.CrossEntropy{Smoothing: 0.1})
		net.Outputs, net.OutputNames = []*graph.Value{loss}, []string{"loss"}
		for i, dw := range autodiff.Gradients(loss, g.Params()...) {
			net.Outputs, net.OutputNames = append(net.Outputs, dw), append(net.OutputNames, "d"+labelOf(g.Params()[i]))
		}
		if err := g.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return net
}

// closeTo returns the distance of got from want relative to the norm of want, which counts as at least 0.1:
// some gradients are zero but for rounding.
func closeTo(got, want *tensor.Dense) float64 {
	g, _ := constantOf(got)
	w, _ := constantOf(want)
	a, b := g.floats(), w.floats()
	if len(a) != len(b) {
		return math.Inf(1)
	}
	diff, norm := 0.0, 0.0
	for i := range a {
		diff += (a[i] - b[i]) * (a[i] - b[i])
		norm += b[i] * b[i]
	}
	return math.Sqrt(diff) / math.Max(math.Sqrt(norm), 0.1)
}

func TestZooRoundTrip(t *testing.T) {
	for _, name := range quick {
		for _, train := range []bool{false, true} {
			m, err := models.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			net := zooNetwork(t, m, train)
			again := roundTrip(t, name, net, Options{})
			feeds := feedsFor(net.Graph, 3)
			want, err := net.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			got, err := again.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if d := closeTo(got[i], want[i]); !(d < 1e-4) {
					t.Errorf("%s, train %v, %s: distance %v", name, train, net.OutputNames[i], d)
				}
			}
		}
	}
}
