package train

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"neocog/models"
)

// Resume opens a run that has been interrupted, killed or out of disk, to go on from its
// last checkpoint:
//
//	t, run, err := train.Resume(dir, nil)
//	set, test, err := train.Load(t.Config())
//	result, err := t.Fit(ctx, set, test, train.FitOptions{Run: run})
//
// The parameters that come out are those of a run which was never interrupted, to the last bit,
// if the program and the instruction set are the same; Run.Notes says where they are not. A checkpoint
// that is damaged is passed over, with a note, and removed by Fit. The folder belongs
// to this process until Fit has ended, or until Run.Close.
//
// change, if it is not nil, changes the configuration: the keys that Resumable names, and no others.
func Resume(dir string, change func(*Config)) (*Trainer, *Run, error) {
	return resume(dir, change, modelOf)
}

// ResumeModel is Resume for a model that models.Find does not know.
func ResumeModel(dir string, m models.Model, change func(*Config)) (*Trainer, *Run, error) {
	return resume(dir, change, func(string, Config) (models.Model, error) { return m, nil })
}

// Resumable returns the keys of a configuration that may change when a run goes on: more epochs than
// were planned, where the data is now, and what changes no result.
func Resumable() []string { return slices.Clone(resumable) }

var resumable = []string{"epochs", "patience", "data", "threads", "workers", "checkpoint", "keep", "tensorboard"}

func resume(dir string, change func(*Config), model func(string, Config) (models.Model, error)) (*Trainer, *Run, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, nil, err
	}
	m, err := model(dir, cfg)
	if err != nil {
		return nil, nil, err
	}
	if change != nil {
		before := cfg
		change(&cfg)
		if err := unchanged(before, cfg); err != nil {
			return nil, nil, err
		}
	}
	t, err := openBare(dir, m, cfg)
	if err != nil {
		return nil, nil, err
	}
	run := &Run{Dir: dir, disk: realDisk{}}
	if err = run.lock(); err == nil {
		err = run.restore(t)
	}
	switch {
	case err != nil:
	case t.epoch >= cfg.Epochs:
		err = errors.Errorf("run folder %s has come to epoch %d and is asked for %d; it goes on with more than %[2]d", dir, t.epoch, cfg.Epochs)
	case (&Result{Epochs: run.from.Epochs, Start: run.from.Start}).stale(cfg.Patience):
		err = errors.Errorf("run folder %s ended early, after %d epochs: the last %d were no better than the best; it goes on with a larger patience", dir, t.epoch, cfg.Patience)
	}
	if err != nil {
		run.Close()
		t.Close()
		return nil, nil, err
	}
	return t, run, nil
}

// restore reads the last checkpoint that is sound.
func (r *Run) restore(t *Trainer) error {
	steps, err := checkpoints(r.Dir)
	if err != nil {
		return err
	}
	var damaged []string
	for _, n := range steps {
		path := filepath.Join(r.Dir, checkpointFile(n))
		file, err := read(r.Dir, checkpointFile(n), t.checkpointSize())
		long := (*tooLong)(nil)
		if err != nil && !errors.As(err, &long) {
			return err
		}
		var p *position
		var w saved
		if err == nil {
			p, w, err = t.restore(file)
		}
		if err != nil {
			damaged = append(damaged, fmt.Sprintf("%s cannot be used: %v", path, err))
			r.damaged = append(r.damaged, path)
			continue
		}
		then, err := ParseConfig([]byte(w.Meta[metaConfig]))
		if err == nil {
			err = unchanged(then, t.cfg)
		}
		if err != nil {
			return errors.WithMessagef(err, "%s does not go with %s", path, filepath.Join(r.Dir, ConfigFile))
		}
		r.from, r.data, r.Notes = p, w.Meta[metaData], damaged
		if was := w.Meta[metaKernels]; was != t.kernels() {
			r.Notes = append(r.Notes, fmt.Sprintf("the run went on kernels for %s, and goes on with those for %s, which may round otherwise", was, t.kernels()))
		}
		if was := w.Meta[metaCode]; was != code() {
			r.Notes = append(r.Notes, fmt.Sprintf("the run was begun by %s, and goes on with %s, which may round otherwise", was, code()))
		}
		return nil
	}
	if len(damaged) > 0 {
		return errors.Errorf("run folder %s has no checkpoint that can be used: %s", r.Dir, strings.Join(damaged, "; "))
	}
	why := "it was made by a version that kept none, or by 'neocog weights', or by 'neocog transfer' without further training"
	if t.cfg.Checkpoint == "none" {
		why = "its configuration says checkpoint: none"
	}
	return &missing{fmt.Sprintf("run folder %s has no checkpoint to go on from; %s", r.Dir, why), fs.ErrNotExist}
}

// unchanged says which key differs that must not.
func unchanged(was, is Config) error {
	a, b := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range a.NumField() {
		key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y && !slices.Contains(resumable, key) {
			return errors.Errorf("%s was %v and is now %v; a run that goes on may change %s only", key, x, y, strings.Join(resumable, ", "))
		}
	}
	return nil
}

// goOn makes the folder what it was at the checkpoint, but for the weights, which the next epoch
// replaces: nothing is left of a killed writer, the metrics end where the checkpoint does, and
// the configuration is that of now.
func (r *Run) goOn(t *Trainer, dataSum string) error {
	if r.data != dataSum {
		return errors.Errorf("run folder %s was trained on other images than these, by their number, size, labels or pixels; it goes on with the same ones only", r.Dir)
	}
	if err := sweep(r.disk, r.Dir); err != nil {
		return err
	}
	config, err := t.cfg.YAML()
	if err != nil {
		return err
	}
	var csv, jsonl bytes.Buffer
	events := eventHead(r.from.Began)
	csv.WriteString(csvHead())
	for _, rec := range r.from.Epochs {
		object, err := rec.MarshalJSON()
		if err != nil {
			return err
		}
		csv.WriteString(rec.CSV() + "\n")
		jsonl.Write(append(object, '\n'))
		events += eventOf(r.from.Began, rec)
	}
	files := []written{{ConfigFile, content(config)}, {CSVFile, content(csv.Bytes())}, {JSONLFile, content(jsonl.Bytes())}}
	if t.cfg.TensorBoard {
		files = append(files, written{eventFile(r.from.Began), content([]byte(events))})
	}
	for _, f := range files {
		if err := replace(r.disk, filepath.Join(r.Dir, f.name), f.write); err != nil {
			return err
		}
	}
	for _, path := range r.damaged {
		if err := r.disk.Remove(path); err != nil {
			return errors.WithMessage(err, "a damaged checkpoint was not removed")
		}
	}
	r.damaged = nil
	return nil
}

// lock makes the folder belong to this process.
func (r *Run) lock() (err error) {
	if r.held == nil {
		r.held, err = lock(r.Dir)
	}
	return err
}

// Close lets other processes train in the folder. Fit closes the Run that it is given.
func (r *Run) Close() error {
	f := r.held
	r.held, r.from = nil, nil
	if f == nil {
		return nil
	}
	return f.Close()
}
