package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"neocog/ops/conv"
	"neocog/train"
	"neocog/tune"
	"neocog/vm"
)

// convFlags say how convolutions are computed.
type convFlags struct {
	algo, tune, limit string
	accuracy          *choice
}

// add adds those flags that choose the algorithm.
func (f *convFlags) add(cmd *cobra.Command, flags *pflag.FlagSet) {
	addsConv(cmd, flags, &f.algo, "conv", "auto", "")
	f.accuracy = choosesAccuracy(cmd, flags)
	flags.StringVar(&f.tune, "tune", "", "choose by the times in this `FILE`, which neocog tune has made")
}

// addLimit adds the flag for scratch memory.
func (f *convFlags) addLimit(flags *pflag.FlagSet) {
	flags.StringVar(&f.limit, "workspace-limit", "", "scratch memory of a convolution at most, such as 8MiB")
}

// addsConv adds a flag for an algorithm, whose names are too many for a line of help.
func addsConv(cmd *cobra.Command, flags *pflag.FlagSet, value *string, name, usual, more string) {
	flags.StringVar(value, name, usual, "`ALGORITHM` of convolutions: auto, "+more+"winograd, fourier, sums (the definition), or one\nby its name, such as im2col or \"winograd F(4×4,3×3)\"")
	known := slices.Concat([]string{"auto"}, conv.Families().Names(), conv.All().Names())
	if more != "" {
		known = append(known, "all")
	}
	err := cmd.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return known, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag is given twice: a mistake in this program
	}
}

// choosesAccuracy adds the flag for the class of rounding errors of convolutions.
func choosesAccuracy(cmd *cobra.Command, flags *pflag.FlagSet) *choice {
	return chooses(cmd, flags, "accuracy", "class of rounding errors of convolutions, relative: exact 1e-6,\ndefault 5e-6, fast 1e-5",
		conv.DefaultAccuracy.String(), conv.Exact.String(), conv.Fast.String())
}

// algorithm returns the algorithm of a flag's value, nil for auto.
func algorithm(flag, value string) (conv.Algorithm, error) {
	if value == "auto" || value == "" {
		return nil, nil
	}
	a, err := conv.Find(value)
	if err != nil {
		return nil, usagef("--%s: %w", flag, err)
	}
	return a, nil
}

// options returns what a program is compiled with.
func (f *convFlags) options() ([]vm.Option, error) {
	var opts []vm.Option
	a, err := algorithm("conv", f.algo)
	if err != nil {
		return nil, err
	}
	if a != nil {
		opts = append(opts, vm.WithConv(a))
	}
	class, err := conv.ParseAccuracy(f.accuracy.value)
	if err != nil {
		return nil, asUsage(err)
	}
	opts = append(opts, vm.WithAccuracy(class))
	if f.tune != "" {
		table, err := tune.Open(f.tune)
		if err != nil {
			return nil, err
		}
		opts = append(opts, vm.WithTimes(table))
	}
	if f.limit != "" {
		bytes, err := parseSize(f.limit)
		if err != nil {
			return nil, usagef("--workspace-limit: got %q, want a size such as 8MiB", f.limit)
		}
		opts = append(opts, vm.WithWorkspaceLimit(int(bytes)))
	}
	return opts, nil
}

// change makes a network that was trained another way compute its convolutions as the flags that were given say.
func (f *convFlags) change(cmd *cobra.Command, trainers train.Ensemble) error {
	flags := cmd.Flags()
	if !flags.Changed("conv") && !flags.Changed("accuracy") && !flags.Changed("tune") {
		return nil
	}
	for _, t := range trainers {
		cfg := t.Config()
		if flags.Changed("conv") {
			if _, err := algorithm("conv", f.algo); err != nil {
				return err
			}
			cfg.Conv = f.configured()
		}
		if flags.Changed("accuracy") {
			cfg.Accuracy = f.accuracy.value
		}
		if flags.Changed("tune") {
			cfg.Tune = f.tune
		}
		if err := t.SetConv(cfg.Conv, cfg.Accuracy, cfg.Tune); err != nil {
			return err
		}
	}
	return nil
}

// configured is the algorithm as train.Config.Conv has it.
func (f *convFlags) configured() string {
	if f.algo == "auto" {
		return ""
	}
	return f.algo
}
