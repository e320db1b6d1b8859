package inspect_test

import (
	"testing"

	"neocog/graph"
	"neocog/inspect"
	"neocog/models"
	"neocog/train"
	"neocog/vm"
)

// Of a step of training the gradient has twice the arithmetic of the forward pass, but for the gradient of the images; the optimiser has none. The sums of the phases
// are those of the program.
func TestProgramCostByPhase(t *testing.T) {
	m, err := models.Find("resnet20")
	if err != nil {
		t.Fatal(err)
	}
	l, err := train.NewLearning(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Step(train.Momentum{Mu: 0.9}, 0.1); err != nil {
		t.Fatal(err)
	}
	p, err := vm.Compile(l.Graph, []*graph.Value{l.Loss}, vm.Threads(2))
	if err != nil {
		t.Fatal(err)
	}
	c, err := inspect.NewProgramCost(p, 8)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Phases) != 3 {
		t.Fatalf("phases %+v, want forward, gradient and update", c.Phases)
	}
	forward, gradient, update := c.Phases[0], c.Phases[1], c.Phases[2]
	if forward.Phase != "forward" || gradient.Phase != "gradient" || update.Phase != "update" {
		t.Errorf("phases %+v", c.Phases)
	}
	const first = 2 * 8 * 32 * 32 * 16 * 27 // the first convolution has no gradient of its images
	if forward.FLOPs+gradient.FLOPs+update.FLOPs != c.FLOPs || gradient.FLOPs != 2*forward.FLOPs-first || update.FLOPs != 0 {
		t.Errorf("%d, %d and %d FLOPs of %d", forward.FLOPs, gradient.FLOPs, update.FLOPs, c.FLOPs)
	}
	if c.Params != 269722 || c.Peak.Bytes > c.Arena || c.Peak.Node == "" {
		t.Errorf("%+v", c)
	}
	if n := forward.Instructions + gradient.Instructions + update.Instructions; n != c.Instructions {
		t.Errorf("%d instructions in phases, want %d", n, c.Instructions)
	}
	// The step of a dense layer's weights goes with their gradient: it is known by the gradient.
	cost, err := p.Cost(8)
	if err != nil {
		t.Fatal(err)
	}
	phases := inspect.Phases(cost.Instructions)
	for pc, in := range cost.Instructions {
		if main := inspect.Main(in); in.Node.Op.Name() == "MatMul" && (main == nil || main.Op.Name() != "MatMul") {
			t.Errorf("instruction %d, %v, is known by %v", pc, in.Node, main)
		}
		if in.Node.Op.Name() == "Conv2DFilterGrad" && phases[pc].String() != "gradient" {
			t.Errorf("instruction %d, %v, belongs to %v", pc, in.Node, phases[pc])
		}
	}
}
