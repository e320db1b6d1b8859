package ops

import (
	"fmt"

	"neocog/graph"
)

// Conv1 are the attributes of a convolution along one axis; see Conv.
type Conv1 struct {
	Stride, Dilation int    // 0 stands for 1
	Pad              [2]int // zeros before and after
	Groups           int
	Same             bool
	Round            Rounding
	Algo             string
}

// Conv1D returns the convolution of sequences with filters.
//
//	x  float [N,C,L]
//	w  float [K,C/groups,S]
//	y  float [N,K,Q]          Q = (L + before + after − ((S−1)·dilation + 1))/stride + 1
//
//	y[n,k,q] = Σ_{c,s} w[k,c,s] · x[n, c', q·stride − before + s·dilation]
//
// It is Conv2D of images of one row, and everything that is said there holds. Nothing is copied for it.
// ONNX Conv.
func Conv1D(x, w *graph.Value, c Conv1) *graph.Value {
	if y, ok := areLines("Conv1D", x, w); !ok {
		return y
	}
	return fromRow(Conv2D(asRow(x), asRow(w), Conv{
		Stride: [2]int{1, c.Stride}, Dilation: [2]int{1, c.Dilation}, Pad: [4]int{0, c.Pad[0], 0, c.Pad[1]},
		Groups: c.Groups, Same: c.Same, Round: c.Round, Algo: c.Algo,
	}))
}

// ConvTranspose1 are the attributes of a transposed convolution along one axis; see ConvTranspose.
type ConvTranspose1 struct {
	Stride, Dilation int    // 0 stands for 1
	Pad              [2]int // what is cut off before and after
	OutputPad        int    // below Stride
	Groups           int
	Same             bool
	Algo             string
}

// ConvTranspose1D is ConvTranspose2D of sequences.
//
//	x   float [N,C,L]
//	w   float [C,K/groups,S]
//	y   float [N,K,Q]         Q = (L−1)·stride − before − after + (S−1)·dilation + 1 + outputPad
func ConvTranspose1D(x, w *graph.Value, c ConvTranspose1) *graph.Value {
	if y, ok := areLines("ConvTranspose1D", x, w); !ok {
		return y
	}
	return fromRow(ConvTranspose2D(asRow(x), asRow(w), ConvTranspose{
		Stride: [2]int{1, c.Stride}, Dilation: [2]int{1, c.Dilation}, Pad: [4]int{0, c.Pad[0], 0, c.Pad[1]},
		OutputPad: [2]int{0, c.OutputPad}, Groups: c.Groups, Same: c.Same, Algo: c.Algo,
	}))
}

// Pool1 are the attributes of a pooling along one axis; see Pool.
type Pool1 struct {
	Size, Stride int    // a Stride of 0 stands for Size
	Pad          [2]int // before and after
	Dilation     int    // 0 stands for 1
	Round        Rounding
	CountPad     bool
}

// row is p for images of one row.
func (p Pool1) row() Pool {
	return Pool{
		Size: [2]int{1, p.Size}, Stride: [2]int{1, p.Stride}, Dilation: [2]int{1, p.Dilation}, Pad: [4]int{0, p.Pad[0], 0, p.Pad[1]},
		Round: p.Round, CountPad: p.CountPad,
	}
}

// MaxPool1D is MaxPool2D of sequences x [N,C,L].
func MaxPool1D(x *graph.Value, p Pool1) *graph.Value {
	if y, ok := areLines("MaxPool1D", x); !ok {
		return y
	}
	return fromRow(MaxPool2D(asRow(x), p.row()))
}

// MaxPool1DIndices is MaxPool1D which also returns where each maximum lies, from 0 to L−1.
func MaxPool1DIndices(x *graph.Value, p Pool1) (y, argmax *graph.Value) {
	if y, ok := areLines("MaxPool1D", x); !ok {
		return y, y
	}
	y, argmax = MaxPool2DIndices(asRow(x), p.row())
	return fromRow(y), fromRow(argmax)
}

// AvgPool1D is AvgPool2D of sequences x [N,C,L].
func AvgPool1D(x *graph.Value, p Pool1) *graph.Value {
	if y, ok := areLines("AvgPool1D", x); !ok {
		return y
	}
	return fromRow(AvgPool2D(asRow(x), p.row()))
}

// areLines reports whether all vs are valid and have 3 dimensions; if not, y is invalid and the graph
// knows why.
func areLines(op string, vs ...*graph.Value) (y *graph.Value, ok bool) {
	return haveRank(op, 3, "NCL", vs...)
}

// haveRank reports whether all vs, x and perhaps w, are valid and have so many dimensions; if not, y is invalid
// and the graph knows why.
func haveRank(op string, r int, layout string, vs ...*graph.Value) (y *graph.Value, ok bool) {
	for i, v := range vs {
		if !v.IsValid() {
			return Reshape(v), false
		}
		if v.Graph() != vs[0].Graph() {
			return Add(vs[0], v), false
		}
		if v.Shape().Rank() != r {
			name, layout := "x", layout
			if i == 1 {
				name, layout = "w", fmt.Sprintf("filters for %s", layout)
			}
			return mistake(v, op, rank(name, v.Type(), r, layout)), false
		}
	}
	return nil, true
}

// asRow returns sequences [N,C,L] as images [N,C,1,L], and fromRow is its inverse.
func asRow(x *graph.Value) *graph.Value { return Unsqueeze(x, 2) }

func fromRow(y *graph.Value) *graph.Value {
	if !y.IsValid() {
		return y
	}
	return Squeeze(y, 2)
}
