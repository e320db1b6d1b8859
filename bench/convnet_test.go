package bench

import (
	"testing"

	"neocog/graph"
	"neocog/train"
	"neocog/vm"
)

// The table has the lecture's networks at its batch sizes, and forward and backward are the network's and its gradient's arithmetic.
func TestK6Convnets(t *testing.T) {
	want := map[string]int{"alexnet-owt": 128, "vgg-a": 64, "googlenet": 128}
	for _, c := range Convnets() {
		if want[c.Model.Name] != c.Batch {
			t.Errorf("%s has batch size %d, want %d", c.Model.Name, c.Batch, want[c.Model.Name])
		}
		delete(want, c.Model.Name)
	}
	if len(want) > 0 {
		t.Errorf("the table lacks %v", want)
	}
	c := Convnets()[2]
	row, err := c.Measure(1, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	forward, backward := row.ForwardGFLOPS*row.ForwardMS/1e3, row.BackwardGFLOPS*row.BackwardMS/1e3
	// 1.58 G multiply-adds without the auxiliary classifiers; the gradient has twice as many, but for that of the image.
	if !(forward > 3.1 && forward < 4) || !(backward > 1.8*forward && backward < 2*forward) {
		t.Errorf("%.3f GFLOP forward, %.3f backward", forward, backward)
	}
}

// A batch that has no room is halved.
func TestBatchOfAConvnetFitsTheMemory(t *testing.T) {
	free := availableMemory()
	if free == 0 {
		t.Skip("this system does not say how much memory is free")
	}
	l, err := train.NewLearning(Convnets()[2].Model)
	if err != nil {
		t.Fatal(err)
	}
	p, err := vm.Compile(l.Graph, append([]*graph.Value{l.Loss}, l.Grads...))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := fitting(p, l, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	arena, err := p.ArenaBytes(batch)
	if err != nil {
		t.Fatal(err)
	}
	if batch >= 1<<16 || int64(arena) > free || batch&(batch-1) != 0 {
		t.Errorf("batch %d, %d bytes, where %d are free", batch, arena, free)
	}
}
