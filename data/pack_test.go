package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func packed(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WritePack(&b, coloured(7, 4, 5), coloured(3, 4, 5)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPackIsReadBack(t *testing.T) {
	file := packed(t)
	if !bytes.Equal(file, packed(t)) {
		t.Error("the same sets give other bytes")
	}
	dir := write(t, "pack", map[string][]byte{"set.pack": file, "other": []byte("neocog")})
	path := filepath.Join(dir, "set.pack")
	if !IsPack(path) || IsPack(filepath.Join(dir, "other")) || IsPack(dir) {
		t.Error("a pack is not known for what it is")
	}
	train, test, err := OpenPack(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(train, coloured(7, 4, 5)) || !reflect.DeepEqual(test, coloured(3, 4, 5)) {
		t.Error("the sets are not those that were packed")
	}
	if err := WritePack(&bytes.Buffer{}, &Set{Name: "bad"}, test); err == nil {
		t.Error("a set that is not valid is packed")
	}
	err = WritePack(&bytes.Buffer{}, train, coloured(3, 5, 4))
	wantFormatError(t, err, "coloured: images: want 3×4×5 in 2 classes as in training, got 3×5×4 in 2 classes")
	if err := WritePack(full{}, train, test); !errors.Is(err, errFull) {
		t.Errorf("a writer that fails gives %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// Every cut, and every flip of a byte before the pixels, but for the padding, is found.
func TestDamagedPacksAreRefused(t *testing.T) {
	file := packed(t)
	for n := range file {
		if _, _, err := readPack(file[:n]); err == nil {
			t.Fatalf("cut to %d of %d bytes it is read", n, len(file))
		}
	}
	if _, _, err := readPack(append(bytes.Clone(file), 0)); err == nil {
		t.Error("a byte more is read")
	}
	end := packPrefix + bytes.Index(file[packPrefix:], []byte("}]")) + 2 + 4*10
	for i := range end {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		_, _, err := readPack(bad)
		if _, ok := errors.AsType[*FormatError](err); !ok {
			t.Fatalf("byte %d flipped: error %v, want a *FormatError", i, err)
		}
	}
	_, _, err := readPack([]byte("<html>"))
	wantFormatError(t, err, `pack: want "neocogpk" and at least 44 bytes, got "<html>" of 6 bytes`)
	dir := write(t, "pack", map[string][]byte{"cut": file[:len(file)-1], "empty": nil})
	_, _, err = OpenPack(filepath.Join(dir, "cut"))
	if err == nil || !strings.Contains(err.Error(), "cut: pack: want 4696 bytes, got 4695") {
		t.Errorf("error %v", err)
	}
	for _, path := range []string{filepath.Join(dir, "empty"), dir, filepath.Join(dir, "missing")} {
		if _, _, err := OpenPack(path); err == nil {
			t.Errorf("%s is opened", path)
		}
	}
}

// forged is a file whose checksum suits its header and labels, as a forger would write it.
func forged(header string, labels, pixels []byte) []byte {
	head := append([]byte(header), labels...)
	sum := sha256.Sum256(head)
	file := append([]byte(packMagic), binary.LittleEndian.AppendUint32(nil, uint32(len(header)))...)
	file = append(append(file, sum[:]...), head...)
	return append(append(file, make([]byte, padding(len(file)))...), pixels...)
}

// Sizes whose sums wrap around to those of the file were once believed, under a checksum that a forger can make, and 2⁶²
// labels were asked for.
func TestPackWithSizesThatOverflow(t *testing.T) {
	for _, header := range []string{
		`[{"n":4611686018427387904,"c":0,"h":0,"w":0,"classes":["a"]},{}]`,
		`[{"n":3689348814741910323,"c":1,"h":1,"w":1,"classes":["a"]},{}]`,
		`[{"n":1,"c":4294967296,"h":4294967296,"w":4294967296,"classes":["a"]},{}]`,
		`[{"n":-1,"c":1,"h":1,"w":1,"classes":["a"]},{}]`,
		`null`, `[]`, `{}`, `[{"n":"many"}]`,
	} {
		_, _, err := readPack(forged(header, nil, nil))
		if _, ok := errors.AsType[*FormatError](err); !ok {
			t.Errorf("%s: error %v, want a *FormatError", header, err)
		}
	}
}

// A negative size counted as none where the file's length was checked, and cut a slice of it afterwards.
func TestPackWithNegativeSizes(t *testing.T) {
	for _, size := range []string{`"c":1,"h":-1,"w":1`, `"c":-1,"h":-1,"w":1`, `"c":-1,"h":1,"w":-1`, `"c":1,"h":0,"w":-5`, `"c":1,"h":1,"w":0`} {
		for _, n := range []int{0, 1} {
			set := fmt.Sprintf(`{"n":%d,%s,"classes":["a"]}`, n, size)
			_, _, err := readPack(forged("["+set+","+set+"]", make([]byte, 8*n), nil))
			if _, ok := errors.AsType[*FormatError](err); !ok || !strings.Contains(err.Error(), "pack header: want images that") {
				t.Errorf("%s: error %v, want a *FormatError of the header", set, err)
			}
		}
	}
	whole := `{"n":1,"c":1,"h":1,"w":1,"classes":["a"]}`
	if _, _, err := readPack(forged("["+whole+","+whole+"]", make([]byte, 8), []byte{1, 2})); err != nil {
		t.Errorf("a forged file without a fault: %v", err)
	}
}

// With the checksum made for them, headers and labels reach all that follows it.
func FuzzPackHeader(f *testing.F) {
	whole := `{"n":1,"c":1,"h":2,"w":1,"classes":["a"]}`
	f.Add("["+whole+","+whole+"]", make([]byte, 8), []byte{1, 2, 3, 4})
	f.Add(strings.ReplaceAll("["+whole+","+whole+"]", `"h":2`, `"h":-1`), make([]byte, 8), []byte{})
	f.Fuzz(func(t *testing.T, header string, labels, pixels []byte) {
		train, test, err := readPack(forged(header, labels, pixels))
		if err != nil {
			if _, ok := errors.AsType[*FormatError](err); !ok {
				t.Fatalf("error %v, want a *FormatError", err)
			}
			return
		}
		for _, s := range []*Set{train, test} {
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzReadPack(f *testing.F) {
	f.Add(packed(f))
	f.Add([]byte(packMagic))
	f.Fuzz(func(t *testing.T, file []byte) {
		if train, test, err := readPack(file); err == nil && train.Len()*train.Dim()+test.Len()*test.Dim() > len(file) {
			t.Error("sets larger than their file")
		}
	})
}
