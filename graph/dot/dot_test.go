package dot_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/graph/dot"
	"neocog/ops"
)

var update = flag.Bool("update", false, "write the golden file")

func network() *graph.Graph {
	g := graph.New("tiny net")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 4))
	labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	var loss *graph.Value
	g.Scope("block", func() {
		g.Scope("fc", func() {
			w := g.Param("w", graph.Of(graph.Float32, 3, 4), graph.Normal(0, 0.5))
			b := g.Param("b", graph.Of(graph.Float32, 3), graph.Zeros())
			loss = ops.SoftmaxCrossEntropy(ops.ReLU(ops.Linear(x, w, b)), labels, ops.CrossEntropy{})
		})
	})
	params := g.Params()
	for i, d := range autodiff.Gradients(loss, params...) {
		g.Update(params[i], ops.Sub(params[i], ops.Scale(d, 0.1)))
	}
	return g
}

func TestWrite(t *testing.T) {
	g := network()
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := dot.Write(&a, g, dot.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := dot.Write(&b, network(), dot.Options{}); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Error("the text differs from time to time")
	}
	golden := filepath.Join("testdata", "tiny.dot")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, a.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if a.String() != string(want) {
		t.Errorf("the text is not that of %s; -update writes it:\n%s", golden, a.String())
	}
	for _, part := range []string{"cluster", `label="block"`, `label="fc"`, "f32[N,4]", "dashed", "dot_test.go:"} {
		if !strings.Contains(a.String(), part) {
			t.Errorf("the text lacks %q", part)
		}
	}
}

func TestGraphvizReadsIt(t *testing.T) {
	path, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("Graphviz is not installed")
	}
	var text bytes.Buffer
	if err := dot.Write(&text, network(), dot.Options{LeftToRight: true}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-Tsvg")
	cmd.Stdin = &text
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("<svg")) {
		t.Errorf("dot: %v\n%s", err, out)
	}
}

func TestNamesWithOddCharacters(t *testing.T) {
	g := graph.New(`a "b" \ c`)
	g.Scope(`s"1`, func() { ops.ReLU(g.Input(`x\"y`, graph.Of(graph.Float32, 2))) })
	var text bytes.Buffer
	if err := dot.Write(&text, g, dot.Options{HideTypes: true}); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(text.String(), `digraph a "`) {
		t.Error("the name of the graph is not a name to Graphviz")
	}
}
