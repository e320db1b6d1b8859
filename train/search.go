package train

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"

	"neocog/data"
	"neocog/models"
)

// A Range is the values that a search draws from, evenly by their logarithm: 0 < Low < High.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// at returns Low·(High/Low)^u, so that u = 0 is Low and u = 1 is High.
func (r Range) at(u float64) float64 { return r.Low * math.Pow(r.High/r.Low, u) }

// Place returns where v lies: 0 at Low, 1 at High, evenly by the logarithm.
func (r Range) Place(v float64) float64 { return math.Log(v/r.Low) / math.Log(r.High/r.Low) }

// around returns the range of a fifth of r's decades, at least one, with v in its middle, within r.
func (r Range) around(v float64) Range {
	half := max(1, math.Log10(r.High/r.Low)/5) / 2
	f := Range{max(r.Low, v*math.Pow(10, -half)), min(r.High, v*math.Pow(10, half))}
	if !(f.Low < f.High) {
		return r
	}
	return f
}

// A Search draws learning rates and strengths of L2 at random, and tries each in a short run. The first
// Coarse trials draw from LR and Reg, the Fine ones after them from around the best of these.
// Bergstra and Bengio, “Random Search for Hyper-Parameter Optimization”, JMLR 2012: a grid tries few values
// of the parameter that matters. Grid exists to be compared with.
type Search struct {
	Base     Config `json:"base"` // of every trial but for lr and weight_decay; Seed draws these
	LR       Range  `json:"lr"`
	Reg      Range  `json:"reg"`
	Coarse   int    `json:"coarse"`
	Fine     int    `json:"fine"`
	Grid     bool   `json:"grid"`
	Parallel int    `json:"-"` // trials at a time, of one thread each; 0 for GOMAXPROCS; changes no result
}

// A Trial is one run of a search.
type Trial struct {
	Trial    int     `json:"trial"` // from 0
	Stage    string  `json:"stage"` // coarse or fine
	LR       float64 `json:"lr"`
	Reg      float64 `json:"reg"`
	Accuracy float64 `json:"val_acc"` // of the best epoch; 0 without a whole one
	Epochs   int     `json:"epochs"`
	Stopped  string  `json:"stopped,omitempty"` // why it ended early
}

// The files of a search's folder.
const (
	SearchFile = "search.json"  // the Search, which a search that goes on must equal
	TrialsFile = "trials.jsonl" // a line for each trial that is done
)

// Run makes the trials which dir, made if need be, does not hold yet, and returns all by number.
// done, if not nil, is told of each as it ends, one at a time. A trial's hyper-parameters come from the
// seed and its number, so that a search that was killed goes on with the same ones. Until Run ends the folder belongs to it;
// one that holds other things than a search is refused. A trial whose cost explodes ends
// early, with the accuracy it had. When ctx is done the trials under way are lost, those before are kept.
func (s Search) Run(ctx context.Context, m models.Model, set, val *data.Set, dir string, done func(Trial)) ([]Trial, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	norm, err := Normalize(s.Base, set)
	if err != nil {
		return nil, err
	}
	if err := s.begin(dir); err != nil {
		return nil, err
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	if held != nil { // some systems have no locks
		defer held.Close()
	}
	trials, err := s.open(dir)
	if err != nil {
		return nil, err
	}
	try := func(ctx context.Context, t *Trial) error { return t.run(ctx, m, s.Base, norm, set, val) }
	for _, stage := range []string{"coarse", "fine"} {
		if err := s.stage(ctx, stage, try, dir, &trials, done); err != nil {
			return trials, err
		}
	}
	return trials, nil
}

// Validate returns what is wrong with s.
func (s Search) Validate() error {
	for _, r := range []struct {
		name string
		Range
	}{{"learning rates", s.LR}, {"strengths of L2", s.Reg}} {
		if !(r.Low > 0 && r.Low < r.High) || math.IsInf(r.High, 0) {
			return errors.Errorf("the range of %s is %g to %g, want 0 < low < high", r.name, r.Low, r.High)
		}
	}
	if s.Coarse < 1 || s.Fine < 0 || s.Parallel < 0 {
		return errors.Errorf("a search wants at least 1 coarse trial, 0 fine ones and 0 in parallel, got %d, %d and %d", s.Coarse, s.Fine, s.Parallel)
	}
	return s.Base.Validate()
}

// Ranges returns what trials of a stage draw from: for the fine one, around the best coarse trial.
func (s Search) Ranges(stage string, trials []Trial) (lr, reg Range) {
	coarse := slices.DeleteFunc(slices.Clone(trials), func(t Trial) bool { return t.Stage != "coarse" })
	if best, ok := BestTrial(coarse); ok && stage == "fine" {
		return s.LR.around(best.LR), s.Reg.around(best.Reg)
	}
	return s.LR, s.Reg
}

// BestTrial returns the trial of the highest accuracy, the first of equals.
func BestTrial(trials []Trial) (Trial, bool) {
	if len(trials) == 0 {
		return Trial{}, false
	}
	return slices.MaxFunc(trials, func(a, b Trial) int {
		return cmp.Or(cmp.Compare(a.Accuracy, b.Accuracy), cmp.Compare(b.Trial, a.Trial))
	}), true
}

// draw returns the hyper-parameters of a trial, the k-th of n of its stage.
func (s Search) draw(trial, k, n int, lr, reg Range) (float64, float64) {
	if s.Grid {
		columns, rows := grid(n)
		return lr.at((float64(k%columns) + 0.5) / float64(columns)), reg.at((float64(k/columns) + 0.5) / float64(rows))
	}
	rng := rand.New(rand.NewPCG(s.Base.Seed, uint64(trial)))
	return lr.at(rng.Float64()), reg.at(rng.Float64())
}

// grid returns how many learning rates and how many strengths a grid of n trials has; its last row may be short.
func grid(n int) (columns, rows int) {
	columns = int(math.Ceil(math.Sqrt(float64(n))))
	return columns, (n + columns - 1) / columns
}

// trials returns the numbers of the trials of a stage, from … to−1.
func (s Search) trials(stage string) (from, to int) {
	if stage == "fine" {
		return s.Coarse, s.Coarse + s.Fine
	}
	return 0, s.Coarse
}

// stage tries those of its trials that are not known, and adds them.
func (s Search) stage(ctx context.Context, name string, try func(context.Context, *Trial) error, dir string, trials *[]Trial, done func(Trial)) error {
	from, to := s.trials(name)
	lr, reg := s.Ranges(name, *trials)
	known := map[int]bool{}
	for _, t := range *trials {
		known[t.Trial] = true
	}
	// The first error ends the other trials; ctx itself tells an interrupt from that.
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	keep := func(t Trial) error {
		line, err := json.Marshal(t)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if err := appendTo(realDisk{}, filepath.Join(dir, TrialsFile), "", string(line)+"\n"); err != nil {
			return err
		}
		*trials = append(*trials, t)
		if done != nil {
			done(t)
		}
		return nil
	}
	numbers := make(chan int)
	var team sync.WaitGroup
	for range cmp.Or(s.Parallel, runtime.GOMAXPROCS(0)) {
		team.Go(func() {
			for i := range numbers {
				t := Trial{Trial: i, Stage: name}
				t.LR, t.Reg = s.draw(i, i-from, to-from, lr, reg)
				err := errors.WithMessagef(try(inner, &t), "trial %d", i+1)
				if err == nil {
					err = keep(t)
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := from; i < to && inner.Err() == nil; i++ {
		if !known[i] {
			numbers <- i
		}
	}
	close(numbers)
	team.Wait()
	slices.SortFunc(*trials, func(a, b Trial) int { return cmp.Compare(a.Trial, b.Trial) })
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Cause(inner)
}

// run trains.
func (t *Trial) run(ctx context.Context, m models.Model, cfg Config, norm data.Normalizer, set, val *data.Set) error {
	cfg.LR, cfg.WeightDecay, cfg.Threads, cfg.Workers = t.LR, t.Reg, 1, 0
	tr, err := New(m, cfg, norm)
	if err != nil {
		return err
	}
	defer tr.Close()
	res, err := tr.Fit(ctx, set, val, FitOptions{})
	var d *Diverged
	if err != nil && !errors.As(err, &d) {
		return err
	}
	if d != nil {
		t.Stopped = d.Error()
	}
	t.Epochs = len(res.Epochs)
	for _, r := range res.Epochs {
		t.Accuracy = max(t.Accuracy, r.TestAccuracy)
	}
	return nil
}

// begin makes the folder, unless it is one of a search.
func (s Search) begin(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, SearchFile)); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return errors.WithMessage(err, "the folder of the search cannot be made")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") { // such as what a kill has left of SearchFile
			return errors.Errorf("%s holds %s, but no %s: it is no folder of a search, which wants one of its own", dir, e.Name(), SearchFile)
		}
	}
	return nil
}

// changed says what differs between a search and one that would go on with it, "" if nothing does.
func (s Search) changed(was Search) string {
	parts := func(x Search) []any { return []any{x, x.Base} }
	for i, now := range parts(s) {
		a, b := reflect.ValueOf(parts(was)[i]), reflect.ValueOf(now)
		for k := range a.NumField() {
			key, _, _ := strings.Cut(a.Type().Field(k).Tag.Get("json"), ",")
			if x, y := a.Field(k).Interface(), b.Field(k).Interface(); key != "base" && key != "-" && x != y {
				return fmt.Sprintf("%s was %v and is now %v", key, x, y)
			}
		}
	}
	return ""
}

// open reads what the folder holds, or begins it. A last line that a kill has cut is cut off.
func (s Search) open(dir string) ([]Trial, error) {
	want, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, SearchFile)
	got, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, replace(realDisk{}, path, content(want))
	}
	if err != nil {
		return nil, err
	}
	was := Search{Parallel: s.Parallel} // a key that the file does not say, of a later version, is off in both
	if err := json.Unmarshal(got, &was); err != nil {
		return nil, errors.WithMessagef(err, "%s", path)
	}
	was.Base.Threads, was.Base.Workers = s.Base.Threads, s.Base.Workers // which trials set themselves
	if what := s.changed(was); what != "" {
		return nil, errors.Errorf("%s is a search with other settings: %s; the same ones go on, others want a folder of their own", dir, what)
	}
	path = filepath.Join(dir, TrialsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole < len(text) {
		if err := os.Truncate(path, int64(whole)); err != nil {
			return nil, err
		}
	}
	var trials []Trial
	for i, line := range bytes.Split(bytes.TrimSpace(text[:whole]), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var t Trial
		if err := json.Unmarshal(line, &t); err != nil {
			return nil, errors.WithMessagef(err, "%s, line %d", path, i+1)
		}
		trials = append(trials, t)
	}
	slices.SortFunc(trials, func(a, b Trial) int { return cmp.Compare(a.Trial, b.Trial) })
	return trials, nil
}

// edge is the part of a range, in logarithms, that counts as its edge.
const edge = 0.1

// Edges warns of each hyper-parameter of the best trial that lies at the edge of the range it was searched in, the
// fine range for a fine trial, as better ones may lie beyond, and says which bound to move. On a grid, the outermost of
// at least two points are the edge.
func (s Search) Edges(trials []Trial) []string {
	best, ok := BestTrial(trials)
	if !ok {
		return nil
	}
	lr, reg := s.Ranges(best.Stage, trials)
	lrEdge, regEdge := edge, edge
	if from, to := s.trials(best.Stage); s.Grid {
		columns, rows := grid(to - from)
		lrEdge, regEdge = outermost(columns), outermost(rows)
	}
	var warnings []string
	for _, p := range []struct {
		name string
		v    float64
		Range
		edge float64
	}{{"lr", best.LR, lr, lrEdge}, {"reg", best.Reg, reg, regEdge}} {
		switch u := p.Place(p.v); {
		case u < p.edge:
			warnings = append(warnings, fmt.Sprintf("the best %s, %.3g, lies at the lower edge of %.4g to %.4g: lower that bound, to %.2g", p.name, p.v, p.Low, p.High, p.Low/10))
		case u > 1-p.edge:
			warnings = append(warnings, fmt.Sprintf("the best %s, %.3g, lies at the upper edge of %.4g to %.4g: raise that bound, to %.2g", p.name, p.v, p.Low, p.High, p.High*10))
		}
	}
	return warnings
}

// outermost is the edge that holds the outermost of so many points of a grid, and no other; one alone is in the middle.
func outermost(points int) float64 {
	if points < 2 {
		return edge
	}
	return 1 / float64(points)
}
