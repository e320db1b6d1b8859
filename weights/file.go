package weights

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/internal/wholefile"
)

// A File is what a file of weights holds.
type File struct {
	// Tensors are the tensors by name, of float32, float64, int32, int64 or bool.
	Tensors map[string]*tensor.Dense
	// Meta is what a safetensors file says besides. Other formats lose it.
	Meta map[string]string
}

// Names returns the names of the tensors, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Tensors)) }

// Extensions are the endings of the files that Write knows.
var Extensions = []string{".safetensors", ".npz", ".npy"}

// Read reads a file of any of the formats, whatever its name. A file that holds one array, .npy, has a tensor that is
// called as the file, without the ending.
func Read(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.WithMessage(errors.Unwrap(err), path)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.Errorf("%s is no regular file", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := Decode(data)
	if ext := strings.ToLower(filepath.Ext(path)); err != nil && formatOf(data) == "" && (ext == ".npy" || ext == ".npz") {
		return nil, errors.Errorf("%s: it is no %s file, and no other file of weights", path, ext)
	}
	if err != nil {
		return nil, errors.WithMessage(err, path)
	}
	if d := f.Tensors[""]; d != nil {
		f.Tensors = map[string]*tensor.Dense{strings.TrimSuffix(filepath.Base(path), ".npy"): d}
	}
	return f, nil
}

// Decode reads the bytes of a file of any of the formats. The tensor of an .npy file has the name "".
//
// Nothing in a file can make Decode take much more memory than the length of the file warrants.
func Decode(file []byte) (*File, error) {
	switch formatOf(file) {
	case ".npy":
		d, err := DecodeNPY(file)
		return &File{Tensors: map[string]*tensor.Dense{"": d}}, err
	case ".npz":
		return decodeNPZ(file)
	}
	return decodeSafetensors(file)
}

// formatOf returns the ending of the format that the first bytes of a file name, "" if they name none, as those of a
// safetensors file.
func formatOf(file []byte) string {
	switch {
	case bytes.HasPrefix(file, []byte(npyMagic)):
		return ".npy"
	case bytes.HasPrefix(file, []byte("PK\x03\x04")), bytes.HasPrefix(file, []byte("PK\x05\x06")): // an archive, an empty one
		return ".npz"
	}
	return ""
}

// Write writes f in the format that the ending of path names, as a whole or not at all. An .npy file takes one tensor,
// without its name.
func (f *File) Write(path string) error {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".safetensors":
		return wholefile.Write(path, f.WriteSafetensors)
	case ".npz":
		return wholefile.Write(path, f.WriteNPZ)
	case ".npy":
		if len(f.Tensors) != 1 {
			return errors.Errorf("%s: an .npy file holds one tensor, there are %d; .npz holds any number", path, len(f.Tensors))
		}
		return wholefile.Write(path, func(w io.Writer) error { return WriteNPY(w, f.Tensors[f.Names()[0]]) })
	default:
		return errors.Errorf("%s: files ending in %q are not known, want %s", path, ext, strings.Join(Extensions, ", "))
	}
}
