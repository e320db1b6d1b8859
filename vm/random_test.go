package vm_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

// bits returns the memory of a tensor of float32.
func bits(t *tensor.Dense) []byte {
	v := t.Float32s()
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// Random graphs with views, chains that run in place, values with many users,
// ops of several results and steps, constants, and updates of all kinds: the tape
// gives the interpreter's bits, at any batch size, for any number of threads,
// with and without passes, and leaves the same parameters behind.
func TestRandomGraphsAgreeWithInterpreter(t *testing.T) {
	graphs := 600
	if testing.Short() {
		graphs = 60
	}
	variants := map[string][]vm.Option{
		"1 thread":            {vm.Threads(1)},
		"2 threads, watching": {vm.Threads(2), vm.WithWatch(0)},
		"3 threads":           {vm.Threads(3)},
		"2 threads, as it is": {vm.Threads(2), vm.NoPasses()},
		"no updates":          {vm.Threads(1), vm.NoUpdates()},
	}
	for seed := range uint64(graphs) {
		g, x, out := random(seed)
		if err := g.Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sizes := []int{3, 1, 3, 0}
		if seed%20 == 0 {
			sizes = append(sizes, 2800) // elementwise loops are divided, too
		}
		for name, opts := range variants {
			s, oracle := vm.NewState(seed), vm.NewState(seed)
			m := start(t, g, s, out, opts...)
			for run, n := range sizes {
				fail := func(what string, err any) {
					t.Helper()
					t.Fatalf("seed %d, %s, run %d of batch %d: %s: %v\n%v", seed, name, run, n, what, err, g)
				}
				feeds := vm.Feeds{x: rows(n)}
				got, err := m.Run(context.Background(), feeds)
				if err != nil {
					fail("run", err)
				}
				want, err := vm.Interpret(g, out, oracle, feeds, opts...)
				if err != nil {
					fail("interpreter", err)
				}
				for i := range out {
					if !got[i].Shape().Eq(want[i].Shape()) || !bytes.Equal(bits(got[i]), bits(want[i])) {
						fail(fmt.Sprint("output ", i), fmt.Sprint(got[i], want[i]))
					}
				}
				for _, name := range s.Names() {
					a, err := s.Get(name)
					if err != nil {
						fail(name, err)
					}
					if b, err := oracle.Get(name); err != nil || !bytes.Equal(bits(a), bits(b)) {
						fail(name, fmt.Sprint(a, b, err))
					}
				}
			}
			m.Close()
		}
	}
}

// random returns a graph on rows [N,3] and vectors [3].
func random(seed uint64) (g *graph.Graph, x *graph.Value, out []*graph.Value) {
	rng := rand.New(rand.NewPCG(seed, 11))
	g = graph.New(fmt.Sprint("random ", seed))
	x = g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	var params []*graph.Value
	for i := range 4 {
		params = append(params, g.Param(fmt.Sprint("p", i), graph.Of(graph.Float32, 3), graph.Uniform(-1, 1)))
	}
	wide := []*graph.Value{x, ops.Add(x, params[0])}
	row := append([]*graph.Value(nil), params...)
	row = append(row, graph.Const(g, graph.Shape{3}, float32(0.5), -1, 2), graph.Const(g, graph.Shape{3}, float32(0.5), -1, 2))
	// Recent values are chosen more often, so that chains get long.
	pick := func(v []*graph.Value) *graph.Value {
		if rng.IntN(2) == 0 {
			return v[len(v)-1-rng.IntN(min(3, len(v)))]
		}
		return v[rng.IntN(len(v))]
	}
	for range 4 + rng.IntN(24) {
		switch rng.IntN(15) {
		case 0:
			wide = append(wide, ops.Add(pick(wide), pick(row)))
		case 1:
			wide = append(wide, ops.Tanh(ops.Mul(pick(wide), pick(wide))))
		case 2:
			wide = append(wide, ops.Tanh(pick(wide)))
		case 3:
			wide = append(wide, ops.ReLU(pick(wide)))
		case 4:
			wide = append(wide, ops.Reshape(ops.Neg(ops.Reshape(pick(wide), graph.Batch, 3, 1)), graph.Batch, 3))
		case 5:
			row = append(row, ops.Tanh(ops.Sum(pick(wide), 0)))
		case 6:
			row = append(row, ops.Sub(pick(row), ops.Scale(pick(row), 0.25)))
		case 7:
			row = append(row, ops.Reshape(ops.Reshape(pick(row), 1, 3), 3))
		case 8:
			wide = append(wide, ops.Sub(pick(wide), pick(wide)))
		case 9:
			wide = append(wide, graph.ApplyN(2, sumDiff{rng.IntN(2) == 0}, pick(wide), pick(wide))...)
		case 10:
			row = append(row, graph.ApplyN(2, sumDiff{}, pick(row), pick(row))[rng.IntN(2)])
		case 11:
			wide = append(wide, graph.Apply(scan{}, pick(wide)))
		case 12:
			wide = append(wide, ops.Tanh(graph.Apply(turn{}, pick(wide), pick(wide))))
		case 13:
			a := ops.AddScalar(pick(row), 0.125)
			row = append(row, graph.Apply(turn{}, a, a), graph.ApplyN(2, sumDiff{true}, a, ops.Neg(pick(row)))[1])
		case 14:
			wide = append(wide, graph.Apply(stretch{}, pick(wide), ops.Neg(pick(row))))
		}
	}
	for range 1 + rng.IntN(3) {
		out = append(out, pick(wide), pick(row))
	}
	for _, p := range params {
		switch rng.IntN(7) {
		case 0, 1:
			g.Update(p, ops.Tanh(pick(row)))
		case 2:
			g.Update(p, pick(row))
		case 3:
			g.Update(p, params[rng.IntN(4)])
		case 4: // the usual step: over the old value, if nobody reads that later
			next := ops.Sub(p, ops.Scale(pick(row), 0.5))
			g.Update(p, next)
			row = append(row, next)
		case 5: // must not go over the old value
			g.Update(p, graph.Apply(turn{}, pick(row), p))
		}
	}
	if rng.IntN(3) == 0 {
		out = append(out, pick(row), params[rng.IntN(4)])
	}
	return g, x, out
}

// The generator must reach the planner's special cases, or the test above proves
// less than it says.
func TestRandomGraphsReachTheSpecialCases(t *testing.T) {
	var dumps bytes.Buffer
	for seed := range uint64(60) {
		g, _, out := random(seed)
		p, err := vm.Compile(g, out)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Dump(&dumps, 3); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"param %", "commit:", "test.SumDiff", "test.Scan", "Tanh", "@0 ", "@64 "} {
		if n := bytes.Count(dumps.Bytes(), []byte(part)); n < 5 {
			t.Errorf("%q occurs %d times in the tapes of 60 graphs", part, n)
		}
	}
}
