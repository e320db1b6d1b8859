package conv

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"neocog/graph"
	"neocog/internal/micro"
	"neocog/vm/kernel"
)

func square(pass Pass, n, c, hw, k, rs, stride, pad int) Problem {
	return Problem{Pass: pass, DType: graph.Float32, N: n, C: c, H: hw, W: hw, K: k, R: rs, S: rs, Groups: 1,
		Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [4]int{pad, pad, pad, pad}}
}

// Taps and phases are those that the definition of the gradient gives if each tap is tried for each phase.
func TestCorrelationIsTheDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		p := Problem{Pass: Pass(rng.IntN(2)), DType: graph.Float32, N: 1, C: 2, H: 1 + rng.IntN(9), W: 1 + rng.IntN(9), K: 3,
			R: 1 + rng.IntN(5), S: 1 + rng.IntN(5), Groups: 1, Stride: [2]int{1 + rng.IntN(6), 1 + rng.IntN(6)},
			Dilation: [2]int{1 + rng.IntN(4), 1 + rng.IntN(4)}, Pad: [4]int{rng.IntN(9), rng.IntN(9), rng.IntN(9), rng.IntN(9)}}
		if p.Check() != nil {
			continue
		}
		c := newCorrelation(p)
		var want []phase
		start := 0
		for fh := range min(c.every[0], c.P) {
			for fw := range min(c.every[1], c.Q) {
				ph := phase{first: [2]int{fh, fw}, start: start}
				for r := range p.R {
					for s := range p.S {
						h, w := r*p.Dilation[0]-p.Pad[0], s*p.Dilation[1]-p.Pad[1]
						if p.Pass == InputGrad {
							h, w = fh-h, fw-w
						}
						if h%c.every[0] == 0 && w%c.every[1] == 0 {
							ph.taps = append(ph.taps, tap{h / c.every[0], w / c.every[1], r*p.S + s})
						}
					}
				}
				slices.SortFunc(ph.taps, func(a, b tap) int { return cmp.Or(a.h-b.h, a.w-b.w) })
				start += len(ph.taps)
				want = append(want, ph)
			}
		}
		if fmt.Sprint(c.phases) != fmt.Sprint(want) {
			t.Fatalf("%v: got  %v\nwant %v", p, c.phases, want)
		}
	}
}

// A row leaves taps out only if they see none of the input; and all of these, if the filter has no more than 16 rows.
func TestSumsLeaveOutPadding(t *testing.T) {
	for _, p := range []Problem{
		square(Forward, 1, 3, 9, 8, 7, 1, 6), square(InputGrad, 1, 8, 20, 8, 5, 2, 3), square(Forward, 1, 3, 40, 8, 31, 1, 15),
		square(Forward, 1, 3, 3, 8, 33, 2, 16), square(InputGrad, 1, 8, 64, 8, 31, 1, 15),
	} {
		c := newCorrelation(p)
		for _, ph := range c.phases {
			rows := count(c.P, ph.first[0], c.every[0])
			for i := range rows {
				seen := c.seen(ph.taps, i*c.step[0])
				for j, tap := range ph.taps {
					h := i*c.step[0] + tap.h
					inside, taken := h >= 0 && h < c.inH, j >= seen[0] && j < seen[1]
					if inside && !taken || taken && !inside && p.R <= 16 {
						t.Fatalf("%v: row %d of phase %v takes taps %v, but tap %d sees row %d of %d", p, i, ph.first, seen, j, h, c.inH)
					}
				}
			}
		}
	}
}

// A plan looks at each tap a bounded number of times, whatever the stride, the height and the filter are.
func TestPlansAreLinearInTheTaps(t *testing.T) {
	for _, p := range []Problem{
		square(InputGrad, 1, 8, 224, 8, 224, 224, 0), square(InputGrad, 1, 8, 224, 8, 16, 16, 0), square(Forward, 1, 8, 300, 8, 127, 1, 63),
		square(InputGrad, 1, 8, 300, 8, 127, 1, 63), square(Forward, 1, 8, 2000, 8, 3, 1, 1), square(InputGrad, 1, 8, 99, 8, 61, 7, 30),
	} {
		c := newCorrelation(p)
		taps, runs := 0, 0
		for _, ph := range c.phases {
			taps += len(ph.taps)
			c.sums(ph.taps, 1, count(c.P, ph.first[0], c.every[0]), chunkTerms,
				func(int, int) micro.Run { runs++; return micro.Run{K: 1} }, func(int, int) bool { return false })
		}
		if taps > p.R*p.S {
			t.Errorf("%v: %d taps in all phases, but the filter has %d", p, taps, p.R*p.S)
		}
		if most := 34 * p.R * p.S; runs > most {
			t.Errorf("%v: looks at taps %d times, want at most 34·R·S = %d", p, runs, most)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, p := range []Problem{
		square(InputGrad, 8, 3, 224, 768, 16, 16, 0), square(InputGrad, 1, 8, 224, 8, 224, 224, 0), square(Forward, 1, 512, 14, 512, 3, 1, 1),
		square(InputGrad, 1, 64, 56, 64, 31, 1, 15),
	} {
		for _, a := range Default() {
			if _, err := a.Plan(&kernel.Env{}, p); err != nil {
				continue
			}
			b.Run(fmt.Sprintf("alg=%s/pass=%v/c=%d/k=%d/hw=%d/rs=%d/stride=%d", a.Name(), p.Pass, p.C, p.K, p.H, p.R, p.Stride[0]), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := a.Plan(&kernel.Env{}, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
