package ops

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/vm/kernel"
)

// A tensor is a value of a test: a type and a slice of its element type.
type tensor struct {
	t    graph.Type
	data any
}

func of[T graph.Element](shape graph.Shape, data ...T) tensor {
	t := graph.Type{DType: graph.DTypeOf[T](), Shape: shape}
	if t.Shape.Size() != len(data) {
		panic(fmt.Sprintf("%v has %d elements, got %d", t, t.Shape.Size(), len(data)))
	}
	return tensor{t, data}
}

// f32 and f64 are tensors of floats.
func f32(shape graph.Shape, data ...float32) tensor { return of(shape, data...) }
func f64(shape graph.Shape, data ...float64) tensor { return of(shape, data...) }

// sh is a shape.
func sh(d ...int) graph.Shape { return graph.Shape(append([]int{}, d...)) }

// ramp returns n numbers which differ and are not sorted.
func ramp[T kernel.Float](n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(math.Sin(float64(3*i+1)) * 2)
	}
	return x
}

// buf is memory of n elements of type d between two guard words.
type buf struct {
	words []uint64
	bytes int
}

const guard = 0xDEAD_BEEF_DEAD_BEEF

func newBuf(bytes int) *buf {
	b := &buf{make([]uint64, (bytes+7)/8+2), bytes}
	for i := range b.words {
		b.words[i] = guard
	}
	return b
}

func (b *buf) ptr() unsafe.Pointer { return unsafe.Pointer(&b.words[1]) }

func (b *buf) raw() []byte { return unsafe.Slice((*byte)(b.ptr()), b.bytes) }

func (b *buf) intact() bool { return b.words[0] == guard && b.words[len(b.words)-1] == guard }

// bytesOf returns the memory of a slice of elements.
func bytesOf(data any) []byte {
	switch s := data.(type) {
	case []float32:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
	case []float64:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 8*len(s))
	case []int32:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
	case []int64:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 8*len(s))
	case []bool:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
	}
	panic("no tensor")
}

// groupings are the ways in which a test cuts the items of a step.
var groupings = map[string]func(n int) [][2]int{
	"whole": func(n int) [][2]int { return [][2]int{{0, n}} },
	"thirds, last first": func(n int) [][2]int {
		return [][2]int{{2 * n / 3, n}, {n / 3, 2 * n / 3}, {0, n / 3}}
	},
	"uneven": func(n int) [][2]int { m := min(n, 5); return [][2]int{{m, m}, {m, n}, {0, m}} },
}

// run computes op in several groupings, demands the same bits of all, also in
// place where the plan allows it, and returns the results and the fault.
func run(t *testing.T, op graph.Op, in ...tensor) ([]tensor, error) {
	t.Helper()
	types := make([]graph.Type, len(in))
	for i, x := range in {
		types[i] = x.t
	}
	outTypes, err := op.Infer(types)
	if err != nil {
		t.Fatalf("%s: %v", op.Name(), err)
	}
	return runAs(t, op, outTypes, in...)
}

func runAs(t *testing.T, op graph.Op, outTypes []graph.Type, in ...tensor) ([]tensor, error) {
	t.Helper()
	types := make([]graph.Type, len(in))
	for i, x := range in {
		types[i] = x.t
	}
	p, err := op.(kernel.Op).Plan(&kernel.Env{}, types, outTypes)
	if err != nil {
		t.Fatalf("%s: Plan: %v", op.Name(), err)
	}
	if p.View {
		return []tensor{{outTypes[0], in[0].data}}, nil
	}
	var want []tensor
	var fault error
	for _, name := range []string{"whole", "thirds, last first", "uneven"} {
		for _, inPlace := range []bool{false, true} {
			if inPlace && len(p.InPlace) == 0 {
				continue
			}
			got, f := execute(t, op, p, outTypes, in, groupings[name], inPlace)
			if want == nil {
				want, fault = got, f
				continue
			}
			if fmt.Sprint(f) != fmt.Sprint(fault) {
				t.Errorf("%s: %s: fault %v, want %v", op.Name(), name, f, fault)
			}
			for i := range got {
				if string(bytesOf(got[i].data)) != string(bytesOf(want[i].data)) {
					t.Errorf("%s: grouped as %q, in place %v: result %d is %v, want the bits of %v", op.Name(), name, inPlace, i, got[i].data, want[i].data)
				}
			}
		}
	}
	return want, fault
}

func execute(t *testing.T, op graph.Op, p kernel.Plan, outTypes []graph.Type, in []tensor, cut func(int) [][2]int, inPlace bool) ([]tensor, error) {
	t.Helper()
	var fault kernel.Fault
	c := kernel.Call{Fault: &fault}
	var bufs []*buf
	add := func(typ graph.Type, b *buf) int32 {
		bufs = append(bufs, b)
		c.Bufs = append(c.Bufs, kernel.Buf{Ptr: b.ptr(), Len: typ.Shape.Size()})
		return int32(len(bufs) - 1)
	}
	for _, x := range in {
		b := newBuf(x.t.Bytes())
		copy(b.raw(), bytesOf(x.data))
		c.Ins = append(c.Ins, add(x.t, b))
	}
	for i, typ := range outTypes {
		if inPlace && i < len(p.InPlace) && p.InPlace[i] > 0 {
			c.Outs = append(c.Outs, c.Ins[p.InPlace[i]-1])
			continue
		}
		c.Outs = append(c.Outs, add(typ, newBuf(typ.Bytes())))
	}
	shared, prepared := newBuf(p.Shared), newBuf(p.Prepare.Bytes)
	bufs = append(bufs, shared, prepared)
	c.Scratch, c.Prepared = shared.ptr(), prepared.ptr()
	for _, s := range p.Steps {
		for _, r := range cut(s.N) {
			local := newBuf(p.Local)
			bufs = append(bufs, local)
			c.Local = local.ptr()
			s.Run(&c, r[0], r[1])
		}
	}
	for i, b := range bufs {
		if !b.intact() {
			t.Errorf("%s: wrote beyond buffer %d", op.Name(), i)
		}
	}
	out := make([]tensor, len(outTypes))
	for i, typ := range outTypes {
		out[i] = tensor{typ, clone(&c, typ.DType, i)}
	}
	return out, fault.Take()
}

func clone(c *kernel.Call, d graph.DType, i int) any {
	switch d {
	case graph.Float32:
		return slices.Clone(kernel.Out[float32](c, i))
	case graph.Float64:
		return slices.Clone(kernel.Out[float64](c, i))
	case graph.Int32:
		return slices.Clone(kernel.Out[int32](c, i))
	case graph.Int64:
		return slices.Clone(kernel.Out[int64](c, i))
	}
	return slices.Clone(kernel.Out[bool](c, i))
}

// expect runs op and demands result 0 to be want, floats to a few ulp; NaN
// equals NaN, and the sign of zero counts.
func expect(t *testing.T, op graph.Op, want tensor, in ...tensor) {
	t.Helper()
	got, fault := run(t, op, in...)
	if fault != nil {
		t.Errorf("%s: fault %v", op.Name(), fault)
	}
	same(t, op.Name(), got[0], want)
}

func same(t *testing.T, what string, got, want tensor) {
	t.Helper()
	if !got.t.Equal(want.t) {
		t.Errorf("%s: type %v, want %v", what, got.t, want.t)
		return
	}
	ok := true
	switch g := got.data.(type) {
	case []float32:
		ok = slices.EqualFunc(g, want.data.([]float32), near)
	case []float64:
		ok = slices.EqualFunc(g, want.data.([]float64), near)
	default:
		ok = string(bytesOf(got.data)) == string(bytesOf(want.data))
	}
	if !ok {
		t.Errorf("%s: got %v, want %v", what, got.data, want.data)
	}
}

// near demands 4 units in the last place: one each for the function, its argument,
// a following operation and the way the expected number was written.
func near[T kernel.Float](a, b T) bool {
	if a != a || b != b {
		return a != a && b != b
	}
	if a == 0 && b == 0 {
		return math.Signbit(float64(a)) == math.Signbit(float64(b))
	}
	u := T(1.2e-7)
	if unsafe.Sizeof(a) == 8 {
		u = 2.3e-16
	}
	d := a - b
	return a == b || max(d, -d) <= 4*u*max(b, -b)
}

// refuses demands that building makes exactly one mistake whose text has want in it.
func refuses(t *testing.T, want string, build func(g *graph.Graph)) {
	t.Helper()
	g := graph.New("test")
	build(g)
	err := g.Err()
	if err == nil {
		t.Errorf("no error, want one with %q", want)
		return
	}
	if list := err.(*graph.Errors).List; len(list) != 1 || !strings.Contains(err.Error(), want) {
		t.Errorf("got %d errors:\n%v\nwant one with %q", len(list), err, want)
	}
}

// in adds an input of f32 with the given extents.
func in(g *graph.Graph, name string, extents ...int) *graph.Value {
	return g.Input(name, graph.Of(graph.Float32, extents...))
}

// hasType demands the type of v, as text.
func hasType(t *testing.T, v *graph.Value, want string) {
	t.Helper()
	if got := v.Type().String(); got != want {
		t.Errorf("type %s, want %s: %v", got, want, v.Graph().Err())
	}
}

var nan, inf = math.NaN(), math.Inf(1)
