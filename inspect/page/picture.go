package page

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/graph/view"
	"neocog/vm"
)

// The bounds of pictures: bars of a histogram, filters or maps of a node, and pixels of the side of one.
const (
	bars    = 40
	mostMap = 64
	side    = 64
)

// histogram is the distribution of the numbers of a tensor.
type histogram struct {
	Kind   string  `json:"kind"` // "histogram"
	Title  string  `json:"title"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Mean   float64 `json:"mean"`
	Std    float64 `json:"std"`
	Zeros  float64 `json:"zeros"`            // share of numbers that are 0
	Faulty int     `json:"faulty,omitempty"` // numbers that are NaN or infinite, which are left out
	Counts []int   `json:"counts"`
}

// A Picture is a PNG image, to be shown enlarged.
type Picture struct {
	Kind  string `json:"kind"` // "picture"
	Title string `json:"title"`
	W     int    `json:"w"` // in pixels
	H     int    `json:"h"`
	Tile  int    `json:"tile"` // side of one filter or map, without the line between them
	Data  string `json:"data"` // base64
}

// pictures adds those of weights and activations.
func (d *document) pictures(g *graph.Graph, o Options) error {
	if o.State == nil {
		if o.Feeds != nil {
			return fmt.Errorf("activations want the values of the parameters: Feeds are given without State")
		}
		return nil
	}
	for _, v := range append(g.Params(), g.Buffers()...) {
		name := v.Node().Op.(graph.ParamOp).Label
		t, err := o.State.Get(name)
		if err != nil {
			continue // what an optimiser keeps may be gone; what activations want is not, see below
		}
		x, ok := floats(t)
		if !ok {
			continue
		}
		if !v.Shape().Equal(graph.Shape(t.Shape())) {
			return fmt.Errorf("%q is %v in the graph, its value %v; the values are of another network", name, v.Type(), t.Shape())
		}
		d.show(v, newHistogram("distribution", x))
		if s := v.Shape(); len(s) == 4 && s[2]*s[3] > 1 {
			p, err := Filters(x, s)
			if err != nil {
				return err
			}
			d.show(v, p)
		}
	}
	if o.Feeds == nil {
		return nil
	}
	return d.activations(g, o)
}

func (d *document) show(v *graph.Value, p any) {
	n := &d.Nodes[v.Node().Index()]
	n.Pictures = append(n.Pictures, p)
}

// activations runs the graph on the feeds, without its updates, and shows what the forward nodes make of them.
func (d *document) activations(g *graph.Graph, o Options) error {
	kinds := view.Kinds(g)
	var outs []*graph.Value
	for i, n := range g.Nodes() {
		if v := n.Out(0); (kinds[i] == view.Forward || kinds[i] == view.Input) && v.DType().IsFloat() {
			outs = append(outs, v)
		}
	}
	if err := has(o.State, outs); err != nil {
		return err
	}
	p, err := vm.Compile(g, outs, vm.NoUpdates())
	if err != nil {
		return err
	}
	m, err := p.NewMachine(o.State)
	if err != nil {
		return err
	}
	defer m.Close()
	results, err := m.Run(context.Background(), o.Feeds)
	if err != nil {
		return err
	}
	for i, v := range outs {
		x, ok := floats(results[i])
		if !ok || len(x) == 0 {
			continue
		}
		d.show(v, newHistogram("activations", x))
		if s := graph.Shape(results[i].Shape()); len(s) == 4 && s[2]*s[3] > 1 {
			p, err := maps(x, s)
			if err != nil {
				return err
			}
			d.show(v, p)
		}
	}
	return nil
}

// has returns an error if s lacks a parameter that outs depend on: a machine would draw one.
func has(s *vm.State, outs []*graph.Value) error {
	names, seen := s.Names(), map[*graph.Node]bool{}
	var walk func(n *graph.Node) error
	walk = func(n *graph.Node) error {
		if seen[n] {
			return nil
		}
		seen[n] = true
		if op, ok := n.Op.(graph.ParamOp); ok && !slices.Contains(names, op.Label) {
			return fmt.Errorf("there is no value of %q, which the graph has as %v; the values are of another network", op.Label, n.Out(0).Type())
		}
		for _, v := range n.Ins() {
			if err := walk(v.Node()); err != nil {
				return err
			}
		}
		return nil
	}
	for _, v := range outs {
		if err := walk(v.Node()); err != nil {
			return err
		}
	}
	return nil
}

// floats returns the elements of t as float64, if they are floats.
func floats(t *tensor.Dense) ([]float64, bool) {
	if t.Dtype() == tensor.Float64 {
		return t.Float64s(), true
	}
	if t.Dtype() != tensor.Float32 {
		return nil, false
	}
	x := make([]float64, 0, t.Shape().TotalSize())
	for _, v := range t.Float32s() {
		x = append(x, float64(v))
	}
	return x, true
}

func newHistogram(title string, x []float64) *histogram {
	h := &histogram{Kind: "histogram", Title: title, Min: math.Inf(1), Max: math.Inf(-1)}
	n, zeros := 0.0, 0.0
	finite := func(yield func(float64)) {
		for _, v := range x {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				yield(v)
			}
		}
	}
	scale := 1.0 // of sums, which may be beyond what a float64 holds where their terms are not
	finite(func(v float64) {
		h.Min, h.Max = min(h.Min, v), max(h.Max, v)
		n++
		if v == 0 {
			zeros++
		}
	})
	if h.Faulty = len(x) - int(n); n == 0 {
		h.Min, h.Max = 0, 0
		return h
	}
	if largest := max(-h.Min, h.Max); largest > 1e100 {
		scale = largest
	}
	mean, squares := 0.0, 0.0
	finite(func(v float64) { mean += v / scale / n })
	h.Zeros = zeros / n
	h.Counts = make([]int, bars)
	low, width := h.Min/scale, h.Max/scale-h.Min/scale
	finite(func(v float64) {
		d := v/scale - mean
		squares += d * d
		k := bars / 2
		if width > 0 {
			k = min(int((v/scale-low)/width*bars), bars-1)
		}
		h.Counts[k]++
	})
	h.Mean, h.Std = mean*scale, math.Sqrt(squares/n)*scale
	return h
}

// Filters shows weights [K,C,R,S]: those of three channels in colour, others one channel of each filter after another.
func Filters(x []float64, s graph.Shape) (*Picture, error) {
	if len(s) != 4 || s.Size() == 0 || len(x) != s.Size() {
		return nil, fmt.Errorf("filters of shape %v from %d numbers, want [K,C,H,W], none of them 0, and as many numbers", s, len(x))
	}
	k, c, h, w := s[0], s[1], s[2], s[3]
	title := fmt.Sprintf("%d filters %d×%d", k, h, w)
	limit := largest(x)
	if c == 3 {
		n := min(k, mostMap)
		title += ", in colour"
		if n < k {
			title += fmt.Sprintf("; %d shown", n)
		}
		return sheet(title, n, n, h, w, func(i, y, x0 int) color.RGBA {
			var rgb [3]uint8
			for ch := range rgb {
				rgb[ch] = level8(x[((i*c+ch)*h+y)*w+x0], -limit, limit)
			}
			return color.RGBA{rgb[0], rgb[1], rgb[2], 255}
		})
	}
	columns := min(c, 16)
	n := min(k, max(1, mostMap/columns)) * columns
	if c > 1 {
		title += fmt.Sprintf(", a row for each filter, a column for each of %d channels", c)
		if n < k*c {
			title += fmt.Sprintf("; %d of %d shown", n, k*c)
		}
	} else {
		columns = 0
		if n < k {
			title += fmt.Sprintf("; %d shown", n)
		}
	}
	return sheet(title, n, columns, h, w, func(i, y, x0 int) color.RGBA {
		plane := i
		if columns > 0 {
			plane = i/columns*c + i%columns
		}
		return diverging(x[(plane*h+y)*w+x0], limit)
	})
}

// maps shows the activations of the first image of [N,C,H,W], from the least to the largest of each map.
func maps(x []float64, s graph.Shape) (*Picture, error) {
	c, h, w := s[1], s[2], s[3]
	n := min(c, mostMap)
	title := fmt.Sprintf("%d maps of the first image", c)
	if n < c {
		title += fmt.Sprintf(", %d shown", n)
	}
	step := (max(h, w) + side - 1) / side // every so many pixels, where there are too many
	lo, hi := make([]float64, n), make([]float64, n)
	for i := range n {
		lo[i], hi[i] = math.Inf(1), math.Inf(-1)
		for _, v := range x[i*h*w : (i+1)*h*w] {
			lo[i], hi[i] = min(lo[i], v), max(hi[i], v)
		}
	}
	return sheet(title, n, 0, (h+step-1)/step, (w+step-1)/step, func(i, y, x0 int) color.RGBA {
		v := level8(x[(i*h+y*step)*w+x0*step], lo[i], hi[i])
		return color.RGBA{v, v, v, 255}
	})
}

// sheet draws n tiles of h×w pixels, in so many columns, 0 for about as many as rows, with a transparent line between.
func sheet(title string, n, columns, h, w int, at func(i, y, x int) color.RGBA) (*Picture, error) {
	if columns == 0 || columns > 16 {
		columns = min(n, max(8, int(math.Ceil(math.Sqrt(float64(n))))))
	}
	rows := (n + columns - 1) / columns
	img := image.NewRGBA(image.Rect(0, 0, columns*(w+1)-1, rows*(h+1)-1))
	for i := range n {
		for y := range h {
			for x := range w {
				img.SetRGBA(i%columns*(w+1)+x, i/columns*(h+1)+y, at(i, y, x))
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, err
	}
	return &Picture{"picture", title, img.Rect.Dx(), img.Rect.Dy(), w, base64.StdEncoding.EncodeToString(b.Bytes())}, nil
}

// largest returns the largest magnitude of finite numbers.
func largest(x []float64) (m float64) {
	for _, v := range x {
		if a := math.Abs(v); !math.IsInf(a, 0) && a > m {
			m = a
		}
	}
	return m
}

// level8 maps lo … hi to 0 … 255; NaN is 0.
func level8(v, lo, hi float64) uint8 {
	if !(hi > lo) || math.IsNaN(v) {
		return 0
	}
	return uint8(255*min(max((v-lo)/(hi-lo), 0), 1) + 0.5)
}

// diverging is blue below zero, white at zero, red above, from −limit to limit.
func diverging(v, limit float64) color.RGBA {
	if limit == 0 || math.IsNaN(v) {
		return color.RGBA{255, 255, 255, 255}
	}
	t := min(max(v/limit, -1), 1)
	fade := func(full float64) uint8 { return uint8(255 - math.Abs(t)*(255-full) + 0.5) }
	if t < 0 {
		return color.RGBA{fade(33), fade(102), fade(172), 255}
	}
	return color.RGBA{fade(178), fade(24), fade(43), 255}
}
