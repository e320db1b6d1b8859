package train_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"neocog/data"
	"neocog/train"
)

// smallSearch is a search with small, on few digits.
func smallSearch() train.Search {
	c := train.DefaultConfig(small.Name)
	c.Optimizer, c.Schedule, c.Epochs, c.Batch = "sgd", "constant", 2, 20
	return train.Search{Base: c, LR: train.Range{Low: 1e-4, High: 1e3}, Reg: train.Range{Low: 1e-5, High: 1}, Coarse: 6, Fine: 3}
}

func runSearch(t *testing.T, s train.Search, ctx context.Context, dir string, done func(train.Trial)) ([]train.Trial, error) {
	t.Helper()
	set, val := data.DigitsSplit(100, 50, 1)
	return s.Run(ctx, small, set, val, dir, done)
}

// A search that is interrupted, with the last line of its folder cut as by a kill, goes on with the same trials
// as one that is not; how many run at a time changes nothing.
func TestS8SearchGoesOnWithTheSameTrials(t *testing.T) {
	s := smallSearch()
	want, err := runSearch(t, s, context.Background(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != 9 || want[5].Stage != "coarse" || want[6].Stage != "fine" {
		t.Fatalf("trials %+v", want)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.Parallel = 1
	got, err := runSearch(t, s, ctx, dir, func(tr train.Trial) {
		if tr.Trial == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(got) != 4 {
		t.Fatalf("%d trials, error %v; want an interrupt after 4", len(got), err)
	}
	path := filepath.Join(dir, train.TrialsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)-5], 0o644); err != nil {
		t.Fatal(err)
	}
	var fresh []int
	s.Parallel = 3
	got, err = runSearch(t, s, context.Background(), dir, func(tr train.Trial) { fresh = append(fresh, tr.Trial) })
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v; after the interrupt the trials are\n%+v, without\n%+v", err, got, want)
	}
	if slices.Sort(fresh); !slices.Equal(fresh, []int{3, 4, 5, 6, 7, 8}) {
		t.Errorf("tried again: %v, want those that were not whole on disk", fresh)
	}
	// The cut line is gone: a third opening finds all, also with other threads, which change no result.
	s.Base.Threads, s.Base.Workers = 2, 1
	got, err = runSearch(t, s, context.Background(), dir, func(tr train.Trial) { t.Errorf("trial %d is made again", tr.Trial) })
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v; opened again the trials are\n%+v, want\n%+v", err, got, want)
	}
	// A file of an earlier version lacks keys; what it lacks was off.
	file := filepath.Join(dir, train.SearchFile)
	text, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	earlier := strings.Replace(string(text), `"clip_norm": 0,`, "", 1)
	if earlier == string(text) {
		t.Fatalf("%s has no clip_norm", text)
	}
	if err := os.WriteFile(file, []byte(earlier), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := runSearch(t, s, context.Background(), dir, nil); err != nil {
		t.Errorf("a search of an earlier version: error %v", err)
	}
	other := s
	other.Base.ClipNorm = 1
	if _, err := runSearch(t, other, context.Background(), dir, nil); err == nil || !strings.Contains(err.Error(), "want a folder of their own") {
		t.Errorf("a search with clip_norm in the folder of one without: error %v", err)
	}
	s.LR.High = 10
	if _, err := runSearch(t, s, context.Background(), dir, nil); err == nil || !strings.Contains(err.Error(), "want a folder of their own") {
		t.Errorf("another search in the same folder: error %v", err)
	}
}

// Coarse draws fill the ranges evenly by their logarithm; fine ones lie around the best, within the ranges; a
// rate that explodes ends its trial.
func TestS8DrawsAndStops(t *testing.T) {
	s := smallSearch()
	s.Coarse, s.Fine = 12, 4
	trials, err := runSearch(t, s, context.Background(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	best, _ := train.BestTrial(trials[:12])
	lr, reg := s.Ranges("fine", trials)
	low, stopped := 0, 0
	for _, tr := range trials {
		if tr.LR < s.LR.Low || tr.LR > s.LR.High || tr.Reg < s.Reg.Low || tr.Reg > s.Reg.High {
			t.Errorf("trial %+v is outside the ranges", tr)
		}
		if tr.Stage == "fine" && (tr.LR < lr.Low || tr.LR > lr.High || tr.Reg < reg.Low || tr.Reg > reg.High) {
			t.Errorf("trial %+v is not around the best, %+v", tr, best)
		}
		if tr.Stage == "coarse" && tr.LR < math.Sqrt(1e-4*1e3) {
			low++
		}
		if tr.Stopped != "" {
			stopped++
		}
	}
	if low < 2 || low > 10 {
		t.Errorf("%d of 12 rates are in the lower half of the decades", low)
	}
	if stopped == 0 {
		t.Error("no trial was stopped, with rates up to 1000")
	}
	if !(lr.Low <= best.LR && best.LR <= lr.High && lr.High/lr.Low < s.LR.High/s.LR.Low) {
		t.Errorf("the fine range %v is not narrower around %g", lr, best.LR)
	}
}

func TestS9EdgesAreWarnedOf(t *testing.T) {
	s := train.Search{LR: train.Range{Low: 1e-6, High: 1e-3}, Reg: train.Range{Low: 1e-4, High: 1}, Coarse: 9, Fine: 9}
	grid := s
	grid.Grid = true
	fine := []train.Trial{{Stage: "coarse", LR: 3e-5, Reg: 1e-2, Accuracy: 0.4}, {Trial: 9, Stage: "fine", Accuracy: 0.5}}
	for _, c := range []struct {
		name    string
		s       train.Search
		before  []train.Trial
		lr, reg float64
		want    []string
	}{
		{"the middle", s, nil, 3e-5, 1e-2, nil},
		{"a high rate", s, nil, 9.5e-4, 1e-2, []string{"the best lr, 0.00095, lies at the upper edge of 1e-06 to 0.001: raise that bound, to 0.01"}},
		{"a weak L2", s, nil, 3e-5, 1.1e-4, []string{"the best reg, 0.00011, lies at the lower edge of 0.0001 to 1: lower that bound, to 1e-05"}},
		// The fine ranges are a decade around 3e-5 and 1e-2: what lies at their edge lies far inside the coarse ones.
		{"the middle of the fine range", s, fine, 4e-5, 2e-2, nil},
		{"the edge of the fine range", s, fine, 9e-5, 2e-2, []string{"the best lr, 9e-05, lies at the upper edge of 9.487e-06 to 9.487e-05: raise that bound, to 0.00095"}},
		// Three points lie at a sixth, a half and five sixths of the decades.
		{"the middle of a grid", grid, nil, math.Pow(10, -4.5), 1e-2, nil},
		{"the last of a grid", grid, nil, math.Pow(10, -3.5), 1e-2, []string{"the best lr, 0.000316, lies at the upper edge of 1e-06 to 0.001: raise that bound, to 0.01"}},
	} {
		trials := append(slices.Clone(c.before), train.Trial{Trial: 10, Stage: "coarse", LR: c.lr, Reg: c.reg, Accuracy: 0.6})
		if c.before != nil {
			trials[len(trials)-1].Stage = "fine"
		}
		if got := c.s.Edges(trials); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := s.Edges(nil); got != nil {
		t.Errorf("of no trials: %q", got)
	}
}

// The fine range is a fifth of the decades, at least one, around the first of the best coarse trials.
func TestFineRange(t *testing.T) {
	s := train.Search{LR: train.Range{Low: 1e-6, High: 1e-3}, Reg: train.Range{Low: 1e-5, High: 1e5}}
	trials := []train.Trial{{Trial: 0, Stage: "coarse", LR: 1e-6, Reg: 1, Accuracy: 0.2}, {Trial: 1, Stage: "coarse", LR: 1e-5, Reg: 10, Accuracy: 0.3},
		{Trial: 2, Stage: "coarse", LR: 1e-4, Reg: 100, Accuracy: 0.3}, {Trial: 3, Stage: "fine", LR: 1e-3, Reg: 1, Accuracy: 0.9}}
	lr, reg := s.Ranges("fine", trials)
	for _, c := range []struct{ got, want float64 }{{lr.Low, math.Pow(10, -5.5)}, {lr.High, math.Pow(10, -4.5)}, {reg.Low, 1}, {reg.High, 100}} {
		if math.Abs(c.got-c.want) > 1e-12*c.want {
			t.Errorf("the fine ranges are %v and %v, want a decade around 1e-5 and two around 10", lr, reg)
		}
	}
}

// Another seed, other draws; a grid whose number is no square reaches the strongest L2s too.
func TestSearchDraws(t *testing.T) {
	drawn := func(change func(s *train.Search)) []train.Trial {
		s := smallSearch()
		s.Base.Epochs, s.Coarse, s.Fine = 1, 2, 0
		change(&s)
		trials, err := runSearch(t, s, context.Background(), t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return trials
	}
	one, two := drawn(func(s *train.Search) { s.Base.Seed = 1 }), drawn(func(s *train.Search) { s.Base.Seed = 2 })
	if one[0].LR == two[0].LR || one[0].Reg == two[0].Reg || one[0].LR == one[1].LR {
		t.Errorf("seed 1 draws %+v, seed 2 %+v", one, two)
	}
	strongest := 0.0
	grid := drawn(func(s *train.Search) { s.Grid, s.Coarse = true, 5 })
	for _, tr := range grid {
		strongest = max(strongest, tr.Reg)
	}
	if s := smallSearch(); s.Reg.Place(strongest) < 0.7 {
		t.Errorf("the strongest L2 of five on a grid is %g of %v", strongest, s.Reg)
	}
}

// Nine trials on a grid try three values of each parameter, at random nine: Bergstra and Bengio's point.
func TestS10RandomTriesMoreValuesThanAGrid(t *testing.T) {
	values := func(grid bool) int {
		s := smallSearch()
		s.Base.Epochs, s.Coarse, s.Fine, s.Grid = 1, 9, 0, grid
		trials, err := runSearch(t, s, context.Background(), t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[float64]bool{}
		for _, tr := range trials {
			seen[tr.LR] = true
		}
		return len(seen)
	}
	if smallSearch().Grid {
		t.Error("the default is a grid")
	}
	if grid, random := values(true), values(false); grid != 3 || random != 9 {
		t.Errorf("a grid tries %d learning rates, random search %d; want 3 and 9", grid, random)
	}
}

// Two processes once tried the same trials in one folder, and wrote each twice.
func TestTwoSearchesDoNotShareAFolder(t *testing.T) {
	dir := t.TempDir()
	var inner error
	_, err := runSearch(t, smallSearch(), context.Background(), dir, func(train.Trial) {
		if inner == nil {
			_, inner = runSearch(t, smallSearch(), context.Background(), dir, nil)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if inner == nil || !strings.Contains(inner.Error(), dir+" is in use") {
		t.Errorf("the second search: %v, want that the folder is in use", inner)
	}
}

func TestSearchMistakes(t *testing.T) {
	for name, change := range map[string]func(s *train.Search){
		"the range of learning rates is 0 to 1":  func(s *train.Search) { s.LR = train.Range{Low: 0, High: 1} },
		"the range of strengths of L2 is 1 to 1": func(s *train.Search) { s.Reg = train.Range{Low: 1, High: 1} },
		"at least 1 coarse trial":                func(s *train.Search) { s.Coarse = 0 },
		"epochs is 0":                            func(s *train.Search) { s.Base.Epochs = 0 },
	} {
		s := smallSearch()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %s", err, name)
		}
	}
}
