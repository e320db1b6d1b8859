package graph_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
)

// roundTrip parses the text of g, compares everything that the text says, and
// returns the parsed graph.
func roundTrip(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	text := g.String()
	back, err := graph.Parse(text, append(ops.All(), testOps...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if again := back.String(); again != text {
		t.Fatalf("the text changes:\n%s\nbecomes\n%s", text, again)
	}
	if err := back.Check(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	compare(t, g, back)
	return back
}

// compare fails unless two graphs have the same nodes, names and updates.
func compare(t *testing.T, a, b *graph.Graph) {
	t.Helper()
	if a.Name() != b.Name() || len(a.Nodes()) != len(b.Nodes()) || a.NumValues() != b.NumValues() {
		t.Fatalf("graph %q of %d nodes and %d values, want %q, %d, %d", b.Name(), len(b.Nodes()), b.NumValues(), a.Name(), len(a.Nodes()), a.NumValues())
	}
	for i, n := range a.Nodes() {
		m := b.Nodes()[i]
		if n.Op != m.Op && n.Op == n.Op || n.Scope != m.Scope || n.Pos.String() != m.Pos.String() || fmt.Sprint(n.Ins()) != fmt.Sprint(m.Ins()) {
			t.Errorf("node %v becomes %v", n, m)
		}
		if (n.Origin == nil) != (m.Origin == nil) || n.Origin != nil && n.Origin.Index() != m.Origin.Index() {
			t.Errorf("node %v has origin %v, want %v", m, m.Origin, n.Origin)
		}
		for j, v := range n.Outs() {
			if w := m.Out(j); !v.Type().Equal(w.Type()) || v.ID() != w.ID() || w.Index() != j || w.Node() != m {
				t.Errorf("value %v %v becomes %v %v", v, v.Type(), w, w.Type())
			}
		}
	}
	for _, f := range []func(*graph.Graph) []*graph.Value{(*graph.Graph).Inputs, (*graph.Graph).Params, (*graph.Graph).Buffers} {
		if fmt.Sprint(f(a)) != fmt.Sprint(f(b)) {
			t.Errorf("inputs, parameters or buffers %v become %v", f(a), f(b))
		}
	}
	if len(a.Updates()) != len(b.Updates()) {
		t.Fatalf("%d updates become %d", len(a.Updates()), len(b.Updates()))
	}
	for i, u := range a.Updates() {
		if w := b.Updates()[i]; u.Param.ID() != w.Param.ID() || u.Next.ID() != w.Next.ID() {
			t.Errorf("update %v becomes %v", u, w)
		}
	}
}

func TestTextRoundTrips(t *testing.T) {
	for name, build := range map[string]func(g *graph.Graph){
		"empty": func(g *graph.Graph) {},
		"sources of every element type": func(g *graph.Graph) {
			for _, d := range []graph.DType{graph.Float32, graph.Float64, graph.Int32, graph.Int64, graph.Bool} {
				g.Input("in/"+d.String(), graph.Of(d, graph.Batch, 0, 3))
				g.Param("p/"+d.String(), graph.Of(d, 2), graph.Zeros())
				g.Buffer("b/"+d.String(), graph.Of(d), graph.Constant(1))
			}
		},
		"every initialiser": func(g *graph.Graph) {
			for i, init := range []graph.Init{
				graph.Zeros(), graph.Constant(-2.5), graph.Constant(math.Inf(1)), graph.Normal(0, 0.1), graph.Normal(-1e-300, 1e300), graph.Uniform(-1, math.Pi),
				graph.Orthogonal(math.Sqrt2),
			} {
				g.Param(fmt.Sprint("p", i), graph.Of(graph.Float64, 3, 4), init)
			}
			g.Buffer("key", graph.Of(graph.Int64, 2), graph.Key())
		},
		"odd names": func(g *graph.Graph) {
			for _, name := range []string{"a b", `quo"te`, `back\slash`, "%7", "x = y", "∂", "line\nbreak", "é 中", "\xff\x00", "f32[3]", "// no comment"} {
				g.Input(name, f32())
			}
			g.Scope(`sc "ope" ∂ %1 = [`, func() { graph.Apply(same{}, g.Input("a", f32()), g.Input("b", f32())) })
		},
		"results": func(g *graph.Graph) {
			y := graph.ApplyN(2, split{}, g.Input("x", f32(graph.Batch, 2)))
			z := graph.ApplyN(2, split{}, y[1])
			graph.Apply(same{}, z[0], y[1])
			graph.Apply(same{}, y[0])
		},
		"origins and updates": func(g *graph.Graph) {
			x, p := g.Input("x", f32(3)), g.Param("p", f32(3), graph.Normal(0, 1))
			b := g.Buffer("b", f32(3), graph.Zeros())
			var y, z *graph.Value
			g.Scope("layer", func() { y = graph.Apply(same{}, x, p) })
			g.Deriving(y.Node(), func() { z = graph.Apply(same{}, y, p) })
			g.Deriving(z.Node(), func() { graph.Apply(same{}, z, p) })
			g.Update(p, z)
			g.Update(b, p)
		},
		"a loss and its gradients": func(g *graph.Graph) {
			x, w := g.Input("x", f32(graph.Batch, 4)), g.Param("w", f32(3, 4), graph.Normal(0, 1))
			b := g.Param("b", f32(3), graph.Zeros())
			loss := ops.Mean(ops.Square(ops.Tanh(ops.Linear(x, w, b))))
			d := autodiff.Gradients(loss, w, b)
			g.Update(w, ops.Sub(w, ops.Scale(d[0], 0.1)))
			autodiff.Gradients(ops.Sum(ops.Square(d[0])), x)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New(name + ` "` + "\n")
			build(g)
			roundTrip(t, g)
		})
	}
}

func TestConstantsRoundTripToTheBit(t *testing.T) {
	nan := math.NaN()
	for name, build := range map[string]func(g *graph.Graph){
		"float64": func(g *graph.Graph) {
			graph.Const(g, graph.Shape{9}, 0, math.Copysign(0, -1), 1.0/3, math.Inf(1), math.Inf(-1), nan, math.MaxFloat64, math.SmallestNonzeroFloat64, -1e-5)
		},
		"float32": func(g *graph.Graph) {
			graph.Const(g, graph.Shape{6}, float32(0.1), float32(math.Copysign(0, -1)), float32(math.Inf(-1)), float32(nan), math.MaxFloat32, math.SmallestNonzeroFloat32)
		},
		"int32":     func(g *graph.Graph) { graph.Const(g, graph.Shape{3}, int32(math.MinInt32), 0, math.MaxInt32) },
		"int64":     func(g *graph.Graph) { graph.Const(g, graph.Shape{3}, int64(math.MinInt64), 1<<53+1, math.MaxInt64) },
		"bool":      func(g *graph.Graph) { graph.Const(g, graph.Shape{1, 2}, true, false) },
		"scalar":    func(g *graph.Graph) { g.Scalar(graph.Float32, 0.1) },
		"empty":     func(g *graph.Graph) { graph.Const[float32](g, graph.Shape{2, 0}) },
		"long":      func(g *graph.Graph) { graph.Const(g, graph.Shape{17}, make([]float32, 17)...) },
		"long bool": func(g *graph.Graph) { graph.Const(g, graph.Shape{400}, make([]bool, 400)...) },
		"long NaNs": func(g *graph.Graph) {
			v := make([]float64, 100)
			for i := range v {
				v[i] = math.Float64frombits(0xfff0000000000001 + uint64(i))
			}
			graph.Const(g, graph.Shape{10, 10}, v...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New("constants")
			build(g)
			roundTrip(t, g)
		})
	}
}

// A NaN which is not strconv's was printed as NaN and came back as another one.
func TestNaNPayloadSurvivesTheText(t *testing.T) {
	g := graph.New("nan")
	graph.Const(g, graph.Shape{2}, 1, math.Float64frombits(0xfff8000000001234))
	graph.Const(g, graph.Shape{1}, math.Float32frombits(0xffc00000))
	roundTrip(t, g)
	if s := g.String(); strings.Count(s, "base64(") != 2 {
		t.Errorf("NaNs with a payload should be printed as bytes:\n%s", s)
	}
}

func TestTextIsReadable(t *testing.T) {
	g := graph.New("line")
	x := g.Input("x", f32(graph.Batch, 3))
	w := g.Param("w", f32(3, 1), graph.Normal(0, 0.1))
	y := ops.MatMul(x, w)
	long := graph.Const(g, graph.Shape{100}, make([]float32, 100)...)
	_ = long
	g.Update(w, ops.Scale(w, 0.5))
	want := `graph "line"
%0 = Input "x"                f32[N,3]
%1 = Param "w" normal(0,0.1)  f32[3,1]
%2 = MatMul %0 %1             f32[N,1]
`
	lines := strings.SplitAfter(g.String(), "\n")
	for i, l := range lines {
		if at := strings.Index(l, "  text_test.go:"); at >= 0 {
			lines[i] = strings.TrimRight(l[:at], " ") + "\n"
		}
	}
	if got := strings.Join(lines[:4], ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(lines[4]) < 400 || !strings.HasPrefix(lines[5], "%4 = Scale{S:0.5} %1") || lines[6] != "update %1 = %4\n" {
		t.Errorf("the end is\n%s", strings.Join(lines[4:], ""))
	}
	if y.String() != "%2" || (*graph.Value)(nil).String() != "%nil" || g.Invalid().String() != "%invalid" {
		t.Error("values do not print as numbers")
	}
}

// A place that begins like a scope or an origin was read as one.
func TestPlaceThatLooksLikeAScope(t *testing.T) {
	for _, place := range []string{`"x".go:3`, `∂%0.go:3`, `a b "c" ∂.go:1`} {
		src := "graph \"g\"\n%0 = Input \"x\"  f32[]  \"\" " + place + "\n"
		g, err := graph.Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Nodes()[0].Pos.String(); got != place {
			t.Errorf("place %q, want %q", got, place)
		}
		roundTrip(t, g)
	}
}

// The node of a faulty constant has no result, which its String did not expect.
func TestFaultyNodesPrint(t *testing.T) {
	g := graph.New("g")
	for _, v := range []*graph.Value{
		graph.Const(g, graph.Shape{3}, 1.0), g.Input("", f32()), g.Param("p", f32(graph.Batch), graph.Zeros()), graph.Apply(bad{"error"}, g.Input("x", f32())), g.Invalid(),
	} {
		if s := v.Node().String(); !strings.Contains(s, v.Node().Op.Name()) {
			t.Errorf("a faulty node prints as %q", s)
		}
	}
}

func TestPrintReportsWriteErrors(t *testing.T) {
	g := graph.New("g")
	p := g.Param("p", f32(), graph.Zeros())
	g.Update(p, p)
	full := g.String()
	for n := range len(full) {
		w := &limited{left: n}
		if err := g.Print(w); err != errFull {
			t.Fatalf("Print with room for %d of %d bytes returns %v", n, len(full), err)
		}
	}
	var b bytes.Buffer
	if err := g.Print(&b); err != nil || b.String() != full {
		t.Errorf("Print writes %q, %v", b.String(), err)
	}
}

var errFull = errors.New("full")

type limited struct{ left int }

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, errFull
	}
	l.left -= len(p)
	return len(p), nil
}
