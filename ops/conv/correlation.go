package conv

import (
	"cmp"
	"slices"

	"neocog/internal/micro"
)

// correlation describes both the forward pass and the gradient of the image as the same thing: outputs which
// are sums over taps, each of which sees the input at a fixed distance from the output.
//
//	out[p, q] = Σ_{i, taps} in[i, (p÷every)·step + tap.h, (q÷every)·step + tap.w] · w[tap.index]
//
// The outputs which are a multiple of every apart are a phase and have the same taps: in the forward pass there is
// one phase and the step is the stride; in the gradient of the image, every is the stride and the step 1.
type correlation struct {
	Problem
	ci, co   int // inputs and outputs of a group
	inH, inW int
	P, Q     int    // of the output
	step     [2]int // of the input, from one output of a phase to the next
	every    [2]int // outputs from one output of a phase to the next
	phases   []phase
	empty    bool   // the outputs of some rows have no terms: they are zero
	top      int    // rows of the input before the one that belongs to output 0, which some taps need; may be less than 0
	left     int    // columns
	last     [2]int // row and column of the last tap
	taps     int    // of all phases
}

// A phase is the outputs that use the same taps.
type phase struct {
	first [2]int // output
	taps  []tap  // sorted by h and w
	start int    // taps of the phases before
}

// A tap is where output 0 of its phase sees the input, and which element of the filter it uses.
type tap struct{ h, w, index int }

func newCorrelation(p Problem) correlation {
	P, Q := p.Out()
	c := correlation{
		Problem: p, ci: p.C / p.Groups, co: p.K / p.Groups, inH: p.H, inW: p.W, P: P, Q: Q,
		step: p.Stride, every: [2]int{1, 1}, taps: p.R * p.S,
	}
	if p.Pass == InputGrad {
		c.ci, c.co, c.inH, c.inW, c.P, c.Q = c.co, c.ci, P, Q, p.H, p.W
		c.step, c.every = c.every, c.step
	}
	start, any := 0, false
	for fh := range min(c.every[0], c.P) {
		for fw := range min(c.every[1], c.Q) {
			ph := phase{first: [2]int{fh, fw}, start: start}
			for r := range p.R {
				for s := range p.S {
					t := tap{r*p.Dilation[0] - p.Pad[0], s*p.Dilation[1] - p.Pad[1], r*p.S + s}
					if p.Pass == InputGrad {
						t.h, t.w = fh-t.h, fw-t.w
						if t.h%c.every[0] != 0 || t.w%c.every[1] != 0 {
							continue
						}
						t.h, t.w = t.h/c.every[0], t.w/c.every[1]
					}
					ph.taps = append(ph.taps, t)
					if !any {
						c.top, c.left, c.last, any = -t.h, -t.w, [2]int{t.h, t.w}, true
					}
					c.top, c.left = max(c.top, -t.h), max(c.left, -t.w)
					c.last = [2]int{max(c.last[0], t.h), max(c.last[1], t.w)}
				}
			}
			slices.SortFunc(ph.taps, func(a, b tap) int { return cmp.Or(a.h-b.h, a.w-b.w) })
			start += len(ph.taps)
			c.phases = append(c.phases, ph)
		}
	}
	return c
}

// span returns the rows of the input (columns, for axis 1) which a number of rows of outputs need.
func (c *correlation) span(outputs, axis int) int {
	before := [2]int{c.top, c.left}[axis]
	return (ceilDiv(outputs, c.every[axis])-1)*c.step[axis] + c.last[axis] + before + 1
}

// firstRow returns the row of the input with which what output row p needs begins; p is a multiple of every.
func (c *correlation) firstRow(p int) int { return p/c.every[0]*c.step[0] - c.top }

// wasteful reports whether most products of the gradient of the image, taken as a correlation, would be with zeros
// around dy: where filters are nearly as large as the image.
func (p Problem) wasteful() bool {
	P, Q := p.Out()
	return p.Pass == InputGrad && p.H*p.W > 2*P*p.Stride[0]*Q*p.Stride[1]
}

// A sum is the terms of the outputs of a row: runs, and where they are cut into sums in registers.
type sum struct {
	runs []micro.Run
	cuts []int // ends of pieces, as many for each row of a phase; pieces may be empty
}

// sums returns the sum for each row of outputs of a phase whose taps come in the given order, for each of a number of blocks of
// inputs. run describes the terms of a tap; joined reports whether they follow those of the tap before. A piece but the
// last has at least chunk terms, those counted that are left out.
//
// Taps which see no row of the input are left out.
func (c *correlation) sums(taps []tap, blocks, rows, chunk int, run func(block, tap int) micro.Run, joined func(block, tap int) bool) []*sum {
	known := map[[2]int]*sum{}
	all := make([]*sum, rows)
	for i := range all {
		first, end := c.last[0], -c.top
		for _, t := range taps {
			if h := i*c.step[0] + t.h; h >= 0 && h < c.inH {
				first, end = min(first, t.h), max(end, t.h+1)
			}
		}
		key := [2]int{first, end}
		if known[key] == nil {
			s, terms := new(sum), 0
			for b := range blocks {
				for j, t := range taps {
					r, fresh := run(b, j), j == 0 || !joined(b, j)
					if fresh && terms >= chunk {
						s.cuts = append(s.cuts, len(s.runs))
						terms = 0
					}
					terms += r.K
					switch {
					case t.h < first || t.h >= end:
					case fresh:
						s.runs = append(s.runs, r)
					default:
						s.runs[len(s.runs)-1].K += r.K
					}
				}
			}
			s.cuts = append(s.cuts, len(s.runs))
			known[key] = s
			c.empty = c.empty || len(s.runs) == 0
		}
		all[i] = known[key]
	}
	return all
}

// count returns the outputs of a phase along an axis of that many outputs, the first of the phase being first.
func count(outputs, first, every int) int { return ceilDiv(outputs-first, every) }
