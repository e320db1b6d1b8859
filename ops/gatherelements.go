package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// GatherElements returns single elements of x: for each index the one which it names
// along an axis, at the index's own place along the other axes.
//
//	x        any [...]
//	indices  int, of x's rank; along other axes than axis at most as long as x
//	axis     negative counts from the end
//	y        the shape of indices:  y[i, j, …] = x[indices[i, j, …], j, …] for axis 0
//	dx       = the sum of the dy of all places where the element went
//
// An index out of range, a negative one too, stops the run with an error. ONNX
// GatherElements, where negative indices count from the end; torch.gather.
func GatherElements(x, indices *graph.Value, axis int) *graph.Value {
	return graph.Apply(gatherElements{axisOf(x, axis)}, x, indices)
}

type gatherElements struct{ Axis int }

func (gatherElements) Name() string { return "GatherElements" }

func (gatherElements) Operands() []string { return operandsXIndices }

func (o gatherElements) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	if err := areElementIndices(in[0], in[1], o.Axis); err != nil {
		return nil, err
	}
	return []graph.Type{{DType: in[0].DType, Shape: in[1].Shape}}, nil
}

// areElementIndices returns an error unless indices name elements of x along axis.
func areElementIndices(x, indices graph.Type, axis int) error {
	if err := checkAxis(x, axis); err != nil {
		return err
	}
	if err := areIndices(indices, x, axis); err != nil {
		return err
	}
	if indices.Shape.Rank() != x.Shape.Rank() {
		return fmt.Errorf("indices %v have %d dimensions, x %v has %d, want as many", indices, indices.Shape.Rank(), x, x.Shape.Rank())
	}
	for i, n := range indices.Shape {
		if m := x.Shape[i]; i != axis && n != m && (n == graph.Batch || n > m) {
			return fmt.Errorf("indices %v have extent %s along axis %d, x %v has %s, want at most that", indices, extent(n), i, x, extent(m))
		}
	}
	return nil
}

func (o gatherElements) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	strides := contiguous(in[0].Shape)
	step := strides[o.Axis]
	strides[o.Axis] = 0
	l, n := newNest(in[1].Shape, strides), in[0].Shape[o.Axis]
	k, err := pickIndexed(in[0].DType, in[1].DType,
		gatherElementsRun[bool, int32](l, step, n), gatherElementsRun[bool, int64](l, step, n),
		gatherElementsRun[int32, int32](l, step, n), gatherElementsRun[int32, int64](l, step, n),
		gatherElementsRun[int64, int32](l, step, n), gatherElementsRun[int64, int64](l, step, n))
	return kernel.One(out[0].Shape.Size(), kernel.Grain, k), err
}

func (o gatherElements) VJP(n *graph.Node, dy []*graph.Value) []*graph.Value {
	return []*graph.Value{ScatterElements(ZerosLike(n.In(0)), n.In(1), dy[0], o.Axis, ScatterAdd), nil}
}

// gatherElementsRun reads at the places of l, moved along the axis by step for each
// unit of the index, which is below n.
func gatherElementsRun[T graph.Element, I kernel.Number](l nest, step, n int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, indices, y := kernel.In[T](c, 0), kernel.In[I](c, 1), kernel.Out[T](c, 0)
		for p := l.place(lo); lo < hi; lo++ {
			var v T
			if at, ok := indexAt(c, indices, lo, n); ok {
				v = x[p.off[0]+at*step]
			}
			y[lo] = v
			l.forward(&p, 1)
		}
	}
}
