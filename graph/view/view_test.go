package view_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/graph/layout"
	"neocog/graph/view"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
)

func small(t *testing.T) *graph.Graph {
	t.Helper()
	text, err := os.ReadFile("testdata/small.txt")
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Parse(string(text), ops.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// graphs yields every model: to predict, with its gradient, and with an optimiser.
func graphs(t *testing.T, do func(t *testing.T, g *graph.Graph)) {
	for _, m := range models.All() {
		for _, what := range []string{"forward", "gradient", "update"} {
			t.Run(m.Name+"/"+what, func(t *testing.T) {
				g, _, logits := m.Graph(&layers.Builder{Train: what != "forward"})
				if what != "forward" {
					loss := ops.SoftmaxCrossEntropy(logits, g.Input("labels", graph.Of(graph.Int32, graph.Batch)), ops.CrossEntropy{})
					gradients := autodiff.Gradients(loss, g.Params()...)
					if what == "update" {
						train.Adam{}.Apply(g.Input("lr", graph.Of(graph.Float32)), g.Params(), gradients)
					}
				}
				if err := g.Err(); err != nil {
					t.Fatal(err)
				}
				do(t, g)
			})
		}
	}
}

// Each node is one item, in the box of its scope; each input of it has a wire from the node that makes it or from a
// reference beside it; each update ends at a reference to what it renews.
func TestViewShowsEverything(t *testing.T) {
	graphs(t, func(t *testing.T, g *graph.Graph) {
		v := view.New(g)
		seen := make([]int, len(g.Nodes()))
		for i, it := range v.Items {
			if it.Parent >= i || it.Parent >= 0 && (!v.Items[it.Parent].IsBox() || !slices.Contains(v.Items[it.Parent].Children, i)) {
				t.Fatalf("item %d %+v: bad parent", i, it)
			}
			if it.Node != nil && it.Ref == nil {
				seen[it.Node.Index()]++
				if v.Leaf[it.Node.Index()] != i {
					t.Errorf("leaf %d of %v, want %d", v.Leaf[it.Node.Index()], it.Node, i)
				}
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Errorf("%v is %d items", g.Nodes()[i], n)
			}
		}
		wires := map[string]bool{}
		for _, w := range v.Wires {
			from := v.Items[w.From]
			if from.Ref != nil && from.Ref != w.Value || from.Ref == nil && from.Node != w.Value.Node() {
				t.Errorf("the wire of %v begins at %q", w.Value, from.Path)
			}
			for _, to := range w.To {
				wires[fmt.Sprint(w.Value.ID(), "→", to)] = true
				if from.Ref != nil && v.Items[to].Parent != from.Parent {
					t.Errorf("the reference %q is read in another box, by %q", from.Title, v.Items[to].Path)
				}
			}
		}
		for _, n := range g.Nodes() {
			for _, in := range n.Ins() {
				if !wires[fmt.Sprint(in.ID(), "→", v.Leaf[n.Index()])] {
					t.Errorf("no wire of %v leads to %v", in, n)
				}
			}
		}
		for _, u := range g.Updates() {
			found := slices.ContainsFunc(v.Wires, func(w view.Wire) bool {
				return w.Value == u.Next && slices.ContainsFunc(w.To, func(i int) bool { return v.Items[i].Target && v.Items[i].Ref == u.Param })
			})
			if !found {
				t.Errorf("nothing shows that %v becomes %v", u.Param, u.Next)
			}
		}
		if l, err := v.Layout(); err != nil || len(l.Levels) != len(v.Items)+1 {
			t.Errorf("layout: %v", err)
		}
	})
}

// Between scopes of a network and its gradient there are circles; apart they have none, and all wires lead down.
func TestNoWireLeadsUp(t *testing.T) {
	graphs(t, func(t *testing.T, g *graph.Graph) {
		l, err := view.New(g).Layout()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range l.Levels {
			if v != nil && slices.ContainsFunc(v.Segs, func(s layout.Seg) bool { return s.Up }) {
				t.Error("a wire leads up")
			}
		}
	})
}

func TestBoxes(t *testing.T) {
	v := view.New(small(t))
	var boxes []string
	for _, it := range v.Items {
		if it.IsBox() {
			boxes = append(boxes, fmt.Sprintf("%s %s: %s", it.Kind, it.Path, it.Detail))
		}
	}
	want := []string{
		"forward forward: 11 nodes · 680 parameters",
		"gradient gradient: SoftmaxCrossEntropyGrad MatMul",
		"update update: 6 nodes",
		"forward forward/conv1: Conv2D · 40 parameters",
		"forward forward/head: MatMul · 640 parameters",
		"forward forward/head/fc: MatMul · 640 parameters",
		"gradient gradient/head: MatMul",
		"gradient gradient/head/fc: MatMul",
		"update update/head: 5 nodes",
		"update update/head/fc: 5 nodes",
		"update update/head/fc/w: 5 nodes",
	}
	if got := strings.Join(boxes, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	var refs []string
	for _, it := range v.Items {
		if it.Ref != nil {
			refs = append(refs, fmt.Sprintf("%s in %s", it.Title, v.Items[it.Parent].Path))
		}
	}
	wantRefs := []string{
		"%12 SoftmaxCrossEntropy in gradient", "labels in gradient", "%7 Flatten in gradient/head/fc",
		"%15 MatMul in update/head/fc/w", "lr in update/head/fc/w", "head/fc/w in update/head/fc/w",
		"→ opt/head/fc/w/v in update/head/fc/w", "→ head/fc/w in update/head/fc/w",
	}
	if got := strings.Join(refs, "\n"); got != strings.Join(wantRefs, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(wantRefs, "\n"))
	}
}

func TestUnfold(t *testing.T) {
	v := view.New(small(t))
	for _, most := range []int{0, 3, 8, 20, 1000} {
		open := v.Unfold(most)
		seen := 0
		for i, it := range v.Items {
			shown := true
			for p := it.Parent; p >= 0; p = v.Items[p].Parent {
				if shown = shown && open(p); open(i) && !open(p) {
					t.Errorf("most %d: %q is open in the closed %q", most, it.Path, v.Items[p].Path)
				}
			}
			if shown && !open(i) {
				seen++
			}
		}
		if seen > max(most, 3) || most == 1000 && seen != 28 {
			t.Errorf("most %d: %d items are seen", most, seen)
		}
	}
}

func TestTypeText(t *testing.T) {
	for want, typ := range map[string]graph.Type{
		"N×6×28×28": graph.Of(graph.Float32, graph.Batch, 6, 28, 28),
		"i32 N":     graph.Of(graph.Int32, graph.Batch),
		"scalar":    graph.Of(graph.Float32),
		"f64 2":     graph.Of(graph.Float64, 2),
	} {
		if got := view.TypeText(typ); got != want {
			t.Errorf("%v is %q, want %q", typ, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for want, n := range map[string]int64{"0": 0, "999": 999, "1,000": 1000, "2,416": 2416, "61.7 k": 61706, "1 M": 999_960, "25.6 M": 25_557_032, "4.09 G": 4_089_184_256} {
		if got := view.Count(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// Every prefix in the table is one of an op, and its gradient has the same family.
func TestCategories(t *testing.T) {
	for _, op := range []string{"MaxPool2DGather", "LeakyReLU", "GELUGrad", "LogSoftmax", "Clip"} {
		if i := slices.IndexFunc(ops.All(), func(o graph.Op) bool { return o.Name() == op }); i < 0 || view.Category(ops.All()[i]) == "" {
			t.Errorf("%s has no family", op)
		}
	}
	for want, name := range map[string]string{
		"convolution": "Conv2DFilterGrad", "linear": "MatMul", "pool": "MaxPool2DGrad", "norm": "BatchNormGrad",
		"activation": "ReLUGrad", "loss": "SoftmaxCrossEntropyGrad", "random": "Dropout", "shape": "Transpose", "": "Add",
	} {
		found := false
		for _, op := range ops.All() {
			if op.Name() == name {
				found = true
				if got := view.Category(op); got != want {
					t.Errorf("%s is of the family %q, want %q", name, got, want)
				}
			}
		}
		if !found {
			t.Errorf("there is no op %s", name)
		}
	}
}
