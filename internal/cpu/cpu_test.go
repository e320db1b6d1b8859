package cpu

import "testing"

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		value string
		best  Level
		want  Level
		bad   bool
	}{
		{"", AVX512, AVX512, false},
		{"", Portable, Portable, false},
		{"portable", AVX512, Portable, false},
		{"avx2", AVX512, AVX2, false},
		{"avx512", AVX512, AVX512, false},
		{"avx512", AVX2, AVX2, true},
		{"sse2", AVX2, AVX2, true},
	} {
		got, err := choose(c.value, c.best)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("choose(%q, %v) = %v, %v; want %v, error %t", c.value, c.best, got, err, c.want, c.bad)
		}
	}
}

func TestWithRestores(t *testing.T) {
	before := Current()
	ran := With(Portable, func() {
		if Current() != Portable {
			t.Errorf("inside With(Portable) the level is %v", Current())
		}
	})
	if !ran || Current() != before {
		t.Errorf("ran %t, level %v; want true, %v", ran, Current(), before)
	}
	if With(AVX512+1, func() { t.Error("ran at a level that no processor has") }) {
		t.Error("With says that it ran")
	}
}

// A processor with vector instructions does at least one multiply-add of a
// vector in four cycles of 1 GHz, and no more than fits into 10 GHz.
func TestPeakIsPlausible(t *testing.T) {
	for l := Portable; l <= AVX512; l++ {
		p := Peak(l, 1)
		switch {
		case l == Portable || l > Best():
			if p != 0 {
				t.Errorf("%v: peak %v, want 0: there are no instructions to measure", l, p)
			}
		case p < 4 || p > 1280:
			t.Errorf("%v: peak %v GFLOP/s", l, p)
		default:
			t.Logf("%v: %.0f GFLOP/s on one thread, %.0f on two", l, p, Peak(l, 2))
		}
	}
}
