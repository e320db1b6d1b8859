package conv_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"neocog/bench"
	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm"
	"neocog/vm/kernel"
)

var timesFile = flag.String("times", "testdata/times.txt", "measured times which choices are compared with: a file that go test ./bench -run TestCalibrate has made")

// times reads them: for each problem, in the syntax of neocog bench conv, microseconds by algorithm.
func times(t *testing.T) map[conv.Problem]map[string]float64 {
	f, err := os.Open(*timesFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[conv.Problem]map[string]float64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		cells := strings.Split(s.Text(), "\t")
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		p, err := bench.ParseConv(cells[0])
		if err != nil {
			t.Fatal(err)
		}
		µs, err := strconv.ParseFloat(cells[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range bench.Passes {
			if name == cells[1] {
				p.Pass = conv.Pass(i)
			}
		}
		p.DType = graph.Float32
		if all[p] == nil {
			all[p] = map[string]float64{}
		}
		all[p][cells[2]] = µs
	}
	return all
}

// The choice is compared with the best of the algorithms that were measured on a problem. It may choose one that was
// not measured only where it is of no class that the table covers, which there is not: that is an error.
func TestTheChoiceIsNearTheBestThatWasMeasured(t *testing.T) {
	const factor = 1.5
	var ratios []float64
	ran := cpu.With(cpu.AVX512, func() {
		for p, measured := range times(t) {
			plan, err := conv.Choose(usual(0), "", p)
			if err != nil {
				t.Fatal(err)
			}
			best, of := 0.0, ""
			for algo, µs := range measured {
				if !strings.Contains(algo, "F(6×6") && !strings.Contains(algo, "F(4×4,5×5") && (of == "" || µs < best) {
					best, of = µs, algo
				}
			}
			got, ok := measured[plan.Algo]
			if ratio := got / best; ok {
				ratios = append(ratios, ratio)
			}
			if !ok && plan.Algo == "planar" && p.Pass == conv.FilterGrad {
				t.Logf("%v: planar, which was not measured when the table was made", p)
				continue
			}
			if !ok || got > factor*best {
				t.Errorf("%v: chose %s, %v µs; %s takes %v", p, plan.Algo, got, of, best)
			}
		}
	})
	slices.Sort(ratios)
	within := func(f float64) int { n, _ := slices.BinarySearch(ratios, f); return n }
	if n := len(ratios); n > 0 {
		t.Logf("of %d layers and passes %d are within 5 percent of the best, %d within 10, %d within 20; the worst takes %.2f times as long", n, within(1.05), within(1.1), within(1.2), ratios[n-1])
	}
	if !ran {
		t.Skipf("the table was measured with AVX-512; this processor only has %v", cpu.Best())
	}
}

// Neither the number of workers nor a second call changes a choice.
func TestTheChoiceDoesNotDependOnWorkers(t *testing.T) {
	for p := range times(t) {
		var names []string
		for _, workers := range []int{0, 1, 2, 7, 64} {
			plan, err := conv.Choose(usual(workers), "", p)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, plan.Algo)
		}
		if first := names[0]; fmt.Sprint(names) != fmt.Sprint([]string{first, first, first, first, first}) {
			t.Errorf("%v: %v", p, names)
		}
	}
}

// A class has no algorithm of a less exact one, and float64 keeps the direct ones.
func TestAccuracyLimitsTheChoice(t *testing.T) {
	loose := map[conv.Accuracy]string{
		conv.Exact: "F(4×4 F(6×6 F(2×2,5×5) F(1×4 F(4×1", conv.DefaultAccuracy: "F(6×6 F(4×4,5×5)",
	}
	for p := range times(t) {
		for class, parts := range loose {
			env := &kernel.Env{Settings: map[any]any{}}
			conv.Limit(env.Settings, class)
			plan, err := conv.Choose(env, "", p)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range strings.Fields(parts) {
				if strings.Contains(plan.Algo, part) {
					t.Errorf("%v: %v allows %s", p, class, plan.Algo)
				}
			}
		}
		q := p
		q.DType = graph.Float64
		if plan, err := conv.Choose(usual(0), "", q); err != nil || strings.Contains(plan.Algo, "winograd") || strings.Contains(plan.Algo, "fft") {
			t.Errorf("%v: %s, %v", q, plan.Algo, err)
		}
	}
}

// Costs once divided by the extents of an image that has none.
func TestNothingIsComparedForEmptyProblems(t *testing.T) {
	for _, change := range []func(*conv.Problem){
		func(p *conv.Problem) { p.N = 0 }, func(p *conv.Problem) { p.C = 0 }, func(p *conv.Problem) { p.K = 0 },
		func(p *conv.Problem) { p.W, p.S, p.Pad = 0, 1, [4]int{0, 1, 0, 1} },
	} {
		for pass := conv.Forward; pass <= conv.FilterGrad; pass++ {
			p := plain
			p.Pass = pass
			change(&p)
			if plan, err := conv.Choose(usual(0), "", p); err != nil || plan.Algo == "" {
				t.Errorf("%v: %q, %v", p, plan.Algo, err)
			}
		}
	}
}

func TestParseAccuracy(t *testing.T) {
	for _, a := range conv.Accuracies() {
		if got, err := conv.ParseAccuracy(a.String()); got != a || err != nil {
			t.Errorf("%v: %v, %v", a, got, err)
		}
	}
	if _, err := conv.ParseAccuracy("exakt"); err == nil || err.Error() != "unknown accuracy \"exakt\", did you mean exact or fast or default? known: exact, default, fast" {
		t.Errorf("got %v", err)
	}
}

// A program keeps to its class.
func TestWithAccuracy(t *testing.T) {
	g := graph.New("classes")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 64, 56, 56))
	w := g.Param("w", graph.Of(graph.Float32, 64, 64, 3, 3), graph.Constant(1))
	y := ops.Conv2D(x, w, ops.Conv{})
	for class, want := range map[conv.Accuracy]string{
		conv.Exact: "(winograd F(2×2,3×3))", conv.DefaultAccuracy: "(winograd F(4×4,3×3))", conv.Fast: "(winograd F(6×6,3×3))",
	} {
		cpu.With(cpu.Best(), func() {
			program, err := vm.Compile(g, []*graph.Value{y}, vm.WithAccuracy(class))
			if err != nil {
				t.Fatal(err)
			}
			var dump strings.Builder
			if err := program.Dump(&dump, 8); err != nil || !strings.Contains(dump.String(), want) {
				t.Errorf("%v: %v, want %s in\n%s", class, err, want, &dump)
			}
		})
	}
}

// usual is an environment that limits the choice to the default class.
func usual(workers int) *kernel.Env {
	env := &kernel.Env{Workers: workers, Settings: map[any]any{}}
	conv.Limit(env.Settings, conv.DefaultAccuracy)
	return env
}
