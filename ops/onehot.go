package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// OneHot returns, for each label, a row of zeros with a one at the label.
//
//	labels   int [...]: classes from 0 to classes−1
//	classes  how many there are, at least 1
//	d        element type of y, a float
//	y        [..., classes]
//
// A label out of range stops the run with an error. There is no gradient.
// ONNX OneHot with axis −1.
func OneHot(labels *graph.Value, classes int, d graph.DType) *graph.Value {
	return graph.Apply(oneHot{classes, d}, labels)
}

type oneHot struct {
	Classes int
	DType   graph.DType
}

func (oneHot) Name() string { return "OneHot" }

func (o oneHot) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	switch {
	case !in[0].DType.IsInt():
		return nil, fmt.Errorf("labels are %v, want classes of i32 or i64", in[0])
	case o.Classes < 1:
		return nil, fmt.Errorf("%d classes are asked for, want at least 1", o.Classes)
	case !o.DType.IsFloat():
		return nil, fmt.Errorf("the result is to be of %v, want f32 or f64", o.DType)
	}
	return []graph.Type{{DType: o.DType, Shape: append(in[0].Shape.Clone(), o.Classes)}}, nil
}

func (o oneHot) Plan(_ *kernel.Env, in, out []graph.Type) (kernel.Plan, error) {
	k, err := pickLabels(out[0].DType, in[0].DType,
		oneHotRun[float32, int32](o.Classes), oneHotRun[float32, int64](o.Classes), nil,
		oneHotRun[float64, int32](o.Classes), oneHotRun[float64, int64](o.Classes), nil)
	return kernel.One(in[0].Shape.Size(), grainOf(o.Classes), k), err
}

func oneHotRun[T kernel.Float, L kernel.Number](classes int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		labels, y := kernel.In[L](c, 0), kernel.Out[T](c, 0)
		clear(y[lo*classes : hi*classes])
		for n := lo; n < hi; n++ {
			y[n*classes+classOf(c, labels, n, classes)] = 1
		}
	}
}
