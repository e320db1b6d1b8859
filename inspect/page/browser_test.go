package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/graph/view"
	"neocog/inspect"
	"neocog/inspect/page"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/vm"
)

// A tab is a page in a real browser.
type tab struct {
	t    *testing.T
	ctx  context.Context
	mu   sync.Mutex
	said []string // complaints and requests
}

// open shows a page in a headless Chromium. Where there is none, the test is skipped.
func open(t *testing.T, doc string) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine, whose behaviour this tests; apt-get install chromium")
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(doc), 0o666); err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.WindowSize(1400, 900))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium refuses to root
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() { cancel(); cancelAlloc() })
	tab := &tab{t: t, ctx: ctx}
	url := "file://" + file
	if err := chromedp.Listen(ctx, func(ev any) {
		text, _ := json.Marshal(ev)
		name := fmt.Sprintf("%T", ev)
		bad := strings.Contains(name, "ExceptionThrown") || strings.Contains(name, "EventEntryAdded") || strings.Contains(name, "ConsoleAPICalled")
		request := strings.Contains(name, "RequestWillBeSent") && !strings.Contains(string(text), `"url":"`+url) && !strings.Contains(string(text), `"url":"data:`)
		if bad || request {
			tab.mu.Lock()
			tab.said = append(tab.said, name+" "+string(text))
			tab.mu.Unlock()
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, s := range tab.said {
			t.Errorf("the page is not silent: %.600s", s)
		}
	})
	tab.settle()
	return tab
}

// eval returns the value of a JavaScript expression.
func eval[T any](b *tab, format string, args ...any) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](fmt.Sprintf(format, args...)))
	if err != nil {
		b.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
	return v
}

// settle waits until what was asked for is drawn.
func (b *tab) settle() {
	b.t.Helper()
	wait := `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) keys(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		if err := chromedp.Do(b.ctx, chromedp.KeyEvent(k)); err != nil {
			b.t.Fatal(err)
		}
	}
	b.settle()
}

// screenshot keeps a picture of the page, for people to look at, in the folder that NEOCOG_SCREENSHOTS names.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("NEOCOG_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o666)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) dark(on bool) {
	b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	set := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
	if err := chromedp.Do(b.ctx, set); err != nil {
		b.t.Fatal(err)
	}
	b.settle()
}

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
	b := open(t, write(t, g, page.Options{}))
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
		got := eval[struct {
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
	b := open(t, write(t, g, page.Options{}))
	b.keys("c") // all scopes closed
	for i, n := range g.Nodes() {
		got := eval[struct {
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
	b.keys("/")
	b.keys("c", "o", "n", "v", "2", " ", "f", "i", "l", "t", "e", "r", enter)
	if got := eval[string](b, `panel.textContent`); !strings.Contains(got, "Conv2DFilterGrad") || !strings.Contains(got, "Gradient of") {
		t.Errorf("the panel says %q", got)
	}
	b.screenshot("lenet-gradient-panel")
}

func TestKeysOpenCloseAndWalk(t *testing.T) {
	b := open(t, write(t, training(t, "lenet5"), page.Options{}))
	b.keys("c")
	count := func() int {
		return eval[int](b, `drawing.boxes.filter(b => b && !b.open).length`)
	}
	if n := count(); n != 3 {
		t.Fatalf("%d items are seen with all scopes closed, want 3", n)
	}
	eval[bool](b, `canvas.focus() ?? true`)
	b.keys(down, enter) // the first item, which opens
	if n := count(); n < 10 {
		t.Fatalf("%d items are seen after Enter", n)
	}
	b.keys(down)
	first := eval[string](b, `items[chosen].path`)
	b.keys(down)
	if second := eval[string](b, `items[chosen].path`); second == first || second == "" {
		t.Errorf("the arrow led from %q to %q", first, second)
	}
	b.keys(up)
	if back := eval[string](b, `items[chosen].path`); back != first {
		t.Errorf("back is %q, want %q", back, first)
	}
	b.keys(backspace)
	if n := count(); n != 3 {
		t.Errorf("%d items are seen after Backspace, want 3", n)
	}
	b.keys(escape)
	if !eval[bool](b, `panel.hidden && chosen === -1`) {
		t.Error("Escape leaves something selected")
	}
	b.keys("?")
	if !eval[bool](b, `document.getElementById("keys").open`) {
		t.Error("? shows no keys")
	}
}

// A click selects, a click on the sign opens, dragging moves, the wheel zooms.
func TestMouse(t *testing.T) {
	b := open(t, write(t, training(t, "lenet5"), page.Options{}))
	b.keys("c")
	at := func(selector string) (x, y float64) {
		p := eval[[2]float64](b, `(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, selector)
		return p[0], p[1]
	}
	click := func(selector string) {
		x, y := at(selector)
		if err := chromedp.Do(b.ctx, chromedp.MouseClickXY(x, y)); err != nil {
			t.Fatal(err)
		}
		b.settle()
	}
	if got := eval[string](b, `bytes(1020 * 1024) + ", " + bytes(1536)`); got != "1020 KiB, 1.5 KiB" {
		t.Errorf("sizes are written %s", got)
	}
	click(`[data-item="0"] .title`)
	if got := eval[string](b, `panel.textContent`); !strings.Contains(got, "forward") || !strings.Contains(got, "61,706 100 % of all") {
		t.Errorf("the panel of the network says %q", got)
	}
	click(`[data-item="0"] .fold`)
	if !eval[bool](b, `open.has(0)`) {
		t.Error("the sign opens nothing")
	}
	if got := eval[string](b, `panel.textContent`); !strings.Contains(got, "Close this scope") {
		t.Errorf("the panel of an open scope says %q", got)
	}
	// What is searched for comes to the middle of what the panel leaves of the picture.
	middle := eval[[2]float64](b, `(() => {
		search.value = "%%3";
		find();
		take(0);
		const p = drawing.boxes[chosen], r = canvas.getBoundingClientRect();
		return [((p.x + p.w / 2) - eye.x) * eye.scale / r.width, ((p.y + p.h / 2) - eye.y) * eye.scale / r.height];
	})()`)
	b.settle() // the sign that is clicked next moves with the picture
	if math.Abs(middle[0]-0.5) > 0.01 || math.Abs(middle[1]-0.5) > 0.01 {
		t.Errorf("the node that was searched for stands at %v of the picture, want the middle", middle)
	}
	click(`[data-item="0"] .fold`)
	if eval[bool](b, `open.has(0)`) {
		t.Error("the sign closes nothing")
	}
	before := eval[float64](b, `eye.scale`)
	eval[bool](b, `canvas.dispatchEvent(new WheelEvent("wheel", {deltaY: -200, clientX: 300, clientY: 300, cancelable: true, bubbles: true})) || true`)
	if after := eval[float64](b, `eye.scale`); after <= before {
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
	b := open(t, write(t, g, page.Options{Profile: profile}))
	for _, keys := range []string{"c", "e"} {
		b.keys(keys)
		for _, measure := range eval[[]string](b, `[...$("heat").options].map(o => o.value).filter(v => v)`) {
			type colours struct {
				Fills []string
				Scale string
				Shown bool
			}
			eval[bool](b, `($("heat").value = %q, $("heat").dispatchEvent(new Event("change")))`, measure)
			b.settle()
			got := eval[colours](b, `(() => {
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
	b.screenshot("colour-by")
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
	b := open(t, write(t, g, page.Options{Program: p, State: state, Feeds: feeds, Profile: profile, Open: -1}))
	b.keys("/")
	for _, c := range "conv2d" {
		b.keys(string(c))
	}
	b.keys(kb.ArrowDown, kb.Enter)
	got := eval[string](b, `panel.textContent`)
	// The second hit is conv2: 2 × 240,000 multiply-adds for 2 images, in 117.6 µs.
	for _, want := range []string{"conv2", "algorithm", "mean of 7 runs", "118 µs", "8.163 GFLOP/s", "activations", "maps of the first image"} {
		if !strings.Contains(got, want) {
			t.Errorf("the panel lacks %q: %s", want, got)
		}
	}
	if n := eval[int](b, `panel.querySelectorAll("img, svg").length`); n < 2 {
		t.Errorf("the panel shows %d pictures and distributions, want at least 2", n)
	}
	if eval[string](b, `document.querySelector("path.lit").getAttribute("d")`) == "" {
		t.Error("no wire of the node is lit")
	}
	b.keys(kb.Escape)
	// Arrow keys follow the wires.
	eval[bool](b, `(select(items.findIndex(it => it.node === maker.get(3))), true)`)
	b.settle()
	eval[bool](b, `(canvas.focus(), true)`)
	b.keys(kb.ArrowDown)
	if got := eval[string](b, `items[chosen].title`); got != "ReLU" {
		t.Errorf("below conv1's convolution is %s, want ReLU", got)
	}
	// A scope opens and closes where it was.
	scope := eval[int](b, `items.findIndex(it => it.title === "conv3")`)
	where := func() [2]float64 {
		return eval[[2]float64](b, `(() => { const p = drawing.boxes[%d]; return [(p.x - eye.x) * eye.scale, (p.y - eye.y) * eye.scale]; })()`, scope)
	}
	before := where()
	eval[bool](b, `(toggle(%d), true)`, scope)
	if after := where(); math.Abs(after[0]-before[0]) > 60 || math.Abs(after[1]-before[1]) > 1 {
		t.Errorf("the scope jumps from %v to %v", before, after)
	}
}

// Light and dark pages have ink that stands out from paper, and the pictures that people look at.
func TestLightAndDark(t *testing.T) {
	forward := training(t, "lenet5")
	b := open(t, write(t, forward, page.Options{Open: 1000}))
	for _, on := range []bool{false, true} {
		b.dark(on)
		paper := eval[string](b, `getComputedStyle(document.body).backgroundColor`)
		want := "rgb(255, 255, 255)"
		if on {
			want = "rgb(15, 20, 25)"
		}
		if paper != want {
			t.Errorf("dark %t: the paper is %s, want %s", on, paper, want)
		}
		b.screenshot(fmt.Sprintf("lenet-dark-%t", on))
	}
}

// A large network opens quickly, draws what is in sight only, and reaches every node. The time is logged and not tested.
func TestLargeGraph(t *testing.T) {
	g := deep(t)
	start := time.Now()
	doc := write(t, g, page.Options{})
	made := time.Since(start)
	start = time.Now()
	b := open(t, doc)
	t.Logf("%d nodes: page of %d KiB made in %v, shown %v after the start of the browser", len(g.Nodes()), len(doc)/1024, made, time.Since(start))
	t.Logf("script: %.0f ms to the first picture", eval[float64](b, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`))
	if n := eval[int](b, `document.querySelectorAll("[data-item]").length`); n == 0 || n > 200 {
		t.Errorf("%d items are drawn at first", n)
	}
	b.screenshot("deep")
	b.dark(true)
	b.screenshot("deep-dark")
	b.dark(false)
	b.keys("e")
	t.Logf("all scopes opened: placed in %.0f ms", eval[float64](b, `(() => { const t = performance.now(); rearrange(-1); return performance.now() - t; })()`))
	b.keys("+", "+", "+", "+")
	drawn, all := eval[int](b, `document.querySelectorAll("[data-item]").length`), eval[int](b, `drawing.boxes.filter(Boolean).length`)
	if drawn >= all/2 {
		t.Errorf("%d of %d items are drawn, though few are in sight", drawn, all)
	}
	frame := eval[float64](b, `(() => { const t = performance.now(); for (let k = 0; k < 20; k++) { eye.x += 40; show(); } return (performance.now() - t) / 20; })()`)
	t.Logf("moving: %.1f ms of script a frame, %d of %d items drawn", frame, drawn, all)
	b.screenshot("deep-open")
	b.keys("c")
	missed := eval[int](b, `(() => {
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
			b := open(t, write(t, g, page.Options{}))
			t.Logf("%d nodes, %.0f ms to the first picture", len(g.Nodes()), eval[float64](b, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`))
			b.screenshot(name)
			b.keys("e")
			b.screenshot(name + "-open")
			frame := eval[float64](b, `(() => { const t = performance.now(); for (let k = 0; k < 20; k++) { eye.x += 40; show(); } return (performance.now() - t) / 20; })()`)
			t.Logf("everything open: %.1f ms of script a frame", frame)
			b.keys("c")
			missed := eval[int](b, `(() => {
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
			eval[bool](b, `(search.value = "", search.focus(), true)`)
			for _, k := range "conv" {
				b.keys(string(k))
			}
			b.keys(enter)
			b.screenshot(name + "-panel")
		})
	}
}
