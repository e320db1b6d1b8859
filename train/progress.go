package train

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// Progress is told how a run goes. Its methods are called by the goroutine that
// runs Fit, in this order: Begin, then for each epoch Step after every training step
// and Epoch once, and End, also after an error.
type Progress interface {
	Begin(epochs, steps int)                      // epochs in all, steps in each
	Step(epoch, step int, loss, accuracy float64) // both from 1; means over the epoch so far
	Epoch(Record)
	End()
}

// Silent is Progress that nobody sees.
type Silent struct{}

// Begin does nothing.
func (Silent) Begin(int, int) {}

// Step does nothing.
func (Silent) Step(int, int, float64, float64) {}

// Epoch does nothing.
func (Silent) Epoch(Record) {}

// End does nothing.
func (Silent) End() {}

// ProgressOn returns the Progress that suits a file, os.Stderr as a rule: a bar on a
// terminal, unless the environment says TERM=dumb, and lines elsewhere. Quiet is
// Silent.
func ProgressOn(f *os.File, quiet bool) Progress {
	switch {
	case quiet:
		return Silent{}
	case os.Getenv("TERM") != "dumb" && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())):
		return NewBar(f)
	}
	return NewLines(f, time.Now)
}

// A Bar draws a bar for the epoch at work, and leaves a line for each that is done.
type Bar struct {
	w             io.Writer
	epochs, steps int
	bar           *progressbar.ProgressBar // nil between epochs
}

// NewBar returns a Bar for a terminal.
func NewBar(w io.Writer) *Bar { return &Bar{w: w} }

// Begin learns the size of the run.
func (b *Bar) Begin(epochs, steps int) { b.epochs, b.steps = epochs, steps }

// Step moves the bar, ten times a second at most.
func (b *Bar) Step(epoch, step int, loss, accuracy float64) {
	if b.bar == nil {
		b.bar = progressbar.NewOptions(b.steps,
			progressbar.OptionSetWriter(b.w),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionUseANSICodes(true),
		)
	}
	b.bar.Describe(fmt.Sprintf("epoch %d/%d  loss %.4f  accuracy %.2f %%", epoch, b.epochs, loss, 100*accuracy))
	b.bar.Set(step)
}

// Epoch replaces the bar by a line.
func (b *Bar) Epoch(r Record) {
	b.clear()
	fmt.Fprintln(b.w, line(r, b.epochs))
}

// End removes the bar of an epoch that did not end.
func (b *Bar) End() { b.clear() }

func (b *Bar) clear() {
	if b.bar != nil {
		b.bar.Clear()
		b.bar.Exit()
		b.bar = nil
	}
}

// Lines writes a line for each epoch, and one every ten seconds within a long one:
// for log files and pipes.
type Lines struct {
	w             io.Writer
	now           func() time.Time
	epochs, steps int
	last          time.Time // of a line
}

// linesEvery is how long an epoch may go on without a word.
const linesEvery = 10 * time.Second

// NewLines returns Lines for a writer, by the given clock.
func NewLines(w io.Writer, now func() time.Time) *Lines { return &Lines{w: w, now: now} }

// Begin starts the clock.
func (l *Lines) Begin(epochs, steps int) {
	l.epochs, l.steps, l.last = epochs, steps, l.now()
}

// Step writes a line if it is time for one.
func (l *Lines) Step(epoch, step int, loss, accuracy float64) {
	now := l.now()
	if now.Sub(l.last) < linesEvery || step == l.steps {
		return
	}
	l.last = now
	fmt.Fprintf(l.w, "epoch %d/%d  step %d/%d  loss %.4f  accuracy %.2f %%\n", epoch, l.epochs, step, l.steps, loss, 100*accuracy)
}

// Epoch writes the line of an epoch.
func (l *Lines) Epoch(r Record) {
	fmt.Fprintln(l.w, line(r, l.epochs))
	l.last = l.now()
}

// End does nothing.
func (l *Lines) End() {}

// line returns an epoch's figures for people.
func line(r Record, epochs int) string {
	s := fmt.Sprintf("epoch %d/%d  loss %.4f  accuracy %.2f %%", r.Epoch, epochs, r.Loss, 100*r.Accuracy)
	if r.TestLoss == r.TestLoss {
		s += fmt.Sprintf("  test loss %.4f  accuracy %.2f %%", r.TestLoss, 100*r.TestAccuracy)
	}
	return s + fmt.Sprintf("  lr %.3g  %.1f s", r.LR, r.Seconds)
}
