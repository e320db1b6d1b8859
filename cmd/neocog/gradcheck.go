package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/ops"
	"neocog/vm"
)

func (a *app) gradcheckCommand() *cobra.Command {
	var all bool
	var c autodiff.Config
	cmd := &cobra.Command{
		Use:   "gradcheck [OP...]",
		Short: "Check the gradients of ops against finite differences",
		Long: `Check derivatives of first and second order, in float64, against central differences with Richardson
extrapolation. A derivative is right if |got - want| <= atol + rtol*|want|; second ones have ten times as much.
"worst" is the largest part of that which any derivative needed: above 1 is wrong. Ops that only gradients
have are checked within those, as functions of the inputs and of the gradient that comes in.`,
		Example: `neocog gradcheck                     every op
neocog gradcheck Conv2D MaxPool2D    these
neocog gradcheck Tanh --rtol 1e-9    with a tolerance of your own`,
		ValidArgs: opNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return usagef("gradcheck takes ops or --all, got both")
			}
			if !(c.RTol > 0 && c.ATol > 0) {
				return usagef("tolerances are above 0, got --rtol %g --atol %g", c.RTol, c.ATol)
			}
			names, err := findOps(args)
			if err != nil {
				return err
			}
			return a.gradcheck(cmd.Context(), names, c)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "check every op, as without arguments")
	cmd.Flags().Float64Var(&c.RTol, "rtol", 1e-6, "relative tolerance of first derivatives")
	cmd.Flags().Float64Var(&c.ATol, "atol", 1e-8, "absolute tolerance of first derivatives")
	cmd.Flags().Uint64Var(&c.Seed, "seed", 1, "draws inputs and directions")
	return cmd
}

// opNames returns the names of all ops, sorted.
func opNames() []string {
	var names []string
	for _, op := range ops.All() {
		names = append(names, op.Name())
	}
	slices.Sort(names)
	return names
}

// findOps returns the known names that args mean, whatever their case; all of them for none.
func findOps(args []string) ([]string, error) {
	known := opNames()
	if len(args) == 0 {
		return known, nil
	}
	var names []string
	for _, arg := range args {
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, arg) })
		if i < 0 {
			return nil, asUsage(nearest.Unknown("op", arg, known))
		}
		if !slices.Contains(names, known[i]) {
			names = append(names, known[i])
		}
	}
	return names, nil
}

// A verdict is the outcome of one case, or why an op has none.
type verdict struct {
	Op      string   `json:"op"`
	Case    string   `json:"case"`
	Checked int      `json:"checked"` // derivatives
	Worst   float64  `json:"worst"`   // part of the tolerance
	OK      bool     `json:"ok"`
	Wrong   []string `json:"wrong,omitempty"`
}

func (a *app) gradcheck(ctx context.Context, names []string, c autodiff.Config) error {
	cases := coverage(gradientCases())
	var titles []string
	for _, op := range names {
		for _, k := range cases[op] {
			titles = append(titles, k.String())
		}
	}
	table := table{a.stdout, a.out, []column{
		{"op", widest(names), false}, {"case", widest(titles), false}, {"derivatives", 11, true}, {"worst", 8, true}, {"verdict", 7, false},
	}}
	if !a.json {
		table.head()
	}
	total := struct {
		Checked int `json:"checked"`
		Failed  int `json:"failed"`
		Ops     int `json:"ops"`
	}{}
	for _, op := range names {
		if len(cases[op]) == 0 {
			if err := a.noGradient(table, op); err != nil {
				return err
			}
			continue
		}
		total.Ops++
		for _, k := range cases[op] {
			if err := ctx.Err(); err != nil {
				return err
			}
			v, failed, err := k.check(op, c)
			if err != nil {
				return fmt.Errorf("%s, %v: %w", op, k, err)
			}
			total.Checked += v.Checked
			total.Failed += failed
			if a.json {
				if err := a.emit(v); err != nil {
					return err
				}
				continue
			}
			v.print(table)
		}
	}
	if a.json {
		if err := a.emit(total); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.stdout, "\n%s of %s checked, %s\n", plural(total.Checked, "derivative"), plural(total.Ops, "op"), a.wrong(total.Failed))
	}
	if total.Failed > 0 {
		return errSilent
	}
	return nil
}

func (a *app) wrong(n int) string {
	if n == 0 {
		return a.out.green("all right")
	}
	return a.out.red(thousands(n) + " wrong")
}

// noGradient prints why an op is not checked.
func (a *app) noGradient(t table, op string) error {
	why := noGradient[op]
	if why == "" {
		why = "no gradient: it is piecewise constant or works on integers"
	}
	if a.json {
		return a.emit(map[string]any{"op": op, "checked": 0, "why": why})
	}
	t.row(func(i int, cell string) string { return t.paint.dim(cell) }, op, why)
	return nil
}

func (v verdict) print(t table) {
	colour, word := t.paint.green, "ok"
	if !v.OK {
		colour, word = t.paint.red, "WRONG"
	}
	t.row(func(i int, cell string) string {
		if i == 4 {
			return colour(cell)
		}
		return cell
	}, v.Op, v.Case, thousands(v.Checked), strconv.FormatFloat(v.Worst, 'g', 2, 64), word)
	for _, w := range v.Wrong {
		fmt.Fprintf(t.w, "    %s\n", w)
	}
}

// shownMismatches is how many wrong derivatives of a case are printed.
const shownMismatches = 5

// check compares the derivatives of k with finite differences; failed counts the wrong ones.
func (k gradientCase) check(op string, c autodiff.Config) (v verdict, failed int, err error) {
	c.Order = 2
	if k.once != "" {
		c.Order = 1
	}
	c.Options = []vm.Option{vm.Threads(1)} // the tensors are tiny
	rep, err := autodiff.Check(k.scalar(c.Seed), k.tensors(c.Seed), c)
	if err != nil {
		return verdict{}, 0, err
	}
	v = verdict{Op: op, Case: k.String(), Checked: rep.Checked, Worst: rep.Worst, OK: len(rep.Mismatches) == 0}
	for _, m := range rep.Mismatches[:min(shownMismatches, len(rep.Mismatches))] {
		v.Wrong = append(v.Wrong, m.String())
	}
	return v, len(rep.Mismatches), nil
}

func widest(names []string) int {
	w := 0
	for _, n := range names {
		w = max(w, utf8.RuneCountInString(n))
	}
	return w
}

// coverage lists by op the cases which check it: those made for it or, for ops which only gradients have,
// the gradients of cases in which they occur, or the gradients of those.
func coverage(cases []gradientCase) map[string][]gradientCase {
	by := map[string][]gradientCase{}
	for _, k := range cases {
		by[k.op] = append(by[k.op], k)
	}
	level := slices.Clone(cases)
	for range 2 {
		before := maps.Clone(by)
		for i, k := range level {
			d := k.derivative()
			for _, op := range d.opsOf() {
				if before[op] == nil {
					by[op] = append(by[op], d)
				}
			}
			level[i] = d
		}
	}
	return by
}

// opsOf returns the names of the ops in k's function, each once, in order.
func (k gradientCase) opsOf() []string {
	g := graph.New("case")
	k.scalar(0)(k.inputs(g))
	var names []string
	for _, n := range g.Nodes() {
		if !slices.Contains(names, n.Op.Name()) {
			names = append(names, n.Op.Name())
		}
	}
	return names
}
