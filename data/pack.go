package data

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// A pack is one file with the training and test images of a data set as they are in memory, ready to be mapped:
//
//	8 bytes   "neocogpk"
//	4 bytes   length of the header, little-endian like all numbers
//	32 bytes  SHA-256 of the header and the labels
//	header    JSON: the two sets without labels and pixels
//	labels    4 bytes each, those of training first
//	padding   zeros up to a multiple of 4,096
//	pixels    of the training images, then of the test images
const (
	packMagic  = "neocogpk"
	packPrefix = len(packMagic) + 4 + sha256.Size
	packAlign  = 4096
	packHeader = 16 << 20 // the most bytes that a header may have
)

// packedSet is a set in the header.
type packedSet struct {
	Name    string   `json:"name"`
	N       int      `json:"n"`
	C       int      `json:"c"`
	H       int      `json:"h"`
	W       int      `json:"w"`
	Classes []string `json:"classes"`
}

// WritePack writes the two sets of one data set as a pack, which OpenPack reads. The same sets give the same bytes.
// Sets that are not valid, or whose images or classes are not alike, are a *FormatError.
func WritePack(w io.Writer, train, test *Set) error {
	var sets [2]packedSet
	var labels []byte
	for i, s := range []*Set{train, test} {
		if err := s.Validate(); err != nil {
			return err
		}
		sets[i] = packedSet{s.Name, s.Len(), s.C, s.H, s.W, s.Classes}
		for _, y := range s.Labels {
			labels = binary.LittleEndian.AppendUint32(labels, uint32(y))
		}
	}
	if err := samePack(train, test); err != nil {
		return err
	}
	header, err := json.Marshal(sets)
	if err != nil {
		return err
	}
	if len(header) > packHeader {
		return fmt.Errorf("pack: the header with the names of classes takes %d bytes, the most is %d", len(header), packHeader)
	}
	head := append(header, labels...)
	sum := sha256.Sum256(head)
	out := bufio.NewWriterSize(w, 1<<20)
	out.WriteString(packMagic)
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(header))))
	out.Write(sum[:])
	out.Write(head)
	out.Write(make([]byte, padding(packPrefix+len(head))))
	for _, s := range []*Set{train, test} {
		if err := s.guarded(func() { out.Write(s.Pixels) }); err != nil {
			return err
		}
	}
	return out.Flush() // which returns the first error of all
}

// padding returns what n lacks to a multiple of packAlign.
func padding(n int) int { return (packAlign - n%packAlign) % packAlign }

// IsPack reports whether a file begins as a pack does.
func IsPack(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, len(packMagic))
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == packMagic
}

// OpenPack maps a pack into memory, where the system can, and else reads it. The pixels of the sets are the file's: they are
// read when they are used, may not be written to, and stay mapped until the program ends. A file that is not as long as its
// header says, or whose header or labels are damaged, is a *FormatError; pixels have no checksum, for reading all of
// them is what a map saves.
//
// Where the file is cut while it is in use, pixels cannot be read any more: Loader.Err says so, and Subset, As, Augment.For and
// WritePack return a *FormatError. Shuffled, PixelMean and ChannelMeanStd, which return no error, panic with one. Who
// reads Set.Pixels or Set.Image without these calls debug.SetPanicOnFault first, or the program ends.
func OpenPack(path string) (train, test *Set, err error) {
	file, err := mapFile(path)
	if err != nil {
		return nil, nil, err
	}
	if train, test, err = readPack(file); err != nil {
		return nil, nil, inFile(path, err)
	}
	return train, test, nil
}

// readPack returns sets whose pixels alias file.
func readPack(file []byte) (train, test *Set, err error) {
	if len(file) < packPrefix || !bytes.HasPrefix(file, []byte(packMagic)) {
		return nil, nil, &FormatError{What: "pack", Want: fmt.Sprintf("%q and at least %d bytes", packMagic, packPrefix),
			Got: fmt.Sprintf("%q of %d bytes", file[:min(len(file), len(packMagic))], len(file))}
	}
	length := int64(binary.LittleEndian.Uint32(file[len(packMagic):]))
	rest := file[packPrefix:]
	if length > packHeader || length > int64(len(rest)) {
		return nil, nil, &FormatError{What: "pack header", Want: fmt.Sprintf("at most %d bytes", min(packHeader, len(rest))), Got: fmt.Sprint(length)}
	}
	var sets [2]packedSet
	if err := json.Unmarshal(rest[:length], &sets); err != nil {
		return nil, nil, &FormatError{What: "pack header", Want: "two sets as JSON", Got: "something else", Err: err}
	}
	// All sizes are checked before one is used; none may exceed the file's, so that no sum of them overflows.
	labels, pixels := 0, 0
	for _, s := range sets {
		n, ok := product(uint64(max(s.N, 0)), uint64(max(s.C, 1)), uint64(max(s.H, 1)), uint64(max(s.W, 1)))
		if !ok || s.N < 0 || min(s.C, s.H, s.W) < 1 || s.N > len(file) || n > uint64(len(file)) {
			return nil, nil, &FormatError{What: "pack header", Want: fmt.Sprintf("images that %d bytes can hold", len(file)),
				Got: fmt.Sprintf("%d of %d×%d×%d", s.N, s.C, s.H, s.W)}
		}
		labels, pixels = labels+s.N, pixels+int(n)
	}
	head := int64(length) + 4*int64(labels)
	at := int64(packPrefix) + head
	at += (packAlign - at%packAlign) % packAlign
	if want := at + int64(pixels); int64(len(file)) != want {
		return nil, nil, &FormatError{What: "pack", Want: fmt.Sprintf("%d bytes", want), Got: fmt.Sprint(len(file))}
	}
	if sum := sha256.Sum256(rest[:head]); !bytes.Equal(sum[:], file[len(packMagic)+4:packPrefix]) {
		return nil, nil, &FormatError{What: "pack header and labels", Want: fmt.Sprintf("the checksum %x…", file[len(packMagic)+4:][:6]), Got: fmt.Sprintf("%x…", sum[:6])}
	}
	var out [2]*Set
	numbers, images := rest[length:head], file[at:]
	for i, p := range sets {
		s := &Set{Name: p.Name, C: p.C, H: p.H, W: p.W, Classes: p.Classes, Labels: make([]int32, p.N)}
		for j := range s.Labels {
			s.Labels[j] = int32(binary.LittleEndian.Uint32(numbers[4*j:]))
		}
		n := p.N * p.C * p.H * p.W
		s.Pixels, images, numbers = images[:n:n], images[n:], numbers[4*p.N:]
		if err := s.Validate(); err != nil {
			return nil, nil, err
		}
		out[i] = s
	}
	return out[0], out[1], samePack(out[0], out[1])
}

// samePack checks that two sets are of one kind.
func samePack(train, test *Set) error {
	size := func(s *Set) string { return fmt.Sprintf("%d×%d×%d in %d classes", s.C, s.H, s.W, len(s.Classes)) }
	if size(train) != size(test) {
		return &FormatError{File: test.Name, What: "images", Want: size(train) + " as in training", Got: size(test)}
	}
	return nil
}
