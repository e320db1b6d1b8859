package ops

import (
	"fmt"

	"neocog/graph"
)

// Split cuts x into parts along one axis.
//
//	x      any [...]
//	axis   negative counts from the end; not the symbolic batch
//	sizes  at least 0, and together the extent of x
//	parts  one for each size: [..., size, ...]
//	dx     = the dy of the parts, joined
//
// Each part is a Slice. ONNX Split, torch.split.
func Split(x *graph.Value, axis int, sizes ...int) []*graph.Value {
	parts := make([]*graph.Value, len(sizes))
	faulty := func(y *graph.Value) []*graph.Value {
		for i := range parts {
			parts[i] = y
		}
		return parts
	}
	if !x.IsValid() {
		return faulty(Reshape(x))
	}
	a := axisOf(x, axis)
	if err := checkAxis(x.Type(), a); err != nil {
		return faulty(mistake(x, "Split", err))
	}
	n, sum := x.Shape()[a], 0
	for _, size := range sizes {
		if size < 0 || size > maxAttribute {
			return faulty(mistake(x, "Split", fmt.Errorf("a part of %d elements is asked for, want 0 to %d", size, maxAttribute)))
		}
		sum += size
	}
	switch {
	case n == graph.Batch:
		return faulty(mistake(x, "Split", fmt.Errorf("axis %d of x %v is the symbolic N, which cannot be split: its extent is known only when a program runs", a, x.Type())))
	case sum != n:
		return faulty(mistake(x, "Split", fmt.Errorf("the parts %v have %d elements together, x %v has %d along axis %d", sizes, sum, x.Type(), n, a)))
	}
	at := 0
	for i, size := range sizes {
		parts[i] = Slice(x, a, at, at+size)
		at += size
	}
	return parts
}
