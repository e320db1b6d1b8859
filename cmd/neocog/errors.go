package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"neocog/data"
	"neocog/internal/nearest"
)

// The exit status of the command.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, what a shell reports
)

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// asUsage makes err, if it is one, a mistake on the command line.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// errSilent is a failure which the results say already, such as a gradient that is wrong.
var errSilent = errors.New("failed")

// interrupted is the end of a command which a signal stopped and which has said so.
type interrupted struct{ note string }

func (e *interrupted) Error() string { return e.note }
func (e *interrupted) Unwrap() error { return context.Canceled }

// finish reports err on w and returns the exit status.
func finish(w io.Writer, cmd *cobra.Command, err error, stack bool) int {
	report := func(msg string) { fmt.Fprintf(w, "neocog: %s\n", msg) }
	if usage, ok := errors.AsType[*usageError](err); ok {
		report(usage.Error())
		fmt.Fprintf(w, "run '%s -h' for help\n", cmd.CommandPath())
		return exitUsage
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFailure
	case errors.Is(err, context.Canceled):
		if i, ok := errors.AsType[*interrupted](err); ok {
			report(i.note)
		} else {
			report("interrupted")
		}
		return exitInterrupted
	case stack:
		report(fmt.Sprintf("%+v", err))
	default:
		report(err.Error())
	}
	return exitFailure
}

// bug is a panic of ours or of a library. It does not reach the user as a screenful of goroutines.
type bug struct {
	value any
	stack []byte
}

func (b *bug) Error() string {
	return fmt.Sprintf("internal error: %v; this is a bug in neocog, --stack shows where", b.value)
}

// Format adds the stack for %+v.
func (b *bug) Format(s fmt.State, verb rune) {
	io.WriteString(s, b.Error())
	if verb == 'v' && s.Flag('+') {
		fmt.Fprintf(s, "\n%s", b.stack)
	}
}

// guarded runs a command; a panic becomes an error.
func guarded(root *cobra.Command, ctx context.Context) (cmd *cobra.Command, err error) {
	defer func() {
		r := recover()
		if cut, ok := r.(*data.FormatError); ok { // a pack that was cut while it is in use; see data.OpenPack
			cmd, err = root, cut
		} else if r != nil {
			cmd, err = root, &bug{r, debug.Stack()}
		}
	}()
	return root.ExecuteContextC(ctx)
}

// flagError says what is wrong with a flag, with the nearest known ones.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if len(name) == 1 {
			return usagef("unknown flag -%s", name)
		}
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, f.Name)
			}
		})
		hint := ""
		if near := nearest.Names(name, known, 3); len(near) > 0 {
			hint = ", did you mean --" + strings.Join(near, " or --") + "?"
		}
		return usagef("unknown flag --%s%s", name, hint)
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return badValue("--"+bad.GetFlag().Name, bad.GetFlag(), bad.GetValue(), bad.Unwrap())
	}
	if short, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usagef("--%s wants a value: %s", short.GetFlag().Name, kind(short.GetFlag()))
	}
	return asUsage(err)
}

// badValue says that the value of a flag, which came from where, does not parse.
func badValue(where string, f *pflag.Flag, value string, err error) error {
	if _, ok := f.Value.(*choice); ok {
		return usagef("%s: %w", where, err)
	}
	return usagef("%s: got %q, want %s", where, value, kind(f))
}

// kind says what values a flag takes.
func kind(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return "a whole number"
	case "uint64":
		return "a whole number from 0"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	}
	if c, ok := f.Value.(*choice); ok {
		return strings.Join(c.known, ", ")
	}
	if name, _ := pflag.UnquoteUsage(f); name != f.Value.Type() {
		return name // as the help calls it
	}
	return "text"
}

// notEmpty returns an error if one of the flags is given without content, as a variable of the shell that is not set gives it.
func notEmpty(flags *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		if f := flags.Lookup(name); f.Changed && f.Value.String() == "" {
			what, _ := pflag.UnquoteUsage(f)
			return usagef("--%s is empty, want a %s", name, cmp.Or(what, "value"))
		}
	}
	return nil
}

// choice is a flag which takes one of a few words.
type choice struct {
	value string
	known []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.known, "|") }

// Set accepts a known word, in any case.
func (c *choice) Set(v string) error {
	if i := slices.IndexFunc(c.known, func(k string) bool { return strings.EqualFold(k, v) }); i >= 0 {
		c.value = c.known[i]
		return nil
	}
	return nearest.Unknown("value", v, c.known)
}

// chooses adds a flag that takes one of the known words, the first of which is the default, and completes them.
func chooses(cmd *cobra.Command, flags *pflag.FlagSet, name, usage string, known ...string) *choice {
	c := &choice{known[0], known}
	flags.Var(c, name, usage)
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return known, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
		panic(err) // the flag is given twice: a mistake in this program
	}
	return c
}

// wants checks the number of arguments; what names them, as "RUN" or "RUN IMAGE...". most < 0 is no limit.
func wants(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if most != 0 && slices.Contains(args, "") { // as a variable of the shell that is not set gives it
			return usagef("%s wants %s, got an empty argument", cmd.Name(), what)
		}
		if n := len(args); n >= least && (most < 0 || n <= most) {
			return nil
		}
		if most == 0 {
			return usagef("%s takes no arguments, got %q", cmd.Name(), args)
		}
		got := fmt.Sprintf("%q", args)
		if len(args) == 0 {
			got = "no argument"
		}
		return usagef("%s wants %s, got %s", cmd.Name(), what, got)
	}
}
