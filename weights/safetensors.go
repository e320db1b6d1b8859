package weights

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"
)

// The safetensors format (https://huggingface.co/docs/safetensors, “Format”):
//
//	8 bytes     n, little-endian
//	n bytes     a JSON object: {"NAME": {"dtype": "F32", "shape": […], "data_offsets": [FROM, TO]}, …,
//	            "__metadata__": {"KEY": "VALUE", …}}, filled up with blanks
//	the rest    the elements, at the offsets, without holes, little-endian, row-major
//
// It has no checksum; Neocog's files have one among the metadata.
const (
	metaKey    = "__metadata__"
	metaFormat = "format" // "neocog"
	metaSum    = "sha256" // of all else

	formatName = "neocog"
	maxHeader  = 100_000_000 // bytes, what the format allows
	maxFact    = 1024        // bytes of a shape, more than MaxRank extents can have
)

// entry is what a header says of a tensor.
type entry struct {
	name        string
	DType       string    `json:"dtype"`
	Shape       []uint64  `json:"shape"`
	DataOffsets [2]uint64 `json:"data_offsets"`
}

// WriteSafetensors writes f in the format of safetensors, with a checksum: the same bytes for the same values.
func (f *File) WriteSafetensors(w io.Writer) error {
	var entries []entry
	for name, d := range f.Tensors {
		t, _, err := elements(d)
		if err == nil {
			err = checkName(name)
		}
		if err != nil {
			return errors.WithMessagef(err, "tensor %q", name)
		}
		e := entry{name: name, DType: kindOf(t.DType).safetensors, Shape: []uint64{}}
		for _, n := range t.Shape {
			e.Shape = append(e.Shape, uint64(n))
		}
		e.DataOffsets[1] = uint64(t.Bytes())
		entries = append(entries, e)
	}
	// Large elements first, so that all are aligned.
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(-cmp.Compare(named(a.DType).size, named(b.DType).size), cmp.Compare(a.name, b.name))
	})
	meta := maps.Clone(f.Meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[metaFormat] = formatName
	var err error
	if meta[metaSum], err = f.sum(meta); err != nil {
		return err
	}
	header := map[string]any{metaKey: meta}
	at := uint64(0)
	for _, e := range entries {
		e.DataOffsets[0], e.DataOffsets[1] = at, at+e.DataOffsets[1]
		at = e.DataOffsets[1]
		header[e.name] = e
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	text = append(text, bytes.Repeat([]byte{' '}, -len(text)&7)...)
	if len(text) > maxHeader {
		return errors.Errorf("the header of %d tensors takes %d bytes, the most is %d", len(entries), len(text), maxHeader)
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)); err != nil {
		return err
	}
	for _, e := range entries {
		_, x, err := elements(f.Tensors[e.name])
		if err != nil {
			return err
		}
		if err := binary.Write(w, binary.LittleEndian, x); err != nil {
			return err
		}
	}
	return nil
}

// named returns the form that safetensors calls name, of size 0 if it is not known.
func named(name string) kind {
	for _, k := range kinds {
		if k.safetensors == name {
			return k
		}
	}
	return kind{}
}

// Ours reports whether f was read from a safetensors file that Neocog wrote, whose checksum was right.
func (f *File) Ours() bool { return f.Meta[metaFormat] == formatName }

// sum returns the SHA-256 of the tensors and of the metadata but itself.
func (f *File) sum(meta map[string]string) (string, error) {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if key != metaSum {
			fmt.Fprintf(h, "%q=%q\n", key, meta[key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Tensors)) {
		t, x, err := elements(f.Tensors[name])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %v%v\n", name, kindOf(t.DType).safetensors, []int(t.Shape))
		if err := binary.Write(h, binary.LittleEndian, x); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// decodeSafetensors reads a file and, where it has one of ours, checks its checksum.
func decodeSafetensors(file []byte) (*File, error) {
	if len(file) < 8 {
		return nil, errors.Errorf("it has %d bytes, too few for a safetensors file", len(file))
	}
	n := binary.LittleEndian.Uint64(file)
	if n > maxHeader || n > uint64(len(file)-8) {
		return nil, errors.Errorf("it is no safetensors file or a damaged one: its header takes %d bytes, the file has %d, the most is %d", n, len(file)-8, maxHeader)
	}
	entries, meta, err := decodeHeader(file[8 : 8+n])
	if err != nil {
		return nil, errors.WithMessage(err, "it is no safetensors file or a damaged one: the header")
	}
	f := &File{Tensors: map[string]*tensor.Dense{}, Meta: meta}
	if err := f.place(entries, file[8+n:]); err != nil {
		return nil, err
	}
	if meta[metaFormat] != formatName {
		return f, nil
	}
	got, err := f.sum(meta)
	if err != nil {
		return nil, err
	}
	if got != meta[metaSum] {
		return nil, errors.Errorf("it is damaged: the SHA-256 of its content is %.12s…, the file says %.12s…", got, meta[metaSum])
	}
	delete(meta, metaSum) // it is the file's, not the tensors'
	return f, nil
}

// decodeHeader reads the JSON text. Names are there once, and keys are written exactly: encoding/json is not so strict.
func decodeHeader(text []byte) (entries []entry, meta map[string]string, err error) {
	meta = map[string]string{}
	dec := json.NewDecoder(bytes.NewReader(text))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, nil, errors.Errorf("begins with %.20q, want a JSON object", text)
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		name := tok.(string) // what else a key could be, the decoder refuses
		if seen[name] {
			return nil, nil, errors.Errorf("names %.99q twice", name)
		}
		seen[name] = true
		if name == metaKey {
			if err := dec.Decode(&meta); err != nil {
				return nil, nil, errors.WithMessagef(err, "in %.99q", name)
			}
			continue
		}
		var fields map[string]json.RawMessage
		if err := dec.Decode(&fields); err != nil {
			return nil, nil, errors.WithMessagef(err, "in %.99q", name)
		}
		e := entry{name: name}
		var offsets []uint64
		for key, to := range map[string]any{"dtype": &e.DType, "shape": &e.Shape, "data_offsets": &offsets} {
			raw, ok := fields[key]
			if !ok {
				return nil, nil, errors.Errorf("has no %s for %.99q", key, name)
			}
			if len(raw) > maxFact {
				return nil, nil, errors.Errorf("has %d bytes as %s of %.99q, the most is %d", len(raw), key, name, maxFact)
			}
			if err := json.Unmarshal(raw, to); err == nil && string(raw) == "null" {
				return nil, nil, errors.Errorf("has null as %s of %.99q", key, name)
			} else if err != nil {
				return nil, nil, errors.WithMessagef(err, "in the %s of %.99q", key, name)
			}
		}
		if len(fields) != 3 || len(offsets) != 2 {
			return nil, nil, errors.Errorf("has %d facts and %d offsets for %.99q, want 3 facts and 2 offsets", len(fields), len(offsets), name)
		}
		e.DataOffsets = [2]uint64(offsets)
		entries = append(entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, errors.WithMessage(err, "has no end")
	}
	if rest := bytes.TrimLeft(text[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, nil, errors.Errorf("goes on after its end: %.20q", rest)
	}
	if meta == nil {
		meta = map[string]string{} // "__metadata__": null
	}
	return entries, meta, nil
}

// place reads the elements of each tensor from data, which they must fill without holes.
func (f *File) place(entries []entry, data []byte) error {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.DataOffsets[0], b.DataOffsets[0]), cmp.Compare(a.DataOffsets[1], b.DataOffsets[1]))
	})
	at := uint64(0)
	for _, e := range entries {
		from, to := e.DataOffsets[0], e.DataOffsets[1]
		if from != at || to < from || to > uint64(len(data)) {
			return errors.Errorf("it is damaged: %.99q lies at bytes %d to %d, want a place from %d within %d", e.name, from, to, at, len(data))
		}
		at = to
		k := named(e.DType)
		if k.size == 0 {
			return errors.Errorf("its %.99q has elements %.20s, want F32, F64, F16, BF16, I32, I64 or BOOL", e.name, e.DType)
		}
		t, n, err := k.lengthOf(e.Shape)
		if err != nil {
			return errors.WithMessagef(err, "its %.99q", e.name)
		}
		if uint64(n) != to-from {
			return errors.Errorf("it is damaged: %.99q takes %d bytes as %s%v, the file has %d", e.name, n, e.DType, e.Shape, to-from)
		}
		f.Tensors[e.name] = k.decode(t, data[from:to], binary.LittleEndian)
	}
	if at != uint64(len(data)) {
		return errors.Errorf("it is damaged: its tensors take %d bytes, the file has %d", at, len(data))
	}
	return nil
}
