package weights

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"
)

// An npz file is a zip archive with NAME.npy for each tensor. What it unpacks to is limited to allowance bytes and
// expansion times its own length, so that a small file cannot fill the memory.
const (
	allowance = 16 << 20
	expansion = 64
)

// WriteNPZ writes f as numpy.savez does, without compression: the same bytes for the same values. The metadata are lost.
func (f *File) WriteNPZ(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(f.Tensors)) {
		err := checkName(name)
		if err == nil && (!filepath.IsLocal(name) || strings.Contains(name, `\`)) {
			err = errors.New("what unpacks the archive would write outside its folder")
		}
		if err == nil {
			var entry io.Writer
			if entry, err = z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store}); err == nil {
				err = WriteNPY(entry, f.Tensors[name])
			}
		}
		if err != nil {
			return errors.WithMessagef(err, "tensor %q", name)
		}
	}
	return z.Close()
}

// decodeNPZ reads an archive of numpy.savez or savez_compressed.
func decodeNPZ(file []byte) (*File, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, errors.WithMessage(err, "it is no .npz file or a damaged one")
	}
	f := &File{Tensors: map[string]*tensor.Dense{}}
	most, unpacked := uint64(allowance)+expansion*uint64(len(file)), uint64(0)
	for _, entry := range z.File { // before the first byte is unpacked
		if unpacked += entry.UncompressedSize64; entry.UncompressedSize64 > most || unpacked > most {
			return nil, errors.Errorf("it unpacks to more than %d bytes, which is %d times its length; is that so, unpack it and read the .npy files", most, expansion)
		}
	}
	for _, entry := range z.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if !ok {
			hint := ""
			if strings.HasSuffix(entry.Name, ".pkl") {
				hint = "; PyTorch's own files hold programs, save the state_dict with the Python package safetensors"
			}
			return nil, errors.Errorf("it is an archive with the file %.60q, want .npy files%s", entry.Name, hint)
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		if f.Tensors[name] != nil {
			return nil, errors.Errorf("it has %.99q twice", name)
		}
		if f.Tensors[name], err = unpack(entry); err != nil {
			return nil, errors.WithMessagef(err, "its %.99q", name)
		}
	}
	return f, nil
}

// unpack reads an entry whose length is no more than it may be. The reader compares length and CRC-32 at the end.
func unpack(entry *zip.File) (*tensor.Dense, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	b.Grow(int(min(entry.UncompressedSize64, 1<<20)))
	if _, err := io.Copy(&b, io.LimitReader(r, int64(entry.UncompressedSize64)+1)); err != nil {
		return nil, err
	}
	return DecodeNPY(b.Bytes())
}
