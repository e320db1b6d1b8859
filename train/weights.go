package train

import (
	"bytes"
	"io"
	"strconv"

	"github.com/pkg/errors"

	"neocog/graph"
	"neocog/weights"
)

// The keys of the metadata of weights.safetensors, besides those of package weights.
const (
	metaModel = "model"
	metaEpoch = "epoch"
	metaStep  = "step"
)

// saved is a weights file of a run, read and verified.
type saved struct {
	*weights.File
	epoch, step int
}

// decodeWeights reads a weights file of a run.
func decodeWeights(file []byte) (w saved, err error) {
	if w.File, err = weights.Decode(file); err != nil {
		return w, err
	}
	if !w.Ours() {
		return w, errors.New("the file was not written by Neocog, or is damaged")
	}
	// The header's text can say the same in other bytes, such as its blanks.
	if err := w.WriteSafetensors(&same{file}); err != nil {
		return w, errors.New("it is damaged: its header is not as it was written")
	}
	for key, n := range map[string]*int{metaEpoch: &w.epoch, metaStep: &w.step} {
		if *n, err = strconv.Atoi(w.Meta[key]); err != nil || *n < 0 {
			return w, errors.Errorf("its metadata says %s %q, want a count", key, w.Meta[key])
		}
	}
	return w, nil
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

// stored returns the parameters and buffers of the inference graph.
func (t *Trainer) stored() []*graph.Value { return append(t.infer.Params(), t.infer.Buffers()...) }

// names returns what the inference graph stores, and its types.
func (t *Trainer) names() (names []string, types map[string]graph.Type) {
	types = map[string]graph.Type{}
	for _, v := range t.stored() {
		name := v.Node().Op.(graph.ParamOp).Label
		names = append(names, name)
		types[name] = v.Type()
	}
	return names, types
}

// Weights returns the model's parameters and buffers, without those of the optimiser.
func (t *Trainer) Weights() (*weights.File, error) {
	if err := t.average(); err != nil {
		return nil, err
	}
	f, err := weights.Of(t.averaged, t.stored())
	if err != nil {
		return nil, err
	}
	f.Meta = t.counts()
	return f, nil
}

// counts returns the metadata that all files of a Trainer have.
func (t *Trainer) counts() map[string]string {
	return map[string]string{metaModel: t.model.Name, metaEpoch: strconv.Itoa(t.epoch), metaStep: strconv.Itoa(t.step)}
}

// SetWeights sets the model's parameters and buffers, all or none: see weights.File.Into. Averages that training keeps
// begin anew.
func (t *Trainer) SetWeights(f *weights.File) error {
	if err := f.Into(t.state, t.stored()); err != nil {
		return errors.WithMessagef(err, "they do not fit model %q", t.model.Name)
	}
	means := []string{averageWeight}
	names, _ := t.names()
	for _, name := range names {
		means = append(means, averageName(name))
	}
	for _, name := range means {
		if v, err := t.state.Get(name); err == nil {
			v.Zero()
			if err := t.state.Set(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteWeights writes the model's parameters and buffers, without those of the
// optimiser, as a safetensors file, which other programs can read. The same
// weights give the same bytes.
func (t *Trainer) WriteWeights(w io.Writer) error {
	f, err := t.Weights()
	if err != nil {
		return err
	}
	return f.WriteSafetensors(w)
}

// load sets the weights that a file holds, all or none.
func (t *Trainer) load(file []byte) error {
	w, err := decodeWeights(file)
	if err != nil {
		return err
	}
	if err := t.SetWeights(w.File); err != nil {
		return errors.WithMessagef(err, "it has the weights of model %q", w.Meta[metaModel])
	}
	t.epoch, t.step = w.epoch, w.step
	return nil
}
