package page_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/graph/view"
	"neocog/inspect"
	"neocog/inspect/page"
	"neocog/internal/browser"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

const (
	up, down, enter, escape, backspace = "\u0304", "\u0301", "\r", "\u001b", "\b"
)

// deep is a residual network like the largest ones: nested scopes, and some 3,000 nodes with gradient and updates.
func deep(t *testing.T) *graph.Graph {
	g := graph.New("deep")
	b := &layers.Builder{Train: true}
	same := ops.Conv{Pad: [4]int{1, 1, 1, 1}}
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 16, 16))
	y := ops.ReLU(b.Conv("stem", x, 4, [2]int{3, 3}, same))
	for stage, blocks := range []int{3, 8, 20, 3} {
		g.Scope(fmt.Sprintf("layer%d", stage+1), func() {
			for i := range blocks {
				g.Scope(fmt.Sprint(i), func() {
					h := ops.ReLU(b.BatchNorm("bn1", b.ConvNoBias("conv1", y, 4, [2]int{3, 3}, same)))
					h = ops.ReLU(b.BatchNorm("bn2", b.ConvNoBias("conv2", h, 4, [2]int{3, 3}, same)))
					y = ops.ReLU(ops.Add(y, b.BatchNorm("bn3", b.ConvNoBias("conv3", h, 4, [2]int{3, 3}, same))))
				})
			}
		})
	}
	differentiate(t, g, b.Linear("fc", ops.Flatten(ops.GlobalAvgPool(y)), 10))
	if n := len(g.Nodes()); n < 3000 {
		t.Fatalf("%d nodes, want 3000 or more", n)
	}
	return g
}

// The page finds its places as the Go package does.
func TestPlacesAreThoseOfGo(t *testing.T) {
	g := training(t, "lenet5")
	b := browser.Open(t, write(t, g, page.Options{}))
	v := view.New(g)
	l, err := v.Layout()
	if err != nil {
		t.Fatal(err)
	}
	for name, rule := range map[string]func(i int) bool{
		"true": func(int) bool { return true }, "false": func(int) bool { return false }, "i % 3 > 0": func(i int) bool { return i%3 > 0 },
	} {
		d := l.Place(rule)
		type box struct{ X, Y, W, H float64 }
		got := browser.Eval[struct {
			W, H  float64
			Boxes []*box
			Lines []struct{ X0, Y0, A, X1, Y1, B float64 }
		}](b, "place(data, i => %s)", name)
		same := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
		if !same(got.W, d.Size.W) || !same(got.H, d.Size.H) || len(got.Lines) != len(d.Lines) {
			t.Fatalf("open if %s: %g×%g with %d lines, want %v with %d", name, got.W, got.H, len(got.Lines), d.Size, len(d.Lines))
		}
		for i, want := range d.Boxes {
			p := (*box)(nil)
			if i < len(got.Boxes) {
				p = got.Boxes[i]
			}
			if (p != nil) != want.Shown || p != nil && !(same(p.X, want.X) && same(p.Y, want.Y) && same(p.W, want.W) && same(p.H, want.H)) {
				t.Fatalf("open if %s: %q is at %+v, want %+v", name, v.Items[i].Path, p, want)
			}
		}
		for i, want := range d.Lines {
			if p := got.Lines[i]; !same(p.X0, want.From.X) || !same(p.Y1, want.To.Y) || !same(p.A, want.A.Y) || !same(p.B, want.B.Y) || !same(p.X1, want.To.X) {
				t.Fatalf("open if %s: line %d is %+v, want %+v", name, i, p, want)
			}
		}
	}
}

func TestSearchReachesEveryNode(t *testing.T) {
	g := training(t, "lenet5")
	b := browser.Open(t, write(t, g, page.Options{}))
	b.Keys("c") // all scopes closed
	for i, n := range g.Nodes() {
		got := browser.Eval[struct {
			Node  int
			Shown bool
			Title string
		}](b, `(() => {
			search.value = %q;
			find();
			take(0);
			return {node: items[chosen].node, shown: !!drawing.boxes[chosen], title: panel.querySelector("h2").textContent};
		})()`, n.Out(0).String())
		if got.Node != i || !got.Shown || got.Title == "" {
			t.Errorf("%v leads to node %d, shown: %t, %q", n.Out(0), got.Node, got.Shown, got.Title)
		}
	}
	// As a reader does it.
	b.Keys("/")
	b.Keys("c", "o", "n", "v", "2", " ", "f", "i", "l", "t", "e", "r", enter)
	if got := browser.Eval[string](b, `panel.textContent`); !strings.Contains(got, "Conv2DFilterGrad") || !strings.Contains(got, "Gradient of") {
		t.Errorf("the panel says %q", got)
	}
	b.Screenshot("lenet-gradient-panel")
}

func TestKeysOpenCloseAndWalk(t *testing.T) {
	b := browser.Open(t, write(t, training(t, "lenet5"), page.Options{}))
	b.Keys("c")
	count := func() int {
		return browser.Eval[int](b, `drawing.boxes.filter(b => b && !b.open).length`)
	}
	if n := count(); n != 3 {
		t.Fatalf("%d items are seen with all scopes closed, want 3", n)
	}
	browser.Eval[bool](b, `canvas.focus() ?? true`)
	b.Keys(down, enter) // the first item, which opens
	if n := count(); n < 10 {
		t.Fatalf("%d items are seen after Enter", n)
	}
	b.Keys(down)
	first := browser.Eval[string](b, `items[chosen].path`)
	b.Keys(down)
	if second := browser.Eval[string](b, `items[chosen].path`); second == first || second == "" {
		t.Errorf("the arrow led from %q to %q", first, second)
	}
	b.Keys(up)
	if back := browser.Eval[string](b, `items[chosen].path`); back != first {
		t.Errorf("back is %q, want %q", back, first)
	}
	b.Keys(backspace)
	if n := count(); n != 3 {
		t.Errorf("%d items are seen after Backspace, want 3", n)
	}
	b.Keys(escape)
	if !browser.Eval[bool](b, `panel.hidden && chosen === -1`) {
		t.Error("Escape leaves something selected")
	}
	b.Keys("?")
	if !browser.Eval[bool](b, `document.getElementById("keys").open`) {
		t.Error("? shows no keys")
	}
}

// A click selects, a click on the sign opens, dragging moves, the wheel zooms.
func TestMouse(t *testing.T) {
	b := browser.Open(t, write(t, training(t, "lenet5"), page.Options{}))
	b.Keys("c")
	at := func(selector string) (x, y float64) {
		p := browser.Eval[[2]float64](b, `(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, selector)
		return p[0], p[1]
	}
	click := func(selector string) {
		x, y := at(selector)
		if err := chromedp.Do(b.Context(), chromedp.MouseClickXY(x, y)); err != nil {
			t.Fatal(err)
		}
		b.Settle()
	}
	if got := browser.Eval[string](b, `bytes(1020 * 1024) + ", " + bytes(1536)`); got != "1020 KiB, 1.5 KiB" {
		t.Errorf("sizes are written %s", got)
	}
	click(`[data-item="0"] .title`)
	if got := browser.Eval[string](b, `panel.textContent`); !strings.Contains(got, "forward") || !strings.Contains(got, "61,706 100 % of all") {
		t.Errorf("the panel of the network says %q", got)
	}
	click(`[data-item="0"] .fold`)
	if !browser.Eval[bool](b, `open.has(0)`) {
		t.Error("the sign opens nothing")
	}
	if got := browser.Eval[string](b, `panel.textContent`); !strings.Contains(got, "Close this scope") {
		t.Errorf("the panel of an open scope says %q", got)
	}
	// What is searched for comes to the middle of what the panel leaves of the picture.
	middle := browser.Eval[[2]float64](b, `(() => {
		search.value = "%%3";
		find();
		take(0);
		const p = drawing.boxes[chosen], r = canvas.getBoundingClientRect();
		return [((p.x + p.w / 2) - eye.x) * eye.scale / r.width, ((p.y + p.h / 2) - eye.y) * eye.scale / r.height];
	})()`)
	b.Settle() // the sign that is clicked next moves with the picture
	if math.Abs(middle[0]-0.5) > 0.01 || math.Abs(middle[1]-0.5) > 0.01 {
		t.Errorf("the node that was searched for stands at %v of the picture, want the middle", middle)
	}
	click(`[data-item="0"] .fold`)
	if browser.Eval[bool](b, `open.has(0)`) {
		t.Error("the sign closes nothing")
	}
	before := browser.Eval[float64](b, `eye.scale`)
	browser.Eval[bool](b, `canvas.dispatchEvent(new WheelEvent("wheel", {deltaY: -200, clientX: 300, clientY: 300, cancelable: true, bubbles: true})) || true`)
	if after := browser.Eval[float64](b, `eye.scale`); after <= before {
		t.Errorf("the wheel zooms from %g to %g", before, after)
	}
}

// Closed scopes, of which the drawing has no box, once turned every colour into none.
func TestColourByWithClosedScopes(t *testing.T) {
	g := training(t, "lenet5")
	profile := &inspect.Profile{Graph: "lenet5", Batch: 8, Runs: 1}
	for i, n := range g.Nodes() {
		profile.Nodes = append(profile.Nodes, inspect.ProfileNode{Node: i, Op: n.Op.Name(), Nanoseconds: float64(1000 * (i + 1)), Bytes: 64})
	}
	b := browser.Open(t, write(t, g, page.Options{Profile: profile}))
	for _, keys := range []string{"c", "e"} {
		b.Keys(keys)
		for _, measure := range browser.Eval[[]string](b, `[...$("heat").options].map(o => o.value).filter(v => v)`) {
			type colours struct {
				Fills []string
				Scale string
				Shown bool
			}
			browser.Eval[bool](b, `($("heat").value = %q, $("heat").dispatchEvent(new Event("change")))`, measure)
			b.Settle()
			got := browser.Eval[colours](b, `(() => {
				const rects = [...document.querySelectorAll(".item:not(.ref):not(.open) > rect:last-of-type")].filter(r => r.style.fill);
				return {Fills: rects.map(r => r.style.fill), Scale: $("most").textContent, Shown: !$("scale").hidden};
			})()`)
			if len(got.Fills) == 0 || got.Scale == "" || !got.Shown {
				t.Errorf("after %q, by %s: %d coloured nodes, a scale up to %q, shown %t", keys, measure, len(got.Fills), got.Scale, got.Shown)
			}
			full := 0
			for _, fill := range got.Fills {
				if strings.Contains(fill, "NaN") || strings.Contains(fill, "Infinity") {
					t.Errorf("after %q, by %s: a node is filled with %s", keys, measure, fill)
				}
				if strings.Contains(fill, " 80%") {
					full++
				}
			}
			if keys == "c" && full == 0 { // all is in sight
				t.Errorf("after %q, by %s: no node has the full colour: %q", keys, measure, got.Fills)
			}
		}
	}
	b.Screenshot("colour-by")
}

// The panel shows what a run, a program and a profile know of a node; the search is driven by keys; what a node is wired to is lit.
func TestPanelShowsWhatIsKnown(t *testing.T) {
	m, err := models.Find("lenet5")
	if err != nil {
		t.Fatal(err)
	}
	g, x, _ := m.Graph(&layers.Builder{})
	p, err := page.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	state := vm.NewState(1)
	machine, err := p.NewMachine(state)
	if err != nil {
		t.Fatal(err)
	}
	machine.Close()
	feeds := vm.Feeds{x: tensor.New(tensor.WithShape(2, 1, 28, 28), tensor.WithBacking(make([]float32, 2*784)))}
	profile := &inspect.Profile{Graph: "lenet5", Batch: 2, Runs: 7}
	for i, n := range g.Nodes() {
		if n.Op.Name() == "Conv2D" {
			profile.Nodes = append(profile.Nodes, inspect.ProfileNode{Node: i, Op: "Conv2D", Nanoseconds: 117600, Bytes: 64})
		}
	}
	b := browser.Open(t, write(t, g, page.Options{Program: p, State: state, Feeds: feeds, Profile: profile, Open: -1}))
	b.Keys("/")
	for _, c := range "conv2d" {
		b.Keys(string(c))
	}
	b.Keys(kb.ArrowDown, kb.Enter)
	got := browser.Eval[string](b, `panel.textContent`)
	// The second hit is conv2: 2 × 240,000 multiply-adds for 2 images, in 117.6 µs.
	for _, want := range []string{"conv2", "algorithm", "mean of 7 runs", "118 µs", "8.163 GFLOP/s", "activations", "maps of the first image"} {
		if !strings.Contains(got, want) {
			t.Errorf("the panel lacks %q: %s", want, got)
		}
	}
	if n := browser.Eval[int](b, `panel.querySelectorAll("img, svg").length`); n < 2 {
		t.Errorf("the panel shows %d pictures and distributions, want at least 2", n)
	}
	if browser.Eval[string](b, `document.querySelector("path.lit").getAttribute("d")`) == "" {
		t.Error("no wire of the node is lit")
	}
	b.Keys(kb.Escape)
	// Arrow keys follow the wires.
	browser.Eval[bool](b, `(select(items.findIndex(it => it.node === maker.get(3))), true)`)
	b.Settle()
	browser.Eval[bool](b, `(canvas.focus(), true)`)
	b.Keys(kb.ArrowDown)
	if got := browser.Eval[string](b, `items[chosen].title`); got != "ReLU" {
		t.Errorf("below conv1's convolution is %s, want ReLU", got)
	}
	// A scope opens and closes where it was.
	scope := browser.Eval[int](b, `items.findIndex(it => it.title === "conv3")`)
	where := func() [2]float64 {
		return browser.Eval[[2]float64](b, `(() => { const p = drawing.boxes[%d]; return [(p.x - eye.x) * eye.scale, (p.y - eye.y) * eye.scale]; })()`, scope)
	}
	before := where()
	browser.Eval[bool](b, `(toggle(%d), true)`, scope)
	if after := where(); math.Abs(after[0]-before[0]) > 60 || math.Abs(after[1]-before[1]) > 1 {
		t.Errorf("the scope jumps from %v to %v", before, after)
	}
}

// Light and dark pages have ink that stands out from paper, and the pictures that people look at.
func TestLightAndDark(t *testing.T) {
	forward := training(t, "lenet5")
	b := browser.Open(t, write(t, forward, page.Options{Open: 1000}))
	for _, on := range []bool{false, true} {
		b.Dark(on)
		paper := browser.Eval[string](b, `getComputedStyle(document.body).backgroundColor`)
		want := "rgb(255, 255, 255)"
		if on {
			want = "rgb(15, 20, 25)"
		}
		if paper != want {
			t.Errorf("dark %t: the paper is %s, want %s", on, paper, want)
		}
		b.Screenshot(fmt.Sprintf("lenet-dark-%t", on))
	}
}

// A large network opens quickly, draws what is in sight only, and reaches every node. The time is logged and not tested.
func TestLargeGraph(t *testing.T) {
	g := deep(t)
	start := time.Now()
	doc := write(t, g, page.Options{})
	made := time.Since(start)
	start = time.Now()
	b := browser.Open(t, doc)
	t.Logf("%d nodes: page of %d KiB made in %v, shown %v after the start of the browser", len(g.Nodes()), len(doc)/1024, made, time.Since(start))
	t.Logf("script: %.0f ms to the first picture", browser.Eval[float64](b, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`))
	if n := browser.Eval[int](b, `document.querySelectorAll("[data-item]").length`); n == 0 || n > 200 {
		t.Errorf("%d items are drawn at first", n)
	}
	b.Screenshot("deep")
	b.Dark(true)
	b.Screenshot("deep-dark")
	b.Dark(false)
	b.Keys("e")
	t.Logf("all scopes opened: placed in %.0f ms", browser.Eval[float64](b, `(() => { const t = performance.now(); rearrange(-1); return performance.now() - t; })()`))
	b.Keys("+", "+", "+", "+")
	drawn, all := browser.Eval[int](b, `document.querySelectorAll("[data-item]").length`), browser.Eval[int](b, `drawing.boxes.filter(Boolean).length`)
	if drawn >= all/2 {
		t.Errorf("%d of %d items are drawn, though few are in sight", drawn, all)
	}
	frame := browser.Eval[float64](b, `(() => { const t = performance.now(); for (let k = 0; k < 20; k++) { eye.x += 40; show(); } return (performance.now() - t) / 20; })()`)
	t.Logf("moving: %.1f ms of script a frame, %d of %d items drawn", frame, drawn, all)
	b.Screenshot("deep-open")
	b.Keys("c")
	missed := browser.Eval[int](b, `(() => {
		let missed = 0;
		for (let k = 0; k < nodes.length; k += 37) {
			search.value = "%%" + nodes[k].outs[0].id;
			find();
			take(0);
			if (chosen < 0 || items[chosen].node !== k || !drawing.boxes[chosen]) missed++;
		}
		return missed;
	})()`)
	if missed > 0 {
		t.Errorf("the search misses %d nodes", missed)
	}
}

// The networks that people will look at. Times are logged and not tested: ResNet-152 should open in less than two seconds.
func TestNetworksOfTheZoo(t *testing.T) {
	for _, c := range []struct {
		model    string
		gradient bool
		every    int // every so many nodes are searched for
	}{
		{"googlenet", false, 5}, {"googlenet", true, 41}, {"resnet50", false, 29}, {"resnet50", true, 61}, {"resnet152", true, 307},
	} {
		name := fmt.Sprintf("%s-gradient-%t", c.model, c.gradient)
		t.Run(name, func(t *testing.T) {
			g := forward(t, c.model)
			if c.gradient {
				g = training(t, c.model)
			}
			b := browser.Open(t, write(t, g, page.Options{}))
			t.Logf("%d nodes, %.0f ms to the first picture", len(g.Nodes()), browser.Eval[float64](b, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`))
			b.Screenshot(name)
			b.Keys("e")
			b.Screenshot(name + "-open")
			frame := browser.Eval[float64](b, `(() => { const t = performance.now(); for (let k = 0; k < 20; k++) { eye.x += 40; show(); } return (performance.now() - t) / 20; })()`)
			t.Logf("everything open: %.1f ms of script a frame", frame)
			b.Keys("c")
			missed := browser.Eval[int](b, `(() => {
				let missed = 0;
				for (let k = 0; k < nodes.length; k += %d) {
					search.value = "%%" + nodes[k].outs[0].id;
					find();
					take(0);
					if (chosen < 0 || items[chosen].node !== k || !drawing.boxes[chosen]) missed++;
				}
				return missed;
			})()`, c.every)
			if missed > 0 {
				t.Errorf("the search misses %d nodes", missed)
			}
			browser.Eval[bool](b, `(search.value = "", search.focus(), true)`)
			for _, k := range "conv" {
				b.Keys(string(k))
			}
			b.Keys(enter)
			b.Screenshot(name + "-panel")
		})
	}
}
