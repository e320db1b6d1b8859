package ops

import (
	"fmt"

	"neocog/graph"
)

// Pool3 are the attributes of a pooling of volumes; see Pool.
type Pool3 struct {
	Size     [3]int // of the window: depth, vertical, horizontal
	Stride   [3]int // 0 stands for Size
	Dilation [3]int // 0 stands for 1
	Pad      [6]int // front, top, left, back, bottom, right, less than the window each
	Round    Rounding
	CountPad bool
}

// plane is p without depth, and line its depth alone, for images whose columns are the places of a plane.
func (p Pool3) plane() Pool {
	return Pool{Size: [2]int(p.Size[1:]), Stride: [2]int(p.Stride[1:]), Dilation: [2]int(p.Dilation[1:]),
		Pad: [4]int{p.Pad[1], p.Pad[2], p.Pad[4], p.Pad[5]}, Round: p.Round, CountPad: p.CountPad}
}

func (p Pool3) line() Pool {
	return Pool{Size: [2]int{p.Size[0], 1}, Stride: [2]int{p.Stride[0], 1}, Dilation: [2]int{p.Dilation[0], 1},
		Pad: [4]int{p.Pad[0], 0, p.Pad[3], 0}, Round: p.Round, CountPad: p.CountPad}
}

// MaxPool3D returns the largest element of each window of a volume.
//
//	x   float [N,C,D,H,W]
//	y   float [N,C,O,P,Q]
//	dx  = the sum of the dy of all windows which the element won
//
// Ties, NaN and padding are as in MaxPool2D: of equal elements the first in row-major order wins. It is
// made of the maxima of planes and, of those, of lines.
func MaxPool3D(x *graph.Value, p Pool3) *graph.Value { return pool3D("MaxPool3D", x, p, MaxPool2D) }

// MaxPool3DIndices is MaxPool3D which also returns where each maximum lies.
//
//	argmax  i32 [N,C,O,P,Q]    (d·H + h)·W + w, within the volume
func MaxPool3DIndices(x *graph.Value, p Pool3) (y, argmax *graph.Value) {
	var inPlane, inLine *graph.Value
	planes := true
	y = pool3D("MaxPool3D", x, p, func(x *graph.Value, p Pool) *graph.Value {
		y, at := MaxPool2DIndices(x, p)
		if planes {
			inPlane = at
		} else {
			inLine = at
		}
		planes = false
		return y
	})
	if !y.IsValid() {
		return y, y
	}
	// The index in the line says which plane won, that of its plane where.
	s, q := x.Shape(), y.Shape()
	if err := areImageIndices(s[2], s[3]*s[4]); err != nil {
		return mistake(x, "MaxPool3D", err), y.Graph().Invalid()
	}
	each := q[3] * q[4]
	if s[2] > mostCopies/each {
		return mistake(x, "MaxPool3D", fmt.Errorf("the places of %d slices of %d windows are more than can be listed, %d", s[2], each, mostCopies)), y.Graph().Invalid()
	}
	offsets := make([]int32, s[2]*each)
	for i := range offsets {
		offsets[i] = int32(i / each * s[3] * s[4])
	}
	winners := Reshape(inLine, q[0], q[1], q[2]*each)
	at := GatherElements(Reshape(inPlane, q[0], q[1], s[2]*each), winners, 2)
	plane := Gather(graph.Const(x.Graph(), graph.Shape{len(offsets)}, offsets...), winners, 0)
	return y, Reshape(Add(at, plane), q...)
}

// AvgPool3D returns the mean of each window of a volume.
//
//	x   float [N,C,D,H,W]
//	y   float [N,C,O,P,Q]
//	dx  = the sum of dy/divisor over all windows with the element in it
//
// The divisor is as in AvgPool2D. It is made of the means of planes and, of those, of lines.
func AvgPool3D(x *graph.Value, p Pool3) *graph.Value { return pool3D("AvgPool3D", x, p, AvgPool2D) }

// pool3D pools planes, then lines.
func pool3D(op string, x *graph.Value, p Pool3, pool func(x *graph.Value, p Pool) *graph.Value) *graph.Value {
	return ofVolumes(op, x, func(x *graph.Value) *graph.Value { return pool(x, p.plane()) },
		func(x *graph.Value) *graph.Value { return pool(x, p.line()) })
}

// ofVolumes pools x [N,C,D,H,W]: the planes, as images [N, C·D, H, W] that become [N, C·D, P, Q], then the lines of depth, as
// images [N, C, D, P·Q], whose rows become others.
func ofVolumes(op string, x *graph.Value, planes, lines func(x *graph.Value) *graph.Value) *graph.Value {
	if y, ok := areVolumes(op, x); !ok {
		return y
	}
	s := x.Shape()
	if !s[1:].IsStatic() {
		return mistake(x, op, onlyBatch(x))
	}
	y := planes(Reshape(x, s[0], s[1]*s[2], s[3], s[4]))
	if !y.IsValid() {
		return y
	}
	P, Q := y.Shape()[2], y.Shape()[3]
	y = lines(Reshape(y, s[0], s[1], s[2], P*Q))
	if !y.IsValid() {
		return y
	}
	return Reshape(y, s[0], s[1], y.Shape()[2], P, Q)
}
