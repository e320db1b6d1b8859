package svg_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/graph/svg"
	"neocog/graph/view"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

var update = flag.Bool("update", false, "write the golden file anew")

func small(t *testing.T) *graph.Graph {
	t.Helper()
	text, err := os.ReadFile("../view/testdata/small.txt")
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Parse(string(text), ops.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func write(t *testing.T, g *graph.Graph, o svg.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := svg.Write(&b, g, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	got := write(t, small(t), svg.Options{})
	const file = "testdata/small.svg"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the picture differs from %s; look at both, and if the new one is right, go test -update", file)
	}
	if again := write(t, small(t), svg.Options{}); again != got {
		t.Error("the same graph gives other bytes")
	}
}

// A text of the picture, where it stands and how wide it is at most.
type text struct {
	class, s       string
	x0, y0, x1, y1 float64
}

// texts reads a picture, which must be well-formed and load nothing.
func texts(t *testing.T, doc string) (all []text, width, height float64) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	class, x, y := "", 0.0, 0.0
	inText := false
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return all, width, height
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "text"
			for _, a := range e.Attr {
				num, _ := strconv.ParseFloat(a.Value, 64)
				switch a.Name.Local {
				case "href", "src":
					t.Errorf("<%s> refers to %q", e.Name.Local, a.Value)
				case "class":
					if inText {
						class = a.Value
					}
				case "x":
					x = num
				case "y":
					y = num
				case "width":
					if e.Name.Local == "svg" {
						width = num
					}
				case "height":
					if e.Name.Local == "svg" {
						height = num
					}
				}
			}
		case xml.CharData:
			if s := string(e); inText && s != "" {
				size := map[string]float64{"title": view.TitleSize, "detail": view.DetailSize, "type": view.WireSize}[class]
				w := view.Width(s, size)
				left := x - w/2
				if class == "type" {
					left = x
				}
				all = append(all, text{class, s, left, y - size, left + w, y + 0.3*size})
			}
		case xml.EndElement:
			inText = false
		}
	}
}

// Titles of open boxes begin at the left, those of nodes are centred: the test takes them all as centred, which puts
// the former further to the left than they are; they are left out.
func TestTextsDoNotOverlap(t *testing.T) {
	for _, m := range models.All() {
		g, _, logits := m.Graph(&layers.Builder{Train: true})
		loss := ops.SoftmaxCrossEntropy(logits, g.Input("labels", graph.Of(graph.Int32, graph.Batch)), ops.CrossEntropy{})
		autodiff.Gradients(loss, g.Params()...)
		all, width, height := texts(t, write(t, g, svg.Options{Most: -1}))
		boxes := map[string]bool{"forward": true, "gradient": true}
		for _, n := range g.Nodes() {
			for _, part := range strings.Split(n.Scope, "/") {
				boxes[part] = true
			}
		}
		var kept []text
		for _, a := range all {
			if !boxes[a.s] {
				kept = append(kept, a)
			}
		}
		if len(kept) < 20 {
			t.Fatalf("%s: %d texts", m.Name, len(kept))
		}
		for i, a := range kept {
			if a.x0 < 0 || a.x1 > width || a.y0 < 0 || a.y1 > height {
				t.Errorf("%s: %q is outside of the picture: %+v", m.Name, a.s, a)
			}
			for _, b := range kept[:i] {
				// Half a letter of the widest font is not seen in the usual ones.
				if a.x0+3 < b.x1 && b.x0+3 < a.x1 && a.y0+1 < b.y1 && b.y0+1 < a.y1 {
					t.Errorf("%s: %s %q and %s %q overlap: %+v, %+v", m.Name, a.class, a.s, b.class, b.s, a, b)
				}
			}
		}
	}
}

// With few nodes allowed, scopes are drawn as one.
func TestMost(t *testing.T) {
	whole, some := write(t, small(t), svg.Options{Most: -1}), write(t, small(t), svg.Options{Most: 6})
	if !strings.Contains(whole, `>Conv2D</text>`) || strings.Contains(some, `>Conv2D</text>`) {
		t.Error("Conv2D is drawn only where all is")
	}
	if strings.Count(some, `closed"`) != 3 {
		t.Errorf("%d closed boxes, want forward, gradient and update", strings.Count(some, `closed"`))
	}
}

// What a user calls things may not break the picture.
func TestNamesAreEscaped(t *testing.T) {
	g := graph.New(`<script>&"`)
	g.Scope(`<b>`, func() { ops.ReLU(g.Input(`"x"&<i>`, graph.Of(graph.Float32, 3))) })
	all, _, _ := texts(t, write(t, g, svg.Options{}))
	g = graph.New("a\x00b\xff")
	g.Scope("s\x1b", func() { ops.ReLU(g.Input("x\x08", graph.Of(graph.Float32, 3))) })
	texts(t, write(t, g, svg.Options{})) // which wants XML
	if got := fmt.Sprint(all[0].s, all[1].s); !strings.Contains(got, `<b>`) {
		t.Errorf("texts %q", got)
	}
}

func TestErrors(t *testing.T) {
	if err := svg.Write(io.Discard, nil, svg.Options{}); err == nil {
		t.Error("a nil graph is no error")
	}
	if s := write(t, graph.New("empty"), svg.Options{}); !strings.Contains(s, "<title>empty</title>") {
		t.Errorf("an empty graph is %s", s)
	}
}
