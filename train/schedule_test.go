package train_test

import (
	"fmt"
	"math"
	"testing"

	"neocog/train"
)

func TestScheduleRates(t *testing.T) {
	for _, c := range []struct {
		text          string
		epoch, epochs float64
		want          float64
	}{
		{"", 7, 10, 1},
		{"constant", 7, 10, 1},
		{"step:3", 2.999, 10, 1},
		{"step:3", 3, 10, 0.1},
		{"step:3,0.5", 9.5, 10, 0.125},
		{"step:0.5,0.5", 1.25, 2, 0.25},
		{"exponential:0.9", 0, 10, 1},
		{"exponential:0.9", 2, 10, 0.81},
		{"exponential:0.81", 0.5, 10, 0.9},
		{"multi-step:0.1,3,5", 2.9, 10, 1},
		{"multi-step:0.1,3,5", 3, 10, 0.1},
		{"multi-step:0.5,3,5", 9, 10, 0.25},
		{"multi-step:0.5,3", 9, 10, 0.5},
		{"multi-step:0.5,3,3", 3, 10, 0.25},
		{"inverse:0.1", 0, 10, 1},
		{"inverse:0.1", 10, 10, 0.5},
		{"inverse:0.3,2", 10, 10, 1. / 16},
		{"one-cycle:0.25,10,100", 0, 8, 0.1},
		{"one-cycle:0.25,10,100", 1, 8, 0.55},
		{"one-cycle:0.25,10,100", 2, 8, 1},
		{"one-cycle:0.25,10,100", 5, 8, 0.505},
		{"one-cycle:0.25,10,100", 8, 8, 0.01},
		{"one-cycle:0.25,10,100", 9, 8, 0.01},
		{"one-cycle:0,10,100", 0, 8, 1},
		{"warmup:2+constant", 0.5, 8, 0.25},
		{"warmup:2+constant", 2, 8, 1},
		{"warmup:2+step:1,0.5", 1, 8, 0.25},
		{"warmup:2+step:1,0.5", 3, 8, 0.125},
		{"cosine", 0, 10, 1},
		{"cosine", 2.5, 10, (1 + math.Sqrt2/2) / 2},
		{"cosine", 5, 10, 0.5},
		{"cosine", 10, 10, 0},
		{"cosine", 12, 10, 0},
		{"cosine:2", 0, 10, 0},
		{"cosine:2", 0.5, 10, 0.25},
		{"cosine:2", 2, 10, 1},
		{"cosine:2", 6, 10, 0.5},
		{"cosine:2", 10, 10, 0},
		{"cosine:2", 1, 2, 0.5},
		{"cosine:2", 2, 2, 0},
	} {
		s, err := train.ParseSchedule(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := s.Rate(c.epoch, c.epochs); !(math.Abs(got-c.want) <= 1e-15) {
			t.Errorf("%q at epoch %v of %v: %v, want %v", c.text, c.epoch, c.epochs, got, c.want)
		}
	}
}

func TestPlateauDividesWhenTheLossStopsFalling(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		text   string
		losses []float64
		want   string // 1/rate after each epoch
	}{
		{"falls", "plateau:2,10", []float64{5, 4, 3, 2}, "[1 1 1 1]"},
		{"a hump is no plateau", "plateau:2,10", []float64{5, 6, 4, 5, 3}, "[1 1 1 1 1]"},
		{"flat", "plateau:2,10", []float64{5, 5, 5, 5, 5, 5}, "[1 1 10 10 100 100]"},
		{"rises", "plateau:3,2", []float64{1, 2, 3, 4, 5, 6, 7}, "[1 1 1 2 2 2 4]"},
		{"recovers", "plateau:2,10", []float64{5, 5, 5, 4, 4, 3, 3, 3}, "[1 1 10 10 10 10 10 100]"},
		{"after a warm-up", "warmup:1+plateau:2,10", []float64{5, 5, 5, 5, 5}, "[1 1 10 10 100]"},
		{"NaN is no improvement", "plateau:1,4", []float64{3, nan, 2}, "[1 4 4]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := train.ParseSchedule(c.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, loss := range c.losses {
				s.(train.Observer).Observe(loss)
				got = append(got, int(math.Round(1/s.Rate(3, 9))))
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("divisors %v, want %v", got, c.want)
			}
		})
	}
}

func TestScheduleText(t *testing.T) {
	for _, text := range []string{"constant", "step:10,0.1", "step:0.5,0.25", "exponential:0.95", "cosine", "cosine:2.5", "plateau:3,10",
		"multi-step:0.1,82,123", "inverse:0.0001,0.75", "one-cycle:0.3,25,250000", "warmup:5+multi-step:0.1,30,60", "warmup:0.5+plateau:3,10"} {
		s, err := train.ParseSchedule(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if s.String() != text {
			t.Errorf("%q prints as %q", text, s)
		}
	}
	for text, want := range map[string]string{
		"step:10": "step:10,0.1", "plateau": "plateau:3,10", "plateau:5": "plateau:5,10", "one-cycle": "one-cycle:0.3,25,250000", "inverse:0.5": "inverse:0.5,1", "warmup:1+": "warmup:1+constant", "warmup:1e30+cosine:1e25": "warmup:1e30+cosine:1e25", "": "constant", "cosine:0": "cosine", "step: 4 , 0.5": "step:4,0.5",
	} {
		if s, err := train.ParseSchedule(text); err != nil || s.String() != want {
			t.Errorf("%q: %v, %v, want %q", text, s, err, want)
		}
	}
}

func TestScheduleMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"zigzag", `unknown schedule "zigzag", known: warmup, constant, step, exponential, multi-step, inverse, one-cycle, cosine, restarts, plateau`},
		{"multi-step:0.1", `schedule "multi-step:0.1" has 1 numbers, want multi-step:FACTOR,EPOCH[,EPOCH…]`},
		{"multi-step:0.1,5,3", `schedule "multi-step:0.1,5,3": want multi-step:FACTOR,EPOCH[,EPOCH…] with FACTOR in (0, 1] and EPOCHs above 0, in order`},
		{"inverse:-1", `schedule "inverse:-1": want inverse:SLOPE[,POWER] with SLOPE and POWER of at least 0`},
		{"one-cycle:1", `schedule "one-cycle:1": want one-cycle[:RISE[,START[,END]]] with RISE in [0, 1), START and END of at least 1`},
		{"one-cycle:0,1,1,1", `schedule "one-cycle:0,1,1,1" has 4 numbers, want one-cycle[:RISE[,START[,END]]]`},
		{"warmup:5", `schedule "warmup:5": want warmup:EPOCHS+SCHEDULE, as warmup:5+cosine`},
		{"warmup:0+cosine", `schedule "warmup:0+cosine": "0" is no number of epochs above 0, want warmup:EPOCHS+SCHEDULE`},
		{"warmup:1+cosin", `unknown schedule "cosin", did you mean cosine or constant? known: warmup, constant, step, exponential, multi-step, inverse, one-cycle, cosine, restarts, plateau`},
		{"warmup:1+warmup:1+cosine", `schedule "warmup:1+warmup:1+cosine" warms up twice`},
		{"step", `schedule "step" has 0 numbers, want step:EPOCHS,FACTOR`},
		{"step:1,2,3", `schedule "step:1,2,3" has 3 numbers, want step:EPOCHS,FACTOR`},
		{"constant:1", `schedule "constant:1" has 1 numbers, want constant`},
		{"step:x", `schedule "step:x": "x" is no number, want step:EPOCHS,FACTOR`},
		{"step:0", `schedule "step:0": want step:EPOCHS,FACTOR with EPOCHS above 0 and FACTOR in (0, 1]`},
		{"step:1,nan", `schedule "step:1,nan": "nan" is no number, want step:EPOCHS,FACTOR`},
		{"exponential:1.5", `schedule "exponential:1.5": want exponential:FACTOR with FACTOR in (0, 1]`},
		{"cosine:-1", `schedule "cosine:-1": want cosine[:WARMUP_EPOCHS] with WARMUP_EPOCHS of at least 0`},
		{"plateau:1.5", `schedule "plateau:1.5": want plateau[:EPOCHS[,DIVISOR]] with EPOCHS a whole number of at least 1 and DIVISOR of at least 1`},
	} {
		if _, err := train.ParseSchedule(c.text); err == nil || err.Error() != c.want {
			t.Errorf("%q: error %v, want %s", c.text, err, c.want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, s := range []string{"constant", "step:10,0.1", "cosine:2", "plateau:3,10", "exponential:0.9", "step:", ":,", "cosine:1e309",
		"multi-step:0.1,1,2,3", "inverse:1,2", "one-cycle:0.5,2,3", "warmup:5+plateau", "warmup:1e30+step:1e30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := train.ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := train.ParseSchedule(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q prints as %q, which reads as %v, %v", text, s, again, err)
		}
		for _, epoch := range []float64{0, 0.5, 3, 10} {
			if r := s.Rate(epoch, 10); !(r >= 0 && r <= 1) {
				t.Fatalf("%q at epoch %v: rate %v, want 0 to 1", text, epoch, r)
			}
		}
	})
}
