package inspect

import (
	"neocog/graph"
	"neocog/ops"
)

// A field says which pixels of the input one element of a value depends on. In
// each direction, 0 the vertical one, element p depends on none but pixels lo +
// p·step … hi + p·step, some of which may lie outside the image.
type field struct {
	kind         fieldKind
	lo, hi, step [2]int
	image        [2]int // height and width of the input
}

type fieldKind int

const (
	noField fieldKind = iota // it depends on no image
	places                   // the value is one of images, and its places see different pixels
	fixed                    // all elements see the same pixels, lo … hi; step is 0
	unknown
)

// windowed is implemented by ops whose results are images, on a window of their
// first operand each.
type windowed interface {
	Windows(in []graph.Type) [2]ops.Window
}

// size returns how many pixels the field is high and wide, nil where that is not
// known.
func (f field) size() graph.Shape {
	if f.kind == places || f.kind == fixed {
		return graph.Shape{f.hi[0] - f.lo[0] + 1, f.hi[1] - f.lo[1] + 1}
	}
	return nil
}

// stride returns by how many pixels the fields of neighbouring places are apart,
// nil where there are no places.
func (f field) stride() graph.Shape {
	if f.kind == places {
		return graph.Shape{f.step[0], f.step[1]}
	}
	return nil
}

// through returns the field of what slides windows w over values with field f.
func (f field) through(w [2]ops.Window) field {
	if f.kind == places {
		for i, w := range w {
			f.lo[i] -= w.Before * f.step[i]
			f.hi[i] += (w.Size - 1 - w.Before) * f.step[i]
			f.step[i] *= w.Stride
		}
	}
	return f
}

// flat returns the field of what depends on all places of an image of that shape.
func (f field) flat(s graph.Shape) field {
	if f.kind != places {
		return f
	}
	if len(s) != 4 { // the statistics of a batch, which are no pixels of this image
		return field{}
	}
	for i := range 2 {
		f.hi[i] += max(s[2+i]-1, 0) * f.step[i]
		f.lo[i], f.hi[i] = max(f.lo[i], 0), min(f.hi[i], f.image[i]-1)
	}
	f.kind, f.step = fixed, [2]int{}
	return f
}

// with returns the field of what depends on both f and o. Where places and fixed
// pixels meet, as a global mean that scales a map, the whole image is seen; of two
// images no place is that of the other.
func (f field) with(o field) field {
	switch {
	case f.kind == noField || o.kind == unknown:
		return o
	case o.kind == noField || f.kind == unknown:
		return f
	case f.image != o.image:
		return field{kind: unknown}
	case f.kind != o.kind:
		return field{kind: fixed, hi: [2]int{f.image[0] - 1, f.image[1] - 1}, image: f.image}
	}
	for i := range 2 {
		f.lo[i], f.hi[i], f.step[i] = min(f.lo[i], o.lo[i]), max(f.hi[i], o.hi[i]), max(f.step[i], o.step[i])
	}
	return f
}

// elsewhere are ops that keep the size of an image but not its places, which no
// window tells.
var elsewhere = map[string]bool{"Conv2DInputGrad": true, "CumSum": true, "Einsum": true, "Gather": true, "GatherElements": true, "MatMul": true, "MaxUnpool2D": true, "Transpose": true}

// fields computes the field of each node's results, in order. What is no window
// is taken to work at each place alone, as arithmetic, activations,
// normalisations, softmax among them, and Concat do, or, where it does not keep
// height and width, to mix all of them.
type fields struct {
	of []field // by node
}

func (s *fields) node(n *graph.Node) field {
	y := n.Out(0).Shape()
	if _, ok := n.Op.(graph.InputOp); ok {
		if len(y) != 4 {
			return field{}
		}
		return field{kind: places, step: [2]int{1, 1}, image: [2]int{y[2], y[3]}}
	}
	if op, ok := n.Op.(windowed); ok && len(y) == 4 {
		types := make([]graph.Type, len(n.Ins()))
		for i, v := range n.Ins() {
			types[i] = v.Type()
		}
		return s.of[n.In(0).Node().Index()].through(op.Windows(types))
	}
	var f field
	for _, v := range n.Ins() {
		x, seen := v.Shape(), s.of[v.Node().Index()]
		same := len(y) == 4 && len(x) == 4 && x[2] == y[2] && x[3] == y[3]
		switch {
		case seen.kind == places && !same:
			seen = seen.flat(x)
		case seen.kind == places && elsewhere[n.Op.Name()]:
			seen = field{kind: unknown}
		}
		f = f.with(seen)
	}
	return f
}
