package graph

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Batch is the symbolic dimension, printed N: its extent is known only when a
// program runs, and is the same wherever N appears. One graph therefore serves
// every batch size.
const Batch = -1

// MaxRank is the largest number of dimensions of a tensor.
const MaxRank = 8

// A Shape lists the extents of a tensor, outermost first. A scalar has the
// empty shape. At most one kind of symbolic dimension exists: Batch.
type Shape []int

// String returns the shape as [N,3,32,32].
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		if d == Batch {
			b.WriteByte('N')
		} else {
			b.WriteString(strconv.Itoa(d))
		}
	}
	b.WriteByte(']')
	return b.String()
}

// Rank returns the number of dimensions.
func (s Shape) Rank() int { return len(s) }

// IsStatic reports whether no dimension is Batch.
func (s Shape) IsStatic() bool { return !slices.Contains(s, Batch) }

// Size returns the number of elements; 1 for a scalar, and -1 where the shape
// is not static.
func (s Shape) Size() int {
	if !s.IsStatic() {
		return -1
	}
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether s and t are the same, Batch being equal to Batch only.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// Bind returns s with Batch replaced by n. A static s is returned as it is.
func (s Shape) Bind(n int) Shape {
	if s.IsStatic() {
		return s
	}
	b := slices.Clone(s)
	for i, d := range b {
		if d == Batch {
			b[i] = n
		}
	}
	return b
}

// Clone returns a copy of s.
func (s Shape) Clone() Shape { return slices.Clone(s) }

// check returns an error unless every extent is Batch or at least 0, the rank is
// at most MaxRank, and the number of bytes fits into an int.
func (s Shape) check(elem int) error {
	if len(s) > MaxRank {
		return fmt.Errorf("shape %v has %d dimensions, the most is %d", s, len(s), MaxRank)
	}
	n := max(elem, 1)
	for _, d := range s {
		switch {
		case d < Batch:
			return fmt.Errorf("shape %v has the negative extent %d", s, d)
		case d > 0 && n > math.MaxInt/d:
			return fmt.Errorf("shape %v holds more elements than can be counted", s)
		case d > 0:
			n *= d
		}
	}
	return nil
}

// A Type is the static type of a Value. The zero Type is invalid; ops given an
// invalid Value return invalid Values without a second report.
type Type struct {
	DType DType
	Shape Shape
}

// Of returns the type with element type d and the given extents.
func Of(d DType, extents ...int) Type { return Type{d, Shape(extents)} }

// String returns the type as f32[N,3,32,32].
func (t Type) String() string {
	if !t.IsValid() {
		return "invalid"
	}
	return t.DType.String() + t.Shape.String()
}

// IsValid reports whether t is not the zero Type.
func (t Type) IsValid() bool { return t.DType != Invalid }

// Equal reports whether t and u have the same element type and shape.
func (t Type) Equal(u Type) bool { return t.DType == u.DType && t.Shape.Equal(u.Shape) }

// Bind returns t with Batch replaced by n.
func (t Type) Bind(n int) Type { return Type{t.DType, t.Shape.Bind(n)} }

// Bytes returns the size of the tensor in bytes; -1 where the shape is not static.
func (t Type) Bytes() int {
	if n := t.Shape.Size(); n >= 0 {
		return n * t.DType.Size()
	}
	return -1
}

// Check returns an error unless t is a type that a tensor can have: a known element
// type, extents of at least 0 or Batch, and no more bytes than can be counted.
func (t Type) Check() error { return t.check() }

func (t Type) check() error {
	if t.DType.Size() == 0 {
		return fmt.Errorf("the element type is %v", t.DType)
	}
	return t.Shape.check(t.DType.Size())
}

// parseType is the inverse of Type.String.
func parseType(s string) (t Type, err error) {
	name, dims, ok := strings.Cut(s, "[")
	if !ok || !strings.HasSuffix(dims, "]") {
		return t, fmt.Errorf("%q is no type, want something like f32[N,3,32,32]", s)
	}
	if err := t.DType.UnmarshalText([]byte(name)); err != nil {
		return Type{}, err
	}
	t.Shape = Shape{}
	if dims = strings.TrimSuffix(dims, "]"); dims != "" {
		for _, d := range strings.Split(dims, ",") {
			n := Batch
			if d != "N" {
				if n, err = strconv.Atoi(d); err != nil || n < 0 {
					return Type{}, fmt.Errorf("%q is no extent, want N or a number of at least 0", d)
				}
			}
			t.Shape = append(t.Shape, n)
		}
	}
	return t, t.check()
}

// Dims is a comparable list of at most MaxRank ints: the form in which an op
// keeps a shape, a set of axes or a permutation among its attributes. The zero
// Dims is the empty list.
type Dims struct {
	n int
	d [MaxRank]int
}

// MakeDims returns the list d. A list which is too long keeps its length, so
// that every comparison with a rank rejects it, but not its elements.
func MakeDims(d ...int) Dims {
	l := Dims{n: len(d)}
	copy(l.d[:], d)
	return l
}

// Len returns the number of elements.
func (l Dims) Len() int { return l.n }

// Slice returns the elements, MaxRank of them at most.
func (l Dims) Slice() []int { return slices.Clone(l.d[:min(l.n, MaxRank)]) }

// Contains reports whether v is among the elements.
func (l Dims) Contains(v int) bool { return slices.Contains(l.d[:min(l.n, MaxRank)], v) }

// String returns the list as [0 2 3].
func (l Dims) String() string { return fmt.Sprint(l.Slice()) }

// MarshalText returns String.
func (l Dims) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (l *Dims) UnmarshalText(text []byte) error {
	s := string(text)
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return fmt.Errorf("%q is no list of integers, want something like [0 2 3]", s)
	}
	fields := strings.Fields(s[1 : len(s)-1])
	if len(fields) > MaxRank {
		return fmt.Errorf("%q has %d elements, the most is %d", s, len(fields), MaxRank)
	}
	*l = Dims{n: len(fields)}
	for i, f := range fields {
		v, err := strconv.Atoi(f)
		if err != nil {
			return fmt.Errorf("%q is no integer in %q", f, s)
		}
		l.d[i] = v
	}
	return nil
}
