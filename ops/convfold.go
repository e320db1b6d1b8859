package ops

import "neocog/graph"

// Fold puts a product with numbers s for each filter, and a sum with numbers t for each filter, into the filter and the bias of a
// convolution, as an inference does with batch normalisation:
//
//	(x ∗ w + b)·s = x ∗ (w·s) + b·s        (x ∗ w + b) + t = x ∗ w + (b + t)
//
// Krishnamoorthi, “Quantizing deep convolutional networks for efficient inference”, 2018, section 3.2.2.
func (c conv2d) Fold(in []*graph.Value, next graph.Op, by *graph.Value) *graph.Value {
	x, w := in[0], in[1]
	k := w.Shape()[0]
	if s := by.Shape(); s.Rank() != 4 && s.Rank() != 3 || s[s.Rank()-3] != k || s.Size() != k {
		return nil
	}
	by = Reshape(by, k)
	var bias *graph.Value
	if len(in) == 3 {
		bias = in[2]
	}
	switch next.(type) {
	case mul:
		w = Mul(w, Reshape(by, k, 1, 1, 1))
		if bias != nil {
			bias = Mul(bias, by)
		}
	case add:
		if bias != nil {
			by = Add(bias, by)
		}
		bias = by
	default:
		return nil
	}
	if bias == nil {
		return graph.Apply(c, x, w)
	}
	return graph.Apply(c, x, w, bias)
}
