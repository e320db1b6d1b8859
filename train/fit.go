package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
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
	// Start holds the figures of the Trainer as it is, if it is good for something already, as after FitHead. It then
	// counts as the epoch 0: the Run keeps its weights from the beginning, and as the best until an epoch is better.
	// A resumed run knows its own.
	Start *Record
}

// A Result is what a run came to.
type Result struct {
	Epochs   []Record
	Loss     float64 // on the test images after the last epoch; on the training images if there are none
	Accuracy float64 // likewise
	Steps    int
	Seconds  float64
	Waited   float64 // seconds, of Seconds, that training waited for batches of images; see data.Loader.Waited
	Early    bool    // it ended by Config.Patience
	Start    *Record // figures before the first epoch, of FitOptions.Start; nil if unknown
}

// Best returns the number of the epoch with the best figures, whose weights best.safetensors keeps; 0 if none has ended,
// or if none was better than Start.
func (r *Result) Best() int {
	k := r.best()
	if k < 0 {
		return 0
	}
	return r.Epochs[k].Epoch
}

// best returns the index of the best of the epochs, the first of equals; −1 if there is none, or if Start is as good.
func (r *Result) best() int {
	if len(r.Epochs) == 0 {
		return -1
	}
	k := best(r.Epochs)
	if r.Start != nil && best([]Record{*r.Start, r.Epochs[k]}) == 0 {
		return -1
	}
	return k
}

// stale reports whether the last epochs were no better than the best, as many as patience allows.
func (r *Result) stale(patience int) bool {
	return patience > 0 && len(r.Epochs) > 0 && len(r.Epochs)-1-r.best() >= patience
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

// Fit trains on set until cfg.Epochs epochs are done, or none was better for cfg.Patience
// epochs, and evaluates on test after each; test may be nil. Images come in the order
// that (Seed, epoch) gives. With the Run of Resume it goes on from the checkpoint, and the
// Result is that of all epochs. A Trainer of Open goes on after the epochs which its
// weights have seen, with fresh optimiser slots.
//
// When ctx is done Fit ends between two steps, saves a checkpoint and the weights of the
// last whole step if there is a run folder, and returns the Result so far with an error for which
// errors.Is(err, ctx.Err()) holds. A loss that is not finite or explodes ends it with a *Diverged;
// the folder then keeps the weights of the last good epoch, or of the start with FitOptions.Start. A set that does not
// suit the model is refused before anything is written.
func (t *Trainer) Fit(ctx context.Context, set, test *data.Set, o FitOptions) (*Result, error) {
	f, err := t.prepare(set, test, o)
	if err != nil {
		return nil, err
	}
	begun, fresh := t.step, o.Run != nil && o.Run.from == nil
	if o.Run != nil {
		if err := o.Run.lock(); err != nil {
			return nil, err
		}
		defer o.Run.Close()
		if err := f.open(); err != nil {
			return nil, err
		}
	}
	f.progress.Begin(t.cfg.Epochs, f.loader.Len())
	defer f.progress.End()
	for t.epoch < t.cfg.Epochs && !f.result.stale(t.cfg.Patience) {
		if err := f.epoch(ctx); err != nil {
			err = f.end(err)
			if fresh {
				f.Run.discard(begun)
			}
			return &f.result, err
		}
	}
	f.result.Early = t.epoch < t.cfg.Epochs
	return &f.result, nil
}

// open writes what the folder needs before the first step.
func (f *fit) open() error {
	if !f.every.none || f.Run.from != nil {
		f.dataSum = dataSum(f.loader.Set, f.test)
	}
	if f.Run.from != nil {
		return f.Run.goOn(f.Trainer, f.dataSum)
	}
	var p *position
	if !f.every.none {
		p = f.position()
	}
	if err := f.Run.begin(f.Trainer, p, f.dataSum); err != nil || f.result.Start == nil {
		return err
	}
	err := f.Run.Save(f.Trainer)
	if err != nil {
		f.Run.discard(f.step)
	} else if f.test != nil {
		err = f.Run.save(f.Trainer, BestFile)
	}
	return err
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
	began    time.Time // before a resumption as many seconds earlier as the run had taken
	at       position
	every    interval
	saved    time.Time // when the last checkpoint was
	dataSum  string
	result   Result
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
	if f.every, err = parseInterval(t.cfg.Checkpoint); err != nil {
		return nil, err
	}
	f.saved = f.Now()
	f.at.Began, f.began = f.saved.Unix(), f.saved
	t.classes = set.Classes
	if o.Run == nil || o.Run.from == nil {
		f.at.Explosion.limit, f.at.Start, f.result.Start = t.cfg.Explode, o.Start, o.Start
		return f, nil
	}
	f.at = *o.Run.from
	if f.at.Batches > f.loader.Len() {
		return nil, errors.Errorf("the run had done %d steps of an epoch, which has %d with these images", f.at.Batches, f.loader.Len())
	}
	f.at.Explosion.limit = t.cfg.Explode
	if p := plateauOf(s); p != nil {
		*p = f.at.Plateau
	}
	f.began = f.saved.Add(-time.Duration(f.at.Seconds * float64(time.Second)))
	epochs := f.at.Epochs
	f.at.Epochs, f.result.Start = nil, f.at.Start
	for _, rec := range epochs {
		f.keep(rec)
	}
	f.result.Waited = f.at.Waited
	return f, nil
}

// epoch trains for one epoch, or what is left of it, evaluates, and keeps what came out.
func (f *fit) epoch(ctx context.Context) error {
	p := &f.at
	rec := &p.Record
	if p.Batches == 0 {
		*rec = Record{Epoch: f.Trainer.epoch + 1, TestLoss: math.NaN(), TestAccuracy: math.NaN(), UpdateRatio: math.NaN()}
		p.Loss, p.Correct, p.Seen = 0, 0, 0
	}
	for b := range f.loader.EpochFrom(f.Trainer.epoch, p.Batches) {
		// The middle of the step, so that neither end of a schedule is a wasted step.
		now := float64(f.Trainer.epoch) + (float64(p.Batches)+0.5)/float64(f.loader.Len())
		lr := f.cfg.LR * f.schedule.Rate(now, float64(f.cfg.Epochs))
		last := p.Batches == f.loader.Len()-1
		if last {
			f.before = f.weights(f.before[:0])
		}
		l, c, err := f.Step(ctx, lr, b)
		if err != nil {
			return errors.WithMessagef(err, "epoch %d, step %d", rec.Epoch, p.Batches+1)
		}
		rec.LR = lr
		if last {
			rec.UpdateRatio = f.ratio()
		}
		p.Batches++
		if !finite(l) {
			return &Diverged{Epoch: rec.Epoch, Step: p.Batches, LR: rec.LR, Loss: l}
		}
		if mean, exploded := p.Explosion.add(l, f.model.Classes); exploded {
			return &Diverged{Epoch: rec.Epoch, Step: p.Batches, LR: rec.LR, Loss: mean, Original: p.Explosion.Original}
		}
		p.Loss, p.Correct, p.Seen = p.Loss+l*float64(b.N), p.Correct+c, p.Seen+b.N
		f.progress.Step(rec.Epoch, p.Batches, p.Loss/float64(p.Seen), float64(p.Correct)/float64(p.Seen))
		if f.due() {
			if err := f.checkpoint(); err != nil {
				return err
			}
		}
	}
	f.result.Waited += f.loader.Waited().Seconds()
	if err := f.loader.Err(); err != nil {
		return err
	}
	done, err := f.evaluate(ctx)
	if err != nil {
		return err
	}
	f.Trainer.epoch++
	p.Batches = 0
	done.Seconds = f.seconds()
	f.keep(done)
	if f.Run != nil {
		if err := f.save(done); err != nil {
			return err
		}
	}
	f.progress.Epoch(done)
	return nil
}

// evaluate returns the figures of the epoch whose steps are done.
func (f *fit) evaluate(ctx context.Context) (Record, error) {
	p := &f.at
	rec := p.Record
	rec.Step, rec.Loss, rec.Accuracy = f.step, p.Loss/float64(p.Seen), float64(p.Correct)/float64(p.Seen)
	last := rec.Loss
	if f.test != nil {
		m, err := f.Evaluate(ctx, f.test)
		if err != nil {
			return rec, errors.WithMessagef(err, "epoch %d", rec.Epoch)
		}
		rec.TestLoss, rec.TestAccuracy, last = m.Loss, m.Accuracy, m.Loss
		if !finite(m.Loss) {
			return rec, &Diverged{Epoch: rec.Epoch, LR: rec.LR, Loss: m.Loss}
		}
	}
	// Without an evaluation nobody has looked at what the last step made.
	if f.test == nil && !f.finite() {
		return rec, &Diverged{Epoch: rec.Epoch, LR: rec.LR, Loss: math.NaN()}
	}
	if s, ok := f.schedule.(Observer); ok {
		s.Observe(last)
	}
	return rec, nil
}

// save keeps what an epoch has come to. The checkpoint comes last: what it says that there is, there is.
func (f *fit) save(rec Record) error {
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
	if f.test != nil && f.result.best() == len(f.result.Epochs)-1 {
		if err := f.Run.save(f.Trainer, BestFile); err != nil {
			return err
		}
	}
	if err := f.Run.Append(rec); err != nil {
		return err
	}
	if f.cfg.TensorBoard {
		path := filepath.Join(f.Run.Dir, eventFile(f.at.Began))
		if err := appendTo(f.Run.disk, path, eventHead(f.at.Began), eventOf(f.at.Began, rec)); err != nil {
			return err
		}
	}
	if f.every.none {
		return nil
	}
	return f.checkpoint()
}

// due reports whether it is time for a checkpoint within an epoch. One of numbers that are not
// finite would be of no use, and drive out one that is.
func (f *fit) due() bool {
	if f.Run == nil {
		return false
	}
	now := f.every.steps > 0 && f.step%f.every.steps == 0 || f.every.time > 0 && f.Now().Sub(f.saved) >= f.every.time
	return now && f.finite()
}

func (f *fit) checkpoint() error {
	err := f.Run.checkpoint(f.Trainer, f.position(), f.dataSum)
	f.saved = f.Now()
	return err
}

// position returns where the run is.
func (f *fit) position() *position {
	p := f.at
	if s := plateauOf(f.schedule); s != nil {
		p.Plateau = *s
	}
	p.Epochs, p.Seconds, p.Waited = f.result.Epochs, f.seconds(), f.result.Waited
	if p.Batches > 0 && p.Batches < f.loader.Len() { // else the result has it
		p.Waited += f.loader.Waited().Seconds()
	}
	return &p
}

func (f *fit) seconds() float64 { return f.Now().Sub(f.began).Seconds() }

// best returns the index of the best of the epochs, the first of equals: that of the highest accuracy,
// and among these of the lowest loss, on the test images or else on the training images.
func best(epochs []Record) int {
	figures := func(r Record) (accuracy, loss float64) {
		if r.TestAccuracy == r.TestAccuracy {
			return r.TestAccuracy, r.TestLoss
		}
		return r.Accuracy, r.Loss
	}
	k := 0
	for i, r := range epochs {
		a, l := figures(r)
		if most, least := figures(epochs[k]); a > most || a == most && l < least {
			k = i
		}
	}
	return k
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
	f.result.Steps, f.result.Seconds = f.step, f.seconds()
	if f.Run == nil || !(errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	var failed error
	if !f.every.none {
		failed = f.checkpoint()
	}
	if failed == nil {
		failed = f.Run.Save(f.Trainer)
	}
	if failed != nil {
		return errors.WithMessagef(err, "%v, after", failed)
	}
	return err
}
