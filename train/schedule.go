package train

import (
	"fmt"
	"math"
	"slices"
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

// Restarts lets the rate fall along half a cosine to 0 in each of so many cycles, and begin
// again: ½·(1 + cos πt), t from 0 to 1 in a cycle. Cycles are whole epochs, as equal as they
// can be. At the end of each the network is in another valley, and Fit keeps a snapshot
// of it in the run folder: see OpenSnapshots.
// Loshchilov and Hutter 2017, equation 5; Huang et al., “Snapshot Ensembles: Train 1, Get M for
// Free”, ICLR 2017, equation 2.
type Restarts struct{ Cycles int }

// Rate returns the factor.
func (s Restarts) Rate(epoch, epochs float64) float64 {
	for k := s.Cycles - 1; k >= 0; k-- {
		if from := s.begin(k, epochs); epoch >= from {
			t := 1.0
			if to := s.begin(k+1, epochs); to > from {
				t = min(1, (epoch-from)/(to-from))
			}
			return (1 + math.Cos(math.Pi*t)) / 2
		}
	}
	return 1
}

// begin returns the epoch in which cycle k, from 0, begins.
func (s Restarts) begin(k int, epochs float64) float64 {
	return math.Floor(float64(k) * epochs / float64(s.Cycles))
}

// over reports whether a cycle is over after so many epochs, and which, from 1.
func (s Restarts) over(epoch, epochs int) (k int, over bool) {
	for k := 1; k <= s.Cycles; k++ {
		if s.begin(k, float64(epochs)) == float64(epoch) {
			return k, true
		}
	}
	return 0, false
}

// restartsOf returns the restarts of a schedule, behind a warm-up too.
func restartsOf(s Schedule) (Restarts, bool) {
	if w, ok := s.(Warmup); ok {
		s = w.Then
	}
	r, ok := s.(Restarts)
	return r, ok
}

func (s Restarts) String() string { return text("restarts", float64(s.Cycles)) }

// MultiStep multiplies the rate by Factor after each of the epochs in At:
// Factor^(how many of them are over). ResNet on CIFAR-10: a tenth after 82 and 123.
type MultiStep struct {
	Factor float64
	At     []float64 // epochs, rising
}

// Rate returns the factor.
func (s MultiStep) Rate(epoch, _ float64) float64 {
	rate := 1.0
	for _, at := range s.At {
		if epoch >= at {
			rate *= s.Factor
		}
	}
	return rate
}

func (s MultiStep) String() string {
	return text("multi-step", append([]float64{s.Factor}, s.At...)...)
}

// Inverse lets the rate fall as (1 + Slope·epoch)^−Power: 1/t decay, and with a
// power of 0.75 that of Caffe's LeNet.
type Inverse struct{ Slope, Power float64 }

// Rate returns the factor.
func (s Inverse) Rate(epoch, _ float64) float64 { return math.Pow(1+s.Slope*epoch, -s.Power) }

func (s Inverse) String() string { return text("inverse", s.Slope, s.Power) }

// OneCycle lets the rate rise along half a cosine from 1/Start to 1 during the share
// Rise of all epochs, and then fall along another to 1/End.
// Smith and Topin, “Super-Convergence: Very Fast Training of Neural Networks Using
// Large Learning Rates”, 2018, which has straight lines; cosines as in fastai.
type OneCycle struct{ Rise, Start, End float64 }

// Rate returns the factor.
func (s OneCycle) Rate(epoch, epochs float64) float64 {
	top := s.Rise * epochs
	if epoch < top {
		return between(1/s.Start, 1, epoch/top)
	}
	t := 1.0
	if epochs > top {
		t = min(1, (epoch-top)/(epochs-top))
	}
	return between(1, 1/s.End, t)
}

// between goes from a to b along half a cosine while t goes from 0 to 1.
func between(a, b, t float64) float64 { return b + (a-b)*(1+math.Cos(math.Pi*t))/2 }

func (s OneCycle) String() string { return text("one-cycle", s.Rise, s.Start, s.End) }

// Warmup lets the rate of another schedule rise evenly from 0 during the first
// Epochs: Then·min(1, epoch/Epochs). The other schedule's time begins with it.
// Goyal et al., “Accurate, Large Minibatch SGD”, 2017, section 2.2.
type Warmup struct {
	Epochs float64
	Then   Schedule
}

// Rate returns the factor.
func (s Warmup) Rate(epoch, epochs float64) float64 {
	return s.Then.Rate(epoch, epochs) * min(1, epoch/s.Epochs)
}

// Observe passes the loss on, if the other schedule looks at it.
func (s Warmup) Observe(loss float64) {
	if o, ok := s.Then.(Observer); ok {
		o.Observe(loss)
	}
}

func (s Warmup) String() string { return text("warmup", s.Epochs) + warmupSign + s.Then.String() }

// warmupSign stands between a warm-up and what follows: warmup:5+step:30.
const warmupSign = "+"

// Plateau divides the rate by Divide whenever the validation loss has not gone
// below its best for Patience epochs, as for AlexNet and ResNet. A loss that is
// NaN is no improvement. Without Config.Validation it is the loss of the test images, which
// then take part in the training.
type Plateau struct {
	Patience int     // epochs
	Divide   float64 // 10 is usual

	plateau
}

// A plateau is what a Plateau has seen.
type plateau struct {
	Seen  bool
	Best  float64
	Wait  int // epochs since Best, or since the last division
	Drops int
}

// plateauOf returns the plateau of a schedule, behind a warm-up too, nil if it has none.
func plateauOf(s Schedule) *plateau {
	if w, ok := s.(Warmup); ok {
		s = w.Then
	}
	if p, ok := s.(*Plateau); ok {
		return &p.plateau
	}
	return nil
}

// Rate returns the factor.
func (s *Plateau) Rate(_, _ float64) float64 { return math.Pow(s.Divide, -float64(s.Drops)) }

// Observe takes the validation loss of an epoch.
func (s *Plateau) Observe(loss float64) {
	if loss < s.Best || !s.Seen && loss == loss {
		s.Seen, s.Best, s.Wait = true, loss, 0
		return
	}
	if s.Wait++; s.Wait >= s.Patience {
		s.Wait = 0
		s.Drops++
	}
}

func (s *Plateau) String() string { return text("plateau", float64(s.Patience), s.Divide) }

func text(name string, args ...float64) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = strings.Replace(strconv.FormatFloat(a, 'g', -1, 64), "e+", "e", 1) // + is warmupSign
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
	{"multi-step", "multi-step:FACTOR,EPOCH[,EPOCH…]", make([]float64, 2, maxSteps+1), 2,
		func(a []float64) Schedule { return MultiStep{a[0], a[1:]} },
		func(a []float64) string {
			return unless(a[0] > 0 && a[0] <= 1 && a[1] > 0 && slices.IsSorted(a[1:]), "FACTOR in (0, 1] and EPOCHs above 0, in order")
		}},
	{"inverse", "inverse:SLOPE[,POWER]", []float64{0, 1}, 1,
		func(a []float64) Schedule { return Inverse{a[0], a[1]} },
		func(a []float64) string { return unless(a[0] >= 0 && a[1] >= 0, "SLOPE and POWER of at least 0") }},
	{"one-cycle", "one-cycle[:RISE[,START[,END]]]", []float64{0.3, 25, 2.5e5}, 0,
		func(a []float64) Schedule { return OneCycle{a[0], a[1], a[2]} },
		func(a []float64) string {
			return unless(a[0] >= 0 && a[0] < 1 && a[1] >= 1 && a[2] >= 1, "RISE in [0, 1), START and END of at least 1")
		}},
	{"cosine", "cosine[:WARMUP_EPOCHS]", []float64{0}, 0,
		func(a []float64) Schedule { return Cosine{a[0]} },
		func(a []float64) string { return unless(a[0] >= 0, "WARMUP_EPOCHS of at least 0") }},
	{"restarts", "restarts:CYCLES", []float64{0}, 1,
		func(a []float64) Schedule { return Restarts{int(a[0])} },
		func(a []float64) string {
			return unless(a[0] >= 1 && a[0] <= maxSteps && a[0] == math.Floor(a[0]), fmt.Sprintf("CYCLES a whole number from 1 to %d", maxSteps))
		}},
	{"plateau", "plateau[:EPOCHS[,DIVISOR]]", []float64{3, 10}, 0,
		func(a []float64) Schedule { return &Plateau{Patience: int(a[0]), Divide: a[1]} },
		func(a []float64) string {
			return unless(a[0] >= 1 && a[0] <= 1e6 && a[0] == math.Floor(a[0]) && a[1] >= 1, "EPOCHS a whole number of at least 1 and DIVISOR of at least 1")
		}},
}

// maxSteps is the most epochs that a multi-step names, and the most cycles.
const maxSteps = 1000

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
//	multi-step:FACTOR,EPOCH,…   multi-step:0.1,82,123 divides by ten after epochs 82 and 123
//	inverse:SLOPE[,POWER]       inverse:0.1 halves the rate in ten epochs
//	one-cycle[:RISE,START,END]  one-cycle is one-cycle:0.3,25,250000
//	cosine[:WARMUP_EPOCHS]      cosine, cosine:5
//	restarts:CYCLES             restarts:5 falls like a cosine five times, and keeps five snapshots
//	plateau[:EPOCHS[,DIVISOR]]  plateau is plateau:3,10
//	warmup:EPOCHS+SCHEDULE      warmup:5+multi-step:0.1,30,60
//
// The empty text is constant. Each call returns a schedule of its own.
func ParseSchedule(s string) (Schedule, error) {
	if s == "" {
		return Constant{}, nil
	}
	if first, then, ok := strings.Cut(s, warmupSign); ok && strings.HasPrefix(first, "warmup:") {
		return parseWarmup(s, strings.TrimPrefix(first, "warmup:"), then)
	}
	name, rest, has := strings.Cut(s, ":")
	if name == "warmup" {
		return nil, fmt.Errorf("schedule %q: want warmup:EPOCHS+SCHEDULE, as warmup:5+cosine", s)
	}
	known := []string{"warmup"}
	for _, f := range schedules {
		if f.name != name {
			known = append(known, f.name)
			continue
		}
		fields := []string{}
		if has {
			fields = strings.Split(rest, ",")
		}
		if len(fields) < f.required || len(fields) > cap(f.usual) {
			return nil, fmt.Errorf("schedule %q has %d numbers, want %s", s, len(fields), f.form)
		}
		args := make([]float64, max(len(fields), len(f.usual)))
		copy(args, f.usual)
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

func parseWarmup(s, epochs, then string) (Schedule, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(epochs), 64)
	if err != nil || !(v > 0) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("schedule %q: %q is no number of epochs above 0, want warmup:EPOCHS+SCHEDULE", s, epochs)
	}
	next, err := ParseSchedule(then)
	if err != nil {
		return nil, err
	}
	if _, again := next.(Warmup); again {
		return nil, fmt.Errorf("schedule %q warms up twice", s)
	}
	return Warmup{v, next}, nil
}
