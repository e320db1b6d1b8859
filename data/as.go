package data

import (
	"fmt"
	"math"
)

// As returns the set with images of c channels and h×w pixels: for a network that was made
// for others. Grey levels become equal red, green and blue; colours become their luminance,
// as for the printed page (ITU-R BT.601). Sizes change by linear interpolation, over as many
// pixels as one of the result covers where it gets smaller. Where nothing is to change
// it returns s itself. Other changes of channels than between 1 and 3 are an error.
func (s *Set) As(c, h, w int) (*Set, error) {
	if c == s.C && h == s.H && w == s.W {
		return s, nil
	}
	if h < 1 || w < 1 || h > maxSide || w > maxSide {
		return nil, fmt.Errorf("%s: images of %d×%d pixels are wanted, want 1 to %d each way", s.Name, h, w, maxSide)
	}
	if c != s.C && (c != 1 && c != 3 || s.C != 1 && s.C != 3) {
		return nil, fmt.Errorf("%s: images of %d channels are wanted, it has %d; only 1 and 3 can become each other", s.Name, c, s.C)
	}
	out := &Set{Name: s.Name, C: c, H: h, W: w, Classes: s.Classes, Labels: s.Labels, Pixels: make([]byte, s.Len()*c*h*w)}
	err := s.guarded(func() { s.convert(out) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// convert fills the pixels of out.
func (s *Set) convert(out *Set) {
	c, h, w := out.C, out.H, out.W
	rows, columns := newTaps(s.H, h), newTaps(s.W, w)
	grey, strip := make([]byte, s.H*s.W), make([]float32, h*s.W)
	for i := range s.Len() {
		from, to := s.Image(i), out.Image(i)
		for k := range c {
			plane := grey
			switch {
			case c == 1 && s.C == 3:
				n := s.H * s.W
				for j := range grey {
					grey[j] = luma([]byte{from[j], from[n+j], from[2*n+j]})
				}
			default:
				j := min(k, s.C-1)
				plane = from[j*s.H*s.W : (j+1)*s.H*s.W]
			}
			interpolate(to[k*h*w:(k+1)*h*w], plane, strip, rows, columns)
		}
	}
}

// taps are, for each pixel of a row of the result, the pixels of the source of which it is
// made, from first, with their weights.
type taps []struct {
	first   int
	weights []float32
}

// newTaps is linear interpolation from n pixels to m, whose outer edges agree.
func newTaps(n, m int) taps {
	t := make(taps, m)
	scale := float64(n) / float64(m)
	reach := max(1, scale)
	for i := range t {
		centre := (float64(i)+0.5)*scale - 0.5
		lo, hi := int(math.Ceil(centre-reach)), int(math.Floor(centre+reach))
		lo, hi = max(lo, 0), min(hi, n-1)
		sum := 0.0
		weights := make([]float64, hi-lo+1)
		for j := range weights {
			weights[j] = max(0, 1-math.Abs(float64(lo+j)-centre)/reach)
			sum += weights[j]
		}
		t[i].first = lo
		for _, v := range weights {
			t[i].weights = append(t[i].weights, float32(v/sum))
		}
	}
	return t
}

// interpolate fills to, of len(rows) by len(columns) pixels; strip is room for len(rows) rows
// of the source's width.
func interpolate(to, from []byte, strip []float32, rows, columns taps) {
	width := len(strip) / len(rows)
	for y, row := range rows {
		out := strip[y*width : (y+1)*width]
		clear(out)
		for j, v := range row.weights {
			for x, p := range from[(row.first+j)*width : (row.first+j+1)*width] {
				out[x] += v * float32(p)
			}
		}
	}
	for y := range rows {
		in := strip[y*width : (y+1)*width]
		for x, column := range columns {
			sum := float32(0.5)
			for j, v := range column.weights {
				sum += v * in[column.first+j]
			}
			to[y*len(columns)+x] = byte(min(sum, 255))
		}
	}
}
