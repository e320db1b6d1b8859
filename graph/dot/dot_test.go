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

// The elements of a constant once stood in its tooltip, all of them.
func TestLargeConstantsAreNotWritten(t *testing.T) {
	g := graph.New("g")
	ops.Neg(graph.Const(g, graph.Shape{100, 100}, make([]float32, 10000)...))
	var text bytes.Buffer
	if err := dot.Write(&text, g, dot.Options{}); err != nil {
		t.Fatal(err)
	}
	if text.Len() > 2000 {
		t.Errorf("two nodes take %d bytes", text.Len())
	}
}

// Kinds are told apart by colour: each of them occurs, and where it should.
func TestColours(t *testing.T) {
	var text bytes.Buffer
	if err := dot.Write(&text, network(), dot.Options{}); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		label, fill string
		n           int
	}{
		"forward":  {`label="MatMul\n{TransB:true}"`, "#e6f4ea", 1},
		"gradient": {`label="ReLUGrad"`, "#fde7e9", 1},
		"update":   {`label="Sub"`, "#efe3fb", 2},
		"input":    {`label="x\nf32[N,4]"`, "#e8f0fe", 1},
		"param":    {`label="w\nf32[3,4]"`, "#fff4d6", 1},
	} {
		n := 0
		for _, line := range strings.Split(text.String(), "\n") {
			if strings.Contains(line, c.label) && strings.Contains(line, c.fill) {
				n++
			}
		}
		if n != c.n {
			t.Errorf("%s: %d lines with %s and %s, want %d", what, n, c.label, c.fill, c.n)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteReportsErrors(t *testing.T) {
	if err := dot.Write(full{}, network(), dot.Options{}); err != os.ErrClosed {
		t.Errorf("error %v, want %v", err, os.ErrClosed)
	}
}
