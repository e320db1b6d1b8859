package opstest_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm/kernel"
)

// A fake is a test that fails for show: it keeps what Run reports.
type fake struct{ reports []string }

func (f *fake) Helper() {}

func (f *fake) Errorf(format string, args ...any) {
	f.reports = append(f.reports, fmt.Sprintf(format, args...))
}

func (f *fake) Fatal(args ...any) {
	f.reports = append(f.reports, fmt.Sprint(args...))
	runtime.Goexit()
}

func (f *fake) Fatalf(format string, args ...any) { f.Fatal(fmt.Sprintf(format, args...)) }

// reports runs opstest on an op and returns what it finds wrong.
func reports(op opstest.Op) []string {
	f := &fake{}
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }() // nil after Goexit
		opstest.Run(f, op)
	}()
	if p := <-done; p != nil {
		f.reports = append(f.reports, fmt.Sprint("PANIC: ", p))
	}
	return f.reports
}

// sink keeps what a kernel allocates from being optimised away.
var sink []float64

// square is x² with the mistake that Plant names.
type square struct {
	Plant string
	Depth int // an attribute which matters in the text form
}

func (s square) Name() string {
	if s.Plant == "name" {
		return "my square"
	}
	return "test.Square"
}

func (square) Infer(in []graph.Type) ([]graph.Type, error) {
	if len(in) != 1 || !in[0].DType.IsFloat() {
		return nil, fmt.Errorf("got %v, want one float", in)
	}
	return in[:1], nil
}

func (s square) Plan(env *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	if s.Plant == "plan" {
		return kernel.Plan{}, fmt.Errorf("no plan")
	}
	p, err := kernel.ByDType(in[0].DType, in[0].Shape.Size(), squareRun[float32](s.Plant, env.Reference), squareRun[float64](s.Plant, env.Reference))
	p.Steps[0].Grain = 1
	p.InPlace = []int{1}
	p.Shared, p.Local = 64, 64
	return p, err
}

func squareRun[T kernel.Float](plant string, reference bool) kernel.Kernel {
	var z T
	narrow := any(z) == any(float32(0))
	return func(c *kernel.Call, lo, hi int) {
		x, y := kernel.In[T](c, 0), kernel.Out[T](c, 0)
		n := len(x)
		for i := lo; i < hi; i++ {
			v, old := x[i], y[i]
			y[i] = v * v
			switch plant {
			case "a split matters": // accumulates from the beginning of the share
				y[i] += T(i-lo) * 1e-3
			case "float32 is wrong":
				if narrow {
					y[i] *= 1.001
				}
			case "reference is wrong":
				if reference {
					y[i] += 1e-3
				}
			case "input is changed":
				x[i] = v + 1
			case "not in place": // element i of the result is from element n−1−i
				w := x[n-1-i]
				y[i] = w * w
			case "reads the result": // as if it were zero
				y[i] = 0*old + v*v
			case "fault":
				c.Fault.Set(i, "element %d is bad", i)
			case "panic":
				panic("in the kernel")
			}
		}
		switch plant {
		case "unwritten":
			if hi == n { // the last element keeps what was there
				restore(y, n-1, c)
			}
		case "beyond the result":
			if hi == n {
				after(y, n)[0] = 7
			}
		case "before the result":
			if lo == 0 {
				after(y, -1)[0] = 7
			}
		case "beyond the input":
			if hi == n {
				after(x, n)[0] = 7
			}
		case "reads beyond the input":
			if hi == n {
				y[n-1] += after(x, n)[0] * 1e-30
				if after(x, n)[0] != after(x, n)[0] { // the guard is NaN, or not
					y[n-1] = 0
				}
			}
		case "beyond the scratch":
			kernel.Shared[T](c, 64/int(unsafe.Sizeof(z)), 1)[0] = 7
		case "reads the scratch":
			if s := kernel.Shared[T](c, 0, 1)[0]; s != s {
				y[lo] = 0
			}
		case "reads the local scratch":
			if s := kernel.Local[T](c, 0, 1)[0]; s != s {
				y[lo] = 0
			}
		case "allocates":
			sink = make([]float64, hi-lo)
		}
	}
}

func (s square) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	x := n.In(0)
	dx := ops.Scale(ops.Mul(dy[0], x), 2)
	switch s.Plant {
	case "gradient sign":
		dx = ops.Neg(dx)
	case "gradient factor":
		dx = ops.Scale(dx, 0.5)
	case "gradient of the output":
		dx = ops.Mul(dy[0], n.Out(0))
	case "no gradient to x":
		return []*graph.Value{nil}
	case "gradient type":
		dx = ops.Sum(dx)
	case "second gradient":
		dx = graph.Apply(cut{}, dx)
	}
	return []*graph.Value{dx}
}

// cut passes on its input and no gradient.
type cut struct{}

func (cut) Name() string                                { return "test.Cut" }
func (cut) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func (cut) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	return kernel.ByDType(in[0].DType, in[0].Shape.Size(), cutRun[float32], cutRun[float64])
}

func cutRun[T kernel.Float](c *kernel.Call, lo, hi int) {
	copy(kernel.Out[T](c, 0)[lo:hi], kernel.In[T](c, 0)[lo:hi])
}

func (cut) VJP(*graph.Node, []*graph.Value) []*graph.Value { return []*graph.Value{nil} }

func TestRunHasTeeth(t *testing.T) {
	for plant, want := range map[string]string{
		"":                        "",
		"name":                    `name "my square" cannot stand in the text form`,
		"plan":                    "no plan",
		"unwritten":               "something is not written, or read before",
		"reads the result":        "something is not written, or read before",
		"reads the scratch":       "something is not written, or read before",
		"reads the local scratch": "something is not written, or read before",
		"beyond the result":       "the kernel writes beyond result 0",
		"before the result":       "the kernel writes beyond result 0",
		"beyond the input":        "the kernel writes beyond input 0",
		"reads beyond the input":  "something is not written, or read before",
		"beyond the scratch":      "the kernel writes beyond its scratch memory",
		"input is changed":        "the kernel changes input 0",
		"a split matters":         "divided among 2 workers",
		"not in place":            "with result 0 over input 0",
		"allocates":               "running allocates",
		"fault":                   "element 0 is bad",
		"panic":                   "the kernel panicked: in the kernel",
		"float32 is wrong":        "float32 gives",
		"reference is wrong":      "tape against interpreter",
		"gradient sign":           "derivatives are wrong",
		"gradient factor":         "derivatives are wrong",
		"gradient of the output":  "derivatives are wrong",
		"no gradient to x":        "derivatives are wrong",
		"gradient type":           "gives f64[] for input 0",
		"second gradient":         "derivative of order 2",
	} {
		t.Run(plant, func(t *testing.T) {
			got := reports(opstest.Op{Op: square{Plant: plant, Depth: 2}, In: opstest.Shapes{{3, 5}}, Seed: 7})
			if all := strings.Join(got, "\n"); want == "" && all != "" || !strings.Contains(all, want) {
				t.Errorf("Run reports\n%s\nwant %q", all, want)
			}
		})
	}
}

// uncomparable has a slice for an attribute.
type uncomparable struct{ Axes []int }

func (uncomparable) Name() string                                { return "test.Uncomparable" }
func (uncomparable) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

// secretive keeps an attribute where the text form does not see it.
type secretive struct{ depth int }

func (secretive) Name() string                                { return "test.Secretive" }
func (secretive) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

// unwritable has an attribute that cannot be read back.
type unwritable struct{ At struct{ X int } }

func (unwritable) Name() string                                { return "test.Unwritable" }
func (unwritable) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

// planless cannot run.
type planless struct{}

func (planless) Name() string                                { return "test.Planless" }
func (planless) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

// underivable has no VJP.
type underivable struct{ cut }

func (underivable) Name() string                                { return "test.Underivable" }
func (underivable) VJP()                                        {}
func (underivable) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

// liar views its input as something larger.
type liar struct{}

func (liar) Name() string { return "test.Liar" }
func (liar) Infer(in []graph.Type) ([]graph.Type, error) {
	return []graph.Type{graph.Of(in[0].DType, 99)}, nil
}
func (liar) Plan(*kernel.Env, []graph.Type, []graph.Type) (kernel.Plan, error) {
	return kernel.Plan{View: true}, nil
}

func TestRunRefusesOps(t *testing.T) {
	for name, c := range map[string]struct {
		op   graph.Op
		want string
	}{
		"uncomparable": {uncomparable{[]int{1}}, "is not comparable"},
		"secretive":    {secretive{3}, "becomes opstest_test.secretive{depth:0} when it is parsed"},
		"unwritable":   {unwritable{struct{ X int }{4}}, "the text form does not parse"},
		"planless":     {planless{}, "it cannot run"},
		"underivable":  {underivable{}, "has no VJP; if that is meant, say why in NoGradient"},
		"liar":         {liar{}, "the plan is a view of f64[3,5] as f64[99]"},
		"inference":    {square{}, "want one float"},
	} {
		t.Run(name, func(t *testing.T) {
			op := opstest.Op{Op: c.op, In: opstest.Shapes{{3, 5}}}
			if name == "inference" {
				op.In = opstest.Shapes{{3}, {3}}
			}
			if all := strings.Join(reports(op), "\n"); !strings.Contains(all, c.want) || strings.Contains(all, "PANIC") {
				t.Errorf("Run reports\n%s\nwant %q", all, c.want)
			}
		})
	}
}

// A gradient which is said not to exist is not asked for, neither is a second one.
func TestNoGradientAndNoSecond(t *testing.T) {
	if got := reports(opstest.Op{Op: underivable{}, In: opstest.Shapes{{3}}, NoGradient: "it passes none on"}); len(got) > 0 {
		t.Errorf("NoGradient: %q", got)
	}
	if got := reports(opstest.Op{Op: square{Plant: "second gradient"}, In: opstest.Shapes{{3}}, NoSecond: "cut"}); len(got) > 0 {
		t.Errorf("NoSecond: %q", got)
	}
	if got := reports(opstest.Op{Op: square{Plant: "gradient sign"}, In: opstest.Shapes{{3}}, NoSecond: "cut"}); len(got) == 0 {
		t.Error("NoSecond silences the first order too")
	}
}

// The ops of a constructor, empty inputs, and integers.
func TestRunOfConstructors(t *testing.T) {
	wrap := func(in []*graph.Value) []*graph.Value { return []*graph.Value{ops.Exp(ops.Neg(in[0]))} }
	if got := reports(opstest.Op{Wrap: wrap, In: opstest.Shapes{{2, 3}}}); len(got) > 0 {
		t.Errorf("a constructor: %q", got)
	}
	faulty := func(in []*graph.Value) []*graph.Value { return []*graph.Value{ops.Reshape(in[0], 7)} }
	if all := strings.Join(reports(opstest.Op{Wrap: faulty, In: opstest.Shapes{{2, 3}}}), "\n"); !strings.Contains(all, "Reshape") || strings.Contains(all, "PANIC") {
		t.Errorf("a faulty constructor: %s", all)
	}
	if got := reports(opstest.Op{Op: square{}, In: opstest.Shapes{{0, 3}}}); len(got) > 0 {
		t.Errorf("an empty input: %q", got)
	}
	labels := opstest.Op{
		Types: []graph.Type{graph.Of(graph.Float64, 4, 3), graph.Of(graph.Int32, 4)},
		Draw: func(_ *rand.Rand, i int, _ graph.Type) []float64 {
			if i == 1 {
				return []float64{0, 2, 1, 1}
			}
			return nil
		},
		Wrap: func(in []*graph.Value) []*graph.Value {
			return []*graph.Value{ops.SoftmaxCrossEntropy(in[0], in[1], ops.CrossEntropy{})}
		},
	}
	if got := reports(labels); len(got) > 0 {
		t.Errorf("labels: %q", got)
	}
}
