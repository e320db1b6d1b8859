package tune_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/tune"
	"neocog/vm"
)

// net returns a convolution with an activation, and its machine; the loss is one whose gradients are convolutions, too.
func net(t testing.TB, opts ...vm.Option) (*vm.Machine, *vm.Program, vm.Feeds) {
	t.Helper()
	g := graph.New("net")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 32, 24, 24))
	w := g.Param("w", graph.Of(graph.Float32, 32, 32, 3, 3), graph.Constant(0.01))
	y := ops.ReLU(ops.Conv2D(x, w, ops.Conv{Pad: [4]int{1, 1, 1, 1}}))
	p, err := vm.Compile(g, []*graph.Value{y}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, 2*32*24*24)
	for i := range data {
		data[i] = float32(i%17) - 8
	}
	return m, p, vm.Feeds{x: tensor.New(tensor.WithShape(2, 32, 24, 24), tensor.WithBacking(data))}
}

// measured returns a table of that net.
func measured(t testing.TB) *tune.Table {
	t.Helper()
	m, _, feeds := net(t)
	defer m.Close()
	table, err := tune.Measure(context.Background(), m, feeds, 2)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func text(t *testing.T, table *tune.Table) string {
	t.Helper()
	var b bytes.Buffer
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is written is what is read, byte by byte.
func TestTablesRoundTrip(t *testing.T) {
	table := measured(t)
	if table.Len() != 1 {
		t.Fatalf("%d problems, want 1", table.Len())
	}
	first := text(t, table)
	again, err := tune.Read(strings.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if second := text(t, again); second != first {
		t.Errorf("written again it is\n%s\nnot\n%s", second, first)
	}
	if !strings.Contains(first, `"algorithm": "winograd F(4×4,3×3)"`) {
		t.Errorf("no Winograd among\n%s", first)
	}
}

// The fastest of the table that the class allows is taken, and the results repeat.
func TestTheTableDecides(t *testing.T) {
	table := measured(t)
	file := text(t, table)
	for _, fastest := range []string{"im2col", "winograd F(2×2,3×3)", "winograd F(6×6,3×3)"} {
		// The file says that this one took no time.
		lines := strings.Split(file, "\n")
		for i, l := range lines {
			if strings.Contains(l, `"`+fastest+`"`) {
				lines[i+1] = strings.TrimRight(strings.SplitAfter(lines[i+1], ":")[0], " ") + " 0.1"
			}
		}
		edited, err := tune.Read(strings.NewReader(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		_, p, _ := net(t, vm.WithTimes(edited), vm.WithAccuracy(conv.Fast))
		if got := algorithm(t, p); got != fastest {
			t.Errorf("chose %s, the table says %s", got, fastest)
		}
		_, p, _ = net(t, vm.WithTimes(edited), vm.WithAccuracy(conv.Exact))
		if got := algorithm(t, p); strings.Contains(got, "F(6×6") || strings.Contains(got, "F(4×4") {
			t.Errorf("accuracy exact got %s", got)
		}
	}
}

func algorithm(t *testing.T, p *vm.Program) string {
	t.Helper()
	found, err := p.Convolutions(2)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d convolutions, %v", len(found), err)
	}
	return found[0].Algo
}

func TestTablesOfElsewhereAreRefusedUnlessPinned(t *testing.T) {
	table := measured(t)
	table.Processor = "Abacus 3000"
	_, err := tune.Read(strings.NewReader(text(t, table)))
	var elsewhere *tune.ElsewhereError
	if !errors.As(err, &elsewhere) || !strings.Contains(err.Error(), "another processor, Abacus 3000; this one is ") {
		t.Errorf("got %v", err)
	}
	table.Pinned = true
	if _, err := tune.Read(strings.NewReader(text(t, table))); err != nil {
		t.Error(err)
	}
}

func TestFaultyFiles(t *testing.T) {
	good := text(t, measured(t))
	for name, c := range map[string]struct{ text, want string }{
		"empty":     {"", "it is no file of measured times: neocog tune makes one"},
		"other":     {`{"format": "x"}`, "it is no file of measured times: neocog tune makes one"},
		"version":   {strings.Replace(good, `"version": 1`, `"version": 2`, 1), "it has version 2 of the format, this program reads version 1: measure again"},
		"field":     {strings.Replace(good, `"threads"`, `"treads"`, 1), `it is damaged: json: unknown field "treads"`},
		"algorithm": {strings.Replace(good, `"im2col"`, `"im3col"`, 1), `unknown convolution algorithm "im3col"`},
	} {
		_, err := tune.Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	name := filepath.Join(t.TempDir(), "times.json")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tune.Open(name); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
		t.Errorf("got %v, want the name of the file", err)
	}
}
