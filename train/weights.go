package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/nlpodyssey/safetensors"
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm"
)

// The keys of the metadata of weights.safetensors.
const (
	metaFormat = "format" // "neocog"
	metaModel  = "model"
	metaEpoch  = "epoch"
	metaStep   = "step"
	metaSum    = "sha256" // of all else: safetensors has no checksum of its own
)

const formatName = "neocog"

// writeTensors writes the values of the given names as a safetensors file: the same
// bytes for the same values. It goes over them twice, for the checksum stands in the
// header, and holds a copy of one at a time.
func writeTensors(w io.Writer, s *vm.State, names []string, meta map[string]string) error {
	views := map[string]stateView{}
	for _, name := range names {
		d, err := s.Get(name)
		if err != nil {
			return err
		}
		typ, err := vm.TypeOf(d)
		if err != nil {
			return err
		}
		if _, ok := stored[typ.DType]; !ok {
			return errors.Errorf("value %q: elements of type %v cannot be stored", name, typ.DType)
		}
		views[name] = stateView{s, name, typ}
	}
	meta = maps.Clone(meta)
	meta[metaFormat] = formatName
	meta[metaSum] = checksum(views, meta)
	return safetensors.SerializeToWriter(views, meta, w)
}

// stored says how the element types are called in a file.
var stored = map[graph.DType]safetensors.DType{
	graph.Float32: safetensors.F32, graph.Float64: safetensors.F64,
	graph.Int32: safetensors.I32, graph.Int64: safetensors.I64,
}

// A stateView is a value of a State as safetensors writes it, which is copied when its
// bytes are asked for.
type stateView struct {
	s    *vm.State
	name string
	typ  graph.Type
}

func (v stateView) DType() safetensors.DType { return stored[v.typ.DType] }

func (v stateView) Shape() []uint64 {
	shape := make([]uint64, len(v.typ.Shape))
	for i, n := range v.typ.Shape {
		shape[i] = uint64(n)
	}
	return shape
}

func (v stateView) DataLen() uint64 { return uint64(v.typ.Bytes()) }

// Data returns the elements, little endian.
func (v stateView) Data() []byte {
	d, err := v.s.Get(v.name)
	if err != nil {
		return nil // a State does not lose names
	}
	b := make([]byte, 0, v.typ.Bytes())
	switch v.typ.DType {
	case graph.Float32:
		for _, x := range d.Float32s() {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	case graph.Float64:
		for _, x := range d.Float64s() {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
	case graph.Int32:
		for _, x := range d.Int32s() {
			b = binary.LittleEndian.AppendUint32(b, uint32(x))
		}
	case graph.Int64:
		for _, x := range d.Int64s() {
			b = binary.LittleEndian.AppendUint64(b, uint64(x))
		}
	}
	return b
}

// denseOf returns what a stateView was made of, for a value of the given type.
func denseOf(v safetensors.TensorView, typ graph.Type) *tensor.Dense {
	data, n := v.Data(), typ.Shape.Size()
	var backing any
	switch typ.DType {
	case graph.Float32:
		x := make([]float32, n)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		backing = x
	case graph.Float64:
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
		backing = x
	case graph.Int32:
		x := make([]int32, n)
		for i := range x {
			x[i] = int32(binary.LittleEndian.Uint32(data[4*i:]))
		}
		backing = x
	case graph.Int64:
		x := make([]int64, n)
		for i := range x {
			x[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
		backing = x
	}
	return tensor.New(tensor.WithShape(typ.Shape...), tensor.WithBacking(backing))
}

// checksum returns the SHA-256 of everything that a weights file says, but itself.
func checksum[V safetensors.View](views map[string]V, meta map[string]string) string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if key != metaSum {
			fmt.Fprintf(h, "%q=%q\n", key, meta[key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(views)) {
		v := views[name]
		fmt.Fprintf(h, "%q %v%v\n", name, v.DType(), v.Shape())
		h.Write(v.Data())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// weights is a weights file, read and verified.
type weights struct {
	file        []byte
	meta        map[string]string
	views       map[string]safetensors.TensorView
	epoch, step int
}

// decodeTensors reads a safetensors file, whoever wrote it.
func decodeTensors(file []byte) (w weights, err error) {
	// The library indexes by what the header says; a header that lies must not
	// take the program with it.
	defer func() {
		if r := recover(); r != nil {
			err = errors.Errorf("the header is damaged: %v", r)
		}
	}()
	_, head, err := safetensors.ReadMetadata(file)
	if err != nil {
		return w, errors.WithMessage(err, "it is no safetensors file or a damaged one")
	}
	st, err := safetensors.Deserialize(file)
	if err != nil {
		return w, errors.WithMessage(err, "it is no safetensors file or a damaged one")
	}
	w.file, w.meta = file, head.Metadata()
	w.views = map[string]safetensors.TensorView{}
	for _, v := range st.Tensors() {
		w.views[v.Name] = v.TensorView
	}
	return w, nil
}

// verify checks that Neocog wrote the file, its checksum, and every other byte.
func (w weights) verify() error {
	if w.meta[metaFormat] != formatName {
		return errors.Errorf("its metadata says format %q, want %q: the file was not written by Neocog", w.meta[metaFormat], formatName)
	}
	if got := checksum(w.views, w.meta); got != w.meta[metaSum] {
		return errors.Errorf("it is damaged: the SHA-256 of its content is %.12s…, the file says %.12s…", got, w.meta[metaSum])
	}
	// The header's text can say the same in other bytes, such as its blanks.
	if err := safetensors.SerializeToWriter(w.views, w.meta, &same{w.file}); err != nil {
		return errors.New("it is damaged: its header is not as it was written")
	}
	return nil
}

// same is a writer that takes nothing but what is left.
type same struct{ left []byte }

func (s *same) Write(b []byte) (int, error) {
	if !bytes.HasPrefix(s.left, b) {
		return 0, errors.New("other bytes")
	}
	s.left = s.left[len(b):]
	return len(b), nil
}

// decodeWeights reads a weights file and verifies it.
func decodeWeights(file []byte) (w weights, err error) {
	if w, err = decodeTensors(file); err != nil {
		return w, err
	}
	if err := w.verify(); err != nil {
		return w, err
	}
	for key, n := range map[string]*int{metaEpoch: &w.epoch, metaStep: &w.step} {
		if *n, err = strconv.Atoi(w.meta[key]); err != nil || *n < 0 {
			return w, errors.Errorf("its metadata says %s %q, want a count", key, w.meta[key])
		}
	}
	return w, nil
}

// setAll sets every value of a State by the name that the file has for it. Elements that a State cannot hold, such as half
// precision, are an error.
func (w weights) setAll(s *vm.State) error {
	for name, v := range w.views {
		typ := graph.Type{Shape: graph.Shape{}}
		for d, as := range stored {
			if as == v.DType() {
				typ.DType = d
			}
		}
		size := uint64(1)
		for _, n := range v.Shape() {
			typ.Shape, size = append(typ.Shape, int(n)), size*n
		}
		if typ.DType == graph.Invalid {
			return errors.Errorf("its %q has elements %v, want F32", name, v.DType())
		}
		if uint64(len(v.Data())) != size*uint64(typ.DType.Size()) {
			return errors.Errorf("its %q has %d bytes for %v", name, len(v.Data()), typ)
		}
		if err := s.Set(name, denseOf(v, typ)); err != nil {
			return errors.WithMessagef(err, "its %q", name)
		}
	}
	return nil
}

// names returns what the inference graph stores, and its types.
func (t *Trainer) names() (names []string, types map[string]graph.Type) {
	types = map[string]graph.Type{}
	for _, v := range append(t.infer.Params(), t.infer.Buffers()...) {
		name := v.Node().Op.(graph.ParamOp).Label
		names = append(names, name)
		types[name] = v.Type()
	}
	return names, types
}

// WriteWeights writes the model's parameters and buffers, without those of the
// optimiser, as a safetensors file, which other programs can read. The same
// weights give the same bytes.
func (t *Trainer) WriteWeights(w io.Writer) error {
	if err := t.average(); err != nil {
		return err
	}
	names, _ := t.names()
	return writeTensors(w, t.averaged, names, t.counts())
}

// counts returns the metadata that all files of a Trainer have.
func (t *Trainer) counts() map[string]string {
	return map[string]string{metaModel: t.model.Name, metaEpoch: strconv.Itoa(t.epoch), metaStep: strconv.Itoa(t.step)}
}

// load sets the weights that a file holds, all or none.
func (t *Trainer) load(file []byte) error {
	w, err := decodeWeights(file)
	if err != nil {
		return err
	}
	names, types := t.names()
	if err := w.suit(t.model.Name, names, types); err != nil {
		return err
	}
	for _, name := range names {
		if err := t.state.Set(name, denseOf(w.views[name], types[name])); err != nil {
			return err
		}
	}
	t.epoch, t.step = w.epoch, w.step
	return nil
}
