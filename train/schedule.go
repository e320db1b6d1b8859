package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"neocog/internal/nearest"
)

// A Schedule says how the learning rate changes while a network trains. Rates
// are host code: they reach the graph as its input "lr".
type Schedule interface {
	// Rate returns the factor of the base learning rate at the given time, in
	// epochs from 0: 2.5 is the middle of the third of epochs.
	Rate(epoch, epochs float64) float64
	// String returns the text that ParseSchedule reads.
	String() string
}

// An Observer is a Schedule which looks at the validation loss after each epoch.
type Observer interface{ Observe(loss float64) }

// Constant keeps the base rate.
type Constant struct{}

// Rate returns 1.
func (Constant) Rate(_, _ float64) float64 { return 1 }

func (Constant) String() string { return "constant" }

// Step multiplies the rate by Factor after every Every epochs: Factor^⌊epoch/Every⌋.
type Step struct {
	Every  float64 // epochs
	Factor float64
}

// Rate returns the factor.
func (s Step) Rate(epoch, _ float64) float64 { return math.Pow(s.Factor, math.Floor(epoch/s.Every)) }

func (s Step) String() string { return text("step", s.Every, s.Factor) }

// Exponential multiplies the rate by Factor in each epoch, a little at each
// step: Factor^epoch.
type Exponential struct{ Factor float64 }

// Rate returns the factor.
func (s Exponential) Rate(epoch, _ float64) float64 { return math.Pow(s.Factor, epoch) }

func (s Exponential) String() string { return text("exponential", s.Factor) }

// Cosine lets the rate rise evenly from 0 during Warmup epochs and then fall
// along half a cosine, ½·(1 + cos πt), t from 0 to 1, to 0 at the end.
// Loshchilov and Hutter, “SGDR: Stochastic Gradient Descent with Warm Restarts”,
// ICLR 2017, equation 5, without restarts; Goyal et al., “Accurate, Large
// Minibatch SGD”, 2017, section 2.2, for the warm-up.
type Cosine struct{ Warmup float64 } // epochs

// Rate returns the factor.
func (s Cosine) Rate(epoch, epochs float64) float64 {
	if epoch < s.Warmup {
		return epoch / s.Warmup
	}
	t := 1.0
	if epochs > s.Warmup {
		t = min(1, (epoch-s.Warmup)/(epochs-s.Warmup))
	}
	return (1 + math.Cos(math.Pi*t)) / 2
}

func (s Cosine) String() string {
	if s.Warmup == 0 {
		return "cosine"
	}
	return text("cosine", s.Warmup)
}

// Plateau divides the rate by Divide whenever the validation loss has not gone
// below its best for Patience epochs, as for AlexNet and ResNet. A loss that is
// NaN is no improvement.
type Plateau struct {
	Patience int     // epochs
	Divide   float64 // 10 is usual

	seen  bool
	best  float64
	wait  int // epochs since best, or since the last division
	drops int
}

// Rate returns the factor.
func (s *Plateau) Rate(_, _ float64) float64 { return math.Pow(s.Divide, -float64(s.drops)) }

// Observe takes the validation loss of an epoch.
func (s *Plateau) Observe(loss float64) {
	if loss < s.best || !s.seen && loss == loss {
		s.seen, s.best, s.wait = true, loss, 0
		return
	}
	if s.wait++; s.wait >= s.Patience {
		s.wait = 0
		s.drops++
	}
}

func (s *Plateau) String() string { return text("plateau", float64(s.Patience), s.Divide) }

func text(name string, args ...float64) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = strconv.FormatFloat(a, 'g', -1, 64)
	}
	return name + ":" + strings.Join(parts, ",")
}

// schedules are the forms that ParseSchedule knows.
var schedules = []struct {
	name, form string
	usual      []float64 // for the arguments that are left out
	required   int
	make       func(a []float64) Schedule
	check      func(a []float64) string // what is wanted instead, or ""
}{
	{"constant", "constant", nil, 0,
		func([]float64) Schedule { return Constant{} },
		func([]float64) string { return "" }},
	{"step", "step:EPOCHS,FACTOR", []float64{0, 0.1}, 1,
		func(a []float64) Schedule { return Step{a[0], a[1]} },
		func(a []float64) string {
			return unless(a[0] > 0 && a[1] > 0 && a[1] <= 1, "EPOCHS above 0 and FACTOR in (0, 1]")
		}},
	{"exponential", "exponential:FACTOR", []float64{0}, 1,
		func(a []float64) Schedule { return Exponential{a[0]} },
		func(a []float64) string { return unless(a[0] > 0 && a[0] <= 1, "FACTOR in (0, 1]") }},
	{"cosine", "cosine[:WARMUP_EPOCHS]", []float64{0}, 0,
		func(a []float64) Schedule { return Cosine{a[0]} },
		func(a []float64) string { return unless(a[0] >= 0, "WARMUP_EPOCHS of at least 0") }},
	{"plateau", "plateau[:EPOCHS[,DIVISOR]]", []float64{3, 10}, 0,
		func(a []float64) Schedule { return &Plateau{Patience: int(a[0]), Divide: a[1]} },
		func(a []float64) string {
			return unless(a[0] >= 1 && a[0] <= 1e6 && a[0] == math.Floor(a[0]) && a[1] >= 1, "EPOCHS a whole number of at least 1 and DIVISOR of at least 1")
		}},
}

func unless(ok bool, want string) string {
	if ok {
		return ""
	}
	return want
}

// ParseSchedule reads the text form of a schedule:
//
//	constant
//	step:EPOCHS,FACTOR          step:30,0.1 divides by ten every 30 epochs
//	exponential:FACTOR          exponential:0.95 takes a twentieth off in each epoch
//	cosine[:WARMUP_EPOCHS]      cosine, cosine:5
//	plateau[:EPOCHS[,DIVISOR]]  plateau is plateau:3,10
//
// The empty text is constant. Each call returns a schedule of its own.
func ParseSchedule(s string) (Schedule, error) {
	if s == "" {
		return Constant{}, nil
	}
	name, rest, has := strings.Cut(s, ":")
	var known []string
	for _, f := range schedules {
		if f.name != name {
			known = append(known, f.name)
			continue
		}
		fields := []string{}
		if has {
			fields = strings.Split(rest, ",")
		}
		if len(fields) < f.required || len(fields) > len(f.usual) {
			return nil, fmt.Errorf("schedule %q has %d numbers, want %s", s, len(fields), f.form)
		}
		args := append([]float64(nil), f.usual...)
		for i, field := range fields {
			v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
			if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
				return nil, fmt.Errorf("schedule %q: %q is no number, want %s", s, field, f.form)
			}
			args[i] = v
		}
		if want := f.check(args); want != "" {
			return nil, fmt.Errorf("schedule %q: want %s with %s", s, f.form, want)
		}
		return f.make(args), nil
	}
	return nil, nearest.Unknown("schedule", name, known)
}
