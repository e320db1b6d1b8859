package ops

import (
	"fmt"

	"neocog/graph"
	"neocog/vm/kernel"
)

// Correct returns how many rows of logits have their greatest element at the
// class which labels say: accuracy times N.
//
//	logits  float [N, C], or probabilities
//	labels  int [N]: classes from 0 to C−1
//	y       i32 scalar
//
// Of several greatest elements the first counts. A row with a NaN is never
// correct. A label out of range stops the run with an error. There is no
// gradient.
func Correct(logits, labels *graph.Value) *graph.Value {
	return graph.Apply(correct{}, logits, labels)
}

type correct struct{}

func (correct) Name() string { return "Correct" }

func (correct) Operands() []string { return []string{"logits", "labels"} }

func (correct) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	x, labels := in[0], in[1]
	if err := isFloat(x); err != nil {
		return nil, err
	}
	if err := rank("logits", x, 2, "[N, C]"); err != nil {
		return nil, err
	}
	if x.Shape[1] == 0 {
		return nil, fmt.Errorf("logits %v has no classes", x)
	}
	if !labels.DType.IsInt() || !labels.Shape.Equal(x.Shape[:1]) {
		return nil, fmt.Errorf("labels are %v, want classes i32%v or i64%v, for logits %v", labels, x.Shape[:1], x.Shape[:1], x)
	}
	return []graph.Type{graph.Of(graph.Int32)}, nil
}

func (correct) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	n, classes := in[0].Shape[0], in[0].Shape[1]
	k, err := pickLabels(in[0].DType, in[1].DType,
		correctRun[float32, int32](n, classes), correctRun[float32, int64](n, classes), nil,
		correctRun[float64, int32](n, classes), correctRun[float64, int64](n, classes), nil)
	if err != nil {
		return kernel.Plan{}, err
	}
	bands := (n + band - 1) / band
	return kernel.Plan{
		Steps: []kernel.Step{
			{N: bands, Run: k},
			{N: 1, Run: func(c *kernel.Call, lo, hi int) {
				if lo < hi {
					sum := int32(0)
					for _, v := range kernel.Shared[int32](c, 0, bands) {
						sum += v
					}
					kernel.Out[int32](c, 0)[0] = sum
				}
			}},
		},
		Shared: kernel.SizeOf(graph.Int32, bands),
	}, nil
}

// correctRun counts the correct rows of each band of them.
func correctRun[T kernel.Float, L kernel.Number](rows, classes int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		logits, labels, count := kernel.In[T](c, 0), kernel.In[L](c, 1), kernel.Shared[int32](c, 0, hi)
		for b := lo; b < hi; b++ {
			count[b] = 0
			for n := b * band; n < min(rows, (b+1)*band); n++ {
				if isTop(logits[n*classes:(n+1)*classes], classOf(c, labels, n, classes)) {
					count[b]++
				}
			}
		}
	}
}

// isTop reports whether x[k] is the first of the greatest elements of x, and
// none of them is NaN.
func isTop[T kernel.Float](x []T, k int) bool {
	best := x[k]
	for i, v := range x {
		if v != v || v > best || v == best && i < k {
			return false
		}
	}
	return true
}
