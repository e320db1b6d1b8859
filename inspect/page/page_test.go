package page_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/inspect"
	"neocog/inspect/page"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// training returns a model as it trains: with loss, gradient and the updates of an optimiser.
func training(t *testing.T, name string) *graph.Graph {
	t.Helper()
	m, err := models.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	g, _, logits := m.Graph(&layers.Builder{Train: true})
	differentiate(t, g, logits)
	return g
}

// forward returns a model as it predicts.
func forward(t *testing.T, name string) *graph.Graph {
	t.Helper()
	m, err := models.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := m.Graph(&layers.Builder{})
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}

func differentiate(t *testing.T, g *graph.Graph, logits *graph.Value) {
	t.Helper()
	loss := ops.SoftmaxCrossEntropy(logits, g.Input("labels", graph.Of(graph.Int32, graph.Batch)), ops.CrossEntropy{})
	gradients := autodiff.Gradients(loss, g.Params()...)
	train.Momentum{}.Apply(g.Input("lr", graph.Of(graph.Float32)), g.Params(), gradients)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, g *graph.Graph, o page.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, g, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// know is what a page says of its nodes.
type know struct {
	Batch int
	Nodes []struct {
		Op, Algorithm, Position, Name string
		MACs                          int64
		Origin                        int
		Measured                      *struct {
			Nanoseconds float64
			Bytes       int64
		}
		Pictures []struct {
			Kind, Title, Data string
			Min, Max, Zeros   float64
			Mean, Std         float64
			Faulty            int
			Counts            []int
		}
	}
	Items []struct {
		Path string
		Node int
		Open bool
	}
}

func read(t *testing.T, doc string) (k know) {
	t.Helper()
	_, rest, _ := strings.Cut(doc, `id="data">`)
	text, _, ok := strings.Cut(rest, "</script>")
	if !ok {
		t.Fatal("the page has no data")
	}
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// Nothing in the page leads out of it, whatever a user calls things.
func TestPageIsSelfContained(t *testing.T) {
	g := graph.New(`</script><img src=x>`)
	g.Scope(`</script><script src="//evil">`, func() { ops.ReLU(g.Input("https://example.org/x", graph.Of(graph.Float32, 3))) })
	doc := write(t, g, page.Options{})
	if strings.Contains(doc, "evil\">") || strings.Contains(doc, "<img src=x>") {
		t.Error("a name has become a part of the page")
	}
	if again := write(t, g, page.Options{}); again != doc {
		t.Error("the same graph gives other bytes")
	}
	_, data, _ := strings.Cut(doc, `id="data">`)
	data, _, _ = strings.Cut(data, "</script>")
	for _, link := range regexp.MustCompile(`(?i)(src|href)="[^"]*"|url\([^)]*\)|@import|https?://[^"' ]*`).FindAllString(strings.Replace(doc, data, "", 1), -1) {
		if link != `href="data:,"` && link != "http://www.w3.org/2000/svg" { // the name of SVG, which nobody loads
			t.Errorf("the page refers to %s", link)
		}
	}
}

func TestPageKnowsAlgorithmsAndTimes(t *testing.T) {
	g := training(t, "lenet5")
	p, err := page.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	conv := -1
	for i, n := range g.Nodes() {
		if n.Op.Name() == "Conv2D" && conv < 0 {
			conv = i
		}
	}
	profile := &inspect.Profile{Graph: "lenet5", Batch: 8, Runs: 10, Nodes: []inspect.ProfileNode{{Node: conv, Op: "Conv2D", Nanoseconds: 1500, Bytes: 64}}}
	if err := page.Write(io.Discard, g, page.Options{Batch: 4, Profile: profile}); err == nil || !strings.Contains(err.Error(), "measured at batch size 8, the page is asked for at 4") {
		t.Errorf("the costs of 4 images beside the times of 8: %v", err)
	}
	k := read(t, write(t, g, page.Options{Program: p, Profile: profile}))
	if k.Batch != 8 {
		t.Errorf("the page is for batch size %d, want the profile's, 8", k.Batch)
	}
	if len(k.Nodes) != len(g.Nodes()) {
		t.Fatalf("%d nodes, want %d", len(k.Nodes), len(g.Nodes()))
	}
	for i, n := range g.Nodes() {
		got := k.Nodes[i]
		if got.Op != n.Op.Name() || got.Position != n.Pos.String() || (got.Origin >= 0) != (n.Origin != nil) {
			t.Errorf("node %d is %+v, want %v", i, got, n)
		}
		if strings.HasPrefix(got.Op, "Conv2D") && (got.Algorithm == "" || got.MACs == 0) {
			t.Errorf("of %v the page knows neither algorithm nor cost: %+v", n, got)
		}
	}
	if m := k.Nodes[conv].Measured; m == nil || m.Nanoseconds != 1500 || m.Bytes != 64 {
		t.Errorf("measured: %+v", m)
	}
}

// Weights are shown as they are; what is not finite is counted.
func TestPageKnowsWeightsAndActivations(t *testing.T) {
	m, err := models.Find("lenet5")
	if err != nil {
		t.Fatal(err)
	}
	g, x, _ := m.Graph(&layers.Builder{})
	state := vm.NewState(1)
	bias := []float32{0, 1, float32(math.NaN()), 3, 0, -4}
	if err := state.Set("conv1/b", tensor.New(tensor.WithShape(6), tensor.WithBacking(bias))); err != nil {
		t.Fatal(err)
	}
	p, err := page.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := p.NewMachine(state) // which draws the other parameters
	if err != nil {
		t.Fatal(err)
	}
	machine.Close()
	feeds := vm.Feeds{x: tensor.New(tensor.WithShape(2, 1, 28, 28), tensor.WithBacking(make([]float32, 2*784)))}
	k := read(t, write(t, g, page.Options{State: state, Feeds: feeds}))
	kinds := map[string]string{}
	for _, n := range k.Nodes {
		for _, p := range n.Pictures {
			kinds[n.Op+n.Name] += p.Kind + " "
			if p.Kind == "picture" && !strings.HasPrefix(p.Data, "iVBORw0KGgo") {
				t.Errorf("%q is no PNG", p.Title)
			}
			if n.Name == "conv1/b" && (p.Min != -4 || p.Max != 3 || p.Faulty != 1 || p.Zeros != 0.4 || p.Counts[0] != 1) {
				t.Errorf("the biases are %+v", p)
			}
		}
	}
	for name, want := range map[string]string{
		"Paramconv1/w": "histogram picture ", "Paramconv1/b": "histogram ", "Paramfc1/w": "histogram ", "Inputx": "histogram picture ", "MatMul": "histogram histogram ",
	} {
		if kinds[name] != want {
			t.Errorf("%s has %q, want %q", name, kinds[name], want)
		}
	}
}

// Numbers whose sum no float64 holds have a mean all the same.
func TestHistogramOfHugeNumbers(t *testing.T) {
	g := graph.New("huge")
	g.Param("w", graph.Of(graph.Float64, 4), graph.Zeros())
	state := vm.NewState(1)
	if err := state.Set("w", tensor.New(tensor.WithShape(4), tensor.WithBacking([]float64{1.5e308, 1.5e308, -1.5e308, 1.5e308}))); err != nil {
		t.Fatal(err)
	}
	k := read(t, write(t, g, page.Options{State: state}))
	p := k.Nodes[0].Pictures[0]
	if math.Abs(p.Mean/0.75e308-1) > 1e-12 || math.Abs(p.Std/(1.5e308*math.Sqrt(0.75))-1) > 1e-12 || !slices.Equal([]int{p.Counts[0], p.Counts[len(p.Counts)-1]}, []int{1, 3}) {
		t.Errorf("the histogram is %+v", p)
	}
}

// pixels decodes a picture.
func pixels(t *testing.T, base string) image.Image {
	t.Helper()
	img, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(base)))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestFilters(t *testing.T) {
	// Two filters of two channels, of one row of two taps: in each plane the number of the plane, or its opposite.
	p, err := page.Filters([]float64{1, -1, 2, -2, 3, -3, 4, -4}, graph.Shape{2, 2, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	img := pixels(t, p.Data)
	if got := img.Bounds().Size(); got != image.Pt(5, 3) {
		t.Fatalf("the picture is %v, want 2×2 tiles of 2×1 and lines between", got)
	}
	red := func(x, y int) int { r, _, b, _ := img.At(x, y).RGBA(); return int(r>>8) - int(b>>8) }
	last := 0
	for i, at := range []image.Point{{0, 0}, {3, 0}, {0, 2}, {3, 2}} { // filter by filter, channel by channel
		plus, minus := red(at.X, at.Y), red(at.X+1, at.Y)
		if plus <= last || minus >= 0 {
			t.Errorf("plane %d: %d is not redder than %d, or %d not blue", i, plus, last, minus)
		}
		last = plus
	}
	if _, _, _, a := img.At(2, 0).RGBA(); a != 0 {
		t.Error("the line between tiles is not transparent")
	}
}

// Maps are shown from black to white, each by itself; nothing that a page shows changes the state.
func TestMapsAndState(t *testing.T) {
	g := graph.New("maps")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 1, 2))
	ops.ReLU((&layers.Builder{Train: true}).BatchNorm("norm", ops.Scale(x, 2)))
	p, err := page.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	state := vm.NewState(1)
	m, err := p.NewMachine(state)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	values := func() string {
		var b strings.Builder
		for _, name := range state.Names() {
			v, err := state.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, name, v.Data())
		}
		return b.String()
	}
	before := values()
	feeds := vm.Feeds{x: tensor.New(tensor.WithShape(2, 2, 1, 2), tensor.WithBacking([]float32{1, 2, 300, 100, 0, 1, 2, 3}))}
	k := read(t, write(t, g, page.Options{State: state, Feeds: feeds}))
	if after := values(); after != before {
		t.Errorf("the page changed the state from\n%s\nto\n%s", before, after)
	}
	shown := false
	for _, n := range k.Nodes {
		if n.Op != "Scale" || len(n.Pictures) == 0 {
			continue
		}
		shown = true
		img := pixels(t, n.Pictures[len(n.Pictures)-1].Data)
		var got []uint8
		for _, x := range []int{0, 1, 3, 4} {
			r, _, _, _ := img.At(x, 0).RGBA()
			got = append(got, uint8(r>>8))
		}
		if want := []uint8{0, 255, 255, 0}; !slices.Equal(got, want) {
			t.Errorf("the maps are %v, want %v", got, want)
		}
	}
	if !shown {
		t.Error("no maps are shown")
	}
}

func TestFiltersErrors(t *testing.T) {
	for _, s := range []graph.Shape{{0, 1, 3, 3}, {2, 1, 3, 3}, {9}} {
		if _, err := page.Filters(make([]float64, 9), s); err == nil || !strings.Contains(err.Error(), "want [K,C,H,W]") {
			t.Errorf("%v: %v", s, err)
		}
	}
	p, err := page.Filters(make([]float64, 96*3*9), graph.Shape{96, 3, 3, 3})
	if err != nil || !strings.Contains(p.Title, "96 filters 3×3, in colour; 64 shown") {
		t.Errorf("%+v, %v", p, err)
	}
}

// Scopes are open or closed at first as is asked for.
func TestOpen(t *testing.T) {
	g := training(t, "lenet5")
	for most, want := range map[int]bool{1: false, -1: true} {
		for _, it := range read(t, write(t, g, page.Options{Open: most})).Items {
			if it.Node < 0 && it.Open != want {
				t.Errorf("Open %d: %s is open: %t, want %t", most, it.Path, it.Open, want)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", graph.Of(graph.Float32, 3))
	w := g.Param("w", graph.Of(graph.Float32, 3), graph.Zeros())
	y := ops.Mul(x, w)
	other := training(t, "lenet5")
	p, err := page.Compile(other)
	if err != nil {
		t.Fatal(err)
	}
	wrong := vm.NewState(1)
	if err := wrong.Set("w", tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{1, 2}))); err != nil {
		t.Fatal(err)
	}
	none := vm.NewState(1)
	for want, o := range map[string]page.Options{
		`there is no value of "w", which the graph has as f32[3]; the values are of another network`: {State: none, Feeds: vm.Feeds{x: tensor.New(tensor.WithShape(3), tensor.WithBacking(make([]float32, 3)))}},
		"the batch size is -1":      {Batch: -1},
		"is of another graph":       {Program: p},
		"the values are of another": {State: wrong},
		"want the values of the parameters: Feeds are given without State": {Feeds: vm.Feeds{x: nil}},
		"the profile is of another graph":                                  {Profile: &inspect.Profile{Batch: 1, Nodes: []inspect.ProfileNode{{Node: 99}}}},
	} {
		if err := page.Write(io.Discard, g, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v, want %s", o, err, want)
		}
	}
	if len(none.Names()) > 0 {
		t.Errorf("the page gave the state %q", none.Names())
	}
	if err := page.Write(io.Discard, nil, page.Options{}); err == nil {
		t.Error("a nil graph is no error")
	}
	ops.Transpose(y, 9)
	if err := page.Write(io.Discard, g, page.Options{}); err == nil {
		t.Error("a faulty graph is no error")
	}
}

func ExampleWrite() {
	g := graph.New("half")
	ops.Scale(g.Input("x", graph.Of(graph.Float32, graph.Batch, 3)), 0.5)
	var b bytes.Buffer
	err := page.Write(&b, g, page.Options{Batch: 32})
	fmt.Println(strings.HasPrefix(b.String(), "<!doctype html>"), err)
	// Output: true <nil>
}
