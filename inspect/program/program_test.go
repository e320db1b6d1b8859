package program_test

import (
	"bytes"
	"fmt"

	"strings"
	"testing"

	"neocog/graph"
	"neocog/inspect"
	"neocog/inspect/program"
	"neocog/internal/browser"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

// step returns a step of training of a model of the zoo, compiled.
func step(t testing.TB, name string, opts ...vm.Option) (*graph.Graph, *vm.Program) {
	t.Helper()
	m, err := models.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := train.NewLearning(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Step(train.Momentum{Mu: 0.9}, 0.01); err != nil {
		t.Fatal(err)
	}
	p, err := vm.Compile(l.Graph, []*graph.Value{l.Loss}, append(opts, vm.Threads(2))...)
	if err != nil {
		t.Fatal(err)
	}
	return l.Graph, p
}

func write(t testing.TB, p *vm.Program, o program.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := program.Write(&b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A convolution does ReLU while its result is in the cache: the last pass says so.
func Example() {
	g := graph.New("block")
	b := &layers.Builder{}
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 8, 8))
	y := ops.ReLU(b.Conv("conv", x, 4, [2]int{3, 3}, ops.Conv{}))
	p, err := vm.Compile(g, []*graph.Value{y})
	if err != nil {
		fmt.Println(err)
		return
	}
	var text strings.Builder
	if err := program.Text(&text, p); err != nil {
		fmt.Println(err)
		return
	}
	lines := strings.Split(text.String(), "\n")
	fmt.Println(lines[len(lines)-5])
	fmt.Println(program.Changes(p)[8].Made)
	// Output:
	// then      5 →    4 nodes: convolutions do what follows element by element while their results are in the cache
	// map[Conv2D:1]
}

// Every graph is on the page line by line, with what each pass made and what the next one changed; every instruction has a row, and
// every buffer a rectangle with the name of its value.
func TestPageHoldsTheProgram(t *testing.T) {
	g, p := step(t, "lenet5")
	doc := write(t, p, program.Options{Batch: 4})
	for _, line := range strings.Split(strings.TrimSpace(g.String()), "\n") {
		if !strings.Contains(doc, escape(line)) {
			t.Errorf("the page lacks %q", line)
		}
	}
	c, err := p.Cost(4)
	if err != nil {
		t.Fatal(err)
	}
	made, gone := 0, 0
	for _, pass := range p.Passes() {
		before, after := pass.Changes()
		made, gone = made+len(after), gone+len(before)
	}
	for what, want := range map[string]int{
		`<i class="made`:        made,
		` goes" data-n`:         strings.Count(doc, `"made goes"`),
		`goes" data-n`:          gone,
		"<title>":               1 + len(c.Buffers), // and the page's
		"<tr class=":            len(c.Instructions) + 1,
		"changes nothing":       6,
		"from here on":          1,
		`class="pass"`:          4,
		"%3 Conv2D f32[N,6,28,": 1, // in the arena
	} {
		if n := strings.Count(doc, what); n != want {
			t.Errorf("%q is there %d times, want %d", what, n, want)
		}
	}
	if again := write(t, p, program.Options{Batch: 4}); again != doc {
		t.Error("a second page of the same program differs")
	}
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

// Measured times belong to the instructions that compute the nodes of the profile.
func TestPageShowsAProfile(t *testing.T) {
	g, p := step(t, "lenet5")
	profile := &inspect.Profile{Graph: g.Name(), Batch: 4, Runs: 3, Nanoseconds: 9e6}
	for _, n := range g.Nodes() {
		if n.Op.Name() == "Conv2D" {
			profile.Nodes = append(profile.Nodes, inspect.ProfileNode{Node: n.Index(), Op: "Conv2D", Nanoseconds: 1234567})
		}
	}
	doc := write(t, p, program.Options{Profile: profile})
	if n := strings.Count(doc, "<td>1.235<td>"); n != 3 {
		t.Errorf("%d instructions took 1.235 ms, want the three convolutions", n)
	}
	if !strings.Contains(doc, "9.000 ms, mean of 3 runs") {
		t.Error("the page does not say how long a run took")
	}
	err := program.Write(&bytes.Buffer{}, p, program.Options{Batch: 8, Profile: profile})
	if err == nil || !strings.Contains(err.Error(), "batch size 4, the page is asked for at 8") {
		t.Errorf("error %v", err)
	}
}

// A page with a memory budget has a column for it, and the tape what is computed again.
func TestPageShowsTheMemoryBudget(t *testing.T) {
	_, p := step(t, "resnet20")
	all, err := p.ArenaBytes(8)
	if err != nil {
		t.Fatal(err)
	}
	_, p = step(t, "resnet20", vm.WithMemoryBudget(all/2, 8))
	doc := write(t, p, program.Options{Batch: 8})
	if !strings.Contains(doc, "<h3>again</h3>") || !strings.Contains(doc, "what the memory budget has no room for") {
		t.Error("there is no column for the memory budget")
	}
}

// Few changes are listed node by node, many by op.
func TestTextListsChanges(t *testing.T) {
	for name, want := range map[string][]string{
		"lenet5":   {"step   ", "\n  − %33 = MatMul{TransA:true}", "\n  + %70 %71 = MatMul{Op:"},
		"resnet20": {"\n  + 115 Fused\n"},
	} {
		_, p := step(t, name)
		var b strings.Builder
		if err := program.Text(&b, p); err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(b.String(), part) {
				t.Errorf("%s: no %q in\n%s", name, part, &b)
			}
		}
	}
}

// A click shows a node in all columns, on the tape and in the arena; Escape lets go. The page asks for nothing and says nothing.
func TestClickShowsANodeEverywhere(t *testing.T) {
	_, p := step(t, "lenet5")
	b := browser.Open(t, write(t, p, program.Options{Batch: 4}))
	b.Screenshot("program-light")
	b.Dark(true)
	b.Screenshot("program-dark")
	lit := func(where string) int {
		return browser.Eval[int](b, `document.querySelectorAll(%q).length`, where+" .lit")
	}
	browser.Eval[bool](b, `document.querySelector("pre i:nth-of-type(6)").click() ?? true`) // ReLU behind the first convolution
	if n := lit("pre"); n != 4 {
		t.Errorf("%d lines are lit, want one in each of four columns", n)
	}
	if tape, arena := lit("#tape"), lit("#arena"); tape != 1 || arena != 1 {
		t.Errorf("%d rows and %d rectangles are lit, want 1 of each", tape, arena)
	}
	b.Screenshot("program-lit")
	b.Keys("\u001b")
	if n := lit("main"); n != 0 {
		t.Errorf("%d elements are lit after Escape", n)
	}
	name := browser.Eval[string](b, `(document.querySelector("#arena rect.forward").dispatchEvent(new MouseEvent("mousemove", {bubbles: true})), hovered.textContent)`)
	if !strings.Contains(name, "Conv2D") || !strings.Contains(name, "instruction 0 to") {
		t.Errorf("the first rectangle is %q", name)
	}
}

// A large network's page is small enough to open at once.
func TestPageOfALargeNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it compiles ResNet-50 with its gradient")
	}
	_, p := step(t, "resnet50")
	doc := write(t, p, program.Options{Batch: 8})
	if n := len(doc); n > 3<<20 {
		t.Errorf("the page has %d bytes, want at most 3 MiB", n)
	}
	b := browser.Open(t, doc)
	t.Logf("%d KiB; %.0f ms to the first picture", len(doc)>>10, browser.Eval[float64](b, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`))
	b.Screenshot("program-large")
	if n := browser.Eval[int](b, `(() => { show(document.querySelector("#arena rect[data-n]")); return lit.length; })()`); n < 4 {
		t.Errorf("a click on a rectangle lights %d elements up", n)
	}
}
