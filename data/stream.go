package data

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
)

// Memory is bounded by what a file really holds. Nothing is allocated from the sizes in a header, and a gzip
// stream may expand by any factor only up to freeBytes; beyond them it may expand maxExpansion times.
// MNIST expands 5 times, its labels 2 times; gzip can do 1,000 times.
const (
	freeBytes    = 16 << 20
	maxExpansion = 32
	chunkBytes   = 64 << 10
)

// stream reads a file that may be compressed with gzip, which its first two bytes tell.
type stream struct {
	r      *bufio.Reader // un-gzipped
	packed *counter      // nil when the file is not compressed
	n      int64         // bytes read by readN and Read
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func newStream(r io.Reader) (*stream, error) {
	raw := &counter{r: r}
	buf := bufio.NewReaderSize(raw, chunkBytes)
	magic, err := buf.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return &stream{r: buf}, nil
	}
	z, err := gzip.NewReader(buf)
	if err != nil {
		return nil, gzipError(err)
	}
	return &stream{r: bufio.NewReaderSize(z, chunkBytes), packed: raw}, nil
}

// gzipError tells a damaged file from a reader that cannot be read.
func gzipError(err error) error {
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{What: "gzip stream", Want: "an intact one", Got: "a damaged or cut one", Err: err}
	}
	return err
}

// readN appends up to n bytes to dst, growing it as they arrive. It returns early, without an error, at the end
// of the file: the caller knows what was promised.
func (s *stream) readN(dst []byte, n uint64) ([]byte, error) {
	for n > 0 {
		step := int(min(n, chunkBytes))
		if cap(dst)-len(dst) < step {
			dst = grow(dst, step, n)
		}
		got, err := s.r.Read(dst[len(dst) : len(dst)+step])
		dst = dst[:len(dst)+got]
		n -= uint64(got)
		s.n += int64(got)
		if bomb := s.checkExpansion(); bomb != nil {
			return dst, bomb
		}
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil { // a cut gzip stream says io.ErrUnexpectedEOF, which is not the end
			return dst, gzipError(err)
		}
	}
	return dst, nil
}

// Read reads what readN would, within the same bound on expansion.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if bomb := s.checkExpansion(); bomb != nil {
		return n, bomb
	}
	return n, err
}

// grow doubles the capacity, but never beyond the n bytes that are still to come.
func grow(dst []byte, step int, n uint64) []byte {
	more := max(len(dst), step)
	if uint64(more) > n {
		more = int(n)
	}
	bigger := make([]byte, len(dst), len(dst)+more)
	copy(bigger, dst)
	return bigger
}

func (s *stream) checkExpansion() error {
	if s.packed == nil || s.n <= freeBytes || s.n <= maxExpansion*s.packed.n {
		return nil
	}
	return &FormatError{What: "gzip stream",
		Want: fmt.Sprintf("at most %d bytes out of each byte in (un-gzip the file first if this is meant)", maxExpansion),
		Got:  fmt.Sprintf("%d bytes out of %d", s.n, s.packed.n)}
}

// end checks that nothing follows.
func (s *stream) end(want string) error {
	extra, err := s.readN(nil, chunkBytes)
	if err != nil {
		return err
	}
	if len(extra) == 0 {
		return nil
	}
	more := ""
	if len(extra) == chunkBytes {
		more = " or more"
	}
	return &FormatError{What: "length", Want: want, Got: fmt.Sprintf("%d bytes%s after them", len(extra), more)}
}

// fitsInt says whether n bytes can be addressed at all on this machine. A petabyte is refused everywhere.
func fitsInt(n uint64) bool { return n <= 1<<50 && n <= math.MaxInt }
