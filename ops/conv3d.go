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
// It is one Conv2D of tall images: the T slices of depth that an output meets become channels, and what belongs
// to the O outputs along the depth lies below each other, with zeros between. The slices are copied, T·O of them.
// Everything but N must be known. ONNX Conv.
func Conv3D(x, w *graph.Value, c Conv3) *graph.Value {
	if y, ok := areVolumes("Conv3D", x, w); !ok {
		return y
	}
	s, f := x.Shape(), w.Shape()
	v, groups, err := newVolume(s, f, c)
	switch {
	case err != nil:
		return mistake(x, "Conv3D", err)
	case s[1] != f[1]*groups:
		return mistake(x, "Conv3D", fmt.Errorf("x has %d channels, w wants %s", s[1], times(f[1], groups)))
	case f[0]%groups != 0:
		return mistake(x, "Conv3D", fmt.Errorf("w has %d filters, which %d groups do not divide", f[0], groups))
	}
	return v.unstack(Conv2D(v.unfold(x), v.filters(w), v.conv(groups, c.Algo)))
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
	v := volume{outs: [3]int(s[2:])}
	for i, name := range volumeAxes {
		stride, dilation := orOne([2]int{c.Stride[i], 1}), orOne([2]int{c.Dilation[i], 1})
		out, before, after, err := transposedAxis(name, s[2+i], f[2+i], ConvTranspose{
			Stride: stride, Dilation: dilation, Pad: [4]int{c.Pad[i], 0, c.Pad[3+i], 0}, OutputPad: [2]int{c.OutputPad[i], 0}, Same: c.Same,
		}, 0)
		if err != nil {
			return mistake(x, "ConvTranspose3D", err)
		}
		v.axes[i] = axis{name, "filter", out, f[2+i], stride[0], dilation[0], before, after, Floor, false}
	}
	if err := v.check(); err != nil {
		return mistake(x, "ConvTranspose3D", err)
	}
	y := Conv2DInputGrad(v.filters(w), v.stack(x), v.outs[0]*v.band(), v.axes[2].in, v.conv(groups, c.Algo))
	return v.fold(y)
}

var volumeAxes = [3]string{"depth", "height", "width"}

// A volume is a convolution of volumes, of which axes are the three directions and outs the windows along them. It is done as
// one of images:
//
//	x  [N,C,D,H,W]   →  [N, C·T, O·band, W]        the T slices that each output meets, below each other
//	w  [K,C,T,R,S]   →  [K, C·T, R, S]             a view
//	y  [N,K,O,P,Q]   ←  [N, K, O·band/stride, Q]   less the rows where windows would meet two slices
type volume struct {
	axes [3]axis
	outs [3]int
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
	if c.Same && (c.Pad != [6]int{} || c.Round == Ceil) {
		return v, 0, fmt.Errorf("padding %v and rounding %v are given beside Same, which chooses both", c.Pad, c.Round)
	}
	for i, name := range volumeAxes {
		stride, dilation := orOne([2]int{c.Stride[i], 1}), orOne([2]int{c.Dilation[i], 1})
		a := axis{name, "filter", x[2+i], w[2+i], stride[0], dilation[0], c.Pad[i], c.Pad[3+i], c.Round, false}
		if c.Same {
			if err := a.numbers(); err != nil {
				return v, 0, err
			}
			a.before, a.after = a.samePadding()
			a.round = Floor
		}
		n, beyond, err := a.outputs()
		if err != nil {
			return v, 0, err
		}
		a.after += beyond
		v.axes[i], v.outs[i] = a, n
	}
	return v, groups, v.check()
}

// check bounds what is copied.
func (v volume) check() error {
	depth := v.axes[0]
	if v.outs[0] > mostCopies/depth.size {
		return fmt.Errorf("%d slices of depth for each of %d outputs are more than can be copied, %d", depth.size, v.outs[0], mostCopies)
	}
	if v.outs[0] > maxAttribute/v.band() {
		return fmt.Errorf("%d slices of %d rows are more than an image can have, %d", v.outs[0], v.band(), maxAttribute)
	}
	return nil
}

// band is how many rows each output along the depth gets: those of the padded x which windows meet, up to a multiple of the
// stride.
func (v volume) band() int {
	a := v.axes[1]
	rows := max((v.outs[1]-1)*a.stride+a.span(), a.before+a.in)
	return (rows + a.stride - 1) / a.stride * a.stride
}

// conv is the convolution of the tall images: the padding at the bottom makes the last band as long as the others.
func (v volume) conv(groups int, algo string) Conv {
	a, b := v.axes[1], v.axes[2]
	return Conv{
		Stride: [2]int{a.stride, b.stride}, Dilation: [2]int{a.dilation, b.dilation}, Pad: [4]int{0, b.before, max(0, a.span()-a.stride), b.after},
		Groups: groups, Round: Floor, Algo: algo,
	}
}

// slices is a constant [taps, outputs]: which slice of the padded x each tap of each output meets.
func (v volume) slices(g *graph.Graph) *graph.Value {
	a := v.axes[0]
	at := make([]int32, 0, a.size*v.outs[0])
	for t := range a.size {
		for o := range v.outs[0] {
			at = append(at, int32(o*a.stride+t*a.dilation))
		}
	}
	return graph.Const(g, graph.Shape{a.size, v.outs[0]}, at...)
}

// depth is how many slices the padded x has.
func (v volume) depth() int {
	a := v.axes[0]
	return max(a.before+a.in+a.after, (v.outs[0]-1)*a.stride+a.span())
}

// unfold returns x as tall images.
func (v volume) unfold(x *graph.Value) *graph.Value {
	s, d, h := x.Shape(), v.axes[0], v.axes[1]
	x = Pad(x, []int{0, 0, d.before, h.before, 0}, []int{0, 0, v.depth() - d.before - d.in, v.band() - h.before - h.in, 0}, 0)
	return Reshape(Gather(x, v.slices(x.Graph()), 2), s[0], s[1]*d.size, v.outs[0]*v.band(), s[4])
}

// fold is the adjoint of unfold: it adds up what was copied.
func (v volume) fold(y *graph.Value) *graph.Value {
	if !y.IsValid() {
		return y
	}
	s, d, h := y.Shape(), v.axes[0], v.axes[1]
	y = Reshape(y, s[0], s[1]/d.size, d.size, v.outs[0], v.band(), s[3])
	y = graph.Apply(gatherGrad{2, v.depth()}, v.slices(y.Graph()), y)
	return Slice(Slice(y, 2, d.before, d.before+d.in), 3, h.before, h.before+h.in)
}

// filters returns w as filters of the tall images.
func (v volume) filters(w *graph.Value) *graph.Value {
	f := w.Shape()
	return Reshape(w, f[0], f[1]*f[2], f[3], f[4])
}

// unstack returns what the tall images give as volumes, and stack is its adjoint.
func (v volume) unstack(y *graph.Value) *graph.Value {
	if !y.IsValid() {
		return y
	}
	s := y.Shape()
	return Slice(Reshape(y, s[0], s[1], v.outs[0], s[2]/v.outs[0], s[3]), 3, 0, v.outs[1])
}

func (v volume) stack(y *graph.Value) *graph.Value {
	s := y.Shape()
	rows := v.band() / v.axes[1].stride
	y = Pad(y, make([]int, 5), []int{0, 0, 0, rows - s[3], 0}, 0)
	return Reshape(y, s[0], s[1], s[2]*rows, s[4])
}

// areVolumes is areLines for x [N,C,D,H,W] and filters.
func areVolumes(op string, vs ...*graph.Value) (y *graph.Value, ok bool) {
	return haveRank(op, 5, "NCDHW", vs...)
}
