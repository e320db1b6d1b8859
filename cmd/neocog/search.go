package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"neocog/train"
)

func (a *app) searchCommand() *cobra.Command {
	cfg := train.DefaultConfig("lenet5")
	var o trainOptions
	s := train.Search{LR: train.Range{Low: 1e-6, High: 1e-3}, Reg: train.Range{Low: 1e-5, High: 1e5}, Coarse: 20, Fine: 10}
	var lr, reg, dir string
	cmd := &cobra.Command{
		Use:   "search [MODEL]",
		Short: "Search for a learning rate and a strength of L2, at random",
		Long: `Try learning rates and strengths of L2 regularisation, drawn at random by their logarithm, in short runs beside each
other, and then more around the best. A run whose cost explodes is stopped. The folder keeps a line for each trial:
the same command goes on after an interrupt, with the same trials.`,
		Example: `neocog search twolayer --data cifar-10 --dir search
neocog search lenet5 --data mnist --lr-range 1e-4:1 --reg-range 1e-6:1e-2 --dir search`,
		Args:              wants(0, 1, "at most one MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd.Flags(), "config", "data", "dir"); err != nil {
				return err
			}
			given := cmd.Flags().Changed("validation")
			if err := configure(&cfg, args, o, cmd.Flags()); err != nil {
				return err
			}
			if !given && cfg.Validation == 0 {
				cfg.Validation = 1000
			}
			for _, r := range []struct {
				flag, text string
				to         *train.Range
			}{{"--lr-range", lr, &s.LR}, {"--reg-range", reg, &s.Reg}} {
				if err := parseRange(r.text, r.to); err != nil {
					return usagef("%s: %w", r.flag, err)
				}
			}
			s.Base = cfg
			if err := s.Validate(); err != nil {
				return asUsage(err)
			}
			return a.search(cmd.Context(), s, dir)
		},
	}
	methodFlags(cmd, &cfg, &o)
	f := cmd.Flags()
	f.StringVar(&lr, "lr-range", "1e-6:1e-3", "`LOW:HIGH` of learning rates")
	f.StringVar(&reg, "reg-range", "1e-5:1e5", "`LOW:HIGH` of strengths of L2")
	f.IntVar(&s.Coarse, "trials", s.Coarse, "coarse trials")
	f.IntVar(&s.Fine, "fine", s.Fine, "trials around the best of these")
	f.BoolVar(&s.Grid, "grid", false, "try a grid, to compare with")
	f.IntVar(&s.Parallel, "parallel", 0, "trials at a time, of one thread each; 0 is GOMAXPROCS")
	f.IntVar(&cfg.Epochs, "epochs", cfg.Epochs, "of a trial")
	f.StringVar(&cfg.Schedule, "schedule", cfg.Schedule, "`SCHEDULE` of the learning rate, as of train")
	f.IntVar(&cfg.Validation, "validation", 1000, "training images that are held out to judge by")
	f.StringVar(&dir, "dir", "search", "`FOLDER` for the trials and the plot")
	for _, drawn := range []string{"lr", "weight-decay", "threads"} {
		if err := f.MarkHidden(drawn); err != nil {
			panic(err) // a mistake in this program
		}
	}
	return cmd
}

func parseRange(s string, to *train.Range) error {
	low, high, ok := strings.Cut(s, ":")
	var errs [2]error
	to.Low, errs[0] = strconv.ParseFloat(low, 64)
	to.High, errs[1] = strconv.ParseFloat(high, 64)
	if !ok || errs[0] != nil || errs[1] != nil {
		return fmt.Errorf("got %q, want LOW:HIGH, as 1e-6:1e-3", s)
	}
	return nil
}

func (a *app) search(ctx context.Context, s train.Search, dir string) error {
	m, err := configured(&s.Base)
	if err != nil {
		return err
	}
	set, val, err := train.Load(s.Base)
	if err != nil {
		return err
	}
	total := s.Coarse + s.Fine
	show := func(t train.Trial) {
		if a.json {
			a.emit(t) // a writer that fails fails again at the end
			return
		}
		note := ""
		if t.Stopped != "" {
			note = "  stopped: the cost exploded"
		}
		fmt.Fprintf(a.stdout, "val_acc: %.6f, lr: %e, reg: %e, (%d / %d)%s\n", t.Accuracy, t.LR, t.Reg, t.Trial+1, total, note)
	}
	trials, err := s.Run(ctx, m, set, val, dir, show)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return &interrupted{fmt.Sprintf("interrupted after %s; the same command goes on", plural(len(trials), "trial"))}
		}
		return err
	}
	plot := filepath.Join(dir, "search.svg")
	if err := os.WriteFile(plot, []byte(scatter(s, trials)), 0o666); err != nil {
		return err
	}
	best, _ := train.BestTrial(trials)
	if a.json {
		return a.emit(map[string]any{"best": best, "warnings": append([]string{}, s.Edges(trials)...), "plot": plot})
	}
	fmt.Fprintf(a.stdout, "\nbest  val_acc %s at lr %.3g, reg %.3g (trial %d, %s)\nplot  %s\n", a.out.green(fmt.Sprintf("%.4f", best.Accuracy)), best.LR, best.Reg, best.Trial+1, best.Stage, plot)
	for _, w := range s.Edges(trials) {
		fmt.Fprintf(a.stdout, "%s %s\n", a.out.red("warning:"), w)
	}
	return nil
}

// scatter draws the trials as SVG: learning rate to the right, strength upwards, both by logarithm; a better
// trial is larger and greener, one that was stopped is a cross.
func scatter(s train.Search, trials []train.Trial) string {
	const w, h, pad = 640, 480, 60
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", w, h)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/><rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#888"/>`+"\n", pad, pad/2, w-2*pad, h-2*pad)
	x := func(v float64) float64 { return pad + (w-2*pad)*s.LR.Place(v) }
	y := func(v float64) float64 { return pad/2 + (h-2*pad)*(1-s.Reg.Place(v)) }
	for e := math.Ceil(math.Log10(s.LR.Low)); e <= math.Log10(s.LR.High); e++ {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">1e%g</text>`+"\n", x(math.Pow(10, e)), h-pad-12, e)
	}
	for e := math.Ceil(math.Log10(s.Reg.Low)); e <= math.Log10(s.Reg.High); e++ {
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">1e%g</text>`+"\n", pad-6, y(math.Pow(10, e))+4, e)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">learning rate</text><text x="%d" y="18">L2</text>`+"\n", w/2, h-pad/2, pad-30)
	best, _ := train.BestTrial(trials)
	for _, t := range trials {
		px, py := x(t.LR), y(t.Reg)
		if t.Stopped != "" {
			fmt.Fprintf(&b, `<path d="M%.1f %.1fl8 8m0 -8l-8 8" stroke="#b22" fill="none"/>`+"\n", px-4, py-4)
			continue
		}
		part := t.Accuracy / max(best.Accuracy, 1e-9)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="hsl(%.0f,70%%,45%%)"><title>%.4f at lr %.3g, reg %.3g</title></circle>`+"\n", px, py, 3+5*part, 120*part, t.Accuracy, t.LR, t.Reg)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
