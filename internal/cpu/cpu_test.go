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
