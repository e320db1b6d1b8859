package convtest

import (
	"math/rand/v2"

	"neocog/ops/conv"
)

// A Case is a named problem, to be met in every pass and element type. Zero
// strides, dilations and groups stand for 1.
type Case struct {
	Name    string
	Problem conv.Problem
}

// Cases are the corners of the problem's space.
func Cases() []Case {
	return []Case{
		{"1×1", conv.Problem{N: 2, C: 3, H: 5, W: 4, K: 4, R: 1, S: 1}},
		{"1×1, one pixel", conv.Problem{N: 3, C: 7, H: 1, W: 1, K: 5, R: 1, S: 1}},
		{"1×1, groups", conv.Problem{N: 2, C: 6, H: 3, W: 3, K: 4, R: 1, S: 1, Groups: 2}},
		{"1×1, stride 2", conv.Problem{N: 2, C: 3, H: 7, W: 5, K: 2, R: 1, S: 1, Stride: [2]int{2, 2}}},
		{"1×1, padding", conv.Problem{N: 1, C: 2, H: 3, W: 3, K: 2, R: 1, S: 1, Pad: [4]int{1, 0, 2, 1}}},
		{"1×1, several images in a tile", conv.Problem{N: 5, C: 9, H: 5, W: 5, K: 33, R: 1, S: 1}},
		{"1×1, several pieces of a sum", conv.Problem{N: 2, C: 301, H: 4, W: 5, K: 17, R: 1, S: 1}},
		{"1×1, more pixels than a tile has", conv.Problem{N: 1, C: 3, H: 25, W: 27, K: 10, R: 1, S: 1}},
		{"1×1, stride and groups", conv.Problem{N: 2, C: 14, H: 13, W: 11, K: 34, R: 1, S: 1, Stride: [2]int{2, 2}, Groups: 2}},
		{"3×3", conv.Problem{N: 2, C: 3, H: 6, W: 7, K: 4, R: 3, S: 3}},
		{"3×3, same", conv.Problem{N: 2, C: 3, H: 6, W: 7, K: 4, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"even filter", conv.Problem{N: 2, C: 2, H: 6, W: 6, K: 3, R: 2, S: 4}},
		{"even filter, same", conv.Problem{N: 1, C: 2, H: 5, W: 6, K: 3, R: 2, S: 4, Pad: [4]int{0, 1, 1, 2}}},
		{"four paddings", conv.Problem{N: 2, C: 2, H: 4, W: 5, K: 2, R: 3, S: 2, Pad: [4]int{0, 1, 2, 3}}},
		{"padding larger than the filter", conv.Problem{N: 1, C: 2, H: 3, W: 2, K: 2, R: 2, S: 2, Pad: [4]int{3, 3, 3, 3}}},
		{"stride larger than the filter", conv.Problem{N: 2, C: 2, H: 11, W: 9, K: 2, R: 2, S: 1, Stride: [2]int{3, 4}}},
		{"stride, rest not seen", conv.Problem{N: 1, C: 2, H: 8, W: 9, K: 3, R: 3, S: 3, Stride: [2]int{2, 3}, Pad: [4]int{1, 0, 0, 1}}},
		{"stride, dilation and padding", conv.Problem{N: 2, C: 2, H: 9, W: 10, K: 2, R: 3, S: 2, Stride: [2]int{2, 3}, Dilation: [2]int{2, 3}, Pad: [4]int{3, 2, 1, 4}}},
		{"dilation", conv.Problem{N: 1, C: 2, H: 9, W: 8, K: 2, R: 3, S: 3, Dilation: [2]int{2, 3}}},
		{"filter over all of the image", conv.Problem{N: 3, C: 2, H: 4, W: 5, K: 3, R: 4, S: 5}},
		{"filter over all of the image, many filters", conv.Problem{N: 5, C: 3, H: 5, W: 5, K: 131, R: 5, S: 5}},
		{"filter larger than the image", conv.Problem{N: 1, C: 1, H: 2, W: 3, K: 1, R: 5, S: 5, Pad: [4]int{2, 2, 2, 2}}},
		{"W = 1", conv.Problem{N: 2, C: 3, H: 9, W: 1, K: 2, R: 3, S: 1, Pad: [4]int{1, 0, 1, 0}}},
		{"H = 1", conv.Problem{N: 2, C: 3, H: 1, W: 9, K: 2, R: 1, S: 5, Pad: [4]int{0, 2, 0, 2}}},
		{"one pixel in padding", conv.Problem{N: 1, C: 1, H: 1, W: 1, K: 1, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"groups", conv.Problem{N: 2, C: 6, H: 5, W: 5, K: 9, R: 3, S: 3, Groups: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"depthwise", conv.Problem{N: 2, C: 5, H: 6, W: 6, K: 5, R: 3, S: 3, Groups: 5, Pad: [4]int{1, 1, 1, 1}}},
		{"depthwise, two filters a channel", conv.Problem{N: 1, C: 3, H: 6, W: 5, K: 6, R: 3, S: 2, Groups: 3, Stride: [2]int{2, 1}, Pad: [4]int{1, 1, 0, 0}}},
		{"groups that fill vectors", conv.Problem{N: 2, C: 34, H: 5, W: 7, K: 40, R: 3, S: 3, Groups: 2, Pad: [4]int{1, 1, 1, 1}}},
		{"dilation larger than the output", conv.Problem{N: 1, C: 3, H: 11, W: 8, K: 8, R: 3, S: 3, Dilation: [2]int{5, 3}}},
		{"empty batch", conv.Problem{N: 0, C: 2, H: 5, W: 5, K: 3, R: 3, S: 3}},
		{"no channels", conv.Problem{N: 2, C: 0, H: 5, W: 5, K: 3, R: 3, S: 3}},
		{"no filters", conv.Problem{N: 2, C: 2, H: 5, W: 5, K: 0, R: 3, S: 3}},
		{"no pixels, padding alone", conv.Problem{N: 2, C: 2, H: 0, W: 3, K: 2, R: 2, S: 2, Pad: [4]int{1, 0, 1, 0}}},
		{"a long row", conv.Problem{N: 1, C: 2, H: 2, W: 1500, K: 2, R: 2, S: 3, Pad: [4]int{0, 1, 1, 1}}},
		{"a high column", conv.Problem{N: 2, C: 2, H: 1500, W: 2, K: 2, R: 3, S: 2, Pad: [4]int{1, 1, 1, 0}}},
		{"many channels, one image", conv.Problem{N: 1, C: 70, H: 7, W: 7, K: 3, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"many filters, one image", conv.Problem{N: 1, C: 3, H: 7, W: 7, K: 75, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"stride, the last tile has no row of some phases", conv.Problem{N: 1, C: 8, H: 5, W: 300, K: 8, R: 3, S: 3, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}}},
		{"blocks of channels, the last of them ragged", conv.Problem{N: 1, C: 37, H: 7, W: 7, K: 40, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"several pieces of a sum", conv.Problem{N: 1, C: 70, H: 9, W: 9, K: 9, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"the first piece of a sum is padding", conv.Problem{N: 1, C: 22, H: 7, W: 7, K: 9, R: 7, S: 7, Pad: [4]int{6, 6, 6, 6}}},
		{"dilation and stride, many filters", conv.Problem{N: 1, C: 8, H: 13, W: 13, K: 8, R: 3, S: 3, Stride: [2]int{2, 2}, Dilation: [2]int{3, 3}}},
		{"rows that no tap sees", conv.Problem{N: 1, C: 4, H: 11, W: 11, K: 8, R: 2, S: 2, Stride: [2]int{3, 3}, Dilation: [2]int{2, 2}}},
		{"a long row, many filters", conv.Problem{N: 1, C: 3, H: 3, W: 700, K: 8, R: 3, S: 3, Pad: [4]int{1, 1, 1, 1}}},
		{"long rows, strides and padding", conv.Problem{N: 1, C: 8, H: 1, W: 601, K: 8, R: 1, S: 3, Stride: [2]int{1, 2}, Pad: [4]int{0, 1, 0, 2}}},
		{"a long row, the last piece has no pixel of some phases", conv.Problem{N: 1, C: 8, H: 1, W: 577, K: 1, R: 1, S: 3, Stride: [2]int{1, 3}}},
		{"large filters, several channels", conv.Problem{N: 1, C: 9, H: 12, W: 11, K: 8, R: 11, S: 11}},
		{"more taps than a tile of Im2col has terms", conv.Problem{N: 1, C: 1, H: 36, W: 36, K: 1, R: 9, S: 9, Pad: [4]int{4, 4, 4, 4}}},
		{"a high filter, rows of which are left out together", conv.Problem{N: 1, C: 1, H: 12, W: 3, K: 8, R: 35, S: 1, Pad: [4]int{20, 0, 19, 0}}},
		{"many channels, filters and images", conv.Problem{N: 20, C: 33, H: 3, W: 3, K: 40, R: 2, S: 2}},
		{"odd batch", conv.Problem{N: 19, C: 2, H: 5, W: 5, K: 3, R: 3, S: 3}},
		{"LeNet-5, first layer", conv.Problem{N: 2, C: 1, H: 28, W: 28, K: 6, R: 5, S: 5, Pad: [4]int{2, 2, 2, 2}}},
		{"LeNet-5, second layer", conv.Problem{N: 3, C: 6, H: 14, W: 14, K: 16, R: 5, S: 5}},
		{"AlexNet, first layer, small", conv.Problem{N: 1, C: 3, H: 35, W: 35, K: 8, R: 11, S: 11, Stride: [2]int{4, 4}}},
	}
}

// longest is what one extent of a random problem goes up to: more than two of
// the widest vectors and some.
const longest = 40

// random returns the problem number i, of at most 20 000 products, so that
// hundreds of problems take seconds. One extent – images, channels, filters or
// columns of the output – is long in turn, up to longest, the others are short; then there are many channels as well as
// filters, and then rows of hundreds of columns.
func random(r *rand.Rand, i int) conv.Problem {
	long := 1 + i/6%longest
	for {
		g := 1
		if r.IntN(3) == 0 {
			g = 1 + r.IntN(4)
		}
		p := conv.Problem{
			N: r.IntN(4), C: g * (1 + r.IntN(5)), H: 1 + r.IntN(12), W: 1 + r.IntN(12),
			K: g * (1 + r.IntN(5)), R: 1 + r.IntN(5), S: 1 + r.IntN(5), Groups: g,
			Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
		}
		for i := range 2 {
			if r.IntN(2) == 0 {
				p.Stride[i] = 1 + r.IntN(4)
			}
			if r.IntN(3) == 0 {
				p.Dilation[i] = 1 + r.IntN(3)
			}
		}
		if r.IntN(3) > 0 {
			for i := range p.Pad {
				p.Pad[i] = r.IntN(5)
			}
		}
		switch r.IntN(8) {
		case 0:
			p.R, p.S = 1, 1
		case 1: // pointwise
			p.R, p.S, p.Stride, p.Pad = 1, 1, [2]int{1, 1}, [4]int{}
		case 2:
			p.W = 1
		case 3: // depthwise
			p.Groups, p.K = p.C, p.C*(1+r.IntN(2))
		}
		if i%6 > 3 && p.S == 1 { // Blocked refuses 1×1 filters for the few pixels of these problems
			p.S = 2 + r.IntN(3)
		}
		switch i % 6 {
		case 0:
			p.N = (long - 1) % 20
			p.H, p.W = 1+r.IntN(6), 1+r.IntN(6)
		case 1:
			p.C, p.N = long, 1+r.IntN(2)
		case 2:
			p.K, p.N = long, 1+r.IntN(2)
		case 3: // so many columns, in one row or several
			p.N, p.H, p.W = 1+r.IntN(2), (p.R-1)*p.Dilation[0]+1-p.Pad[0]-p.Pad[2], (long-1)*p.Stride[1]+(p.S-1)*p.Dilation[1]+1-p.Pad[1]-p.Pad[3]
			if i/6/longest%2 == 1 {
				p.H += r.IntN(5)
			}
		case 4:
			p.Groups, p.N = 1+r.IntN(4)/3, 2-r.IntN(4)/3
			p.C, p.K = p.Groups*(17+r.IntN(longest-16)), p.Groups*(8+r.IntN(longest))
			if i/6%3 == 0 { // sums of more than 700 terms
				p.C, p.K, p.R, p.S = p.Groups*(80+r.IntN(longest)), p.Groups*(8+r.IntN(8)), 3, 3
			}
		case 5:
			p.C, p.K = 1+r.IntN(2), 1+r.IntN(10)
			if r.IntN(2) == 0 {
				p.C, p.K = p.K, p.C
			}
			p.N, p.Groups, p.R, p.H, p.W = 1, 1, 1, 1+r.IntN(3), 256+r.IntN(600)
		}
		p.DType = anyFloat
		if p.Check() == nil && p.FLOPs() < 4e4 {
			return p
		}
	}
}
