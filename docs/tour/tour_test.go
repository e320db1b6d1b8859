package main

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/output.txt")

// Every number that the tour prints is in the golden file.
func TestOutput(t *testing.T) {
	var out bytes.Buffer
	for _, show := range chapters {
		if err := show(&out); err != nil {
			t.Fatal(err)
		}
	}
	const golden = "testdata/output.txt"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	lines, wanted := strings.Split(out.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(lines), len(wanted)) {
		if i >= len(lines) || i >= len(wanted) || lines[i] != wanted[i] {
			t.Fatalf("line %d differs; the output:\n%s\nwant (go test ./docs/tour -update writes it):\n%s", i+1, &out, want)
		}
	}
}

// A mistake is found before anything runs, and says which step it is and why.
func TestMistakes(t *testing.T) {
	a := func(g *Graph, s Shape) *Value { return g.Source("a", s) }
	for _, c := range []struct {
		name  string
		write func(*Graph)
		want  string
	}{
		{"add", func(g *Graph) { Add(a(g, Scalar), a(g, Shape{2, 1, 1, 1})) },
			"v2 = add v0 v1 [0 0 0 0]: operands are [1 1 1 1] and [2 1 1 1], want the same shape"},
		{"repeat", func(g *Graph) { Repeat(a(g, Shape{2, 1, 1, 1}), Shape{3, 1, 1, 1}) },
			"v1 = repeat{To:[3 1 1 1]} v0 [3 1 1 1]: [2 1 1 1] and [3 1 1 1]: want equal extents, or 1 in the smaller shape"},
		{"channels", func(g *Graph) { Conv(a(g, Shape{1, 1, 6, 6}), a(g, Shape{2, 3, 3, 3})) },
			"v2 = conv{Want:Y Of:[1 2 4 4]} v0 v1 [1 2 4 4]: pictures have 1 channels, filters 3"},
		{"large filters, and the first of two", func(g *Graph) {
			Add(Conv(a(g, Shape{1, 3, 2, 2}), a(g, Shape{2, 3, 3, 3})), a(g, Scalar))
		}, "v2 = conv{Want:Y Of:[1 2 0 0]} v0 v1 [1 2 0 0]: filters of 3×3 are larger than pictures of 2×2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Graph{}
			c.write(g)
			if _, err := Compile(g, nil); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// Arithmetic that can be done by hand.
func TestConvByHand(t *testing.T) {
	g := &Graph{}
	pictures, filters := g.Source("pictures", Shape{1, 1, 2, 3}), g.Source("filters", Shape{1, 1, 2, 2})
	found := Conv(pictures, filters)
	grads := Gradients(Sum(found, Scalar), pictures, filters)
	tape := compile(t, g, append(grads, found))
	copy(tape.Of(pictures), []float64{1, 2, 3, 4, 5, 6})
	copy(tape.Of(filters), []float64{1, 10, 100, 1000})
	tape.Run()
	for _, c := range []struct {
		what string
		v    *Value
		want []float64
	}{
		{"found", found, []float64{5421, 6532}},
		{"by pictures", grads[0], []float64{1, 11, 10, 100, 1100, 1000}},
		{"by filters", grads[1], []float64{3, 5, 9, 11}},
	} {
		if got := tape.Of(c.v); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// A source that is written late in the graph keeps what is put into it, although the memory of
// earlier steps would be free for it.
func TestLateSource(t *testing.T) {
	g := &Graph{}
	a := g.Source("a", Scalar)
	b := Scale(Scale(Scale(a, 2), 2), 2)
	late := g.Source("late", Scalar)
	sum := Add(b, late)
	tape := compile(t, g, []*Value{sum})
	tape.Of(a)[0], tape.Of(late)[0] = 1, 5
	for range 2 {
		tape.Run()
		if got := tape.Of(sum)[0]; got != 13 {
			t.Fatalf("8·1 + 5 = %v", got)
		}
	}
	if tape.Planned >= tape.Unplanned {
		t.Errorf("%d numbers of memory with a plan, %d without", tape.Planned, tape.Unplanned)
	}
}

// What the loss does not depend on has derivative 0.
func TestIndependent(t *testing.T) {
	g := &Graph{}
	a, b := g.Source("a", Scalar), g.Source("b", Scalar)
	grad := Gradients(Mul(a, a), b)[0]
	tape := compile(t, g, []*Value{grad})
	tape.Run()
	if got := tape.Of(grad)[0]; got != 0 {
		t.Errorf("d(a·a)/db = %v", got)
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	learner, err := NewNet().Learner()
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(2, learner.Run); n != 0 {
		t.Errorf("a run makes %v allocations", n)
	}
}

// relu, step, sum and repeat have no place in Proof; away from the kink their rules hold too.
func TestCheck(t *testing.T) {
	g := &Graph{}
	a := g.Source("a", Shape{2, 1, 1, 3})
	large := Shape{2, 2, 2, 3}
	loss := Sum(Mul(ReLU(Repeat(a, large)), Sub(Repeat(a, large), Step(Repeat(a, large)))), Scalar)
	fill := func(tape *Tape) { copy(tape.Of(a), []float64{1, -2, 3, -4, 5, -6}) }
	if err := Check(loss, a, fill); err != nil {
		t.Error(err)
	}
	// A proof that cannot fail proves nothing.
	wrong := Sum(g.Apply(wrongSquare{}, a), Scalar)
	const want = "element 0 of v0: the gradient is 1, nudging shows 2"
	if err := Check(wrong, a, fill); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// wrongSquare is a·a with the derivative a.
type wrongSquare struct{}

func (wrongSquare) Infer(in []Shape) (Shape, error) { return in[0], nil }
func (wrongSquare) Run(in []Tensor, out Tensor)     { mul{}.Run([]Tensor{in[0], in[0]}, out) }
func (wrongSquare) VJP(y, dy *Value) []*Value       { return []*Value{Mul(dy, y.In[0])} }

func compile(t *testing.T, g *Graph, wanted []*Value) *Tape {
	t.Helper()
	tape, err := Compile(g, wanted)
	if err != nil {
		t.Fatal(err)
	}
	return tape
}
