package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// LocalResponse are the constants of LRN. AlexNet's are Size 5, Alpha 1e-4, Beta
// 0.75, K 2.
type LocalResponse struct {
	// Size is how many neighbouring channels are summed, at least 1, the channel
	// itself in the middle. Of an even Size, the odd one comes after it.
	Size int
	// Alpha multiplies the sum of squares; at least 0. ONNX, Caffe and PyTorch
	// divide theirs by the size: what they call alpha is Alpha·Size here.
	Alpha float64
	Beta  float64 // the exponent
	K     float64 // what is added to the sum, above 0: ONNX's bias
}

// LRN divides each element by a power of the energy of its neighbours in other
// channels: local response normalisation.
//
//	x   float [N, C, ...]; at least [N, C]
//	y   same type as x:  y_c = x_c/s_c^β
//	s   s_c = k + α·Σ x_j²,  j from c − ⌊(size−1)/2⌋ to c + ⌈(size−1)/2⌉ where there are such channels
//	dx  dx_c = dy_c/s_c^β − 2αβ·x_c·Σ dy_i·x_i/s_i^(β+1),  i those whose sum has x_c in it
//
// The paper's formula is Alpha as it stands, and sums from c − n/2 to c + n/2,
// which for its odd n is the same. ONNX LRN, Caffe's LRN and
// torch.nn.LocalResponseNorm divide alpha by size, and have k = 1 unless told
// otherwise.
//
// NaN and infinities stay within size channels. Sums are added up from blocks of
// size channels, in three additions for each element whatever the size is; nothing
// is subtracted again.
//
// Krizhevsky, Sutskever and Hinton, “ImageNet Classification with Deep
// Convolutional Neural Networks”, NIPS 2012, section 3.3. ONNX LRN.
func LRN(x *graph.Value, r LocalResponse) *graph.Value {
	return graph.ApplyN(2, lrn{r}, x)[0]
}

// lrn has two results: y and s.
type lrn struct{ LocalResponse }

func (lrn) Name() string { return "LRN" }

func (lrn) Operands() []string { return []string{"x"} }

func (o lrn) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 1); err != nil {
		return nil, err
	}
	if err := o.check(in[0]); err != nil {
		return nil, err
	}
	return []graph.Type{in[0], in[0]}, nil
}

// check returns an error unless the constants make sense and fit x.
func (r LocalResponse) check(x graph.Type) error {
	switch {
	case r.Size < 1 || r.Size > maxAttribute:
		return fmt.Errorf("size is %d, want 1 to %d channels", r.Size, maxAttribute)
	case !(r.Alpha >= 0) || math.IsInf(r.Alpha, 0):
		return fmt.Errorf("alpha is %v, want a number of at least 0", r.Alpha)
	case math.IsNaN(r.Beta) || math.IsInf(r.Beta, 0):
		return fmt.Errorf("beta is %v, want a number", r.Beta)
	case !(r.K > 0) || math.IsInf(r.K, 0):
		return fmt.Errorf("k is %v, want a number above 0: the sum of squares may be 0", r.K)
	}
	if err := isFloat(x); err != nil {
		return err
	}
	if x.Shape.Rank() < 2 {
		return fmt.Errorf("x has %d dimensions, want at least 2: [N, C, ...]", x.Shape.Rank())
	}
	if !x.Shape[1:].IsStatic() {
		return fmt.Errorf("x is %v: only its first dimension may be symbolic", x)
	}
	return nil
}

func (o lrn) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	b := newBands(in[0], o.before(), o.Size-1-o.before())
	return b.plan(in[0].DType, lrnRun[float32](b, o.LocalResponse), lrnRun[float64](b, o.LocalResponse))
}

func (o lrn) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	x, s := n.In(0), n.Out(1)
	var dx *graph.Value
	if d[0] != nil {
		dx = graph.Apply(lrnGrad(o), x, s, d[0])
	}
	if d[1] != nil { // ∂s_i/∂x_c = 2α·x_c for the i whose sum has x_c in it
		through := Mul(Scale(x, 2*o.Alpha), o.sumBack(d[1]))
		if dx != nil {
			through = Add(dx, through)
		}
		dx = through
	}
	return []*graph.Value{dx}
}

// before is how many channels before c are in the sum of channel c; after it come
// Size−1−before().
func (r LocalResponse) before() int { return (r.Size - 1) / 2 }

// sum returns the sums of neighbouring channels of v [N, C, ...] as LRN adds
// squares; sumBack is its adjoint. Both are made of other ops: the mean of a
// window that slides over the channels of an image whose columns are the pixels.
func (r LocalResponse) sum(v *graph.Value) *graph.Value {
	return slideChannels(v, r.before(), r.Size-1-r.before())
}

func (r LocalResponse) sumBack(v *graph.Value) *graph.Value {
	return slideChannels(v, r.Size-1-r.before(), r.before())
}

// slideChannels returns, for each channel of v, the sum of so many channels
// before it, itself, and so many after it.
func slideChannels(v *graph.Value, before, after int) *graph.Value {
	if !v.IsValid() || v.Shape()[1:].Size() == 0 {
		return v
	}
	s := v.Shape()
	before, after = min(before, s[1]-1), min(after, s[1]-1)
	size := before + 1 + after
	columns := Reshape(v, s[0], 1, s[1], s[2:].Size())
	mean := AvgPool2D(columns, Pool{Size: [2]int{size, 1}, Stride: [2]int{1, 1}, Pad: [4]int{before, 0, after, 0}, CountPad: true})
	return Reshape(Scale(mean, float64(size)), s...)
}

// bands is the layout of x [N, C, ...] for sums over neighbouring channels:
// images of channels rows, which are cut into tiles of width pixels.
type bands struct {
	images, channels, pixels int
	width, tiles             int // pixels of a tile, tiles of an image
	size, before, after      int // channels of a sum, before and after the one it is for
}

// tileBytes is about how much memory the rows of a tile take: they stay in the
// second-level cache.
const tileBytes = 128 << 10

func newBands(x graph.Type, before, after int) bands {
	b := bands{images: x.Shape[0], channels: x.Shape[1], pixels: x.Shape[2:].Size(), size: before + 1 + after, before: before, after: after}
	most := max(64, tileBytes/(x.DType.Size()*max(1, b.channels)))
	b.width = ceilDiv(ceilDiv(b.pixels, max(1, ceilDiv(b.pixels, most))), 16) * 16 // whole vectors
	b.width = min(b.width, b.pixels)
	if b.width > 0 && b.channels > 0 {
		b.tiles = ceilDiv(b.pixels, b.width)
	}
	return b
}

// plan returns the plan of a step over the tiles of all images. Each has local
// memory of a tile, and three rows more.
func (b bands) plan(d graph.DType, f32, f64 kernel.Kernel) (kernel.Plan, error) {
	k, err := kernel.Pick(d, f32, f64)
	p := kernel.One(b.images*b.tiles, grainOf(8*b.channels*b.width), k)
	p.Local = kernel.SizeOf(d, (b.channels+3)*b.width)
	return p, err
}

// tile returns where channel 0 of tile i begins, and the tile's width.
func (b bands) tile(i int) (at, width int) {
	first := i % b.tiles * b.width
	return i/b.tiles*b.channels*b.pixels + first, min(b.width, b.pixels-first)
}

// local returns the local memory for a tile of that width: its rows, and three
// more.
func local[T kernel.Float](c *kernel.Call, b bands, width int) (rows []T, spare [3][]T) {
	rows = kernel.Local[T](c, 0, b.channels*width)
	for i := range spare {
		spare[i] = kernel.Local[T](c, (b.channels+i)*width, width)
	}
	return rows, spare
}

// A sweep adds up neighbouring rows, one window of them after the other.
//
// Blocks of rows are as long as a window, and the first window is the first
// block, so that every other window is the end of one block and the beginning of
// the next. The beginning grows row by row in head; when it is a whole block, the
// block's rows are replaced by the sums from themselves to its end. Van Herk, “A
// fast algorithm for local minimum and maximum filters on rectangular and
// octagonal kernels”, 1992, has maxima for sums.
type sweep[T kernel.Float] struct {
	bands
	rows, head []T
	tile, c    int // width of the rows, and the row that the next window is for
}

// newSweep returns the sweep over rows, which it overwrites. head is memory for a
// row.
func newSweep[T kernel.Float](b bands, rows, head []T) sweep[T] {
	s := sweep[T]{bands: b, rows: rows, head: head, tile: len(head)}
	clear(head)
	for i := range min(b.after, b.channels) {
		simd.Add(head, head, s.row(i))
	}
	return s
}

func (s *sweep[T]) row(i int) []T { return s.rows[i*s.tile : (i+1)*s.tile] }

// next computes the sum of the next window.
func (s *sweep[T]) next(sum []T) {
	first, last := s.c-s.before, s.c+s.after
	whole := s.c%s.size == 0 // the window is a block
	s.c++
	if last < s.channels {
		simd.Add(s.head, s.head, s.row(last))
	}
	first = max(first, 0)
	if !whole {
		simd.Add(sum, s.row(first), s.head)
		return
	}
	copy(sum, s.head)
	clear(s.head)
	for i := min(last, s.channels-1) - 1; i >= first; i-- {
		simd.Add(s.row(i), s.row(i), s.row(i+1))
	}
}

func lrnRun[T kernel.Float](b bands, r LocalResponse) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		x, y, s := kernel.In[T](c, 0), kernel.Out[T](c, 0), kernel.Out[T](c, 1)
		for i := lo; i < hi; i++ {
			at, w := b.tile(i)
			squares, spare := local[T](c, b, w)
			for ch := range b.channels {
				row := x[at+ch*b.pixels:][:w]
				simd.Mul(squares[ch*w:(ch+1)*w], row, row)
			}
			sums, power := newSweep(b, squares, spare[0]), spare[1]
			for ch := range b.channels {
				from := at + ch*b.pixels
				row := s[from:][:w]
				sums.next(row)
				simd.Affine(row, row, 0, T(r.Alpha), T(r.K))
				inversePower(power, row, spare[2], r.Beta)
				simd.Mul(y[from:][:w], x[from:][:w], power)
			}
		}
	}
}

// inversePower computes p = 1/s^β for positive s, with memory for as many
// elements; for AlexNet's β by roots, of which each is exact to the last bit.
func inversePower[T kernel.Float](p, s, spare []T, beta float64) {
	if beta != 0.75 {
		minus := [1]T{T(-beta)}
		simd.Log(p, s)
		simd.Mul(p, p, minus[:])
		simd.Exp(p, p)
		return
	}
	one := [1]T{1}
	simd.Sqrt(p, s)
	simd.Sqrt(spare, p)
	simd.Mul(p, p, spare)
	simd.Div(p, one[:], p)
}
