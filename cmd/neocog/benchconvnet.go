package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"neocog/bench"
)

func (a *app) benchConvnetCommand() *cobra.Command {
	var batch, threads, reps int
	cmd := &cobra.Command{
		Use:   "convnet [MODEL...]",
		Short: "Measure the lecture's table of networks, forward and backward apart",
		Long: `Measure the networks of the table that the lecture takes from convnet-benchmarks, forward and backward apart: AlexNet of “One weird
trick” at batch size 128, VGG model A at 64, GoogLeNet at 128, images of 224x224. Backward is the gradient by all parameters; no
optimiser runs. Where the memory that is free does not hold a batch, half of it is taken, and so on, which the table says. GFLOP/s count convolutions
and matrix products by their definition.`,
		Example: `neocog bench convnet
neocog bench convnet alexnet-owt --batch 16 --reps 1
neocog bench convnet --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case threads < 1 || threads > maxThreads:
				return usagef("--threads: got %d, want 1 to %d", threads, maxThreads)
			case reps < 1 || reps > maxReps:
				return usagef("--reps: got %d, want 1 to %d", reps, maxReps)
			case cmd.Flags().Changed("batch") && (batch < 1 || batch > maxBatch):
				return usagef("--batch: got %d, want 1 to %d", batch, maxBatch)
			}
			nets, err := bench.Select("network", bench.Convnets(), func(c bench.Convnet) string { return c.Model.Name }, args)
			if err != nil {
				return asUsage(err)
			}
			return a.interruptible(cmd.Context(), func() error { return a.benchConvnets(cmd.Context(), nets, batch, threads, reps) })
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
			for _, c := range bench.Convnets() {
				names = append(names, c.Model.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&batch, "batch", 0, "images in a batch; otherwise those of the lecture, or what the memory holds")
	flags.IntVar(&threads, "threads", runtime.GOMAXPROCS(0), "threads")
	flags.IntVar(&reps, "reps", 3, "timed runs, of which the median counts")
	return cmd
}

func (a *app) benchConvnets(ctx context.Context, nets []bench.Convnet, batch, threads, reps int) error {
	t := table{a.stdout, a.out, []column{
		{"network", 25, false}, {"input", 15, false}, {"forward ms", 10, true}, {"GFLOP/s", 7, true}, {"backward ms", 11, true}, {"GFLOP/s", 7, true}, {"total ms", 9, true}, {"", 0, false},
	}}
	if !a.json {
		t.head()
	}
	for i, c := range nets {
		a.progressLine(fmt.Sprintf("%d of %d: %s", i+1, len(nets), c.Title))
		row, err := c.Measure(batch, threads, reps)
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
		number := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
		note := ""
		if row.Batch != row.LectureBatch {
			note = fmt.Sprintf("in the lecture batch %d", row.LectureBatch)
		}
		t.row(nil, row.Title, fmt.Sprintf("%dx3x224x224", row.Batch), number(row.ForwardMS), number(row.ForwardGFLOPS), number(row.BackwardMS), number(row.BackwardGFLOPS), number(row.TotalMS), a.out.dim(note))
	}
	return nil
}
