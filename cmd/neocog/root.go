package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"neocog/internal/cpu"
	"neocog/internal/nearest"
)

// An app is one invocation: where it writes, and the flags that every command has.
type app struct {
	stdout, stderr    io.Writer
	warn              io.Writer // stderr, also with --quiet
	json, quiet, dump bool
	color             *choice

	out, log paint // how to colour what goes to stdout and to stderr
}

// run runs the command line args and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	// The first signal cancels ctx, upon which commands save and end; then signals have their usual effect
	// again, so that a second one ends the process at once.
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup makes it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	context.AfterFunc(ctx, stop)

	out := &results{Writer: stdout}
	a := &app{stdout: out, stderr: stderr, warn: stderr}
	root := a.root()
	root.SetArgs(args)
	cmd, err := guarded(root, ctx)
	if out.err != nil && (err == nil || errors.Is(err, out.err)) {
		err = fmt.Errorf("the results are not complete: %w", out.err)
	}
	return finish(stderr, cmd, err, a.dump)
}

// results is standard output; it remembers that a write failed, as on a full disk, so that commands need not ask.
type results struct {
	io.Writer
	err error
}

func (r *results) Write(b []byte) (int, error) {
	n, err := r.Writer.Write(b)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n, err
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "neocog",
		Short: "Train convolutional networks, and see what they are made of",
		Example: `neocog train                   LeNet-5 on the embedded digits, in under a minute
neocog train --data mnist      on a folder with MNIST, Fashion-MNIST or CIFAR-10
neocog view runs/NAME          what training looked like
neocog summary lenet5          layers, parameters, multiply-adds
neocog graph lenet5 --grad     the network and its gradient as a graph`,
		Args:              cobra.ArbitraryArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Version:           version().Version,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return asUsage(nearest.Unknown("command", args[0], commandNames(cmd)))
		},
	}
	cobra.EnableCommandSorting = false // they stand in the order of use
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("neocog {{.Version}}\n")
	setHelp(root)

	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "results as JSON, one object a line")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no logs, only results and errors")
	a.color = chooses(root, flags, "color", "colour: on a terminal, always or never", "auto", "always", "never")
	flags.BoolVar(&a.dump, "stack", false, "show the call stack of an error")

	root.AddCommand(a.trainCommand(), a.sanityCommand(), a.lrfindCommand(), a.searchCommand(), a.transferCommand(), a.evalCommand(), a.predictCommand(), a.viewCommand(),
		a.dataCommand(), a.summaryCommand(), a.graphCommand(),
		a.onnxCommand(), a.weightsCommand(), a.gradcheckCommand(), a.benchCommand(), a.profileCommand(), a.explainCommand(), a.tuneCommand(), a.envCommand(), a.versionCommand())
	return root
}

// prepare runs after the flags are parsed and before the command.
func (a *app) prepare(cmd *cobra.Command) error {
	if err := fromEnvironment(cmd.Flags(), os.LookupEnv); err != nil {
		return err
	}
	if err := cpu.Err(); err != nil {
		return asUsage(err)
	}
	a.out = painter(a.color.value, a.stdout, os.Getenv)
	a.log = painter(a.color.value, a.stderr, os.Getenv)
	if a.quiet {
		a.stderr = io.Discard // errors are reported by run
	}
	return nil
}

// fromEnvironment sets the flags which are not on the command line from the environment: --weight-decay
// from NEOCOG_WEIGHT_DECAY. An empty variable counts as none.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var fault error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "NEOCOG_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, _ := lookup(name)
		if v == "" || f.Changed || f.Name == "help" || f.Name == "version" {
			return
		}
		if err := f.Value.Set(v); err != nil {
			if fault == nil {
				fault = badValue(name, f, v, err)
			}
			return
		}
		f.Changed = true
	})
	return fault
}

// emit writes one line of JSON to stdout.
func (a *app) emit(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}
