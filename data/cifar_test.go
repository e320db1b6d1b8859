package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
)

// cifarFile writes one record for each label; the planes of record i hold 10i+1, 10i+2, 10i+3.
func cifarFile(labels ...byte) []byte {
	var b []byte
	for i, y := range labels {
		b = append(b, y)
		for plane := range 3 {
			b = append(b, bytes.Repeat([]byte{byte(10*i + plane + 1)}, 1024)...)
		}
	}
	return b
}

func TestReadCIFAR10(t *testing.T) {
	file := cifarFile(3, 9, 0)
	for name, file := range map[string][]byte{"plain": file, "gzip": zipped(file)} {
		t.Run(name, func(t *testing.T) {
			s, err := ReadCIFAR10(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.Labels, []int32{3, 9, 0}) || s.C != 3 || s.H != 32 || s.W != 32 {
				t.Errorf("got %d×%d×%d, labels %v", s.C, s.H, s.W, s.Labels)
			}
			if x := s.Image(1); x[0] != 11 || x[1023] != 11 || x[1024] != 12 || x[3071] != 13 {
				t.Errorf("image 1: want planes 11, 12, 13, got %d %d %d %d", x[0], x[1023], x[1024], x[3071])
			}
			if s.Classes[3] != "cat" || s.Classes[9] != "truck" {
				t.Errorf("classes: %v", s.Classes)
			}
		})
	}
}

func TestReadCIFAR10Errors(t *testing.T) {
	file := cifarFile(3, 9)
	bomb := zipped(make([]byte, 24<<20))
	for _, c := range []struct {
		name string
		file []byte
		want string
		is   error
	}{
		{"empty", nil, "records: want at least 1, got an empty file (unexpected EOF)", io.ErrUnexpectedEOF},
		{"cut", file[:6145], "record 1: want 3073 bytes, got 3072 (unexpected EOF)", io.ErrUnexpectedEOF},
		{"label only", file[:1], "record 0: want 3073 bytes, got 1 (unexpected EOF)", io.ErrUnexpectedEOF},
		{"label", cifarFile(3, 10), "label of image 1: want 0..9, got 10", nil},
		{"another format", []byte("not a batch"), "label of image 0: want 0..9, got 110", nil},
		{"gzip cut", zipped(file)[:40], "gzip stream: want an intact one, got a damaged or cut one (unexpected EOF)", io.ErrUnexpectedEOF},
		{"bomb", bomb, fmt.Sprintf("gzip stream: want at most 32 bytes out of each byte in (un-gzip the file first if this is meant), "+
			"got 16778580 bytes out of %d", len(bomb)), nil}, // the first record beyond 16 MiB
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadCIFAR10(bytes.NewReader(c.file))
			wantFormatError(t, err, c.want)
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("want errors.Is %v", c.is)
			}
		})
	}
}

func TestReadCIFARNames(t *testing.T) {
	names, err := cifar10.readNames(bytes.NewReader([]byte("a\nb\r\nc\nd d\ne\nf\ng\nh\ni\nj\n\n")))
	if err != nil || !slices.Equal(names, []string{"a", "b", "c", "d d", "e", "f", "g", "h", "i", "j"}) {
		t.Errorf("got %q, %v", names, err)
	}
	_, err = cifar10.readNames(bytes.NewReader([]byte("a\nb\n")))
	wantFormatError(t, err, "class names: want 10, got 2")
	_, err = cifar10.readNames(bytes.NewReader(make([]byte, 5000)))
	wantFormatError(t, err, "class names: want at most 4096 bytes, got more")
}

// What ReadCIFAR10 accepts without gzip is, record for record, what it returns; it never panics.
func FuzzCIFAR(f *testing.F) {
	f.Add(cifarFile(3))
	f.Add(zipped(cifarFile(3, 9)))
	f.Add(zipped(cifarFile(3, 9))[:30])
	f.Add([]byte{9})
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := ReadCIFAR10(bytes.NewReader(file))
		if err != nil {
			if _, ok := errors.AsType[*FormatError](err); !ok {
				t.Fatalf("want a *FormatError, got %T: %v", err, err)
			}
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		if file[0] > 9 {
			return // gzip
		}
		var again []byte
		for i, y := range s.Labels {
			again = append(append(again, byte(y)), s.Image(i)...)
		}
		if !bytes.Equal(again, file) {
			t.Fatalf("written again: want %d bytes, got %d others", len(file), len(again))
		}
	})
}

// Of the two labels the second counts.
func TestCIFAR100(t *testing.T) {
	record := func(coarse, fine byte) []byte {
		return append([]byte{coarse, fine}, bytes.Repeat([]byte{fine}, 3072)...)
	}
	file := slices.Concat(record(19, 0), record(0, 99), record(3, 47))
	s, err := ReadCIFAR100(bytes.NewReader(zipped(file)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Labels, []int32{0, 99, 47}) || s.Image(1)[0] != 99 || s.Image(1)[3071] != 99 || len(s.Classes) != 100 {
		t.Errorf("labels %v, %d classes", s.Labels, len(s.Classes))
	}
	if s.Classes[0] != "apple" || s.Classes[47] != "maple_tree" || s.Classes[99] != "worm" || !slices.IsSorted(s.Classes) {
		t.Errorf("classes %v", s.Classes)
	}
	for want, file := range map[string][]byte{
		"label of image 1: want 0..99, got 100":                        slices.Concat(record(0, 1), record(0, 100)),
		"record 0: want 3074 bytes, got 1 (unexpected EOF)":            {5},
		"record 1: want 3074 bytes, got 3000 (unexpected EOF)":         slices.Concat(record(0, 1), record(0, 2)[:3000]),
		"records: want at least 1, got an empty file (unexpected EOF)": nil,
	} {
		_, err := ReadCIFAR100(bytes.NewReader(file))
		wantFormatError(t, err, want)
	}
	names := []byte(string(bytes.Repeat([]byte("a name\n"), 99)) + "last\n")
	train, test, err := Open(write(t, "cifar-100", map[string][]byte{"train.bin": file, "test.bin.gz": zipped(record(1, 2)), "fine_label_names.txt": names}))
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 3 || test.Len() != 1 || test.Labels[0] != 2 || train.Classes[99] != "last" || test.Name != "cifar-100/test" {
		t.Errorf("%d and %d images, labels %v, names %v, %s", train.Len(), test.Len(), test.Labels, train.Classes[99], test.Name)
	}
}
