package vm_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm"
)

// residual is a convolution whose result is added to its input, which the sum may overwrite.
func residual(t *testing.T, opts ...vm.Option) (*vm.Program, vm.Feeds) {
	t.Helper()
	g := graph.New("residual")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 32, 14, 14))
	w := g.Param("w", graph.Of(graph.Float32, 32, 32, 3, 3), graph.Constant(0.01))
	h := ops.ReLU(x)
	y := ops.Sum(ops.Add(ops.Conv2D(h, w, ops.Conv{Pad: [4]int{1, 1, 1, 1}}), h), 1)
	p, err := vm.Compile(g, []*graph.Value{y}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float32, 2*32*14*14)
	for i := range in {
		in[i] = float32(math.Sin(float64(i)))
	}
	return p, vm.Feeds{x: tensor.New(tensor.WithShape(2, 32, 14, 14), tensor.WithBacking(in))}
}

func TestConvolutionsSayWhyAlgorithmsAreRefused(t *testing.T) {
	p, _ := residual(t, vm.WithAccuracy(conv.Exact))
	found, err := p.Convolutions(2)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d convolutions, %v", len(found), err)
	}
	refused := map[string]string{}
	for _, c := range found[0].Candidates {
		refused[c.Algo] = c.Refused
	}
	for algo, want := range map[string]string{
		"winograd F(4×4,3×3)": "its errors are more than accuracy exact allows",
		"winograd F(2×2,5×5)": "the filter is 3×3, not 5×5",
		"dense":               "only filters of the size of the image",
		"winograd F(2×2,3×3)": "",
		"blocked":             "",
	} {
		if got, ok := refused[algo]; !ok || (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", algo, got, want)
		}
	}
	if c := found[0]; !c.Kept || len(c.Of) < 2 || c.Problem.C != 32 || refused[c.Algo] != "" {
		t.Errorf("kept %v, of %v, %v by %s", c.Kept, c.Of, c.Problem, c.Algo)
	}
}

// Comparing runs the convolution many times where the sum overwrites its operand: the results are those of a plain run.
func TestCompareMeasuresAndChangesNoResult(t *testing.T) {
	for _, threads := range []int{1, 2} {
		p, feeds := residual(t, vm.Threads(threads))
		m, err := p.NewMachine(vm.NewState(1))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		found, err := m.Compare(context.Background(), feeds)
		if err != nil {
			t.Fatal(err)
		}
		measured := 0
		for _, c := range found[0].Candidates {
			if c.Measured > 0 {
				measured++
			}
			if c.Refused == "" && c.Measured <= 0 && c.Algo != "direct" {
				t.Errorf("%s was not measured", c.Algo)
			}
		}
		if measured < 4 {
			t.Errorf("%d algorithms were measured", measured)
		}
		plain := runOnce(t, p, feeds)
		out, err := m.Run(context.Background(), feeds)
		if err != nil {
			t.Fatal(err)
		}
		again := out[0].Data().([]float32)
		for i, v := range plain {
			if again[i] != v {
				t.Fatalf("result %d is %v after a comparison, %v without", i, again[i], v)
			}
		}
	}
}

// runOnce returns the results of a new machine.
func runOnce(t *testing.T, p *vm.Program, feeds vm.Feeds) []float32 {
	t.Helper()
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out, err := m.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), out[0].Data().([]float32)...)
}

// A comparison stops when its context is done.
func TestCompareStops(t *testing.T) {
	p, feeds := residual(t)
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Compare(ctx, feeds); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got %v", err)
	}
}

// The limit holds for what is chosen, and does not depend on the number of workers.
func TestWorkspaceLimit(t *testing.T) {
	chosen := map[int]string{}
	for _, limit := range []int{0, 50_000, 1 << 20, 1 << 30} {
		for _, threads := range []int{1, 3} {
			p, _ := residual(t, vm.Threads(threads), vm.WithWorkspaceLimit(limit))
			found, err := p.Convolutions(2)
			if err != nil {
				t.Fatal(err)
			}
			c := found[0]
			if before, ok := chosen[limit]; ok && before != c.Algo {
				t.Errorf("limit %d: %s, with %d threads %s", limit, before, threads, c.Algo)
			}
			chosen[limit] = c.Algo
			for _, a := range c.Candidates {
				if a.Algo == c.Algo && threads == 1 && a.Workspace > limit {
					t.Errorf("limit %d: %s takes %d", limit, a.Algo, a.Workspace)
				}
			}
		}
	}
	if chosen[0] == chosen[1<<30] || !strings.HasPrefix(chosen[1<<30], "winograd") {
		t.Errorf("the limit changes nothing: %v", chosen)
	}
}
