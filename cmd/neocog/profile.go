package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"neocog/bench"
	"neocog/inspect"
	"neocog/internal/wholefile"
	"neocog/vm"
)

func (a *app) profileCommand() *cobra.Command {
	var f modelFlags
	var format *choice
	var file string
	var top int
	cmd := &cobra.Command{
		Use:   "profile MODEL",
		Short: "Show where the time of a network goes",
		Long: `Run a network, predicting or in training, and show for each node how long it took, the rates of arithmetic and of
memory that it reached, and the memory of its result; then the times of the forward pass, the gradient and the update,
and those of each op. The images are of chance.

With --format json the profile is what "neocog graph --profile" reads, with --format trace the last run on all
workers, for chrome://tracing and ui.perfetto.dev.`,
		Example: `neocog profile resnet50
neocog profile vgg-d --mode train --batch 4 --top 20
neocog profile lenet5 --mode train --batch 64 --format json -o lenet5.json
neocog graph lenet5 --grad --profile lenet5.json --format html -o lenet5.html
neocog profile googlenet --format trace -o trace.json`,
		Args:              wants(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 0 {
				return usagef("--top: got %d, want at least 0", top)
			}
			cases, err := f.cases(args)
			if err != nil {
				return err
			}
			if a.json {
				if cmd.Flags().Changed("format") && format.value != "json" {
					return usagef("--json and --format %s ask for two forms; leave one of them out", format.value)
				}
				format.value = "json"
			}
			write := func(w io.Writer, p *inspect.Profile, m *vm.Profile) error {
				text := []byte(p.Table(top))
				switch format.value {
				case "json":
					var err error
					if text, err = p.JSON(); err != nil {
						return err
					}
				case "trace":
					return p.Trace(w, m)
				}
				_, err := w.Write(text)
				return err
			}
			return a.interruptible(cmd.Context(), func() error {
				p, m, err := profile(cmd.Context(), cases[0], f.reps)
				if err != nil {
					return err
				}
				if file == "" || file == "-" {
					return write(a.stdout, p, m)
				}
				return wholefile.Write(file, func(w io.Writer) error { return write(w, p, m) })
			})
		},
	}
	f.add(cmd, false)
	cmd.Flags().IntVar(&top, "top", 0, "list only so many nodes, the slowest; 0 lists all in the order in which they run")
	format = chooses(cmd, cmd.Flags(), "format", "text, json or trace", "text", "json", "trace")
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to this `FILE` instead of the terminal")
	return cmd
}

// profile runs the network reps times, or for half a second.
func profile(ctx context.Context, c bench.ModelCase, reps int) (*inspect.Profile, *vm.Profile, error) {
	c.Options = append(c.Options, vm.WithProfile())
	r, err := c.Start()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	r.Machine.ResetProfile() // what the first run did for the first time is not of interest
	for begin, n := time.Now(), 0; ctx.Err() == nil && (n < reps || reps == 0 && (n < 5 || time.Since(begin) < time.Second/2)); n++ {
		if err := r.Run(1); err != nil {
			return nil, nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	batch := c.Batch
	m := r.Machine.Profile(batch)
	return inspect.NewProfile(r.Graph, m), m, nil
}
