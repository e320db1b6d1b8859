package layers_test

import (
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
)

// A network for 8×8 images: one block with batch normalisation, and a
// classifier.
func Example() {
	g := graph.New("small")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 1, 8, 8))

	b := &layers.Builder{Train: true}
	g.Scope("block", func() {
		x = b.ConvNoBias("conv", x, 4, [2]int{3, 3}, ops.Conv{Same: true})
		x = ops.ReLU(b.BatchNorm("norm", x))
	})
	logits := b.Linear("fc", ops.Flatten(ops.MaxPool2D(x, ops.Pool{Size: [2]int{2, 2}})), 10)

	fmt.Println("logits", logits.Type(), g.Err())
	for _, p := range append(g.Params(), g.Buffers()...) {
		op := p.Node().Op.(graph.ParamOp)
		fmt.Printf("%-6s %-16s %-12v %v\n", op.Name(), op.Label, p.Type(), op.Init)
	}
	fmt.Println(len(b.Decay), "weights to decay")
	// Output:
	// logits f32[N,10] <nil>
	// Param  block/conv/w     f32[4,1,3,3] normal(0,0.4714045207910317)
	// Param  block/norm/gamma f32[4]       constant(1)
	// Param  block/norm/beta  f32[4]       constant(0)
	// Param  fc/w             f32[10,64]   normal(0,0.1767766952966369)
	// Param  fc/b             f32[10]      constant(0)
	// Buffer block/norm/mean  f32[4]       constant(0)
	// Buffer block/norm/var   f32[4]       constant(1)
	// 2 weights to decay
}
