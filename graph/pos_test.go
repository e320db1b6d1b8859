package graph_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// here returns the place of its caller's line, as a Pos shows it.
func here() string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("pos_test.go:%d", line)
}

// at returns v and the place of the line which calls it.
func at(v *graph.Value) (*graph.Value, string) {
	_, _, line, _ := runtime.Caller(1)
	return v, fmt.Sprintf("pos_test.go:%d", line)
}

func TestPosIsTheUsersLine(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", f32(graph.Batch, 4))
	for name, made := range map[string]func() (*graph.Value, string){
		"Input":       func() (*graph.Value, string) { return at(g.Input("y", f32())) },
		"Param":       func() (*graph.Value, string) { return at(g.Param("p", f32(), graph.Zeros())) },
		"Buffer":      func() (*graph.Value, string) { return at(g.Buffer("b", f32(), graph.Zeros())) },
		"Const":       func() (*graph.Value, string) { return at(graph.Const(g, graph.Shape{1}, 1.0)) },
		"Scalar":      func() (*graph.Value, string) { return at(g.Scalar(graph.Float32, 1)) },
		"Invalid":     func() (*graph.Value, string) { return at(g.Invalid()) },
		"Apply":       func() (*graph.Value, string) { return at(graph.Apply(same{}, x)) },
		"ApplyN":      func() (*graph.Value, string) { return at(graph.ApplyN(2, split{}, x)[1]) },
		"faulty":      func() (*graph.Value, string) { return at(graph.Apply(bad{"error"}, x)) },
		"constructor": func() (*graph.Value, string) { return at(ops.ReLU(x)) },
		"nested":      func() (*graph.Value, string) { return at(ops.Full(g, f32(3), 1)) }, // Full calls BroadcastTo calls Apply
		"closure": func() (v *graph.Value, p string) {
			g.Scope("s", func() { v, p = at(ops.Tanh(x)) })
			return
		},
		"layer":    func() (*graph.Value, string) { return at((&layers.Builder{}).Linear("fc", x, 3)) },
		"gradient": func() (*graph.Value, string) { return at(autodiff.Gradients(ops.Sum(ops.Square(x)), x)[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			v, line := made()
			if got := v.Node().Pos.String(); got != line {
				t.Errorf("the place is %s, want %s", got, line)
			}
			if c := v.Node().Pos.Caller(); c != "" {
				t.Errorf("the caller is %s, but no model is involved", c)
			}
		})
	}
}

func TestPosOfMistakes(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", f32(graph.Batch, 4))
	var places []string
	for _, mistake := range []func() string{
		func() string { ops.Reshape(x, 7); return here() },
		func() string { g.Update(x, x); return here() },
		func() string { g.Errorf("Mine", "wrong"); return here() },
		func() string { g.Input("x", f32()); return here() },
		func() string { autodiff.Gradients(x, x); return here() },
	} {
		places = append(places, mistake())
	}
	for i, e := range g.Err().(*graph.Errors).List {
		if e.Pos.String() != places[i] || !strings.HasPrefix(e.Error(), places[i]+": ") {
			t.Errorf("mistake %d is placed at %s, want %s:\n%v", i, e.Pos, places[i], e)
		}
	}
	if len(g.Err().(*graph.Errors).List) != len(places) {
		t.Errorf("%d mistakes, want %d", len(g.Err().(*graph.Errors).List), len(places))
	}
}

// A model's line means something, since it reads like the paper's table; so both
// it and the user's are kept.
func TestPosInAModel(t *testing.T) {
	g := graph.New("g")
	y, line := at(models.LeNet5(&layers.Builder{}, g.Input("x", f32(graph.Batch, 1, 28, 28))))
	p := y.Node().Pos
	if !strings.HasPrefix(p.String(), "lenet5.go:") || p.Caller() != line {
		t.Errorf("the place is %s, called from %s; want lenet5.go, called from %s", p, p.Caller(), line)
	}
}

func TestPosOfDeepRecursion(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", f32(2))
	var line string
	var deep func(n int) *graph.Value
	deep = func(n int) *graph.Value {
		if n > 0 {
			return deep(n - 1)
		}
		v, l := at(ops.ReLU(x))
		line = l
		return v
	}
	if got := deep(500).Node().Pos.String(); got != line {
		t.Errorf("the place is %q, want %s", got, line)
	}
}
