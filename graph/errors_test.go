package graph_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

var update = flag.Bool("update", false, "write the golden files anew")

// lines matches a file's end and line number, which changes with every edit of it.
var lines = regexp.MustCompile(`\.go:\d+\b`)

// TestErrorTexts compares what users read after mistakes with real ops, whole
// texts, with testdata/errors/NAME.txt. Line numbers stand as :N there; that
// they are right is TestPos's business.
func TestErrorTexts(t *testing.T) {
	n := graph.Batch
	for name, build := range map[string]func(g *graph.Graph){
		"channels": func(g *graph.Graph) {
			x := g.Input("x", f32(n, 1, 28, 28))
			x = ops.ReLU(ops.Conv2D(x, g.Param("conv1/w", f32(8, 1, 5, 5), graph.Normal(0, 0.1)), ops.Conv{}))
			g.Scope("conv2", func() { ops.Conv2D(x, g.Param("w", f32(16, 6, 5, 5), graph.Normal(0, 0.1)), ops.Conv{}) })
		},
		"stride": func(g *graph.Graph) {
			ops.Conv2D(g.Input("x", f32(n, 1, 7, 7)), g.Param("w", f32(1, 1, 3, 3), graph.Zeros()), ops.Conv{Stride: [2]int{3, 3}})
		},
		"filter-too-large": func(g *graph.Graph) {
			ops.Conv2D(g.Input("x", f32(n, 1, 4, 4)), g.Param("w", f32(1, 1, 7, 7), graph.Zeros()), ops.Conv{Pad: [4]int{1, 1, 1, 1}})
		},
		"matmul": func(g *graph.Graph) {
			ops.MatMul(g.Input("x", f32(n, 784)), g.Param("w", f32(748, 10), graph.Zeros()))
		},
		"broadcast": func(g *graph.Graph) { ops.Add(g.Input("x", f32(n, 10)), g.Param("b", f32(11), graph.Zeros())) },
		"batch-against-number": func(g *graph.Graph) {
			ops.Add(g.Input("x", f32(n, 10)), g.Input("y", f32(32, 10)))
		},
		"dtype": func(g *graph.Graph) {
			ops.Mul(g.Input("x", f32(n, 10)), g.Input("y", graph.Of(graph.Float64, n, 10)))
		},
		"labels": func(g *graph.Graph) {
			ops.SoftmaxCrossEntropy(g.Input("x", f32(n, 10)), g.Input("labels", graph.Of(graph.Int32, n, 10)), ops.CrossEntropy{})
		},
		"reshape": func(g *graph.Graph) { ops.Reshape(g.Input("x", f32(n, 3, 4)), n, 13) },
		"nil": func(g *graph.Graph) {
			var forgotten *graph.Value
			ops.Add(g.Input("x", f32(n, 10)), forgotten)
		},
		"two-graphs": func(g *graph.Graph) {
			ops.Add(g.Input("x", f32(n, 10)), graph.New("other").Input("x", f32(n, 10)))
		},
		"name-taken": func(g *graph.Graph) {
			for range 2 {
				g.Scope("conv1", func() { g.Param("w", f32(2), graph.Zeros()) })
			}
		},
		"update": func(g *graph.Graph) {
			w := g.Param("w", f32(3, 4), graph.Zeros())
			g.Update(w, ops.Sum(w))
		},
		"loss-is-no-scalar": func(g *graph.Graph) {
			w := g.Param("w", f32(3, 4), graph.Zeros())
			autodiff.Gradients(ops.Square(w), w)
		},
		"gradient-of-labels": func(g *graph.Graph) {
			autodiff.Gradients(ops.Sum(g.Input("x", f32(n))), g.Input("labels", graph.Of(graph.Int32, n)))
		},
		"no-gradient": func(g *graph.Graph) {
			x := g.Input("x", f32(n, 4))
			autodiff.Gradients(ops.Mean(graph.Apply(every{Int: 3}, ops.ReLU(x))), x)
		},
		"in-a-model": func(g *graph.Graph) {
			models.LeNet5(&layers.Builder{}, g.Input("x", f32(n, 3, 20, 20)))
		},
		"several": func(g *graph.Graph) {
			x := g.Input("x", f32(n, 10))
			ops.Add(ops.MatMul(x, g.Param("w", f32(11, 5), graph.Zeros())), x)
			ops.Reshape(x, n, 7)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New("user")
			build(g)
			if g.Err() == nil {
				t.Fatalf("no error:\n%v", g)
			}
			golden(t, filepath.Join("testdata", "errors", name+".txt"), lines.ReplaceAllString(g.Err().Error(), ".go:N")+"\n")
		})
	}
}

// golden compares got with a file, which -update writes.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestStackIsPrinted(t *testing.T) {
	g := graph.New("g")
	ops.ReLU(nil)
	ops.Neg(g.Input("x", graph.Of(graph.Bool)))
	plain, full := fmt.Sprintf("%v", g.Err()), fmt.Sprintf("%+v", g.Err())
	if strings.Contains(plain, "graph/errors_test.go") || strings.Contains(plain, "TestStackIsPrinted") {
		t.Errorf("%%v has a stack:\n%s", plain)
	}
	if !strings.HasPrefix(full, plain) {
		t.Errorf("%%+v begins with\n%s\nwant\n%s", full, plain)
	}
	for _, frame := range []string{"neocog/ops.Neg", "neocog/graph_test.TestStackIsPrinted", "graph/errors_test.go:"} {
		if !strings.Contains(full, frame) {
			t.Errorf("%%+v lacks the frame %s:\n%s", frame, full)
		}
	}
	one := g.Err().(*graph.Errors).List[0]
	if s := fmt.Sprintf("%s", one); s != plain {
		t.Errorf("%%s of a single error is %q, want %q", s, plain)
	}
	if len(one.StackTrace()) < 3 {
		t.Errorf("the stack has %d frames", len(one.StackTrace()))
	}
}
