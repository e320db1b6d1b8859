package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"neocog/bench"
	"neocog/models"
	"neocog/vm"
)

func (a *app) benchModelCommand() *cobra.Command {
	var f modelFlags
	cmd := &cobra.Command{
		Use:   "model [MODEL...]",
		Short: "Measure whole networks",
		Long: `Measure whole networks: predicting, from images to logits, or a step of training, forward, backward and update by
momentum. GFLOP/s counts convolutions and matrix products by their definition. The images are of chance.

Beside Gorgonia: go run ./bench in interop/gorgonia, which is a module of its own.`,
		Example: `neocog bench model lenet5 --mode train --batch 64
neocog bench model vgg-d resnet50 --batch 8 --json
neocog bench model --mode all             every network, at batch size 1`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := f.cases(args)
			if err != nil {
				return err
			}
			return a.interruptible(cmd.Context(), func() error { return a.benchModels(cmd.Context(), cases, f.reps) })
		},
	}
	f.add(cmd, true)
	return cmd
}

// modelFlags say how a network is run to measure it.
type modelFlags struct {
	convFlags
	mode                 *choice
	batch, threads, reps int
	budget               string
}

func (f *modelFlags) add(cmd *cobra.Command, both bool) {
	flags := cmd.Flags()
	flags.SortFlags = false
	modes := bench.Modes[:]
	if both {
		modes = append(modes, "all")
	}
	f.mode = chooses(cmd, flags, "mode", "what to measure: predicting or a step of training", modes...)
	f.convFlags.add(cmd, flags)
	f.addLimit(flags)
	flags.IntVar(&f.batch, "batch", 1, "images in a batch")
	flags.IntVar(&f.threads, "threads", runtime.GOMAXPROCS(0), "threads")
	flags.StringVar(&f.budget, "memory-budget", "", "memory for results and scratch space, such as 800MiB, or 50% of what it is\nwithout this; what has no room is computed again")
	flags.IntVar(&f.reps, "reps", 0, "timed runs; 0 is as many as fit half a second, at least 5")
}

// cases returns what to measure of the models of these names, of all if there are none.
func (f *modelFlags) cases(names []string) ([]bench.ModelCase, error) {
	switch {
	case f.threads < 1 || f.threads > maxThreads:
		return nil, usagef("--threads: got %d, want 1 to %d", f.threads, maxThreads)
	case f.reps < 0 || f.reps > maxReps:
		return nil, usagef("--reps: got %d, want 0 to %d", f.reps, maxReps)
	case f.batch < 1 || f.batch > maxBatch:
		return nil, usagef("--batch: got %d, want 1 to %d", f.batch, maxBatch)
	}
	var list []models.Model
	for _, name := range names {
		m, err := findModel(name)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	if len(names) == 0 {
		list = models.All()
	}
	opts, err := f.options()
	if err != nil {
		return nil, err
	}
	var cases []bench.ModelCase
	for _, m := range list {
		for _, mode := range bench.Modes {
			if f.mode.value == mode || f.mode.value == "all" {
				c := bench.ModelCase{Model: m, Train: mode == "train", Batch: f.batch, Threads: f.threads, Options: slices.Clone(opts)}
				if c.Options, err = withBudget(c, f.budget); err != nil {
					return nil, err
				}
				cases = append(cases, c)
			}
		}
	}
	return cases, nil
}

// withBudget returns the options of c with a budget added: a size, or a percentage of what c needs.
func withBudget(c bench.ModelCase, budget string) ([]vm.Option, error) {
	if budget == "" {
		return c.Options, nil
	}
	var bytes float64
	if s, ok := strings.CutSuffix(budget, "%"); ok {
		percent, err := strconv.ParseFloat(s, 64)
		if err != nil || !(percent > 0 && percent <= 100) {
			return nil, usagef("--memory-budget: got %q, want more than 0%% and at most 100%%", budget)
		}
		all, err := c.ArenaBytes()
		if err != nil {
			return nil, err
		}
		bytes = percent / 100 * float64(all)
	} else {
		var err error
		if bytes, err = parseSize(budget); err != nil {
			return nil, usagef("--memory-budget: got %q, want a size such as 800MiB or 1.5GiB, or a percentage such as 50%%", budget)
		}
	}
	return append(c.Options, vm.WithMemoryBudget(int(bytes), c.Batch)), nil
}

// parseSize reads sizes such as 800MiB, 1.5 GiB and 1024.
func parseSize(s string) (float64, error) {
	unit := 1.0
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = strings.TrimSpace(number), float64(int(1)<<(10*(i+1)))
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n*unit >= 1 && n*unit < 1<<50) {
		return 0, fmt.Errorf("%q is no size", s)
	}
	return n * unit, nil
}

// benchModels measures and writes case by case.
func (a *app) benchModels(ctx context.Context, cases []bench.ModelCase, reps int) error {
	var names []string
	for _, c := range cases {
		names = append(names, c.Model.Name)
	}
	t := table{a.stdout, a.out, []column{
		{"model", max(5, widest(names)), false}, {"mode", 5, false}, {"batch", 5, true}, {"threads", 7, true}, {"ms", 10, true},
		{"GFLOP/s", 7, true}, {"peak RSS", 11, true}, {"arena", 11, true}, {"allocations", 11, true},
	}}
	if !a.json {
		t.head()
	}
	for i, c := range cases {
		a.progressLine(fmt.Sprintf("%d of %d: %s", i+1, len(cases), c.Model.Name))
		row, err := c.Measure(reps)
		a.progressLine("")
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if a.json {
			if err := a.emit(row); err != nil {
				return err
			}
			continue
		}
		t.row(nil, row.Name, row.Mode, strconv.Itoa(row.Batch), strconv.Itoa(row.Threads), strconv.FormatFloat(row.MedianMS, 'f', 3, 64),
			strconv.FormatFloat(row.GFLOPS, 'f', 1, 64), byteSize(int(row.PeakRSSBytes)), byteSize(row.ArenaBytes), strconv.FormatFloat(row.AllocsPerStep, 'f', 0, 64))
	}
	return nil
}
