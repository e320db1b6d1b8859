package data

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// numbered returns n images of 1×2×2 whose pixels and label tell the index.
func numbered(n int) *Set {
	s := &Set{Name: "numbered", C: 1, H: 2, W: 2}
	for i := range n {
		s.Classes = append(s.Classes, string(rune('a'+i%26)))
		s.Labels = append(s.Labels, int32(i))
		s.Pixels = append(s.Pixels, byte(i), byte(i), byte(i), byte(i))
	}
	return s
}

// wantImages checks that the set holds those images of numbered, with their labels.
func wantImages(t *testing.T, s *Set, want ...int32) {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Labels, want) {
		t.Fatalf("labels: want %v, got %v", want, s.Labels)
	}
	for i, y := range s.Labels {
		if image := s.Image(i); len(image) != s.Dim() || image[0] != byte(y) || image[3] != byte(y) {
			t.Errorf("image %d: want pixels %d, got %v", i, y, image)
		}
	}
}

func TestSetValidate(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Set)
		want  string // the error text; empty: valid
	}{
		{"sound", func(*Set) {}, ""},
		{"empty", func(s *Set) { s.Labels, s.Pixels = nil, nil }, ""},
		{"zero width", func(s *Set) { s.W = 0 }, "numbered: image size: want positive channels, height and width, got 1×2×0"},
		{"negative height", func(s *Set) { s.H = -2 }, "numbered: image size: want positive channels, height and width, got 1×-2×2"},
		{"pixel missing", func(s *Set) { s.Pixels = s.Pixels[:11] }, "numbered: pixels: want 3 images × 1×2×2 bytes, got 11 bytes"},
		{"size overflows", func(s *Set) { s.H, s.W = 1<<31-1, 1<<31-1; s.C = 1<<31 - 1 },
			"numbered: pixels: want 3 images × 2147483647×2147483647×2147483647 bytes, got 12 bytes"},
		{"no classes", func(s *Set) { s.Classes = nil }, "numbered: classes: want at least 1, got 0"},
		{"label too large", func(s *Set) { s.Labels[1] = 3 }, "numbered: label of image 1: want 0..2, got 3"},
		{"label negative", func(s *Set) { s.Labels[2] = -1 }, "numbered: label of image 2: want 0..2, got -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := numbered(3)
			c.spoil(s)
			wantFormatError(t, s.Validate(), c.want)
		})
	}
}

// wantFormatError checks type and text; no text means no error.
func wantFormatError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Fatalf("want no error, got %v", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("want error %q, got none", want)
	}
	if _, ok := errors.AsType[*FormatError](err); !ok {
		t.Errorf("want a *FormatError, got %T", err)
	}
	if err.Error() != want {
		t.Errorf("error\nwant %s\ngot  %s", want, err)
	}
}

func TestSetViews(t *testing.T) {
	s := numbered(5)
	for _, c := range []struct {
		n    int
		head []int32
		tail []int32
	}{
		{-1, []int32{}, []int32{0, 1, 2, 3, 4}},
		{0, []int32{}, []int32{0, 1, 2, 3, 4}},
		{2, []int32{0, 1}, []int32{2, 3, 4}},
		{5, []int32{0, 1, 2, 3, 4}, []int32{}},
		{9, []int32{0, 1, 2, 3, 4}, []int32{}},
	} {
		head, tail := s.Split(c.n)
		wantImages(t, head, c.head...)
		wantImages(t, tail, c.tail...)
		wantImages(t, s.Take(c.n), c.head...)
	}
	// Appending to a view must not write into the set behind it.
	head := s.Take(2)
	head.Labels = append(head.Labels, 77)
	head.Pixels = append(head.Pixels, 77)
	wantImages(t, s, 0, 1, 2, 3, 4)
}

func TestSetSubset(t *testing.T) {
	s := numbered(4)
	sub, err := s.Subset([]int{3, 0, 3})
	if err != nil {
		t.Fatal(err)
	}
	wantImages(t, sub, 3, 0, 3)
	sub.Pixels[0] = 99
	wantImages(t, s, 0, 1, 2, 3)
	_, err = s.Subset([]int{0, 4})
	wantFormatError(t, err, "numbered: subset index 1: want 0..3, got 4")
	_, err = s.Subset([]int{-1})
	wantFormatError(t, err, "numbered: subset index 0: want 0..3, got -1")
}

func TestSetShuffled(t *testing.T) {
	s := numbered(26)
	a, b, other := s.Shuffled(1), s.Shuffled(1), s.Shuffled(2)
	wantImages(t, a, b.Labels...)
	if slices.Equal(a.Labels, other.Labels) || slices.Equal(a.Labels, s.Labels) {
		t.Errorf("seeds 1 and 2 and the original: want three orders, got %v, %v", a.Labels, other.Labels)
	}
	sorted := slices.Sorted(slices.Values(a.Labels))
	if !slices.Equal(sorted, s.Labels) {
		t.Errorf("want a permutation, got %v", a.Labels)
	}
	wantImages(t, s, s.Labels...)
}

// sameShares reports whether the first n images, for any n, have each class in its share: half an image more or less, and what the others
// round by.
func sameShares(s *Set) bool {
	many := func(n int) []float64 {
		counts := make([]float64, len(s.Classes))
		for _, y := range s.Labels[:n] {
			counts[y]++
		}
		return counts
	}
	whole := many(s.Len())
	for n := range s.Len() + 1 {
		for y, k := range many(n) {
			share := whole[y] / float64(s.Len())
			if math.Abs(k-float64(n)*share) > 0.5+share*float64(len(whole))/2 {
				return false
			}
		}
	}
	return true
}

func TestEvenlyKeepsTheOrderWithinAClass(t *testing.T) {
	labels := []int32{7, 7, 7, 7, 2, 2, 9}
	// Places: 1/8, 3/8, 5/8, 7/8; 1/4, 3/4; 1/2.
	if got, want := evenly(labels), []int{0, 4, 1, 6, 2, 5, 3}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	if got := evenly(nil); len(got) != 0 {
		t.Errorf("order %v of nothing", got)
	}
}
