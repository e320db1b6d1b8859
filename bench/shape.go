package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/ops/conv"
)

// What shapes that users write may have.
const (
	maxExtent = 1 << 24
	maxElems  = 1 << 30 // of one tensor
)

// ConvSyntax is what ParseConv reads.
const ConvSyntax = "NxCxHxW,KxRxS[,stride=U[xV]][,pad=T[xL[xBxR]]][,dilation=D[xE]][,groups=G]"

// ParseConv reads a forward convolution of float32, such as
//
//	8x64x56x56,128x3x3,stride=2,pad=1
//
// images, channels, height, width; filters, their height and width. The rest stands for 1, padding for 0.
// stride and dilation are vertical and horizontal, or both in one; pad is top, left, bottom and right, or vertical and
// horizontal, or all in one.
func ParseConv(text string) (conv.Problem, error) {
	p := conv.Problem{DType: graph.Float32, Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	wrong := func(err error) (conv.Problem, error) {
		return conv.Problem{}, fmt.Errorf("shape %q: %w; want %s", text, err, ConvSyntax)
	}
	parts := strings.Split(text, ",")
	if len(parts) < 2 {
		return wrong(fmt.Errorf("the filter is missing"))
	}
	x, err := extents(parts[0], 1, 4)
	if err != nil {
		return wrong(fmt.Errorf("image: %w", err))
	}
	w, err := extents(parts[1], 1, 3)
	if err != nil {
		return wrong(fmt.Errorf("filter: %w", err))
	}
	p.N, p.C, p.H, p.W = x[0], x[1], x[2], x[3]
	p.K, p.R, p.S = w[0], w[1], w[2]
	var seen []string
	for _, part := range parts[2:] {
		name, value, _ := strings.Cut(part, "=")
		if slices.Contains(seen, name) {
			return wrong(fmt.Errorf("%s is given twice", name))
		}
		seen = append(seen, name)
		if err := attribute(&p, name, value); err != nil {
			return wrong(err)
		}
	}
	if err := fits(p); err != nil {
		return conv.Problem{}, fmt.Errorf("shape %q: %w", text, err)
	}
	return p, nil
}

func attribute(p *conv.Problem, name, value string) error {
	var v []int
	var err error
	switch name {
	case "stride", "dilation":
		if v, err = extents(value, 1, 1, 2); err != nil {
			break
		}
		pair := [2]int{v[0], v[len(v)-1]}
		if name == "stride" {
			p.Stride = pair
		} else {
			p.Dilation = pair
		}
	case "pad":
		if v, err = extents(value, 0, 1, 2, 4); err != nil {
			break
		}
		for i := range p.Pad {
			p.Pad[i] = v[i%len(v)]
		}
	case "groups":
		if v, err = extents(value, 1, 1); err != nil {
			break
		}
		p.Groups = v[0]
	default:
		return nearest.Unknown("attribute", name, []string{"stride", "pad", "dilation", "groups"})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// fits returns an error for a problem that is none, or whose tensors are too large.
func fits(p conv.Problem) error {
	if err := p.Check(); err != nil {
		return err
	}
	P, Q := p.Out()
	return cmp.Or(
		small("the image", p.N, p.C, p.H, p.W),
		small("the filter", p.K, p.C/p.Groups, p.R, p.S),
		small("the result", p.N, p.K, P, Q),
	)
}

// small returns a *misfit for a tensor of too many elements.
func small(what string, extents ...int) error {
	n := 1.0
	for _, e := range extents {
		n *= float64(e)
	}
	if n > maxElems {
		return &misfit{fmt.Sprintf("%s has %.3g elements, the most is %d", what, n, maxElems)}
	}
	return nil
}

// FormatConv is the inverse of ParseConv.
func FormatConv(p conv.Problem) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%dx%dx%dx%d,%dx%dx%d", p.N, p.C, p.H, p.W, p.K, p.R, p.S)
	if p.Stride != [2]int{1, 1} {
		b.WriteString(",stride=" + short(p.Stride[:]...))
	}
	if pad := p.Pad; pad != [4]int{} {
		if pad[0] == pad[2] && pad[1] == pad[3] {
			b.WriteString(",pad=" + short(pad[:2]...))
		} else {
			b.WriteString(",pad=" + join(pad[:]...))
		}
	}
	if p.Dilation != [2]int{1, 1} {
		b.WriteString(",dilation=" + short(p.Dilation[:]...))
	}
	if p.Groups != 1 {
		fmt.Fprintf(&b, ",groups=%d", p.Groups)
	}
	return b.String()
}

// short writes two equal numbers as one.
func short(v ...int) string {
	if v[0] == v[1] {
		return join(v[0])
	}
	return join(v...)
}

func join(v ...int) string {
	text := make([]string, len(v))
	for i, n := range v {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, "x")
}

// ParseGemm reads the shape of a matrix product without transposition, MxNxK.
func ParseGemm(text string) (Product, error) {
	v, err := extents(text, 1, 3)
	if err != nil {
		return Product{}, fmt.Errorf("shape %q: %w; want MxNxK", text, err)
	}
	if err := cmp.Or(small("the left matrix", v[0], v[2]), small("the right matrix", v[2], v[1]), small("the result", v[0], v[1])); err != nil {
		return Product{}, fmt.Errorf("shape %q: %w", text, err)
	}
	return Product{M: v[0], N: v[1], K: v[2]}, nil
}

// ParseShape reads the extents of a tensor, such as 8x64x112x112.
func ParseShape(text string) (graph.Shape, error) {
	v, err := extents(text, 1)
	if err != nil {
		return nil, fmt.Errorf("shape %q: %w; want extents such as 8x64x112x112", text, err)
	}
	if len(v) > graph.MaxRank {
		return nil, fmt.Errorf("shape %q: got %d extents, the most is %d", text, len(v), graph.MaxRank)
	}
	if err := small("the tensor", v...); err != nil {
		return nil, fmt.Errorf("shape %q: %w", text, err)
	}
	return v, nil
}

// extents reads numbers of at least least with x between them, as many as counts say, any number of them for none.
func extents(text string, least int, counts ...int) ([]int, error) {
	parts := strings.Split(text, "x")
	if len(counts) > 0 && !slices.Contains(counts, len(parts)) {
		want := strings.ReplaceAll(strings.Trim(fmt.Sprint(counts), "[]"), " ", " or ")
		return nil, fmt.Errorf("got %q, want %s numbers with x between them", text, want)
	}
	v := make([]int, len(parts))
	for i, s := range parts {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("got %q, want a whole number", s)
		}
		if n < least || n > maxExtent {
			return nil, fmt.Errorf("got %d, want %d to %d", n, least, maxExtent)
		}
		v[i] = n
	}
	return v, nil
}
