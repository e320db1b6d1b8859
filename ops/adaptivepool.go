package ops

import (
	"fmt"

	"neocog/graph"
)

// AdaptiveAvgPool2D returns images of a given size whose pixels are means of windows.
//
//	x     float [N,C,H,W]
//	size  P, Q
//	y     float [N,C,P,Q]:  y[p,q] = the mean of rows ⌊p·H/P⌋ … ⌈(p+1)·H/P⌉−1 and columns likewise
//	dx    = the sum of dy over the size of the window, for all windows with the pixel in it
//
// Where P divides H and Q divides W it is an AvgPool2D, otherwise a Resize with InterpolateArea.
// H and W must be static and at least 1. PyTorch's AdaptiveAvgPool2d.
func AdaptiveAvgPool2D(x *graph.Value, size [2]int) *graph.Value {
	if y, ok := fitAdaptive("AdaptiveAvgPool2D", x, size); !ok {
		return y
	}
	s := x.Shape()
	if s[2]%size[0] == 0 && s[3]%size[1] == 0 {
		return AvgPool2D(x, Pool{Size: [2]int{s[2] / size[0], s[3] / size[1]}})
	}
	return Resize(x, []int{s[0], s[1], size[0], size[1]}, Resampling{Filter: InterpolateArea})
}

// AdaptiveMaxPool2D returns images of a given size whose pixels are maxima of windows, those of
// AdaptiveAvgPool2D.
//
//	x     float [N,C,H,W]
//	size  P, Q
//	y     float [N,C,P,Q]
//	dx    = the sum of the dy of all windows which the pixel won
//
// Ties and NaN are as in MaxPool2D, which it is where P divides H and Q divides W. PyTorch's
// AdaptiveMaxPool2d.
func AdaptiveMaxPool2D(x *graph.Value, size [2]int) *graph.Value {
	if y, ok := fitAdaptive("AdaptiveMaxPool2D", x, size); !ok {
		return y
	}
	s := x.Shape()
	if s[2]%size[0] == 0 && s[3]%size[1] == 0 {
		return MaxPool2D(x, Pool{Size: [2]int{s[2] / size[0], s[3] / size[1]}})
	}
	for axis := 3; axis >= 2; axis-- {
		n, m := s[axis], size[axis-2]
		windows := make([][]int, m)
		for i := range windows {
			for at := i * n / m; at*m < (i+1)*n; at++ {
				windows[i] = append(windows[i], at)
			}
		}
		x, _ = maxAlong(x, nil, axis, windows)
	}
	return x
}

// AdaptiveAvgPool1D is AdaptiveAvgPool2D of sequences x [N,C,L]: y [N,C,size].
func AdaptiveAvgPool1D(x *graph.Value, size int) *graph.Value {
	return adaptive1D("AdaptiveAvgPool1D", x, size, AdaptiveAvgPool2D)
}

// AdaptiveMaxPool1D is AdaptiveMaxPool2D of sequences x [N,C,L]: y [N,C,size].
func AdaptiveMaxPool1D(x *graph.Value, size int) *graph.Value {
	return adaptive1D("AdaptiveMaxPool1D", x, size, AdaptiveMaxPool2D)
}

// AdaptiveAvgPool3D is AdaptiveAvgPool2D of volumes.
//
//	x     float [N,C,D,H,W]
//	size  O, P, Q
//	y     float [N,C,O,P,Q]:  the means of boxes, whose places along each axis are those of AdaptiveAvgPool2D
//
// It is made of the means of planes and, of those, of lines. Everything but N must be known.
func AdaptiveAvgPool3D(x *graph.Value, size [3]int) *graph.Value {
	return adaptive3D("AdaptiveAvgPool3D", x, size, AdaptiveAvgPool2D)
}

// AdaptiveMaxPool3D is AdaptiveMaxPool2D of volumes, with the boxes of AdaptiveAvgPool3D. Of equal elements the
// first in row-major order wins.
func AdaptiveMaxPool3D(x *graph.Value, size [3]int) *graph.Value {
	return adaptive3D("AdaptiveMaxPool3D", x, size, AdaptiveMaxPool2D)
}

// An adaptive pools images to a size.
type adaptive func(x *graph.Value, size [2]int) *graph.Value

func adaptive1D(op string, x *graph.Value, size int, pool adaptive) *graph.Value {
	if y, ok := areLines(op, x); !ok {
		return y
	}
	return fromRow(pool(asRow(x), [2]int{1, size}))
}

func adaptive3D(op string, x *graph.Value, size [3]int, pool adaptive) *graph.Value {
	return ofVolumes(op, x, func(x *graph.Value) *graph.Value {
		return pool(x, [2]int(size[1:]))
	}, func(x *graph.Value) *graph.Value {
		return pool(x, [2]int{size[0], x.Shape()[3]})
	})
}

// fitAdaptive reports whether x are images that can be pooled to a size; if not, y is invalid and the graph knows
// why.
func fitAdaptive(op string, x *graph.Value, size [2]int) (y *graph.Value, ok bool) {
	if !x.IsValid() {
		return Reshape(x), false
	}
	if err := isImage("x", x.Type(), "NCHW"); err != nil {
		return mistake(x, op, err), false
	}
	s := x.Shape()
	switch {
	case min(size[0], size[1]) < 1 || max(size[0], size[1]) > mostCopies:
		return mistake(x, op, fmt.Errorf("a size of %d×%d is asked for, want 1×1 to %d×%[3]d", size[0], size[1], mostCopies)), false
	case min(s[2], s[3]) < 1 || max(s[2], s[3]) > mostCopies:
		return mistake(x, op, fmt.Errorf("the image is %d×%d, want 1×1 to %d×%[3]d pixels", s[2], s[3], mostCopies)), false
	}
	return nil, true
}
