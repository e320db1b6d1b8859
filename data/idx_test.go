package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// idxFile writes an IDX file: magic and sizes, big-endian, then the body.
func idxFile(body []byte, header ...uint32) []byte {
	var b []byte
	for _, v := range header {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return append(b, body...)
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func TestReadIDX(t *testing.T) {
	images := idxFile([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2051, 2, 2, 3)
	labels := idxFile([]byte{7, 0, 9}, 2049, 3)
	for _, c := range []struct {
		name string
		file []byte
		dims []int
		data []byte
	}{
		{"images", images, []int{2, 2, 3}, images[16:]},
		{"images gzip", zipped(images), []int{2, 2, 3}, images[16:]},
		{"labels", labels, []int{3}, []byte{7, 0, 9}},
		{"labels gzip", zipped(labels), []int{3}, []byte{7, 0, 9}},
		{"no images", idxFile(nil, 2051, 0, 28, 28), []int{0, 28, 28}, nil},
		{"gzip in two members", append(zipped(images[:9]), zipped(images[9:])...), []int{2, 2, 3}, images[16:]},
	} {
		for kind, reader := range map[string]func(io.Reader) io.Reader{"whole": plainReader, "byte by byte": iotest.OneByteReader,
			"end with data": iotest.DataErrReader} {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				got, err := ReadIDX(reader(bytes.NewReader(c.file)))
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got.Dims, c.dims) || !bytes.Equal(got.Data, c.data) {
					t.Errorf("want %v %v, got %v %v", c.dims, c.data, got.Dims, got.Data)
				}
			})
		}
	}
}

func plainReader(r io.Reader) io.Reader { return r }

func TestReadIDXErrors(t *testing.T) {
	const most = math.MaxUint32
	images := idxFile(make([]byte, 12), 2051, 2, 2, 3)
	flipped := zipped(images)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	for _, c := range []struct {
		name string
		file []byte
		want string
		is   error
	}{
		{"empty", nil, "idx magic: want 4 bytes, got 0 (unexpected EOF)", io.ErrUnexpectedEOF},
		{"half a magic", []byte{0, 0, 8}, "idx magic: want 4 bytes, got 3 (unexpected EOF)", io.ErrUnexpectedEOF},
		{"wrong magic", idxFile(nil, 2052, 1, 1), "idx magic: want 2051 (images) or 2049 (labels), got 2052", nil},
		{"little-endian", []byte{3, 8, 0, 0, 1, 0, 0, 0}, "idx magic: want 2051 (images) or 2049 (labels), got 50855936", nil},
		{"header cut", images[:10], "idx header: want 16 bytes, got 10 (unexpected EOF)", io.ErrUnexpectedEOF},
		{"body cut", images[:27], "length: want 2×2×3 = 12 bytes after the header, got 11 (unexpected EOF)", io.ErrUnexpectedEOF},
		{"body missing", idxFile(nil, 2049, 60000), "length: want 60000 = 60000 bytes after the header, got 0 (unexpected EOF)", io.ErrUnexpectedEOF},
		{"one byte more", append(slices.Clone(images), 0), "length: want 2×2×3 = 12 bytes after the header, got 1 bytes after them", nil},
		{"much more", append(slices.Clone(images), make([]byte, 1<<17)...),
			"length: want 2×2×3 = 12 bytes after the header, got 65536 bytes or more after them", nil},
		{"overflow", idxFile(nil, 2051, most, most, most), "idx header: want a size that fits in memory, got 4294967295×4294967295×4294967295 bytes", nil},
		{"absurd", idxFile(nil, 2051, 1<<30, 1<<15, 1<<15), "idx header: want a size that fits in memory, got 1073741824×32768×32768 bytes", nil},
		{"zero width", idxFile(nil, 2051, most, 28, 0), "idx image size: want at least 1×1 pixels, got 28×0", nil},
		{"gzip cut", zipped(images)[:20], "gzip stream: want an intact one, got a damaged or cut one (unexpected EOF)", io.ErrUnexpectedEOF},
		{"gzip header only", []byte{0x1f, 0x8b}, "gzip stream: want an intact one, got a damaged or cut one (unexpected EOF)", io.ErrUnexpectedEOF},
		{"gzip checksum", flipped, "gzip stream: want an intact one, got a damaged or cut one (gzip: invalid checksum)", gzip.ErrChecksum},
		{"gzip with a tail", append(zipped(images), "tail"...), "gzip stream: want an intact one, got a damaged or cut one (unexpected EOF)", nil},
		{"gzip of nothing", zipped(nil), "idx magic: want 4 bytes, got 0 (unexpected EOF)", io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadIDX(bytes.NewReader(c.file))
			wantFormatError(t, err, c.want)
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("want errors.Is %v", c.is)
			}
		})
	}
}

func TestReadIDXPassesReadErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	images := idxFile(make([]byte, 12), 2051, 2, 2, 3)
	for cut := range images {
		r := io.MultiReader(bytes.NewReader(images[:cut]), iotest.ErrReader(broken))
		if _, err := ReadIDX(r); !errors.Is(err, broken) {
			t.Fatalf("read error after %d bytes: got %v", cut, err)
		}
	}
}

// Every truncation of a file is an error, compressed or not.
func TestReadIDXTruncations(t *testing.T) {
	images := idxFile([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2051, 2, 2, 3)
	for name, file := range map[string][]byte{"plain": images, "gzip": zipped(images)} {
		for n := range file {
			if _, err := ReadIDX(bytes.NewReader(file[:n])); err == nil {
				t.Errorf("%s: %d of %d bytes read without an error", name, n, len(file))
			}
		}
	}
}

// A header that claims a gigabyte, and a gzip stream that expands 1,000 times, cost no more memory than
// the limits in stream.go allow: 16 MiB of output held, and once more while the buffer grows.
func TestReadIDXMemory(t *testing.T) {
	const count = 1 << 20 // of 32×32: addressable with 32 bits too
	bomb := zipped(idxFile(make([]byte, 24<<20), 2051, count, 32, 32))
	for _, c := range []struct {
		name string
		file []byte
		want string // part of the error
		most uint64
	}{
		{"header", idxFile(make([]byte, 100), 2051, count, 32, 32), "got 100 (unexpected EOF)", 1 << 20},
		{"bomb", bomb, "want at most 32 bytes out of each byte in (un-gzip the file first if this is meant)", 64 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := ReadIDX(bytes.NewReader(c.file))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error with %q, got %v", c.want, err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > c.most {
				t.Errorf("file of %d bytes: want at most %d bytes allocated in all, got %d", len(c.file), c.most, used)
			}
		})
	}
}

func TestFromIDX(t *testing.T) {
	images := &IDX{Dims: []int{2, 1, 3}, Data: []byte{1, 2, 3, 4, 5, 6}}
	labels := &IDX{Dims: []int{2}, Data: []byte{9, 1}}
	s, err := FromIDX("pair", images, labels, digitNames())
	if err != nil {
		t.Fatal(err)
	}
	if s.C != 1 || s.H != 1 || s.W != 3 || !slices.Equal(s.Labels, []int32{9, 1}) || !bytes.Equal(s.Image(1), []byte{4, 5, 6}) {
		t.Errorf("got %+v", s)
	}
	_, err = FromIDX("pair", images, &IDX{Dims: []int{3}, Data: []byte{1, 2, 3}}, digitNames())
	wantFormatError(t, err, "pair: labels: want 2, one for each image, got 3")
	_, err = FromIDX("pair", images, &IDX{Dims: []int{2}, Data: []byte{9, 10}}, digitNames())
	wantFormatError(t, err, "pair: label of image 1: want 0..9, got 10")
	_, err = FromIDX("pair", labels, images, digitNames())
	wantFormatError(t, err, "pair: idx dimensions: want 3 for the images, 1 for the labels, got 1 and 3")
	_, err = FromIDX("pair", &IDX{Dims: []int{2, 1, 3}, Data: []byte{1}}, labels, digitNames())
	wantFormatError(t, err, "pair: pixels: want 2 images × 1×1×3 bytes, got 1 bytes")
	_, err = FromIDX("pair", images, &IDX{Dims: []int{2}, Data: []byte{1}}, digitNames())
	wantFormatError(t, err, "pair: labels: want 2 bytes, got 1")
}

// What ReadIDX accepts without gzip is exactly what idxFile would write, and it never holds more than the limits of
// stream.go allow. It never panics.
func FuzzIDX(f *testing.F) {
	images := idxFile([]byte{1, 2, 3, 4, 5, 6}, 2051, 1, 2, 3)
	f.Add(images)
	f.Add(idxFile([]byte{7, 8}, 2049, 2))
	f.Add(zipped(images))
	f.Add(zipped(images)[:15])
	f.Add(idxFile(nil, 2051, math.MaxUint32, math.MaxUint32, math.MaxUint32))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := ReadIDX(bytes.NewReader(file))
		if err != nil {
			if _, ok := errors.AsType[*FormatError](err); !ok {
				t.Fatalf("want a *FormatError, got %T: %v", err, err)
			}
			return
		}
		if most := freeBytes + chunkBytes + maxExpansion*len(file); cap(got.Data) > most {
			t.Fatalf("file of %d bytes: want at most %d bytes held, got %d", len(file), most, cap(got.Data))
		}
		header := []uint32{magicLabels, uint32(got.Dims[0])}
		if len(got.Dims) == 3 {
			header = []uint32{magicImages, uint32(got.Dims[0]), uint32(got.Dims[1]), uint32(got.Dims[2])}
		}
		again := idxFile(got.Data, header...)
		if file[0] == 0 && !bytes.Equal(again, file) {
			t.Fatalf("written again: want %x, got %x", file, again)
		}
		if second, err := ReadIDX(bytes.NewReader(again)); err != nil || !bytes.Equal(second.Data, got.Data) {
			t.Fatalf("read again: %v", err)
		}
	})
}
