package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"neocog/models"
	"neocog/train"
)

func (a *app) sanityCommand() *cobra.Command {
	cfg := train.DefaultConfig("lenet5")
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "sanity [MODEL]",
		Short: "Check a model before it is trained",
		Long: `Make the checks that cost a minute and save a night: is the first loss ln C, does it rise with regularisation, are
activations spread evenly and ReLUs alive, is the gradient right, can the network learn 20 images by heart, and is the
learning rate too low, too high or about right? A check that fails exits 1; a warning does not.`,
		Example: `neocog sanity
neocog sanity twolayer --data cifar-10 --lr 1e-6
neocog sanity resnet20-cifar10 --data cifar-10 --json`,
		Args:              wants(0, 1, "at most one MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd.Flags(), "config", "data"); err != nil {
				return err
			}
			if err := configure(&cfg, args, o, cmd.Flags()); err != nil {
				return err
			}
			return a.sanity(cmd.Context(), cfg)
		},
	}
	methodFlags(cmd, &cfg, &o)
	return cmd
}

// methodFlags are the flags of commands that try a model without keeping a run.
func methodFlags(cmd *cobra.Command, cfg *train.Config, o *trainOptions) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&cfg.Data, "data", cfg.Data, "`FOLDER` with a data set, a pack, csv:FILE, or digits")
	f.StringVar(&cfg.Input, "input", "", "build the model for images of `CxHxW`, as 1x64x64; its own by default")
	f.IntVar(&cfg.Classes, "classes", 0, "give the model a new last layer for so many classes; 0 is the model's own")
	f.IntVar(&cfg.TrainImages, "train-images", 0, "use so many images only; 0 is all, of the digits 10,000")
	f.IntVar(&cfg.Batch, "batch", cfg.Batch, "images in a step")
	f.StringVar(&cfg.Optimizer, "optimizer", cfg.Optimizer, "`RULE` of the steps, as of train")
	f.Float64Var(&cfg.LR, "lr", cfg.LR, "learning rate")
	f.Float64Var(&cfg.Momentum, "momentum", cfg.Momentum, "of momentum, nesterov and lars; 0 is the usual 0.9")
	f.Float64Var(&cfg.WeightDecay, "weight-decay", cfg.WeightDecay, "L2 on weights; decoupled for adamw")
	f.StringVar(&cfg.Init, "init", cfg.Init, "`METHOD` by which weights start, as of train")
	f.StringVar(&cfg.Normalize, "normalize", cfg.Normalize, "`METHOD` for the images: mean-std, imagenet, pixel-mean, mean, none")
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "decides weights, order and digits")
	f.IntVar(&cfg.Threads, "threads", cfg.Threads, "0 is GOMAXPROCS; changes no result")
	f.StringVar(&o.file, "config", "", "`FILE` of YAML, such as the config.yaml of a run")
}

// configured returns the model that cfg asks for, with its name in cfg.
func configured(cfg *train.Config) (models.Model, error) {
	m, err := findModel(cfg.Model)
	if err != nil {
		return m, err
	}
	cfg.Model = m.Name // of an alias
	return train.Model(*cfg)
}

func (a *app) sanity(ctx context.Context, cfg train.Config) error {
	m, err := configured(&cfg)
	if err != nil {
		return err
	}
	set, _, err := train.Load(cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "checking %s on %s\n\n", a.log.bold(m.Name), a.log.bold(dataName(set)))
	r, err := train.Sanity(ctx, m, cfg, set)
	if err != nil {
		return err
	}
	if a.json {
		err = a.emit(r)
	} else {
		a.printSanity(r)
	}
	if err == nil && !r.OK() {
		return errSilent
	}
	return err
}

func (a *app) printSanity(r *train.SanityReport) {
	var names, got, layers []string
	for _, c := range r.Checks {
		names, got = append(names, c.Name), append(got, c.Got)
	}
	t := table{a.stdout, a.out, []column{{"check", widest(names), false}, {"", 7, false}, {"got", widest(got), false}, {"want", 4, false}}}
	t.head()
	for _, c := range r.Checks {
		t.row(func(i int, cell string) string {
			switch {
			case i == 1 && c.Status == train.OK:
				return a.out.green(cell)
			case i == 1:
				return a.out.red(cell)
			}
			return cell
		}, c.Name, string(c.Status), c.Got, c.Want)
		if c.Advice != "" {
			fmt.Fprintf(a.stdout, "    %s\n", c.Advice)
		}
	}
	for _, l := range r.Layers {
		layers = append(layers, l.Node)
	}
	fmt.Fprintln(a.stdout)
	t = table{a.stdout, a.out, []column{{"layer", widest(append(layers, "layer")), false}, {"mean", 9, true}, {"std", 9, true}, {"zeros", 6, true}, {"dead", 6, true}}}
	t.head()
	for _, l := range r.Layers {
		t.row(nil, l.Node, fmt.Sprintf("%.3g", l.Mean), fmt.Sprintf("%.3g", l.Std), fmt.Sprintf("%.0f %%", 100*l.Zeros), fmt.Sprintf("%.0f %%", 100*l.Dead))
	}
}
