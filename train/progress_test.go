package train_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"neocog/data"
	"neocog/train"
)

// clock is a clock that a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestLinesOneForEachEpochAndEveryTenSecondsWithin(t *testing.T) {
	var out strings.Builder
	c := &clock{time.Unix(0, 0)}
	l := train.NewLines(&out, c.now)
	l.Begin(2, 10)
	for epoch := 1; epoch <= 2; epoch++ {
		for step := 1; step <= 10; step++ {
			if epoch == 1 {
				c.t = c.t.Add(4 * time.Second)
			}
			l.Step(epoch, step, 1/float64(step), float64(step)/10)
		}
		r := records[epoch-1]
		r.LR = 0.01
		l.Epoch(r)
	}
	l.End()
	want := `epoch 1/2  step 3/10  loss 0.3333  accuracy 30.00 %
epoch 1/2  step 6/10  loss 0.1667  accuracy 60.00 %
epoch 1/2  step 9/10  loss 0.1111  accuracy 90.00 %
epoch 1/2  loss 0.6560  accuracy 79.60 %  test loss 0.1264  accuracy 96.90 %  lr 0.01  1.5 s
epoch 2/2  loss 0.0000  accuracy 100.00 %  lr 0.01  1234567.2 s
`
	if out.String() != want {
		t.Errorf("lines\n%s, want\n%s", &out, want)
	}
}

// A bar is drawn in place, is gone when its epoch is done, and leaves the
// epoch's line.
func TestBar(t *testing.T) {
	var out strings.Builder
	b := train.NewBar(&out)
	b.Begin(2, 10)
	b.Step(1, 1, 2.3, 0.1)
	if s := out.String(); !strings.Contains(s, "epoch 1/2  loss 2.3000  accuracy 10.00 %") || !strings.Contains(s, "/10)") || strings.Contains(s, "\n") {
		t.Errorf("the bar is %q, want epoch, loss, accuracy and a count of 10 on one line", s)
	}
	b.Epoch(records[0])
	if s := out.String(); !strings.HasSuffix(s, "epoch 1/2  loss 0.6560  accuracy 79.60 %  test loss 0.1264  accuracy 96.90 %  lr 0.05  1.5 s\n") || strings.Count(s, "\n") != 1 {
		t.Errorf("after the epoch: %q, want a line in place of the bar", s)
	}
	b.Step(2, 1, 1, 0.5)
	b.End()
	if s := out.String(); strings.Count(s, "\n") != 1 || !strings.HasSuffix(s, "\r") && !strings.HasSuffix(s, "\033[2K\r") {
		t.Errorf("an epoch that did not end leaves %q, want the bar erased", s[strings.Index(s, "\n"):])
	}
}

func TestNoBarInAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if p := train.ProgressOn(w, false); p == nil {
		t.Error("a pipe gets no progress")
	} else if _, ok := p.(*train.Lines); !ok {
		t.Errorf("a pipe gets %T, want lines", p)
	}
	if p := train.ProgressOn(w, true); p != (train.Silent{}) {
		t.Errorf("a quiet pipe gets %T, want silence", p)
	}
}

// Fit tells of every step and epoch, with the clock it is given.
func TestFitReports(t *testing.T) {
	tr := smallTrainer(t, func(c *train.Config) { c.Schedule, c.LR = "step:1,0.5", 0.1 })
	c := &clock{time.Unix(0, 0)}
	p := &counted{clock: c}
	set, test := data.DigitsSplit(100, 50, 1)
	res, err := tr.Fit(context.Background(), set, test, train.FitOptions{Progress: p, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	if p.begun != "2 4" || p.steps != 8 || p.epochs != 2 || p.ends != 1 {
		t.Errorf("begun with %q, %d steps, %d epochs, %d ends; want 2 epochs of 4 steps, and an end", p.begun, p.steps, p.epochs, p.ends)
	}
	for i, want := range []struct {
		lr, seconds float64
	}{{0.1, 4}, {0.05, 8}} {
		if r := res.Epochs[i]; r.LR != want.lr || r.Seconds != want.seconds || r.Epoch != i+1 || r.Step != 4*(i+1) {
			t.Errorf("record %+v, want epoch %d, step %d, lr %v, %v s", r, i+1, 4*(i+1), want.lr, want.seconds)
		}
	}
	if res.Steps != 8 || res.Seconds != 8 || res.Accuracy != res.Epochs[1].TestAccuracy || res.Loss != res.Epochs[1].TestLoss {
		t.Errorf("result %+v, want the figures of the last epoch", res)
	}
}

// counted counts what it is told, a second a step.
type counted struct {
	clock               *clock
	begun               string
	steps, epochs, ends int
}

func (c *counted) Begin(epochs, steps int) {
	c.begun += strings.Join([]string{string(rune('0' + epochs)), string(rune('0' + steps))}, " ")
}

func (c *counted) Step(int, int, float64, float64) {
	c.steps++
	c.clock.t = c.clock.t.Add(time.Second)
}

func (c *counted) Epoch(train.Record) { c.epochs++ }

func (c *counted) End() { c.ends++ }
