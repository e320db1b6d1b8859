package conv

import (
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

	cols, pieces int // of outputs of a tile, a multiple of every[1]; tiles which cover a row
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
	rows := residues(p.R, min(c.every[0], c.P), c.every[0], func(r int) int { return c.offset(r, 0) })
	cols := residues(p.S, min(c.every[1], c.Q), c.every[1], func(s int) int { return c.offset(s, 1) })
	all := make([]tap, 0, p.R*p.S)
	c.phases = make([]phase, 0, len(rows)*len(cols))
	for fh, rs := range rows {
		for fw, ss := range cols {
			start := len(all)
			for _, r := range rs {
				for _, s := range ss {
					all = append(all, tap{r.at, s.at, r.index*p.S + s.index})
				}
			}
			c.phases = append(c.phases, phase{first: [2]int{fh, fw}, taps: all[start:], start: start})
		}
	}
	for i, t := range all {
		if i == 0 {
			c.top, c.left, c.last = -t.h, -t.w, [2]int{t.h, t.w}
		}
		c.top, c.left = max(c.top, -t.h), max(c.left, -t.w)
		c.last = [2]int{max(c.last[0], t.h), max(c.last[1], t.w)}
	}
	return c
}

// offset returns where output 0 sees the input through the row r of the filter (column, for axis 1), in outputs.
func (c *correlation) offset(r, axis int) int {
	at := r*c.Dilation[axis] - c.Pad[axis]
	if c.Pass == InputGrad {
		return -at
	}
	return at
}

// A line is a row of the filter (or column), and where output 0 of a phase sees the input through it.
type line struct{ at, index int }

// residues returns, for each of the phases which begin with the outputs 0 … phases-1, the lines of the filter which they use, sorted
// by at. Output first sees the input through line i at (offset(i) + first) ÷ every, if every divides that.
func residues(lines, phases, every int, offset func(int) int) [][]line {
	of := make([][]line, phases)
	for i := range lines {
		at := offset(i)
		first := ((-at)%every + every) % every
		if first < phases {
			of[first] = append(of[first], line{(at + first) / every, i})
		}
	}
	for _, l := range of {
		slices.SortFunc(l, func(a, b line) int { return a.at - b.at })
	}
	return of
}

// span returns the rows of the input (columns, for axis 1) which a number of rows of outputs need.
func (c *correlation) span(outputs, axis int) int {
	before := [2]int{c.top, c.left}[axis]
	return (ceilDiv(outputs, c.every[axis])-1)*c.step[axis] + c.last[axis] + before + 1
}

// cutColumns chooses how many columns of outputs a tile has: all of a row, unless one row of outputs needs more of the
// input than suits a cache, or rows are long and fewer than items. A pixel of the input takes that many bytes; most bounds the columns.
func (c *correlation) cutColumns(pixel, most, items int) {
	units := ceilDiv(c.Q, c.every[1])
	overlap := c.span(1, 1) // columns of the input that two pieces may share
	fit := (tileBytes/(pixel*c.span(1, 0))-overlap)/c.step[1] + 1
	least := max(ceilDiv(fewCols, c.every[1]), 2*overlap/c.step[1])
	pieces := ceilDiv(units, max(min(fit, most/c.every[1]), least))
	if rows := c.N * c.Groups * ceilDiv(c.P, c.every[0]); rows < items {
		pieces = max(pieces, min(ceilDiv(items, rows), units/least))
	}
	if pieces > 1 {
		units = (ceilDiv(units, pieces) + micro.MaxWidth - 1) &^ (micro.MaxWidth - 1) // whole vectors
	}
	c.cols = min(units*c.every[1], c.Q)
	c.pieces = ceilDiv(c.Q, c.cols)
}

// firstRow returns the row of the input with which what output row p needs begins; p is a multiple of every.
func (c *correlation) firstRow(p int) int { return p/c.every[0]*c.step[0] - c.top }

// margin returns how many columns of a tile that begins with column q of the outputs, a multiple of every, lie before the input.
func (c *correlation) margin(q int) int { return c.left - q/c.every[1]*c.step[1] }

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

// sums returns the sum for each row of outputs of a phase whose taps, sorted by h, come in the given order, for each of a number of
// blocks of inputs. run describes the terms of a tap; joined reports whether they follow those of the tap before. A piece but
// the last has at least chunk terms, those counted that are left out.
//
// Taps which see no row of the input are left out: of high filters, those of whole sixteenths of the height, so that rows
// differ in a few ways only.
func (c *correlation) sums(taps []tap, blocks, rows, chunk int, run func(block, tap int) micro.Run, joined func(block, tap int) bool) []*sum {
	all := make([]*sum, rows)
	var known [2]int
	for i := range all {
		seen := c.seen(taps, i*c.step[0])
		if i > 0 && seen == known {
			all[i] = all[i-1]
			continue
		}
		s, terms := new(sum), 0
		for b := range blocks {
			for j := range taps {
				r, fresh := run(b, j), j == 0 || !joined(b, j)
				if fresh && terms >= chunk {
					s.cuts = append(s.cuts, len(s.runs))
					terms = 0
				}
				terms += r.K
				switch {
				case j < seen[0] || j >= seen[1]:
				case fresh:
					s.runs = append(s.runs, r)
				default:
					s.runs[len(s.runs)-1].K += r.K
				}
			}
		}
		s.cuts = append(s.cuts, len(s.runs))
		c.empty = c.empty || len(s.runs) == 0
		all[i], known = s, seen
	}
	return all
}

// seen returns the range of the taps which see rows of the input from row up, which may be less than 0, and some of the others.
func (c *correlation) seen(taps []tap, row int) [2]int {
	if len(taps) == 0 {
		return [2]int{}
	}
	before := func(h int) int { // the number of taps above h
		i, _ := slices.BinarySearchFunc(taps, h, func(t tap, h int) int { return t.h - h })
		return i
	}
	if before(-row) >= before(c.inH-row) {
		return [2]int{}
	}
	low := taps[0].h
	part := ceilDiv(taps[len(taps)-1].h-low+1, 16)
	return [2]int{
		before(low + max(-row-low, 0)/part*part),
		before(low + ceilDiv(max(c.inH-row-low, 0), part)*part),
	}
}

// count returns the outputs of a phase along an axis of that many outputs, the first of the phase being first.
func count(outputs, first, every int) int { return ceilDiv(outputs-first, every) }
