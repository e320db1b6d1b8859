package data

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// Set is a labelled image set in memory.
//
//	Pixels  N·C·H·W bytes: image after image, each in planes (C, H, W), rows from the top
//	Labels  N numbers in 0..len(Classes)-1
//
// Greyscale sets have C = 1, colour sets C = 3 in the order red, green, blue.
// The methods read only; any number of goroutines may share a Set that nobody writes to.
type Set struct {
	Name    string // for people, such as "mnist/train"
	C, H, W int    // channels, height and width of every image, in pixels
	Classes []string
	Pixels  []byte
	Labels  []int32
}

// Len returns N, the number of images.
func (s *Set) Len() int { return len(s.Labels) }

// Dim returns C·H·W, the bytes of one image.
func (s *Set) Dim() int { return s.C * s.H * s.W }

// Image returns the C·H·W pixels of image i. The slice aliases the set. As with a slice, 0 ≤ i < Len().
func (s *Set) Image(i int) []byte {
	d := s.Dim()
	return s.Pixels[i*d : (i+1)*d : (i+1)*d]
}

// Validate checks that the sizes agree and that every label has a class.
// What Open, the readers and Digits return is valid; call it on sets made by hand. The error is a *FormatError.
func (s *Set) Validate() error {
	if s.C <= 0 || s.H <= 0 || s.W <= 0 {
		return &FormatError{File: s.Name, What: "image size", Want: "positive channels, height and width",
			Got: fmt.Sprintf("%d×%d×%d", s.C, s.H, s.W)}
	}
	want, ok := product(uint64(s.C), uint64(s.H), uint64(s.W), uint64(len(s.Labels)))
	if !ok || want != uint64(len(s.Pixels)) {
		return &FormatError{File: s.Name, What: "pixels",
			Want: fmt.Sprintf("%d images × %d×%d×%d bytes", len(s.Labels), s.C, s.H, s.W),
			Got:  fmt.Sprintf("%d bytes", len(s.Pixels))}
	}
	if len(s.Classes) == 0 {
		return &FormatError{File: s.Name, What: "classes", Want: "at least 1", Got: "0"}
	}
	for i, y := range s.Labels {
		if y < 0 || int(y) >= len(s.Classes) {
			return labelError(s.Name, i, int(y), len(s.Classes))
		}
	}
	return nil
}

func labelError(file string, i, label, classes int) error {
	return &FormatError{File: file, What: fmt.Sprintf("label of image %d", i),
		Want: fmt.Sprintf("0..%d", classes-1), Got: fmt.Sprint(label)}
}

// Take returns the first n images, or all of them if there are fewer. It aliases the set.
func (s *Set) Take(n int) *Set {
	head, _ := s.Split(n)
	return head
}

// Split returns the first n images and the rest; n is clamped to 0..Len(). Both alias the set.
func (s *Set) Split(n int) (head, tail *Set) {
	n = min(max(n, 0), s.Len())
	d := s.Dim()
	h, t := *s, *s
	h.Labels, t.Labels = s.Labels[:n:n], s.Labels[n:]
	h.Pixels, t.Pixels = s.Pixels[:n*d:n*d], s.Pixels[n*d:]
	return &h, &t
}

// Subset returns a copy with the images named by indices, in that order; an index may occur more than once.
// An index outside 0..Len()-1 is an error.
func (s *Set) Subset(indices []int) (*Set, error) {
	d := s.Dim()
	sub := *s
	sub.Labels = make([]int32, 0, len(indices))
	sub.Pixels = make([]byte, 0, len(indices)*d)
	for k, i := range indices {
		if i < 0 || i >= s.Len() {
			return nil, &FormatError{File: s.Name, What: fmt.Sprintf("subset index %d", k),
				Want: fmt.Sprintf("0..%d", s.Len()-1), Got: fmt.Sprint(i)}
		}
	}
	err := s.guarded(func() {
		for _, i := range indices {
			sub.Labels = append(sub.Labels, s.Labels[i])
			sub.Pixels = append(sub.Pixels, s.Image(i)...)
		}
	})
	if err != nil {
		return nil, err
	}
	return &sub, nil
}

// Shuffled returns a copy in an order that depends only on seed and Len().
// Cut a validation set with s.Shuffled(seed).Split(n). It panics with a *FormatError where a pack was cut; see OpenPack.
func (s *Set) Shuffled(seed uint64) *Set {
	indices := make([]int, s.Len())
	permute(indices, seed, streamShuffled)
	d := s.Dim()
	out := *s
	out.Labels = make([]int32, len(s.Labels))
	out.Pixels = make([]byte, len(s.Pixels))
	s.mustRead(func() {
		for k, i := range indices {
			out.Labels[k] = s.Labels[i]
			copy(out.Pixels[k*d:], s.Image(i))
		}
	})
	return &out
}

// evenly returns an order of the images with these labels in which the first n, for any n, have each class in its share, and those of one
// class in the order that they have: image k of the m of a class belongs at the place (k + ½)/m of the whole.
func evenly(labels []int32) []int {
	many := map[int32]float64{}
	place, order := make([]float64, len(labels)), make([]int, len(labels))
	for i, y := range labels {
		place[i], order[i] = many[y]+0.5, i
		many[y]++
	}
	for i, y := range labels {
		place[i] /= many[y]
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(place[i], place[j]) })
	return order
}

// product multiplies and says whether the result fits in 64 bits.
func product(factors ...uint64) (p uint64, ok bool) {
	p = 1
	for _, f := range factors {
		hi, lo := bits.Mul64(p, f)
		if hi != 0 {
			return 0, false
		}
		p = lo
	}
	return p, true
}
