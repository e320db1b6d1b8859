package gorgonia_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	neocog "neocog/interop/gorgonia"
)

// Expressions of chance, in which results are used several times, are the same in Gorgonia and in Neocog, forward and backward. No op of
// theirs makes numbers grow, so that ten of them in a row keep the tolerance of TestOracle, ten times over. For one of them Gorgonia's tape
// machine computes a wrong gradient, and ours is compared with differences of its results.
func TestCompositions(t *testing.T) {
	unary := []func(*G.Node) (*G.Node, error){
		G.Tanh, G.Sigmoid, G.Neg, G.Softplus, G.Rectify,
		func(x *G.Node) (*G.Node, error) { return G.SoftMax(x) },
		func(x *G.Node) (*G.Node, error) { return G.LogSoftMax(x) },
		func(x *G.Node) (*G.Node, error) { return G.Square(G.Must(G.Tanh(x))) },
		func(x *G.Node) (*G.Node, error) { return G.Exp(G.Must(G.Tanh(x))) },
		func(x *G.Node) (*G.Node, error) { return G.Reshape(G.Must(G.Transpose(x, 1, 0)), s(4, 6)) },
		func(x *G.Node) (*G.Node, error) {
			mean := G.Must(G.Reshape(G.Must(G.Mean(x, 1)), s(4, 1)))
			return G.BroadcastSub(x, mean, nil, []byte{1})
		},
	}
	binary := []func(a, b *G.Node) (*G.Node, error){
		G.Add, G.Sub,
		func(a, b *G.Node) (*G.Node, error) { return G.HadamardProd(G.Must(G.Tanh(a)), b) },
		func(a, b *G.Node) (*G.Node, error) {
			return G.Mul(G.Must(G.SoftMax(G.Must(G.Mul(a, G.Must(G.Transpose(b, 1, 0)))))), b)
		},
		func(a, b *G.Node) (*G.Node, error) {
			return G.Slice(G.Must(G.Concat(0, a, b)), G.S(2, 6))
		},
	}
	for seed := range uint64(40) {
		e := expression{in: shapes{s(4, 6), s(4, 6), s(4, 6)}, build: func(in G.Nodes) (*G.Node, error) {
			rng := rand.New(rand.NewPCG(seed, 1))
			pool := append(G.Nodes{}, in...)
			for range 10 {
				a, b := pool[rng.IntN(len(pool))], pool[rng.IntN(len(pool))]
				var y *G.Node
				var err error
				if i := rng.IntN(len(unary) + 2*len(binary)); i < len(unary) {
					y, err = unary[i](a)
				} else {
					y, err = binary[i%len(binary)](a, b)
				}
				if err != nil {
					return nil, err
				}
				pool = append(pool, y)
			}
			sum := pool[3] // of all results, so that none is left out
			for _, y := range append(pool[4:], in...) {
				sum = G.Must(G.Add(sum, y))
			}
			return sum, nil
		}}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			theirs, mine := newProgram(t, e, tensor.Float64, true), newProgram(t, e, tensor.Float64, true)
			vm, err := neocog.NewMachine(mine.cost, mine.learnables...)
			if err != nil {
				t.Fatal(err)
			}
			defer vm.Close()
			got, want := mine.run(t, vm), theirs.run(t, tape(t, theirs))
			tolerance := 10 * e.tolerance(tensor.Float64)
			if seed == 16 {
				compare(t, "y", got[0].value, want[0].value, tolerance)
				q := newProgram(t, e, tensor.Float64, false)
				got, want, tolerance = got[1:], q.differences(t, tape(t, q)), 1e-8
			}
			compareAll(t, got, want, tolerance)
		})
	}
}
