package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"neocog/train"
)

func (a *app) lrfindCommand() *cobra.Command {
	cfg := train.DefaultConfig("lenet5")
	var o trainOptions
	r := rangeTest{low: 1e-6, high: 1, steps: 100}
	cmd := &cobra.Command{
		Use:   "lrfind [MODEL]",
		Short: "Find a learning rate by a range test",
		Long: `Train for a few steps while the learning rate rises from --low to --high in equal ratios, show the loss by rate, and
suggest the rate at which it falls most steeply. Nothing is kept.`,
		Example: `neocog lrfind
neocog lrfind resnet20-cifar10 --data cifar-10 --csv curve.csv`,
		Args:              wants(0, 1, "at most one MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd.Flags(), "config", "data", "csv"); err != nil {
				return err
			}
			if err := configure(&cfg, args, o, cmd.Flags()); err != nil {
				return err
			}
			if !(r.low > 0 && r.low < r.high) || math.IsInf(r.high, 0) || r.steps < 10 {
				return usagef("a range test wants 0 < --low < --high and --steps of at least 10, got %g, %g and %d", r.low, r.high, r.steps)
			}
			return a.lrfind(cmd.Context(), cfg, r)
		},
	}
	methodFlags(cmd, &cfg, &o)
	f := cmd.Flags()
	f.Float64Var(&r.low, "low", r.low, "lowest rate")
	f.Float64Var(&r.high, "high", r.high, "highest rate")
	f.IntVar(&r.steps, "steps", r.steps, "steps from the one to the other")
	f.StringVar(&r.csv, "csv", "", "`FILE` for the curve: lr,loss,smooth")
	return cmd
}

type rangeTest struct {
	low, high float64
	steps     int
	csv       string
}

func (a *app) lrfind(ctx context.Context, cfg train.Config, r rangeTest) error {
	m, err := configured(&cfg)
	if err != nil {
		return err
	}
	set, _, err := train.Load(cfg)
	if err != nil {
		return err
	}
	norm, err := train.Normalize(cfg, set)
	if err != nil {
		return err
	}
	t, err := train.New(m, cfg, norm)
	if err != nil {
		return err
	}
	defer t.Close()
	points, lr, err := t.FindRate(ctx, set, r.low, r.high, r.steps)
	if err != nil {
		return err
	}
	if r.csv != "" {
		var b strings.Builder
		b.WriteString("lr,loss,smooth\n")
		for _, p := range points {
			fmt.Fprintf(&b, "%g,%g,%g\n", p.LR, p.Loss, p.Smooth)
		}
		if err := os.WriteFile(r.csv, []byte(b.String()), 0o666); err != nil {
			return err
		}
	}
	if a.json {
		return a.emit(map[string]any{"suggestion": lr, "points": points})
	}
	a.curve(points)
	if lr == 0 {
		fmt.Fprintf(a.stdout, "\nthe loss never falls between %g and %g; try other rates with --low and --high\n", r.low, r.high)
		return nil
	}
	fmt.Fprintf(a.stdout, "\nsuggestion  %s, where the loss falls most steeply\n", a.out.green(fmt.Sprintf("%.2g", lr)))
	switch place := (train.Range{Low: r.low, High: r.high}).Place(lr); {
	case place < 0.1:
		fmt.Fprintf(a.stdout, "%s that is the lower edge of %g to %g, where the first batches may differ by more than the rate does: try with another --low or --high, or more --steps\n", a.out.red("warning:"), r.low, r.high)
	case place > 0.9:
		fmt.Fprintf(a.stdout, "%s that is the upper edge of %g to %g: try with --high %.2g\n", a.out.red("warning:"), r.low, r.high, r.high*10)
	}
	return nil
}

// curve draws a bar for the smoothed loss at about 20 of the rates.
func (a *app) curve(points []train.RangePoint) {
	top := 0.0
	for _, p := range points {
		top = max(top, p.Smooth)
	}
	every := (len(points) + 19) / 20
	t := table{a.stdout, a.out, []column{{"rate", 8, true}, {"loss", 8, true}, {"", 50, false}}}
	t.head()
	for i := 0; i < len(points); i += every {
		p := points[i]
		t.row(nil, fmt.Sprintf("%.2g", p.LR), fmt.Sprintf("%.4f", p.Smooth), strings.Repeat("█", max(0, int(50*p.Smooth/top))))
	}
}
