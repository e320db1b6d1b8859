package bench

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/ops/conv"
)

// A Case is one thing to measure.
type Case struct {
	Name  string // of the layer, the product or the op
	Shape string // as ParseConv, ParseGemm or ParseShape reads it
	// Pass is fwd, dgrad or wgrad for a convolution; which operands are transposed, as in "nt", for a matrix
	// product; fwd or grad for an op.
	Pass  string
	Algo  string // that is asked for; "" leaves the choice to conv.Choose
	DType graph.DType
	// Prepared leaves the steps that prepare a filter (kernel.Plan.Prepare) out of the timed runs, as a network does while its weights stay
	// the same.
	Prepared bool

	prepare func(c Case, threads int) (*subject, error)
}

// A Row is a Case and what came of it. In JSON it is one flat object.
type Row struct {
	Name     string      `json:"name"`
	Shape    string      `json:"shape"`
	Pass     string      `json:"pass"`
	Algo     string      `json:"algo"`
	DType    graph.DType `json:"dtype"`
	ISA      string      `json:"isa"`
	Threads  int         `json:"threads"`
	Prepared bool        `json:"prepared,omitempty"` // Case.Prepared
	*Result              // nil if Refused
	Refused  string      `json:"refused,omitempty"` // why Algo or the op cannot do it
}

// A Result is what was measured.
type Result struct {
	Reps     int     `json:"reps"` // timed runs
	MedianMS float64 `json:"median_ms"`
	MinMS    float64 `json:"min_ms"`
	// GFLOPS counts the multiplications and additions of the definition, whatever the algorithm does: above the peak is
	// possible. 0 for ops.
	GFLOPS float64 `json:"gflops,omitempty"`
	// PeakGFLOPS is cpu.Peak just before, for as many threads at the same level, half of it for float64. 0 where the
	// processor's limit is not known, at level portable and for ops.
	PeakGFLOPS    float64 `json:"peak_gflops,omitempty"`
	PercentOfPeak float64 `json:"percent_of_peak,omitempty"`
	// GBytesPerS counts each operand and each result of an op once, 10⁹ bytes being one. 0 for others than ops.
	GBytesPerS float64 `json:"gbytes_per_s,omitempty"`
	// WorkspaceBytes is memory besides operands and results: of the plan, for all threads, or the intermediate
	// results of an op.
	WorkspaceBytes int     `json:"workspace_bytes"`
	RelL2          float64 `json:"rel_l2"`  // see the package
	Checked        float64 `json:"checked"` // part of the result that RelL2 is of, 1 if all
}

// subject is a Case in memory, ready to run.
type subject struct {
	algo      string
	flops     int64
	bytes     int64 // operands and results of an op
	workspace int
	run       func(times []time.Duration) error // runs len(times) times
	check     func() (rel, part float64, err error)
	keep      func() // leaves what has been prepared out of the runs to come; may be nil
	close     func()
}

// Wrong reports whether r was measured and its error is more than rounding: RelL2 above 2¹³ units of rounding, 4.9e-4
// for float32. Rounding gives about √K units for K terms, 250 for the largest filter of Layers, and fast algorithms some
// ten times that.
func (r Row) Wrong() bool {
	limit := 0x1p-11
	if r.DType == graph.Float64 {
		limit = 0x1p-40
	}
	return r.Result != nil && r.RelL2 > limit
}

// How often a case is run if nobody says.
const (
	usualTime = 500 * time.Millisecond // that all runs take
	longTime  = 10 * time.Second       // that they take at most, if not one run takes longer
	leastReps = 5
	mostReps  = 10_000
)

// repsFor returns how many runs of the given time are made.
func repsFor(once time.Duration) int {
	once = max(once, 1)
	n := min(max(int(usualTime/once), leastReps), mostReps)
	return max(1, min(n, int(longTime/once)))
}

// Measure runs the case on threads workers, reps times or, if that is 0, as often as fits half a second, at least
// 5 times and at most for ten seconds. A refusal is a Row; an error is a mistake in the case, a bug,
// or a result that is no number. The instruction set is that of cpu.Current.
func (c Case) Measure(threads, reps int) (Row, error) {
	row := Row{
		Name: c.Name, Shape: c.Shape, Pass: c.Pass, Algo: c.Algo, DType: c.DType,
		ISA: cpu.Current().String(), Threads: threads, Prepared: c.Prepared,
	}
	s, err := c.prepare(c, threads)
	if no, ok := errors.AsType[*conv.Unsupported](err); ok {
		row.Algo, row.Refused = no.Algorithm, no.Reason
		return row, nil
	}
	if no, ok := errors.AsType[*misfit](err); ok {
		row.Refused = no.Error()
		return row, nil
	}
	if err != nil {
		return row, fmt.Errorf("%s %s: %w", c.Name, c.Pass, err)
	}
	defer s.close()
	row.Algo = s.algo

	times := make([]time.Duration, 1, mostReps)
	if err := s.run(times); err != nil {
		return row, fmt.Errorf("%s %s: %w", c.Name, c.Pass, err)
	}
	r := &Result{WorkspaceBytes: s.workspace, Reps: reps}
	if r.RelL2, r.Checked, err = s.check(); err != nil {
		return row, fmt.Errorf("%s %s by %s: %w", c.Name, c.Pass, s.algo, err)
	}
	if c.Prepared && s.keep != nil {
		s.keep()
	}
	if reps == 0 {
		if err := s.run(times); err != nil {
			return row, err
		}
		r.Reps = repsFor(times[0])
	}
	runtime.GC() // not while time runs
	if s.flops > 0 {
		r.PeakGFLOPS = cpu.Peak(cpu.Current(), threads) * 4 / float64(c.DType.Size())
	}
	times = slices.Grow(times[:0], r.Reps)[:r.Reps]
	if err := s.run(times); err != nil {
		return row, err
	}
	r.time(times, s)
	row.Result = r
	return row, nil
}

// time fills in what depends on the times of the runs.
func (r *Result) time(times []time.Duration, s *subject) {
	median := medianOf(times)
	r.MedianMS, r.MinMS = median/1e6, float64(slices.Min(times))/1e6
	median = max(median, 1) // an empty problem takes no time
	r.GFLOPS, r.GBytesPerS = float64(s.flops)/median, float64(s.bytes)/median
	if r.PeakGFLOPS > 0 {
		r.PercentOfPeak = 100 * r.GFLOPS / r.PeakGFLOPS
	}
}

// medianOf returns the median in nanoseconds.
func medianOf(times []time.Duration) float64 {
	s := slices.Sorted(slices.Values(times))
	n := len(s)
	return float64(s[(n-1)/2]+s[n/2]) / 2
}

// A difference adds up the squares of errors and of exact values.
type difference struct{ error, norm float64 }

func (d *difference) add(got, want float64) {
	d.error += (got - want) * (got - want)
	d.norm += want * want
}

// relL2 returns ‖got − want‖₂ / ‖want‖₂, or ‖got‖₂ where want is 0.
func (d *difference) relL2() (float64, error) {
	rel := math.Sqrt(d.error)
	if d.norm > 0 {
		rel = math.Sqrt(d.error / d.norm)
	}
	if math.IsNaN(rel) || math.IsInf(rel, 0) {
		return 0, errors.New("the result holds NaN or infinities, the operands do not")
	}
	return rel, nil
}
