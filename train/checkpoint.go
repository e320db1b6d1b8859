package train

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"

	"neocog/data"
	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/vm"
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
	path := filepath.Join(r.Dir, checkpointFile(t.step))
	err = replace(r.disk, path, func(w io.Writer) error { return writeTensors(w, t.state, t.state.Names(), meta) })
	if err != nil {
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
func (t *Trainer) restore(file []byte) (p *position, w weights, err error) {
	if w, err = decodeWeights(file); err != nil {
		return nil, w, err
	}
	if _, ok := w.meta[metaPosition]; !ok {
		return nil, w, errors.New("it holds weights, but is no checkpoint")
	}
	if err := json.Unmarshal([]byte(w.meta[metaPosition]), &p); err != nil || p == nil {
		return nil, w, errors.Errorf("its position %q cannot be read: %v", w.meta[metaPosition], err)
	}
	// Of a network that had been trained before there are epochs without figures.
	if len(p.Epochs) > w.epoch || min(p.Batches, p.Correct, p.Seen, p.Explosion.Seen) < 0 || p.Batches > 0 && p.Seen == 0 {
		return nil, w, errors.Errorf("its position %q is that of no run", w.meta[metaPosition])
	}
	names := t.state.Names()
	types := map[string]graph.Type{}
	for _, name := range names {
		v, err := t.state.Get(name)
		if err != nil {
			return nil, w, err
		}
		if types[name], err = vm.TypeOf(v); err != nil {
			return nil, w, err
		}
	}
	if err := w.suit(t.model.Name, names, types); err != nil {
		return nil, w, err
	}
	for _, name := range names {
		if err := t.state.Set(name, denseOf(w.views[name], types[name])); err != nil {
			return nil, w, err
		}
	}
	t.epoch, t.step = w.epoch, w.step
	return p, w, nil
}

// suit checks that the file holds these values and no others.
func (w weights) suit(model string, names []string, types map[string]graph.Type) error {
	for _, name := range names {
		v, ok := w.views[name]
		if !ok {
			return errors.Errorf("it has no %q, which model %q wants as %v; it is for model %q", name, model, types[name], w.meta[metaModel])
		}
		if got := fmt.Sprint(v.DType(), v.Shape()); got != fmt.Sprint(stored[types[name].DType], []int(types[name].Shape)) {
			return errors.Errorf("its %q is %s, model %q wants %v", name, got, model, types[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.views)) {
		if _, ok := types[name]; !ok {
			return errors.Errorf("it has %q, which model %q has not; it is for model %q", name, model, w.meta[metaModel])
		}
	}
	return nil
}

// checkpointSize returns the most that a checkpoint of t can take, in bytes.
func (t *Trainer) checkpointSize() (int64, error) {
	n := int64(maxText)
	for _, name := range t.state.Names() {
		v, err := t.state.Get(name)
		if err != nil {
			return 0, err
		}
		n += 4096 + int64(v.MemSize())
	}
	return n, nil
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
