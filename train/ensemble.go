package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pkg/errors"

	"neocog/data"
)

// An Ensemble is several networks for the same classes, whose probabilities are averaged:
// runs of other seeds or models, or the snapshots of one run. They err in different
// places, and so the mean errs less.
//
// Snapshots: Huang et al., “Snapshot Ensembles: Train 1, Get M for Free”, ICLR 2017.
type Ensemble []*Trainer

// check says whether the members go together.
func (e Ensemble) check() error {
	if len(e) == 0 {
		return errors.New("an ensemble wants at least one network")
	}
	for _, t := range e[1:] {
		if t.model.Classes != e[0].model.Classes || t.classes != nil && e[0].classes != nil && !slices.Equal(t.classes, e[0].classes) {
			return errors.Errorf("the networks of an ensemble want the same classes; %s has %d, %v, and %s %d, %v",
				e[0].model.Name, e[0].model.Classes, e[0].classes, t.model.Name, t.model.Classes, t.classes)
		}
	}
	return nil
}

// Predict returns the mean of the probabilities that the members give, as
// Trainer.Predict does; each averages over its own views.
func (e Ensemble) Predict(ctx context.Context, pixels []byte, n int) ([]float32, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	var mean []float32
	for _, t := range e {
		p, err := t.Predict(ctx, pixels, n)
		if err != nil {
			return nil, err
		}
		if mean == nil {
			mean = make([]float32, len(p))
		}
		addTo(mean, p, len(e))
	}
	return mean, nil
}

// Evaluate measures the ensemble on a set. Members whose configuration has a Shape get
// its images in that.
func (e Ensemble) Evaluate(ctx context.Context, set *data.Set) (Metrics, error) {
	if err := e.check(); err != nil {
		return Metrics{}, err
	}
	if set == nil {
		return Metrics{}, errors.New("there is no data set")
	}
	classes := e[0].model.Classes
	mean := make([]float32, set.Len()*classes)
	for _, t := range e {
		s := set
		if shape, err := parseShape("shape", t.cfg.Shape); err != nil {
			return Metrics{}, err
		} else if shape != nil {
			if s, err = set.As(shape[0], shape[1], shape[2]); err != nil {
				return Metrics{}, err
			}
		}
		if err := t.check(s, t.views...); err != nil {
			return Metrics{}, err
		}
		p, err := t.Predict(ctx, s.Pixels, s.Len())
		if err != nil {
			return Metrics{}, err
		}
		addTo(mean, p, len(e))
	}
	m := Metrics{N: set.Len(), Confusion: make([][]int, classes)}
	for i := range m.Confusion {
		m.Confusion[i] = make([]int, classes)
	}
	for i, y := range set.Labels {
		m.Loss += nats(mean[i*classes+int(y)]) / float64(m.N)
	}
	m.Accuracy = float64(count(mean, set.Labels, classes, m.Confusion)) / float64(m.N)
	return m, nil
}

// Close closes the members.
func (e Ensemble) Close() {
	for _, t := range e {
		t.Close()
	}
}

// snapshotFile is the name of the k-th snapshot, from 1.
func snapshotFile(k int) string { return fmt.Sprintf("snapshot-%d.safetensors", k) }

// OpenSnapshots returns the ensemble of the snapshots in a run folder, which a schedule
// with restarts leaves, one for each cycle that is over.
func OpenSnapshots(dir string) (e Ensemble, err error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	m, err := modelOf(dir, cfg)
	if err != nil {
		return nil, err
	}
	for k := 1; ; k++ {
		if _, err := os.Stat(filepath.Join(dir, snapshotFile(k))); err != nil {
			break
		}
		t, err := open(dir, m, cfg, snapshotFile(k))
		if err != nil {
			e.Close()
			return nil, err
		}
		e = append(e, t)
	}
	if len(e) == 0 {
		return nil, errors.Errorf("run folder %s has no snapshots; the schedule restarts:CYCLES leaves them, this run's was %q", dir, cfg.Schedule)
	}
	return e, nil
}
