package data

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Magic numbers of the two kinds of IDX file that image sets use: unsigned bytes (0x08) in three dimensions or in one.
const (
	magicImages = 0x0803 // 2051
	magicLabels = 0x0801 // 2049
)

// IDX is the content of one IDX file: images with Dims {N, H, W}, or labels with Dims {N}.
type IDX struct {
	Dims []int
	Data []byte // row-major, one byte an element
}

// ReadIDX reads an IDX file of images (magic 2051) or labels (magic 2049), the format of MNIST and Fashion-MNIST,
// gzip-compressed or not; the content tells, not the name. All numbers are big-endian uint32:
//
//	images: 2051, N, rows, columns, then N·rows·columns bytes
//	labels: 2049, N, then N bytes
//
// Another magic, sizes that overflow, a file that ends early or goes on after the last element, and a gzip stream
// that is damaged or expands beyond 32 times and 16 MiB are a *FormatError. Memory is at most about twice what the file holds,
// whatever its header claims.
//
// Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
func ReadIDX(r io.Reader) (*IDX, error) {
	s, err := newStream(r)
	if err != nil {
		return nil, err
	}
	head, err := s.readHeader(nil, 4, "idx magic")
	if err != nil {
		return nil, err
	}
	rank := 0
	switch magic := binary.BigEndian.Uint32(head); magic {
	case magicImages:
		rank = 3
	case magicLabels:
		rank = 1
	default:
		return nil, &FormatError{What: "idx magic",
			Want: fmt.Sprintf("%d (images) or %d (labels)", magicImages, magicLabels), Got: fmt.Sprint(magic)}
	}
	if head, err = s.readHeader(head, 4+4*rank, "idx header"); err != nil {
		return nil, err
	}
	sizes := make([]uint64, rank)
	for i := range sizes {
		sizes[i] = uint64(binary.BigEndian.Uint32(head[4+4*i:]))
	}
	if rank == 3 && (sizes[1] == 0 || sizes[2] == 0) {
		return nil, &FormatError{What: "idx image size", Want: "at least 1×1 pixels",
			Got: fmt.Sprintf("%d×%d", sizes[1], sizes[2])}
	}
	total, ok := product(sizes...)
	if !ok || !fitsInt(total) {
		return nil, &FormatError{What: "idx header", Want: "a size that fits in memory", Got: describe(sizes) + " bytes"}
	}
	pixels, err := s.readN(nil, total)
	if err != nil {
		return nil, err
	}
	if uint64(len(pixels)) < total {
		return nil, &FormatError{What: "length", Want: fmt.Sprintf("%s = %d bytes after the header", describe(sizes), total),
			Got: fmt.Sprint(len(pixels)), Err: io.ErrUnexpectedEOF}
	}
	if err := s.end(fmt.Sprintf("%s = %d bytes after the header", describe(sizes), total)); err != nil {
		return nil, err
	}
	dims := make([]int, rank)
	for i, n := range sizes {
		dims[i] = int(n)
	}
	return &IDX{Dims: dims, Data: pixels}, nil
}

// readHeader appends to head until it holds n bytes.
func (s *stream) readHeader(head []byte, n int, what string) ([]byte, error) {
	head, err := s.readN(head, uint64(n-len(head)))
	if err == nil && len(head) < n {
		err = &FormatError{What: what, Want: fmt.Sprintf("%d bytes", n), Got: fmt.Sprint(len(head)), Err: io.ErrUnexpectedEOF}
	}
	return head, err
}

// describe writes sizes as 60000×28×28.
func describe(sizes []uint64) string {
	text := ""
	for i, n := range sizes {
		if i > 0 {
			text += "×"
		}
		text += fmt.Sprint(n)
	}
	return text
}

// FromIDX joins images and labels into a greyscale Set (C = 1). The pixels alias images.Data.
// Swapped arguments, different counts and labels without a class are a *FormatError.
func FromIDX(name string, images, labels *IDX, classes []string) (*Set, error) {
	if len(images.Dims) != 3 || len(labels.Dims) != 1 {
		return nil, &FormatError{File: name, What: "idx dimensions", Want: "3 for the images, 1 for the labels",
			Got: fmt.Sprintf("%d and %d", len(images.Dims), len(labels.Dims))}
	}
	if images.Dims[0] != labels.Dims[0] {
		return nil, &FormatError{File: name, What: "labels", Want: fmt.Sprintf("%d, one for each image", images.Dims[0]),
			Got: fmt.Sprint(labels.Dims[0])}
	}
	if len(labels.Data) != labels.Dims[0] {
		return nil, &FormatError{File: name, What: "labels", Want: fmt.Sprintf("%d bytes", labels.Dims[0]),
			Got: fmt.Sprint(len(labels.Data))}
	}
	s := &Set{Name: name, C: 1, H: images.Dims[1], W: images.Dims[2], Classes: classes,
		Pixels: images.Data, Labels: make([]int32, len(labels.Data))}
	for i, y := range labels.Data {
		s.Labels[i] = int32(y)
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}
