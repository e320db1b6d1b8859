package conv_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm"
	"neocog/vm/kernel"
)

var plain = conv.Problem{DType: graph.Float32, N: 2, C: 3, H: 8, W: 8, K: 4, R: 3, S: 3,
	Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}

// stub accepts, or gives err.
type stub struct {
	name string
	err  error
}

func (s stub) Name() string                                        { return s.name }
func (s stub) Plan(*kernel.Env, conv.Problem) (kernel.Plan, error) { return kernel.Plan{}, s.err }

func TestChoose(t *testing.T) {
	no := func(name string) conv.Algorithm {
		return stub{name, &conv.Unsupported{Algorithm: name, Problem: plain, Reason: name + " is tired"}}
	}
	for _, c := range []struct {
		name      string
		settings  func(map[any]any)
		reference bool
		algo      string
		want, err string
	}{
		{name: "default", want: "planar"},
		{name: "the node's own", algo: "direct", want: "direct"},
		{name: "the user's first", settings: func(s map[any]any) { conv.Use(s, stub{name: "mine"}) }, want: "mine"},
		{name: "the first that accepts", settings: func(s map[any]any) { conv.Use(s, no("a"), no("b"), stub{name: "c"}) }, want: "c"},
		{name: "default after the user's", settings: func(s map[any]any) { conv.Use(s, no("a")) }, want: "planar"},
		{name: "the later Use first", settings: func(s map[any]any) { conv.Use(s, stub{name: "a"}); conv.Use(s, stub{name: "b"}) }, want: "b"},
		{name: "the node's own before the user's", settings: func(s map[any]any) { conv.Use(s, stub{name: "a"}) }, algo: "im2col", want: "im2col"},
		{name: "the reference before all", settings: func(s map[any]any) { conv.Use(s, stub{name: "a"}) }, reference: true, algo: "im2col", want: "direct"},
		{name: "only", settings: func(s map[any]any) { conv.Only(s, stub{name: "a"}) }, want: "a"},
		{name: "unknown", algo: "imcol", err: `unknown convolution algorithm "imcol", did you mean im2col? known: ` + strings.Join(slices.Concat(conv.All(), conv.Families()).Names(), ", ")},
		{name: "unknown in a list of one", settings: func(s map[any]any) { conv.Only(s, no("a")) }, algo: "im2col", err: `unknown convolution algorithm "im2col", known: a`},
		{name: "the node's own refuses", settings: func(s map[any]any) { conv.Use(s, no("a")) }, algo: "a",
			err: "a cannot do forward f32 x[2,3,8,8] w[4,3,3,3]: a is tired"},
		{name: "all refuse", settings: func(s map[any]any) { conv.Only(s, no("a"), no("b")) },
			err: "no convolution algorithm can do forward f32 x[2,3,8,8] w[4,3,3,3] (a: a is tired; b: b is tired)"},
		{name: "another error", settings: func(s map[any]any) { conv.Use(s, stub{"a", errors.New("disk full")}) }, err: "convolution algorithm a: disk full"},
		{name: "nil", settings: func(s map[any]any) { conv.Use(s, nil) }, err: "convolution algorithm 0 of the list is nil"},
		{name: "empty", settings: func(s map[any]any) { conv.Only(s) }, err: "the list of convolution algorithms is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := &kernel.Env{Reference: c.reference, Settings: map[any]any{}}
			if c.settings != nil {
				c.settings(env.Settings)
			}
			plan, err := conv.Choose(env, c.algo, plain)
			if plan.Algo != c.want || (c.err != "") != (err != nil) || err != nil && err.Error() != c.err {
				t.Errorf("got  %s, %v\nwant %s, %s", plan.Algo, err, c.want, c.err)
			}
			if err == nil && plan.FLOPs != plain.FLOPs() {
				t.Errorf("the plan has %d FLOPs, want %d", plan.FLOPs, plain.FLOPs())
			}
		})
	}
}

func TestChooseKeepsUnsupported(t *testing.T) {
	env := &kernel.Env{Settings: map[any]any{}}
	conv.Use(env.Settings, pointwise{})
	_, err := conv.Choose(env, "my.pointwise", plain)
	var no *conv.Unsupported
	if !errors.As(err, &no) || no.Problem != plain {
		t.Errorf("got %v, want an *Unsupported with the problem", err)
	}
}

// A node's algorithm also is its gradients'; where it has none, others have.
func TestGradientsWhichANodesAlgorithmRefusesAreLeftToOthers(t *testing.T) {
	p := plain
	p.Pass = conv.FilterGrad
	plan, err := conv.Choose(&kernel.Env{}, "planar", p)
	if err != nil || plan.Algo == "planar" {
		t.Errorf("got %s, %v", plan.Algo, err)
	}
}

// recorder refuses all it is asked, and remembers it.
type recorder struct{ seen *[]conv.Problem }

func (recorder) Name() string { return "recorder" }

func (r recorder) Plan(_ *kernel.Env, p conv.Problem) (kernel.Plan, error) {
	*r.seen = append(*r.seen, p)
	return kernel.Plan{}, conv.Refuse(r, p, "it only records")
}

// A program with vm.WithConv asks the user's algorithm for each pass, with the batch that the run has.
func TestWithConv(t *testing.T) {
	g := graph.New("record")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 8, 8))
	w := g.Param("w", graph.Of(graph.Float32, 4, 3, 3, 3), graph.Constant(1))
	dw := autodiff.Gradients(ops.Sum(ops.Square(ops.Conv2D(x, w, ops.Conv{}))), w, x)
	var seen []conv.Problem
	p, err := vm.Compile(g, dw, vm.WithConv(recorder{&seen}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	feed := tensor.New(tensor.WithShape(2, 3, 8, 8), tensor.WithBacking(make([]float32, 2*3*8*8)))
	if _, err := m.Run(context.Background(), vm.Feeds{x: feed}); err != nil {
		t.Fatal(err)
	}
	for pass := conv.Forward; pass <= conv.FilterGrad; pass++ {
		want := plain
		if want.Pass = pass; !slices.Contains(seen, want) {
			t.Errorf("%v was not asked for; seen %v", want, seen)
		}
	}
}

// What no kernel covers falls back to the reference; the plan and the dump of the program say so.
func TestTheReferenceIsNamedWhereItIsTheFallback(t *testing.T) {
	env := &kernel.Env{Settings: map[any]any{}}
	conv.Only(env.Settings, conv.Dense{}, conv.Planar{}, conv.Blocked{}, conv.Direct{})
	p := plain
	for _, change := range []func(){
		func() { p.Pass = conv.FilterGrad }, // 4 filters are too few for Blocked, and Planar has no such gradient
		func() { p.N = 0 }, func() { p.N, p.C = 1, 0 }, func() { p.C, p.K = 3, 0 },
		func() {
			p.Pass, p.C, p.K, p.Dilation, p.Pad = conv.Forward, 4096, 8, [2]int{30, 30}, [4]int{30, 30, 30, 30}
		},
	} {
		change()
		if plan, err := conv.Choose(env, "", p); err != nil || plan.Algo != "direct" {
			t.Errorf("%v: %q, %v", p, plan.Algo, err)
		}
	}

	g := graph.New("fallback")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3, 8, 8))
	w := g.Param("w", graph.Of(graph.Float32, 4, 3, 3, 3), graph.Constant(1))
	program, err := vm.Compile(g, []*graph.Value{ops.Conv2D(x, w, ops.Conv{Algo: "direct"})})
	if err != nil {
		t.Fatal(err)
	}
	var dump strings.Builder
	if err := program.Dump(&dump, 1); err != nil || !strings.Contains(dump.String(), "(direct)") {
		t.Errorf("%v, and the dump does not name direct:\n%s", err, &dump)
	}
}

func TestDefaultCannotBeChanged(t *testing.T) {
	conv.Default()[0] = stub{name: "other"}
	if got := fmt.Sprint(conv.Default().Names()); got != "[dense planar pointwise blocked im2col direct]" {
		t.Errorf("got %s", got)
	}
}

func TestProblemCheck(t *testing.T) {
	if err := plain.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		change func(*conv.Problem)
	}{
		{"no such pass", func(p *conv.Problem) { p.Pass = 3 }},
		{"element type is i32", func(p *conv.Problem) { p.DType = graph.Int32 }},
		{"an extent is negative", func(p *conv.Problem) { p.N = graph.Batch }},
		{"the filter is 0×3", func(p *conv.Problem) { p.R = 0 }},
		{"2 groups do not divide 3 channels and 4 filters", func(p *conv.Problem) { p.Groups = 2 }},
		{"0 groups do not divide", func(p *conv.Problem) { p.Groups = 0 }},
		{"stride and dilation are at least 1", func(p *conv.Problem) { p.Stride[1] = 0 }},
		{"padding is at least 0", func(p *conv.Problem) { p.Pad[3] = -1 }},
		{"only the forward pass has a bias", func(p *conv.Problem) { p.Pass, p.Bias = conv.FilterGrad, true }},
		{"the filter spans 9×3, more than image and padding", func(p *conv.Problem) { p.Dilation[0] = 4 }},
	} {
		p := plain
		c.change(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if _, err := conv.Choose(&kernel.Env{}, "", p); err == nil {
			t.Errorf("%v is planned", p)
		}
	}
}

// Figures C4 and C9 of the lecture: 7×7 takes 49HWC² multiply-adds, three 3×3 take 27HWC².
func TestProblemFLOPs(t *testing.T) {
	p := conv.Problem{DType: graph.Float32, N: 1, C: 16, H: 10, W: 12, K: 16, R: 7, S: 7, Pad: [4]int{3, 3, 3, 3},
		Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	hwc2 := int64(10 * 12 * 16 * 16)
	if got := p.FLOPs() / 2; got != 49*hwc2 {
		t.Errorf("7×7: %d multiply-adds, want 49·HWC² = %d", got, 49*hwc2)
	}
	p.R, p.S, p.Pad = 3, 3, [4]int{1, 1, 1, 1}
	if got := 3 * p.FLOPs() / 2; got != 27*hwc2 {
		t.Errorf("three 3×3: %d multiply-adds, want 27·HWC² = %d", got, 27*hwc2)
	}
	p.Groups = 16
	if got := p.FLOPs() / 2; got != 9*hwc2/16 {
		t.Errorf("depthwise: %d multiply-adds, want 9·HWC = %d", got, 9*hwc2/16)
	}
}

// The key must tell apart what may be planned apart.
func TestProblemString(t *testing.T) {
	seen := map[string]conv.Problem{}
	p := plain
	variants := []func(*conv.Problem){
		func(*conv.Problem) {},
		func(p *conv.Problem) { p.Pass = conv.InputGrad }, func(p *conv.Problem) { p.Pass = conv.FilterGrad },
		func(p *conv.Problem) { p.DType = graph.Float64 },
		func(p *conv.Problem) { p.N++ }, func(p *conv.Problem) { p.C++ }, func(p *conv.Problem) { p.H++ }, func(p *conv.Problem) { p.W++ },
		func(p *conv.Problem) { p.K++ }, func(p *conv.Problem) { p.R++ }, func(p *conv.Problem) { p.S++ },
		func(p *conv.Problem) { p.C, p.K, p.Groups = 6, 4, 2 },
		func(p *conv.Problem) { p.Stride[0]++ }, func(p *conv.Problem) { p.Stride[1]++ },
		func(p *conv.Problem) { p.Dilation[0]++ }, func(p *conv.Problem) { p.Dilation[1]++ },
		func(p *conv.Problem) { p.Pad[0]++ }, func(p *conv.Problem) { p.Pad[1]++ }, func(p *conv.Problem) { p.Pad[2]++ }, func(p *conv.Problem) { p.Pad[3]++ },
		func(p *conv.Problem) { p.Bias = true },
	}
	for _, change := range variants {
		q := p
		change(&q)
		if old, ok := seen[q.String()]; ok {
			t.Errorf("%+v and %+v are both %v", old, q, q)
		}
		seen[q.String()] = q
	}
	q := conv.Problem{DType: graph.Float64, N: 64, C: 4, H: 28, W: 28, K: 6, R: 5, S: 5, Groups: 2,
		Stride: [2]int{2, 1}, Dilation: [2]int{1, 3}, Pad: [4]int{1, 2, 3, 4}, Bias: true}
	if want := "forward f64 x[64,4,28,28] w[6,2,5,5] stride[2,1] dilation[1,3] pad[1,2,3,4] groups=2 bias"; q.String() != want {
		t.Errorf("got  %v\nwant %s", q, want)
	}
}
