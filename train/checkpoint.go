package train

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/internal/cpu"
	"neocog/vm"
	"neocog/weights"
)

// A position is how far a run has come, besides its Trainer's State, epoch and step: all
// else that what comes next depends on. Order, augmentation and dropout are functions of
// the seed and of counts that are here or in the State.
type position struct {
	Batches int     // steps done in the epoch at work
	Loss    float64 // sum over its images so far
	Correct int
	Seen    int
	Record  Record // its learning rate and update ratio so far

	Explosion explosion
	Plateau   plateau

	Start   *Record  `json:",omitempty"` // FitOptions.Start
	Epochs  []Record // those that are done
	Began   int64    // Unix time in seconds
	Seconds float64  // of training; not those between an end and a resumption
	Waited  float64
}

// The keys of a checkpoint's metadata, besides those of weights.
const (
	metaPosition = "position" // a position as JSON
	metaConfig   = "config"   // a Config as YAML
	metaData     = "data"     // dataSum of the images
	metaCode     = "code"     // what wrote it
	metaKernels  = "kernels"  // the instruction set, and the measured times that algorithms were chosen by
)

// checkpointFile is the name of the checkpoint after so many steps.
func checkpointFile(step int) string { return fmt.Sprintf("checkpoint-%d.safetensors", step) }

// checkpoints returns the steps of the checkpoints in a folder, the last first.
func checkpoints(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var steps []int
	for _, e := range entries {
		middle, ok := strings.CutPrefix(e.Name(), "checkpoint-")
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSuffix(middle, ".safetensors")); err == nil && checkpointFile(n) == e.Name() {
			steps = append(steps, n)
		}
	}
	slices.SortFunc(steps, func(a, b int) int { return cmp.Compare(b, a) })
	return steps, nil
}

// checkpoint writes a checkpoint, and then removes the oldest ones of more than
// Config.Keep.
func (r *Run) checkpoint(t *Trainer, p *position, dataSum string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	config, err := t.cfg.YAML()
	if err != nil {
		return err
	}
	meta := t.counts()
	meta[metaPosition], meta[metaConfig], meta[metaData] = string(text), string(config), dataSum
	meta[metaCode], meta[metaKernels] = code(), t.kernels()
	f := &weights.File{Tensors: map[string]*tensor.Dense{}, Meta: meta}
	for _, name := range t.state.Names() {
		if f.Tensors[name], err = t.state.Get(name); err != nil {
			return err
		}
	}
	if err := replace(r.disk, filepath.Join(r.Dir, checkpointFile(t.step)), f.WriteSafetensors); err != nil {
		return err
	}
	steps, err := checkpoints(r.Dir)
	if err != nil {
		return err
	}
	for _, n := range steps[min(cmp.Or(t.cfg.Keep, keep), len(steps)):] {
		if err := r.disk.Remove(filepath.Join(r.Dir, checkpointFile(n))); err != nil {
			return errors.WithMessage(err, "a checkpoint that is no longer wanted was not removed")
		}
	}
	return nil
}

// keep is how many checkpoints are kept where nothing is said: one that a broken disk
// has spoiled is no end of a run.
const keep = 2

// restore makes t what it was when the checkpoint was written, or leaves it as it is.
func (t *Trainer) restore(file []byte) (p *position, w saved, err error) {
	if w, err = decodeWeights(file); err != nil {
		return nil, w, err
	}
	text, ok := w.Meta[metaPosition]
	if !ok {
		return nil, w, errors.New("it holds weights, but no position: it is no checkpoint")
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil || p == nil {
		return nil, w, errors.Errorf("its position %q cannot be read: %v", text, err)
	}
	// Of a network that had been trained before there are epochs without figures.
	if len(p.Epochs) > w.epoch || min(p.Batches, p.Correct, p.Seen, p.Explosion.Seen) < 0 || p.Batches > 0 && p.Seen == 0 {
		return nil, w, errors.Errorf("its position %q is that of no run", text)
	}
	if err := t.suits(w.File); err != nil {
		return nil, w, errors.WithMessagef(err, "it is for model %q and does not fit model %q", w.Meta[metaModel], t.model.Name)
	}
	for name, v := range w.Tensors {
		if err := t.state.Set(name, v); err != nil {
			return nil, w, err
		}
	}
	t.epoch, t.step = w.epoch, w.step
	return p, w, nil
}

// suits checks that a file holds all values of the State, slots among them, and no others.
func (t *Trainer) suits(f *weights.File) error {
	m := &weights.Misfit{}
	for _, name := range t.state.Names() {
		typ, _ := t.state.Type(name)
		want := weights.Want{Name: name, Type: typ}
		v := f.Tensors[name]
		if v == nil {
			m.Missing = append(m.Missing, want)
			continue
		}
		have, err := vm.TypeOf(v)
		if err != nil {
			return err
		}
		if !have.Equal(typ) {
			m.Other = append(m.Other, weights.Mismatch{Want: want, Have: have})
		}
	}
	for _, name := range f.Names() {
		if _, ok := t.state.Type(name); !ok {
			m.Extra = append(m.Extra, name)
		}
	}
	if len(m.Missing)+len(m.Other)+len(m.Extra) > 0 {
		return m
	}
	return nil
}

// checkpointSize returns the most that a checkpoint of t can take, in bytes.
func (t *Trainer) checkpointSize() int64 {
	n := int64(maxText)
	for _, name := range t.state.Names() {
		typ, _ := t.state.Type(name)
		n += 4096 + int64(typ.Bytes())
	}
	return n
}

// An interval says when checkpoints are written besides the ends of epochs: after so
// many steps, or after so much time; never if both are 0.
type interval struct {
	steps int
	time  time.Duration
	none  bool // not at the ends of epochs either
}

// parseInterval reads Config.Checkpoint.
func parseInterval(s string) (interval, error) {
	switch s {
	case "":
		return interval{time: 10 * time.Minute}, nil
	case "epoch":
		return interval{}, nil
	case "none":
		return interval{none: true}, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return interval{steps: n}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return interval{time: d}, nil
	}
	return interval{}, errors.Errorf("checkpoint is %q, want a time as 10m, a number of steps as 500, epoch, or none", s)
}

// dataSum tells data sets apart: it depends on sizes, classes, all labels, and the pixels
// of at most a thousand images of each.
func dataSum(sets ...*data.Set) string {
	const most = 1000
	h := sha256.New()
	for _, s := range sets {
		if s == nil {
			continue
		}
		fmt.Fprintf(h, "%d %d %d %d %q\n", s.Len(), s.C, s.H, s.W, s.Classes)
		binary.Write(h, binary.LittleEndian, s.Labels)
		for i := 0; i < s.Len(); i += 1 + s.Len()/most {
			h.Write(s.Image(i))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// code says what program this is: version and revision of Neocog if the build knows them,
// and the version of Go.
func code() string {
	parts := []string{"neocog"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
			if m.Path == "neocog" && m.Version != "" {
				parts = append(parts, m.Version)
			}
		}
		if info.Main.Path == "neocog" {
			for _, s := range info.Settings {
				switch {
				case s.Key == "vcs.revision":
					parts = append(parts, s.Value)
				case s.Key == "vcs.modified" && s.Value == "true":
					parts = append(parts, "with changes")
				}
			}
		}
	}
	return strings.Join(append(parts, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH), " ")
}

// kernels says what decides how results are rounded, besides the code and the Config.
func (t *Trainer) kernels() string {
	s := cpu.Current().String()
	if t.cfg.Tune != "" {
		sum := "missing"
		if times, err := os.ReadFile(t.cfg.Tune); err == nil {
			sum = fmt.Sprintf("%.12x", sha256.Sum256(times))
		}
		s += ", measured times " + sum
	}
	return s
}
