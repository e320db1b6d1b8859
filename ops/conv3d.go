package ops

import (
	"fmt"

	"neocog/graph"
)

// Conv3 are the attributes of a convolution of volumes; see Conv.
type Conv3 struct {
	Stride   [3]int // depth, vertical, horizontal; 0 stands for 1
	Dilation [3]int // 0 stands for 1
	Pad      [6]int // zeros at the front, top, left, back, bottom, right, as in ONNX
	Groups   int
	Same     bool
	Round    Rounding
	Algo     string
}

// Conv3D returns the convolution of volumes with filters.
//
//	x  float [N,C,D,H,W]
//	w  float [K,C/groups,T,R,S]
//	y  float [N,K,O,P,Q]       O = (D + front + back − ((T−1)·dilation + 1))/stride + 1, P and Q likewise
//
//	y[n,k,o,p,q] = Σ_{c,t,r,s} w[k,c,t,r,s] · x[n, c', o·stride − front + t·dilation, …]
//
// It is one Conv2D: the T slices of depth that an output meets become channels, and each of the O
// outputs a group with filters of its own, which are all w. The slices are copied, T·O of them.
// Everything but N must be known. ONNX Conv.
func Conv3D(x, w *graph.Value, c Conv3) *graph.Value {
	if y, ok := areVolumes("Conv3D", x, w); !ok {
		return y
	}
	s, f := x.Shape(), w.Shape()
	c.Stride, c.Dilation = orOnes(c.Stride), orOnes(c.Dilation)
	v, groups, err := newVolume(s, f, c)
	switch {
	case err != nil:
		return mistake(x, "Conv3D", err)
	case s[1] != f[1]*groups:
		return mistake(x, "Conv3D", fmt.Errorf("x has %d channels, w wants %s", s[1], times(f[1], groups)))
	case f[0]%groups != 0:
		return mistake(x, "Conv3D", fmt.Errorf("w has %d filters, which %d groups do not divide", f[0], groups))
	}
	planes := v.unfold(x)
	y := Conv2D(planes, v.filters(w), v.planar(c, groups))
	return v.join(y, f[0])
}

// ConvTranspose3 are the attributes of a transposed convolution of volumes; see ConvTranspose.
type ConvTranspose3 struct {
	Stride    [3]int // 0 stands for 1
	Dilation  [3]int // 0 stands for 1
	Pad       [6]int // what is cut off at the front, top, left, back, bottom, right
	OutputPad [3]int // below Stride
	Groups    int
	Same      bool
	Algo      string
}

// ConvTranspose3D is ConvTranspose2D of volumes.
//
//	x   float [N,C,D,H,W]
//	w   float [C,K/groups,T,R,S]
//	y   float [N,K,O,P,Q]       O = (D−1)·stride − front − back + (T−1)·dilation + 1 + outputPad
//
// It is the gradient of Conv3D, made in the same way.
func ConvTranspose3D(x, w *graph.Value, c ConvTranspose3) *graph.Value {
	if y, ok := areVolumes("ConvTranspose3D", x, w); !ok {
		return y
	}
	s, f := x.Shape(), w.Shape()
	groups := max(1, c.Groups)
	if !s[1:].IsStatic() || !f.IsStatic() {
		return mistake(x, "ConvTranspose3D", fmt.Errorf("x is %v, w is %v: only the first dimension of x may be symbolic", x.Type(), w.Type()))
	}
	if s[1] != f[0] || f[0]%groups != 0 {
		return mistake(x, "ConvTranspose3D", fmt.Errorf("x has %d channels, w %d rows and there are %d groups: want as many channels as rows, a multiple of the groups", s[1], f[0], groups))
	}
	c.Stride, c.Dilation = orOnes(c.Stride), orOnes(c.Dilation)
	depth := ConvTranspose{
		Stride: [2]int{c.Stride[0], 1}, Dilation: [2]int{c.Dilation[0], 1}, Pad: [4]int{c.Pad[0], 0, c.Pad[3], 0},
		OutputPad: [2]int{c.OutputPad[0], 0}, Same: c.Same,
	}
	out, front, back, err := transposedAxis("depth", s[2], f[2], depth, 0)
	if err != nil {
		return mistake(x, "ConvTranspose3D", err)
	}
	if s[2] > mostCopies/f[2] {
		return mistake(x, "ConvTranspose3D", fmt.Errorf("%d slices of depth for each of %d elements are more than can be copied, %d", f[2], s[2], mostCopies))
	}
	v := volume{depth: out, front: front, back: back, outputs: s[2], taps: f[2], stride: c.Stride[0], dilation: c.Dilation[0]}
	y := ConvTranspose2D(v.part(x), v.filters(w), ConvTranspose{
		Stride: [2]int(c.Stride[1:]), Dilation: [2]int(c.Dilation[1:]), Pad: [4]int{c.Pad[1], c.Pad[2], c.Pad[4], c.Pad[5]},
		OutputPad: [2]int(c.OutputPad[1:]), Groups: groups * s[2], Same: c.Same, Algo: c.Algo,
	})
	if !y.IsValid() {
		return y
	}
	return v.fold(y, f[1]*groups)
}

// A volume is how taps slide along the depth of x: tap t of output o is at o·stride − front + t·dilation.
type volume struct {
	depth, front, back, outputs, taps, stride, dilation int
}

// newVolume checks what Conv2D does not see.
func newVolume(x, w graph.Shape, c Conv3) (v volume, groups int, err error) {
	if !x[1:].IsStatic() || !w.IsStatic() {
		return v, 0, fmt.Errorf("x has shape %v, w %v: only the first dimension of x may be symbolic", x, w)
	}
	if groups = c.Groups; groups == 0 {
		groups = 1
	}
	if groups < 1 || groups > maxAttribute || w[1] > maxAttribute {
		return v, 0, fmt.Errorf("there are %d groups of %d channels, want at least 1, and no more than can be counted", groups, w[1])
	}
	a := axis{"depth", "filter", x[2], w[2], c.Stride[0], c.Dilation[0], c.Pad[0], c.Pad[3], c.Round, false}
	if c.Same {
		if c.Pad != [6]int{} || c.Round == Ceil {
			return v, 0, fmt.Errorf("padding %v and rounding %v are given beside Same, which chooses both", c.Pad, c.Round)
		}
		if err := a.numbers(); err != nil {
			return v, 0, err
		}
		a.before, a.after = a.samePadding()
		a.round = Floor
	}
	n, beyond, err := a.outputs()
	if err == nil && n > mostCopies/w[2] {
		err = fmt.Errorf("%d slices of depth for each of %d outputs are more than can be copied, %d", w[2], n, mostCopies)
	}
	return volume{x[2], a.before, a.after + beyond, n, w[2], a.stride, a.dilation}, groups, err
}

// planar is c without depth.
func (v volume) planar(c Conv3, groups int) Conv {
	return Conv{
		Stride: [2]int(c.Stride[1:]), Dilation: [2]int(c.Dilation[1:]), Pad: [4]int{c.Pad[1], c.Pad[2], c.Pad[4], c.Pad[5]},
		Groups: groups * v.outputs, Same: c.Same, Round: c.Round, Algo: c.Algo,
	}
}

// slices is a constant [outputs, taps]: which slice of the padded x each tap meets.
func (v volume) slices(g *graph.Graph) *graph.Value {
	at := make([]int32, 0, v.outputs*v.taps)
	for o := range v.outputs {
		for t := range v.taps {
			at = append(at, int32(o*v.stride+t*v.dilation))
		}
	}
	return graph.Const(g, graph.Shape{v.outputs, v.taps}, at...)
}

// unfold returns x [N,C,D,H,W] as images [N, outputs·C·taps, H, W]: the slices that each output meets.
func (v volume) unfold(x *graph.Value) *graph.Value {
	s := x.Shape()
	x = Gather(Pad(x, []int{0, 0, v.front, 0, 0}, []int{0, 0, v.back, 0, 0}, 0), v.slices(x.Graph()), 2)
	return Reshape(Transpose(x, 0, 2, 1, 3, 4, 5), s[0], v.outputs*s[1]*v.taps, s[3], s[4])
}

// fold is the adjoint of unfold, for c channels: it adds up what was copied.
func (v volume) fold(y *graph.Value, c int) *graph.Value {
	s := y.Shape()
	y = Transpose(Reshape(y, s[0], v.outputs, c, v.taps, s[2], s[3]), 0, 2, 1, 3, 4, 5)
	// Outputs may reach beyond what is cut off, or leave a rest of it unmet.
	padded := max(v.front+v.depth+v.back, (v.outputs-1)*v.stride+(v.taps-1)*v.dilation+1)
	y = graph.Apply(gatherGrad{2, padded}, v.slices(y.Graph()), y)
	return Slice(y, 2, v.front, v.front+v.depth)
}

// filters returns w [K,C,T,R,S] as filters [outputs·K, C·T, R, S]: the same for each output.
func (v volume) filters(w *graph.Value) *graph.Value {
	f := w.Shape()
	each := []int{f[0], f[1] * f[2], f[3], f[4]}
	all := BroadcastTo(Reshape(w, each...), append([]int{v.outputs}, each...)...)
	return Reshape(all, v.outputs*f[0], each[1], f[3], f[4])
}

// part returns y [N,K,outputs,P,Q] as images [N, outputs·K, P, Q], and join is its inverse.
func (v volume) part(y *graph.Value) *graph.Value {
	s := y.Shape()
	return Reshape(Transpose(y, 0, 2, 1, 3, 4), s[0], v.outputs*s[1], s[3], s[4])
}

func (v volume) join(y *graph.Value, k int) *graph.Value {
	if !y.IsValid() {
		return y
	}
	s := y.Shape()
	return Transpose(Reshape(y, s[0], v.outputs, k, s[2], s[3]), 0, 2, 1, 3, 4)
}

// areVolumes is areLines for x [N,C,D,H,W] and filters.
func areVolumes(op string, vs ...*graph.Value) (y *graph.Value, ok bool) {
	return haveRank(op, 5, "NCDHW", vs...)
}

// orOnes replaces zeros, which stand for 1.
func orOnes(v [3]int) [3]int {
	for i := range v {
		if v[i] == 0 {
			v[i] = 1
		}
	}
	return v
}
