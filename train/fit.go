package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"time"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
)

// FitOptions are what a run may do besides training. The zero FitOptions train in
// silence.
type FitOptions struct {
	Progress Progress         // is told how the run goes
	Run      *Run             // where weights and metrics are kept after each epoch
	Now      func() time.Time // the clock of Record.Seconds; nil for time.Now
}

// A Result is what a run came to.
type Result struct {
	Epochs   []Record
	Loss     float64 // on the test images after the last epoch; on the training images if there are none
	Accuracy float64 // likewise
	Steps    int
	Seconds  float64
	Waited   float64 // seconds, of Seconds, that training waited for batches of images; see data.Loader.Waited
}

// A Diverged error says that the loss is no longer a finite number, or that it has
// exploded: see Config.Explode.
type Diverged struct {
	Epoch int // from 1
	Step  int // within the epoch, from 1; 0 if it was seen in the evaluation after it
	LR    float64
	Loss  float64
	// Original is the loss in the beginning, where Loss, a mean over the last steps, is
	// finite but above Config.Explode times that; else 0.
	Original float64
}

// Error says so, and what to do.
func (d *Diverged) Error() string {
	where := fmt.Sprintf("step %d", d.Step)
	if d.Step == 0 {
		where = "evaluation"
	}
	if d.Original > 0 {
		return fmt.Sprintf("epoch %d, %s: the cost explodes, from %.4g to %.4g, at learning rate %g, which may be too high; try %.2g or less",
			d.Epoch, where, d.Original, d.Loss, d.LR, d.LR/10)
	}
	return fmt.Sprintf("epoch %d, %s: the loss is %v at learning rate %g, which may be too high; try %.2g or less",
		d.Epoch, where, d.Loss, d.LR, d.LR/10)
}

// Fit trains on set until cfg.Epochs epochs are done, and evaluates on test after
// each; test may be nil. Images come in the order that (Seed, epoch) gives. A Trainer
// that was opened from a run folder goes on after the epochs which its weights have
// seen, with fresh optimiser slots.
//
// When ctx is done Fit ends between two steps, saves the weights of the last whole
// step if there is a run folder, and returns the Result so far with an error for which
// errors.Is(err, ctx.Err()) holds. A loss that is not finite or explodes ends it with a *Diverged;
// the folder then keeps the weights of the last good epoch. A set that does not
// suit the model is refused before anything is written.
func (t *Trainer) Fit(ctx context.Context, set, test *data.Set, o FitOptions) (*Result, error) {
	f, err := t.prepare(set, test, o)
	if err != nil {
		return nil, err
	}
	if o.Run != nil {
		if err := o.Run.begin(t); err != nil {
			return nil, err
		}
	}
	f.progress.Begin(t.cfg.Epochs, f.loader.Len())
	defer f.progress.End()
	for t.epoch < t.cfg.Epochs {
		if err := f.epoch(ctx); err != nil {
			err = f.end(err)
			if f.Run != nil {
				f.Run.discard()
			}
			return &f.result, err
		}
	}
	return &f.result, nil
}

// A fit is one call of Fit.
type fit struct {
	*Trainer
	FitOptions
	progress Progress
	schedule Schedule
	loader   data.Loader
	test     *data.Set
	before   []float32 // all parameters, before the last step of an epoch
	began    time.Time
	explosion
	result Result
}

func (t *Trainer) prepare(set, test *data.Set, o FitOptions) (*fit, error) {
	if t.epoch >= t.cfg.Epochs {
		return nil, errors.Errorf("the model has been trained for all of its %d epochs", t.cfg.Epochs)
	}
	steps, err := data.ParseAugment(t.cfg.Augment)
	if err != nil {
		return nil, err
	}
	if err := t.check(set, steps); err != nil {
		return nil, err
	}
	if test != nil {
		if err := t.check(test, t.views...); err != nil {
			return nil, err
		}
	}
	s, err := ParseSchedule(t.cfg.Schedule)
	if err != nil {
		return nil, err
	}
	if r, ok := restartsOf(s); ok && r.Cycles > t.cfg.Epochs {
		return nil, errors.Errorf("schedule %v wants at least one epoch for each cycle, got %d epochs", r, t.cfg.Epochs)
	}
	f := &fit{Trainer: t, FitOptions: o, progress: o.Progress, schedule: s, test: test,
		loader: data.Loader{Set: set, Batch: t.cfg.Batch, Norm: t.norm, Seed: t.cfg.Seed, Shuffle: true,
			Augment: steps, Workers: t.cfg.Workers}}
	if err := f.loader.Validate(); err != nil {
		return nil, err
	}
	if f.progress == nil {
		f.progress = Silent{}
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	f.began = f.Now()
	f.limit = t.cfg.Explode
	t.classes = set.Classes
	return f, nil
}

// epoch trains for one epoch, evaluates, and keeps what came out.
func (f *fit) epoch(ctx context.Context) error {
	rec := Record{Epoch: f.Trainer.epoch + 1, TestLoss: math.NaN(), TestAccuracy: math.NaN(), UpdateRatio: math.NaN()}
	loss, correct, seen, steps := 0.0, 0, 0, 0
	for b := range f.loader.Epoch(f.Trainer.epoch) {
		// The middle of the step, so that neither end of a schedule is a wasted step.
		now := float64(f.Trainer.epoch) + (float64(steps)+0.5)/float64(f.loader.Len())
		rec.LR = f.cfg.LR * f.schedule.Rate(now, float64(f.cfg.Epochs))
		last := steps == f.loader.Len()-1
		if last {
			f.before = f.weights(f.before[:0])
		}
		l, c, err := f.Step(ctx, rec.LR, b)
		if err != nil {
			return errors.WithMessagef(err, "epoch %d, step %d", rec.Epoch, steps+1)
		}
		if last {
			rec.UpdateRatio = f.ratio()
		}
		steps++
		if !finite(l) {
			return &Diverged{Epoch: rec.Epoch, Step: steps, LR: rec.LR, Loss: l}
		}
		if mean, exploded := f.add(l, f.model.Classes); exploded {
			return &Diverged{Epoch: rec.Epoch, Step: steps, LR: rec.LR, Loss: mean, Original: f.original}
		}
		loss, correct, seen = loss+l*float64(b.N), correct+c, seen+b.N
		f.progress.Step(rec.Epoch, steps, loss/float64(seen), float64(correct)/float64(seen))
	}
	f.result.Waited += f.loader.Waited().Seconds()
	if err := f.loader.Err(); err != nil {
		return err
	}
	rec.Step, rec.Loss, rec.Accuracy = f.step, loss/float64(seen), float64(correct)/float64(seen)
	last := rec.Loss
	if f.test != nil {
		m, err := f.Evaluate(ctx, f.test)
		if err != nil {
			return errors.WithMessagef(err, "epoch %d", rec.Epoch)
		}
		rec.TestLoss, rec.TestAccuracy, last = m.Loss, m.Accuracy, m.Loss
		if !finite(m.Loss) {
			return &Diverged{Epoch: rec.Epoch, LR: rec.LR, Loss: m.Loss}
		}
	}
	// Without an evaluation nobody has looked at what the last step made.
	if f.test == nil && !f.finite() {
		return &Diverged{Epoch: rec.Epoch, LR: rec.LR, Loss: math.NaN()}
	}
	if s, ok := f.schedule.(Observer); ok {
		s.Observe(last)
	}
	f.Trainer.epoch++
	rec.Seconds = f.Now().Sub(f.began).Seconds()
	f.keep(rec)
	if f.Run != nil {
		if err := f.Run.Save(f.Trainer); err != nil {
			return err
		}
		if s, ok := restartsOf(f.schedule); ok {
			if k, over := s.over(f.Trainer.epoch, f.cfg.Epochs); over {
				if err := f.Run.save(f.Trainer, snapshotFile(k)); err != nil {
					return err
				}
			}
		}
		if err := f.Run.Append(rec); err != nil {
			return err
		}
	}
	f.progress.Epoch(rec)
	return nil
}

// weights appends the values of all parameters.
func (f *fit) weights(to []float32) []float32 {
	for _, w := range f.train.Params() {
		v, err := f.state.Get(w.Node().Op.(graph.ParamOp).Label)
		if err == nil && v.Dtype() == tensor.Float32 {
			to = append(to, v.Float32s()...)
		}
	}
	return to
}

// ratio returns how far the last step went, in lengths of what was before it.
func (f *fit) ratio() float64 {
	step, length := 0.0, 0.0
	for i, w := range f.weights(nil) {
		old := float64(f.before[i])
		step += (float64(w) - old) * (float64(w) - old)
		length += old * old
	}
	return math.Sqrt(step / length)
}

// finite reports whether every parameter and buffer is a finite number.
func (f *fit) finite() bool {
	for _, name := range f.state.Names() {
		v, err := f.state.Get(name)
		if err != nil {
			return false
		}
		if v.Dtype() == tensor.Float32 && slices.ContainsFunc(v.Float32s(), func(x float32) bool { return x-x != 0 }) {
			return false
		}
	}
	return true
}

func (f *fit) keep(rec Record) {
	r := &f.result
	r.Epochs = append(r.Epochs, rec)
	r.Loss, r.Accuracy, r.Steps, r.Seconds = rec.Loss, rec.Accuracy, rec.Step, rec.Seconds
	if f.test != nil {
		r.Loss, r.Accuracy = rec.TestLoss, rec.TestAccuracy
	}
}

// end saves what an interrupted run has, and returns why it ended.
func (f *fit) end(err error) error {
	f.result.Steps, f.result.Seconds = f.step, f.Now().Sub(f.began).Seconds()
	if f.Run == nil || !(errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	if failed := f.Run.Save(f.Trainer); failed != nil {
		return errors.WithMessagef(err, "%v, after", failed)
	}
	return err
}
