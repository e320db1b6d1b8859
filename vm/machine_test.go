package vm_test

import (
	"context"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

func TestRunTwice(t *testing.T) {
	g := graph.New("t")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
	y := ops.ReLU(x)
	p, err := vm.Compile(g, []*graph.Value{y, x})
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 4; n++ {
		xd := tensor.New(tensor.WithShape(n, 3), tensor.Of(tensor.Float32))
		for i := range xd.Float32s() {
			xd.Float32s()[i] = float32(i) - 2
		}
		out, err := m.Run(context.Background(), vm.Feeds{x: xd})
		if err != nil {
			t.Fatal(err)
		}
		want, err := vm.Interpret(g, []*graph.Value{y, x}, vm.NewState(1), vm.Feeds{x: xd})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(out[0], out[1], want[0], want[1])
	}
}
