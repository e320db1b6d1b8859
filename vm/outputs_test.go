package vm_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

func run(t *testing.T, m *vm.Machine, feeds vm.Feeds) []*tensor.Dense {
	t.Helper()
	out, err := m.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Outputs may be anything: what is fed, stored or constant, views of these, and
// the same value twice. Each is the user's own memory, to keep until the next run.
func TestOutputsOfAllKinds(t *testing.T) {
	g := graph.New("outputs")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	p := g.Param("p", graph.Of(graph.Float32, 3), graph.Constant(2))
	c := graph.Const(g, graph.Shape{3}, float32(7), 8, 9)
	y := ops.Neg(x)
	outs := []*graph.Value{x, p, c, y, y, ops.Reshape(x, graph.Batch, 1, 3), ops.Reshape(p, 3, 1), ops.Reshape(c, 1, 3), ops.Reshape(y, graph.Batch, 3, 1), x, p}
	g.Update(p, ops.AddScalar(p, 1))
	s := vm.NewState(1)
	m := start(t, g, s, outs, vm.Threads(1))
	feed := tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float32{1, 2, 3}))
	for i := range 3 {
		got := run(t, m, vm.Feeds{x: feed})
		old := float32(2 + i)
		want := [][]float32{{1, 2, 3}, {old, old, old}, {7, 8, 9}, {-1, -2, -3}, {-1, -2, -3}, {1, 2, 3}, {old, old, old}, {7, 8, 9}, {-1, -2, -3}, {1, 2, 3}, {old, old, old}}
		for j, v := range got {
			if !slices.Equal(v.Float32s(), want[j]) {
				t.Errorf("run %d, output %d: %v, want %v", i, j, v.Float32s(), want[j])
			}
			if shape := outs[j].Shape().Bind(1); !shape.Equal(graph.Shape(v.Shape())) {
				t.Errorf("output %d has shape %v, want %v", j, v.Shape(), shape)
			}
		}
		for _, v := range got { // what a user does to an output stays there
			for k := range v.Float32s() {
				v.Float32s()[k] = 99
			}
		}
		if !slices.Equal(feed.Float32s(), []float32{1, 2, 3}) || value(t, s, "p") != old+1 {
			t.Fatalf("run %d: writing to an output changed the feed %v or the parameter %v", i, feed, value(t, s, "p"))
		}
	}
}

// Reshape and T of gorgonia.org/tensor change a tensor's header, which the
// machine gave out again in the next run as it was.
func TestOutputReshapedByTheCaller(t *testing.T) {
	g := graph.New("reshaped")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	m := start(t, g, vm.NewState(1), []*graph.Value{ops.Neg(x), ops.ReLU(x)})
	got := run(t, m, vm.Feeds{x: rows(4)})
	if err := got[0].Reshape(2, 6); err != nil {
		t.Fatal(err)
	}
	if err := got[1].T(); err != nil {
		t.Fatal(err)
	}
	for i, v := range run(t, m, vm.Feeds{x: rows(4)}) {
		if !v.Shape().Eq(tensor.Shape{4, 3}) || !slices.Equal(v.Strides(), []int{3, 1}) {
			t.Errorf("output %d has shape %v and strides %v, want (4, 3) and [3 1]", i, v.Shape(), v.Strides())
		}
	}
}

// What a run returned lies in the memory that the next one writes to: fed as it
// was, it changed while it was read.
func TestOutputFedToTheNextRun(t *testing.T) {
	g := graph.New("recurrent")
	h := g.Input("h", graph.Of(graph.Float32, graph.Batch, 3))
	one := ops.AddScalar(h, 1)
	next := ops.Add(ops.Scale(one, 0), graph.Apply(turn{}, ops.Scale(h, 0), h)) // h reversed, read late
	m := start(t, g, vm.NewState(1), []*graph.Value{next, one}, vm.Threads(1))
	state := tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float32{1, 2, 3}))
	want := []float32{1, 2, 3}
	for i := range 5 {
		state = run(t, m, vm.Feeds{h: state})[0]
		slices.Reverse(want)
		if !slices.Equal(state.Float32s(), want) {
			t.Fatalf("after run %d: %v, want %v", i, state.Float32s(), want)
		}
	}
}

// Where nothing that is needed had the symbolic dimension, the batch size was 0
// without a word.
func TestBatchSizeOfWhatDependsOnNoInput(t *testing.T) {
	g := graph.New("unknown")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	z := ops.Full(g, graph.Of(graph.Float32, graph.Batch, 2), 5)
	m := start(t, g, vm.NewState(1), []*graph.Value{z})
	if _, err := m.Run(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "nothing says the batch size") {
		t.Errorf("without a feed: %v", err)
	}
	if _, err := vm.Interpret(g, []*graph.Value{z}, vm.NewState(1), nil); err == nil || !strings.Contains(err.Error(), "nothing says the batch size") {
		t.Errorf("the interpreter, without a feed: %v", err)
	}
	if got := run(t, m, vm.Feeds{x: rows(4)})[0]; !got.Shape().Eq(tensor.Shape{4, 2}) || got.Float32s()[7] != 5 {
		t.Errorf("with a feed of 4 rows: %v", got)
	}
	if _, err := m.Run(context.Background(), vm.Feeds{x: floats(1)}); err == nil {
		t.Error("a wrong feed says the batch size")
	}
}

func TestFeedOfSquareBatch(t *testing.T) {
	g := graph.New("square")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, graph.Batch))
	m := start(t, g, vm.NewState(1), []*graph.Value{x})
	_, err := m.Run(context.Background(), vm.Feeds{x: rows(2)})
	if want := `input "x" wants f32[N,N], all N being equal, the feed is f32[2,3]`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	run(t, m, vm.Feeds{x: rows(3)})
}

func TestFeedsOfScalarsAndOnes(t *testing.T) {
	g := graph.New("ones")
	s := g.Input("s", graph.Of(graph.Float32))
	v := g.Input("v", graph.Of(graph.Float32, 1))
	w := g.Input("w", graph.Of(graph.Float32, graph.Batch, 1))
	m := start(t, g, vm.NewState(1), []*graph.Value{ops.Neg(s), ops.Neg(v), ops.Neg(w)})
	matrix := tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))
	column, err := matrix.Slice(nil, tensor.S(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	col := column.(*tensor.Dense)
	if col.Dims() == 1 { // tensor drops the axis; a column is meant
		if err := col.Reshape(3, 1); err != nil {
			col = tensor.New(tensor.WithShape(3, 1), tensor.WithBacking([]float32{2, 4, 6}))
		}
	}
	got := run(t, m, vm.Feeds{s: tensor.New(tensor.FromScalar(float32(5))), v: floats(6), w: col})
	if got[0].Float32s()[0] != -5 || got[1].Float32s()[0] != -6 || !slices.Equal(got[2].Float32s(), []float32{-2, -4, -6}) {
		t.Errorf("got %v", got)
	}
	x, err := vm.Scalar(got[0])
	if err != nil || x != -5 {
		t.Errorf("Scalar gives %v, %v", x, err)
	}
}

func TestScalar(t *testing.T) {
	for name, c := range map[string]struct {
		t    *tensor.Dense
		want float64
		err  string
	}{
		"f32":    {tensor.New(tensor.FromScalar(float32(0.5))), 0.5, ""},
		"f64":    {tensor.New(tensor.FromScalar(0.1)), 0.1, ""},
		"i32":    {tensor.New(tensor.FromScalar(int32(-3))), -3, ""},
		"i64":    {tensor.New(tensor.FromScalar(int64(1 << 40))), 1 << 40, ""},
		"int":    {tensor.New(tensor.FromScalar(7)), 7, ""},
		"vector": {floats(4), 4, ""},
		"two":    {floats(1, 2), 0, "got a tensor of 2 elements, want one"},
		"bool":   {tensor.New(tensor.FromScalar(true)), 0, "got a tensor of bool, want numbers"},
		"nil":    {nil, 0, "the tensor is nil"},
		"uint8":  {tensor.New(tensor.FromScalar(byte(3))), 0, "elements of type uint8, want float32"},
	} {
		got, err := vm.Scalar(c.t)
		if c.err == "" && (err != nil || got != c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: error %v, want %s", name, err, c.err)
		}
	}
}

func TestNothingToCompute(t *testing.T) {
	g := graph.New("empty")
	if out := run(t, start(t, g, vm.NewState(1), nil), nil); len(out) != 0 {
		t.Errorf("an empty graph has outputs %v", out)
	}
	p := g.Param("p", graph.Of(graph.Float32), graph.Constant(1))
	g.Update(p, ops.Scale(p, 2))
	s := vm.NewState(1)
	m := start(t, g, s, nil)
	run(t, m, nil)
	run(t, m, nil)
	if v := value(t, s, "p"); v != 4 {
		t.Errorf("two updates without outputs: p = %v, want 4", v)
	}
	run(t, start(t, g, s, []*graph.Value{p}, vm.NoUpdates()), nil)
	if v := value(t, s, "p"); v != 4 {
		t.Errorf("a run without updates: p = %v, want 4", v)
	}
}
