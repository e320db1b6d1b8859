package bench

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// near is the bound on the relative error of the small cases here: of a sum of K terms about √K units of rounding, of
// which there are 2²⁴ in float32; 100 units are enough for all of them, and for one rounding of a result.
func near(d graph.DType) float64 {
	if d == graph.Float64 {
		return 100 * 0x1p-53
	}
	return 100 * 0x1p-24
}

func levels(t *testing.T, f func(t *testing.T)) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if !cpu.With(l, func() { f(t) }) {
				t.Skipf("this processor has no %v", l)
			}
		})
	}
}

func measure(t *testing.T, c Case, threads int) Row {
	t.Helper()
	row, err := c.Measure(threads, 2)
	if err != nil {
		t.Fatalf("%s %s %s: %v", c.Name, c.Shape, c.Pass, err)
	}
	if row.Refused != "" {
		t.Fatalf("%s %s %s is refused: %s", c.Name, c.Shape, c.Pass, row.Refused)
	}
	if row.RelL2 > near(c.DType) || row.Wrong() {
		t.Errorf("%s %s %s by %s: relative error %g, want at most %g", c.Name, c.Shape, c.Pass, row.Algo, row.RelL2, near(c.DType))
	}
	if row.Reps != 2 || !(row.MinMS > 0 && row.MinMS <= row.MedianMS) || row.Checked != 1 || row.Threads != threads {
		t.Errorf("%s %s %s: %+v %+v", c.Name, c.Shape, c.Pass, row, row.Result)
	}
	return row
}

func TestConv(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, shape := range []string{"2x3x9x7,5x3x3,pad=1", "3x4x8x8,6x3x1,stride=2x1,dilation=1x2,groups=2", "1x16x5x5,16x1x1"} {
			p, err := ParseConv(shape)
			if err != nil {
				t.Fatal(err)
			}
			for pass, word := range Passes {
				for _, d := range []graph.DType{graph.Float32, graph.Float64} {
					p.Pass, p.DType = conv.Pass(pass), d
					row := measure(t, Conv("layer", p, "im2col"), 2)
					if row.Name != "layer" || row.Shape != shape || row.Pass != word || row.Algo != "im2col" || row.DType != d || row.ISA != cpu.Current().String() {
						t.Errorf("%s %s: %+v", shape, word, row)
					}
					if want := float64(p.FLOPs()) / (row.MedianMS * 1e6); math.Abs(row.GFLOPS-want) > 1e-9*want {
						t.Errorf("%s: %g GFLOP/s in %g ms, want %g", shape, row.GFLOPS, row.MedianMS, want)
					}
					if (row.PeakGFLOPS > 0) != (cpu.Current() > cpu.Portable) || math.Abs(row.PercentOfPeak*row.PeakGFLOPS-100*row.GFLOPS) > 1e-6*row.GFLOPS && row.PeakGFLOPS > 0 {
						t.Errorf("%s: %+v", shape, row.Result)
					}
				}
			}
		}
	})
}

func TestWorkspaceIsThatOfAllThreads(t *testing.T) {
	p, err := ParseConv("1x4x16x16,4x3x3")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := conv.Im2col{}.Plan(&kernel.Env{Workers: 3}, p)
	if err != nil {
		t.Fatal(err)
	}
	if row := measure(t, Conv("", p, "im2col"), 3); plan.Local == 0 || row.WorkspaceBytes != plan.Shared+3*plan.Local {
		t.Errorf("workspace %d bytes, the plan has %d shared and %d for each worker", row.WorkspaceBytes, plan.Shared, plan.Local)
	}
}

func TestChosenAlgorithmIsNamed(t *testing.T) {
	p, err := ParseConv("1x1x4x4,1x3x3")
	if err != nil {
		t.Fatal(err)
	}
	if row := measure(t, Conv("", p, ""), 1); !slices.Contains(conv.Default().Names(), row.Algo) {
		t.Errorf("the algorithm is called %q", row.Algo)
	}
	if _, err := Conv("", p, "im2row").Measure(1, 1); err == nil || !strings.Contains(err.Error(), "did you mean im2col") {
		t.Errorf("im2row: %v", err)
	}
}

// What a check computes of a large problem is the beginning of the whole.
func TestPartIsTheBeginning(t *testing.T) {
	for _, shape := range []string{"5x4x6x6,8x3x3,pad=1", "4x4x6x6,6x3x3,stride=2,groups=2"} {
		p, err := ParseConv(shape)
		if err != nil {
			t.Fatal(err)
		}
		for pass, word := range Passes {
			p.Pass = conv.Pass(pass)
			first, second, result := operandsOf(p)
			in := []vector{random(p.DType, first, 1), random(p.DType, second, 2)}
			whole, err := exact(p, in, 2, p.FLOPs())
			if err != nil || len(whole) != result {
				t.Fatalf("%s %s: %d of %d elements, %v", shape, word, len(whole), result, err)
			}
			part, err := exact(p, in, 1, p.FLOPs()/2)
			if err != nil {
				t.Fatal(err)
			}
			want := 0.5
			switch {
			case p.Pass == conv.FilterGrad && p.Groups > 1:
				want = 1
			case p.N == 5 && p.Pass != conv.FilterGrad:
				want = 0.4 // two images
			}
			if got := float64(len(part)) / float64(result); got != want {
				t.Errorf("%s %s: %g of the result is computed, want %g", shape, word, got, want)
			}
			// The sums are cut differently.
			var d difference
			for i, v := range part {
				d.add(v, whole[i])
			}
			if rel, err := d.relL2(); rel > 1e-14 || err != nil {
				t.Errorf("%s %s: the part differs by %g from the beginning of the whole, %v", shape, word, rel, err)
			}
		}
	}
}

func TestGemm(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, trans := range []ops.Trans{{}, {A: true}, {B: true}, {A: true, B: true}} {
			for _, d := range []graph.DType{graph.Float32, graph.Float64} {
				p := Product{M: 7, N: 33, K: 20, Trans: trans}
				row := measure(t, Gemm(p, d), 2)
				if row.Shape != "7x33x20" || row.Pass != p.Transposes() || row.Algo != "gemm" {
					t.Errorf("%+v", row)
				}
			}
		}
	})
	if got := (Product{Trans: ops.Trans{A: true}}).Transposes(); got != "tn" {
		t.Errorf("the first operand transposed is %q", got)
	}
}

func TestOps(t *testing.T) {
	for _, l := range Ops() {
		shape := graph.Shape{2, 3, 6, 5}
		if l.form == "NxC" {
			shape = graph.Shape{5, 7}
		}
		for _, gradient := range []bool{false, true} {
			if gradient && !l.Gradient {
				continue
			}
			for _, d := range []graph.DType{graph.Float32, graph.Float64} {
				row := measure(t, Op(l, shape, d, gradient), 2)
				if row.GFLOPS != 0 || row.GBytesPerS <= 0 {
					t.Errorf("%s: %+v", l.Name, row.Result)
				}
			}
		}
	}
}

func TestOpTraffic(t *testing.T) {
	elems := int64(4 * 5)
	for _, c := range []struct {
		op       string
		gradient bool
		want     int64 // elements
	}{
		{"relu", false, 2 * elems},      // x, y
		{"relu", true, 3 * elems},       // y, dy, dx
		{"mul", true, 5 * elems},        // a, b, dy, da, db
		{"sum", false, elems + 1},       // x, y
		{"momentum", false, 5 * elems},  // g; w and v, read and written
		{"softmax", true, 3 * elems},    // y, dy, dx
		{"crossentropy", false, 4 + 21}, // labels; x, y
	} {
		t.Run(c.op, func(t *testing.T) {
			all, err := Select("op", Ops(), func(l OpLayer) string { return l.Name }, []string{c.op})
			if err != nil {
				t.Fatal(err)
			}
			op := Op(all[0], graph.Shape{4, 5}, graph.Float32, c.gradient)
			s, err := op.prepare(op, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			if s.bytes != 4*c.want {
				t.Errorf("gradient %v: %d bytes, want %d", c.gradient, s.bytes, 4*c.want)
			}
		})
	}
}

func TestMisfit(t *testing.T) {
	for _, c := range []struct {
		op    string
		shape graph.Shape
		want  string
	}{
		{"softmax", graph.Shape{2, 3, 4}, "got 2x3x4, wants NxC"},
		{"batchnorm", graph.Shape{2}, "got 2, wants NxCxHxW"},
		{"maxpool2d", graph.Shape{1, 1, 1, 0}, "the image is 1×0"},
	} {
		all, err := Select("op", Ops(), func(l OpLayer) string { return l.Name }, []string{c.op})
		if err != nil {
			t.Fatal(err)
		}
		row, err := Op(all[0], c.shape, graph.Float32, false).Measure(1, 1)
		if err != nil || row.Result != nil || !strings.Contains(row.Refused, c.want) {
			t.Errorf("%s %v: %q, %v; want %q", c.op, c.shape, row.Refused, err, c.want)
		}
	}
}

// A result that is not what was computed must be seen.
func TestWrongResultIsSeen(t *testing.T) {
	want := []float64{3, 4, 0, 0}
	for _, c := range []struct {
		got []float32
		rel float64
	}{
		{[]float32{3, 4, 0, 0}, 0},
		{[]float32{3, 4, 0, 5}, 1},
		{[]float32{3, 4.005, 0, 0}, 0.001},
	} {
		rel, part, err := vector{f32: c.got}.compare(want)
		if math.Abs(rel-c.rel) > 1e-6 || part != 1 || err != nil {
			t.Errorf("%v: relative error %g, want %g; %v", c.got, rel, c.rel, err)
		}
		row := Row{DType: graph.Float32, Result: &Result{RelL2: rel}}
		if row.Wrong() != (c.rel > 0) {
			t.Errorf("%v is wrong: %v", c.got, row.Wrong())
		}
	}
	if _, _, err := (vector{f32: []float32{float32(math.NaN())}}).compare([]float64{1}); err == nil {
		t.Error("NaN is no error")
	}
	if rel, part, err := (vector{f32: make([]float32, 8)}).compare(make([]float64, 2)); rel != 0 || part != 0.25 || err != nil {
		t.Errorf("zeros: %g of %g, %v", rel, part, err)
	}
}

func TestRefusal(t *testing.T) {
	p, err := ParseConv("1x1x4x4,1x3x3")
	if err != nil {
		t.Fatal(err)
	}
	c := Conv("mine", p, "never")
	c.prepare = func(Case, int) (*subject, error) {
		return nil, &conv.Unsupported{Algorithm: "never", Problem: p, Reason: "because"}
	}
	row, err := c.Measure(1, 1)
	if err != nil || row.Refused != "because" || row.Algo != "never" || row.Result != nil || row.Wrong() {
		t.Errorf("%+v, %v", row, err)
	}
	text, err := json.Marshal(row)
	want := `{"name":"mine","shape":"1x1x4x4,1x3x3","pass":"fwd","algo":"never","dtype":"f32","isa":"` + cpu.Current().String() + `","threads":1,"refused":"because"}`
	if string(text) != want || err != nil {
		t.Errorf("got  %s\nwant %s (%v)", text, want, err)
	}
}

func TestReps(t *testing.T) {
	for _, c := range []struct {
		once time.Duration
		want int
	}{
		{0, mostReps},
		{time.Millisecond, 500},
		{200 * time.Millisecond, leastReps},
		{2 * time.Second, 5},
		{4 * time.Second, 2},
		{time.Minute, 1},
	} {
		if got := repsFor(c.once); got != c.want {
			t.Errorf("a run of %v is made %d times, want %d", c.once, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		times []time.Duration
		want  float64
	}{
		{[]time.Duration{3}, 3},
		{[]time.Duration{9, 1, 2}, 2},
		{[]time.Duration{8, 1, 3, 2}, 2.5},
	} {
		if got := medianOf(c.times); got != c.want {
			t.Errorf("median of %v is %g, want %g", c.times, got, c.want)
		}
	}
}

// Each run computes each item of each step once, the second step after the first.
func TestLoopSharesOutItems(t *testing.T) {
	const n, reps = 10, 3
	for _, threads := range []int{1, 2, 3} {
		for _, grain := range []int{0, 1, 4, n + 1} {
			first := make([]int, n)
			out := newVector(graph.Float64, n)
			plan := kernel.Plan{Steps: []kernel.Step{
				{N: n, Grain: grain, Run: func(_ *kernel.Call, lo, hi int) {
					for i := lo; i < hi; i++ {
						first[i]++
					}
				}},
				{N: n, Grain: grain, Run: func(c *kernel.Call, lo, hi int) {
					for i := lo; i < hi; i++ {
						kernel.Out[float64](c, 0)[i] += float64(first[n-1-i])
					}
				}},
			}}
			l := newLoop(plan, threads, nil, out)
			times := make([]time.Duration, reps)
			if err := l.run(times); err != nil || slices.Min(times) <= 0 {
				t.Errorf("times %v, %v", times, err)
			}
			l.close()
			for i, got := range out.f64 {
				if got != 1+2+3 { // the sum of what the first step has counted by then
					t.Errorf("%d threads, grain %d: item %d is %g after %d runs, want 6", threads, grain, i, got, reps)
				}
			}
		}
	}
}

// What runs between the marks allocates nothing; a run itself makes the list of marks.
func TestLoopDoesNotAllocate(t *testing.T) {
	p, err := ParseConv("2x3x8x8,4x3x3")
	if err != nil {
		t.Fatal(err)
	}
	p.Pass = conv.FilterGrad
	s, err := prepareConv(p, "im2col", 2, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	times := make([]time.Duration, 50)
	if n := testing.AllocsPerRun(3, func() { s.run(times) }); n > 1 {
		t.Errorf("50 runs allocate %g times, want once", n)
	}
}

func TestRandom(t *testing.T) {
	a, b := random(graph.Float32, 10_000, 7), random(graph.Float64, 10_000, 7)
	sum, squares := 0.0, 0.0
	for i, x := range a.f32 {
		if float64(x) != b.f64[i] || !(x >= -1 && x < 1) {
			t.Fatalf("element %d is %v in float32 and %v in float64", i, x, b.f64[i])
		}
		sum += b.f64[i]
		squares += b.f64[i] * b.f64[i]
	}
	// The mean has standard deviation 1/√30000 = 0.006, that of the squares 0.003.
	if mean, square := sum/1e4, squares/1e4; math.Abs(mean) > 0.03 || math.Abs(square-1./3) > 0.015 {
		t.Errorf("mean %g, mean square %g; want 0 and 1/3", mean, square)
	}
}
