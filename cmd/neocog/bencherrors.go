package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"neocog/bench"
	"neocog/internal/cpu"
	"neocog/ops/conv"
)

func (a *app) benchErrorsCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "errors",
		Short: "Measure how exact the algorithms for convolutions are",
		Long: `Measure the rounding errors of convolutions in float32: the relative L2 error against float64, of each algorithm in each pass, on
a layer of each kind or on the shapes given. The table is in Markdown: docs/numerics.md has it. A dash is a pass that
the algorithm refuses. Results are the same in every run, for any number of threads.`,
		Example: `neocog bench errors
neocog bench errors --isa avx2 --algo 'winograd F(4×4,3×3)'
neocog bench errors --shape 2x64x56x56,128x3x3,pad=1`,
		Args: wants(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			level, err := f.level()
			if err != nil {
				return err
			}
			return a.interruptible(cmd.Context(), func() (err error) {
				cpu.With(level, func() { err = a.benchErrors(cmd.Context(), &f) })
				return err
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.shapes, "shape", nil, "this `SHAPE` instead, as of neocog bench conv; may be repeated")
	addsConv(cmd, flags, &f.algo, "algo", "all", "all, ")
	f.isa = chooses(cmd, flags, "isa", "instructions; best is the most that the processor has", "best", "portable", "avx2", "avx512")
	return cmd
}

func (a *app) benchErrors(ctx context.Context, f *benchFlags) error {
	algorithms := conv.All()
	if f.algo != "all" {
		one, err := algorithm("algo", f.algo)
		if err != nil {
			return err
		}
		if one == nil {
			return usagef("--algo %s: want an algorithm or all", f.algo)
		}
		algorithms = conv.Algorithms{one}
	}
	kinds := bench.Kinds()
	if len(f.shapes) > 0 {
		kinds = nil
	}
	for _, s := range f.shapes {
		p, err := bench.ParseConv(s)
		if err != nil {
			return asUsage(err)
		}
		kinds = append(kinds, bench.Kind{Name: bench.FormatConv(p), Problem: p})
	}
	if !a.json {
		fmt.Fprint(a.stdout, "| layer | algorithm | forward | gradient of the image | of the filter | bound |\n|---|---|---|---|---|---|\n")
	}
	for _, k := range kinds {
		a.progressLine(k.Name)
		rows, err := bench.Errors(k.Name, k.Problem, algorithms, runtime.GOMAXPROCS(0))
		if err != nil {
			return err
		}
		a.progressLine("")
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, r := range rows {
			if a.json {
				if err := a.emit(r); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(a.stdout, "| %s | `%s` | %s | %s | %s | %s |\n", r.Name, r.Algo, relative(r.Forward), relative(r.InputGrad), relative(r.FilterGrad), relative(r.Bound))
		}
	}
	return nil
}

// relative writes an error; a dash is one that there is not.
func relative(e float64) string {
	if e < 0 {
		return "–"
	}
	return fmt.Sprintf("%.1e", e)
}
