package conv_test

import (
	"context"
	"fmt"
	"log"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/conv"
	"neocog/vm"
	"neocog/vm/kernel"
)

// pointwise is a user's own algorithm. It computes 1×1 convolutions in float32, where each output pixel is
// a matrix times the channels of one pixel.
type pointwise struct{}

func (pointwise) Name() string { return "my.pointwise" }

func (a pointwise) Plan(_ *kernel.Env, p conv.Problem) (kernel.Plan, error) {
	switch {
	case !p.Pointwise() || p.Groups != 1 || p.Bias:
		return kernel.Plan{}, conv.Refuse(a, p, "only 1×1 filters, stride 1, no padding, groups or bias")
	case p.Pass != conv.Forward || p.DType != graph.Float32:
		return kernel.Plan{}, conv.Refuse(a, p, "only forward and in f32")
	}
	pixels := p.H * p.W
	// An item is a plane of the output: image i/K, filter i%K.
	return kernel.One(p.N*p.K, 1, func(c *kernel.Call, lo, hi int) {
		x, w, y := kernel.In[float32](c, 0), kernel.In[float32](c, 1), kernel.Out[float32](c, 0)
		for i := lo; i < hi; i++ {
			out := y[i*pixels:][:pixels]
			clear(out)
			for ch := range p.C {
				weight := w[i%p.K*p.C+ch]
				for j, v := range x[(i/p.K*p.C+ch)*pixels:][:pixels] {
					out[j] += weight * v
				}
			}
		}
	}), nil
}

// A program that prefers the user's algorithm takes it where it accepts the problem, and one of the default ones
// elsewhere.
func Example() {
	g := graph.New("pointwise")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 1, 3))
	w := g.Param("w", graph.Of(graph.Float32, 1, 2, 1, 1), graph.Constant(10))
	y := ops.Conv2D(x, w, ops.Conv{})

	p, err := vm.Compile(g, []*graph.Value{y}, vm.WithConv(pointwise{}))
	if err != nil {
		log.Fatal(err)
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	out, err := m.Run(context.Background(), vm.Feeds{
		x: tensor.New(tensor.WithShape(1, 2, 1, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6})),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out[0].Data())

	// What the program asks for each convolution, and what it is told.
	env := &kernel.Env{Settings: map[any]any{}}
	conv.Use(env.Settings, pointwise{})
	problem := conv.Problem{DType: graph.Float32, N: 1, C: 2, H: 8, W: 8, K: 4, R: 1, S: 1,
		Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	plan, err := conv.Choose(env, "", problem)
	fmt.Println(plan.Algo, err)
	problem.R = 3
	plan, err = conv.Choose(env, "", problem)
	fmt.Println(plan.Algo, err)
	_, err = conv.Choose(env, "my.pointwise", problem)
	fmt.Println(err)
	// Output:
	// [50 70 90]
	// my.pointwise <nil>
	// planar <nil>
	// my.pointwise cannot do forward f32 x[1,2,8,8] w[4,2,3,1]: only 1×1 filters, stride 1, no padding, groups or bias
}
