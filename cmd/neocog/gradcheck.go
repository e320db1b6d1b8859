package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"neocog/autodiff"
	"neocog/autodiff/gradcheck"
	"neocog/internal/nearest"
)

func (a *app) gradcheckCommand() *cobra.Command {
	var all bool
	var c autodiff.Config
	cmd := &cobra.Command{
		Use:   "gradcheck [NAME...]",
		Short: "Check gradients of ops, algorithms and models against finite differences",
		Long: `Check derivatives of first and second order, in float64, against central differences: of ops, of the passes of
convolution algorithms, and of the losses of models, in inference and training. A derivative is right if
|got - want| <= atol + rtol*|want|; second ones have ten times as much. "worst error" is that of the derivative which
needed the largest part of its tolerance, beside that tolerance.

Ops that only gradients have are checked within those, as functions of the inputs and of the gradient that comes in. All
convolution algorithms compute in float64; in each case one pass is the algorithm's, and the others are the definition's
sums. Models are moved along random directions of all parameters and of single ones, on small images.

Ops take a second, algorithms half a minute, models some minutes and up to 3 GiB.`,
		Example: `neocog gradcheck                       every op, case by case
neocog gradcheck --all                 every op, convolution algorithm and model, a row for each
neocog gradcheck Conv2D fft resnet18   these, case by case
neocog gradcheck Tanh --rtol 1e-9      with a tolerance of your own`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return subjectNames(gradcheck.All()), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return usagef("gradcheck takes names or --all, got both")
			}
			if !(c.RTol > 0 && c.ATol > 0) {
				return usagef("tolerances are above 0, got --rtol %g --atol %g", c.RTol, c.ATol)
			}
			subjects := gradcheck.Ops()
			if all || len(args) > 0 {
				subjects = gradcheck.All()
			}
			subjects, err := findSubjects(subjects, args)
			if err != nil {
				return err
			}
			return a.gradcheck(cmd.Context(), subjects, c, all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "check every op, convolution algorithm and model")
	cmd.Flags().Float64Var(&c.RTol, "rtol", 1e-6, "relative tolerance of first derivatives")
	cmd.Flags().Float64Var(&c.ATol, "atol", 1e-8, "absolute tolerance of first derivatives")
	cmd.Flags().Uint64Var(&c.Seed, "seed", 1, "draws inputs, parameters and directions")
	return cmd
}

func subjectNames(subjects []gradcheck.Subject) []string {
	var names []string
	for _, s := range subjects {
		names = append(names, s.Name)
	}
	return names
}

// findSubjects returns those that args name, whatever their case; all of them for none.
func findSubjects(known []gradcheck.Subject, args []string) ([]gradcheck.Subject, error) {
	if len(args) == 0 {
		return known, nil
	}
	var found []gradcheck.Subject
	for _, arg := range args {
		named := func(s gradcheck.Subject) bool { return strings.EqualFold(s.Name, arg) }
		i := slices.IndexFunc(known, named)
		if i < 0 {
			return nil, asUsage(nearest.Unknown("op, convolution algorithm or model", arg, subjectNames(known)))
		}
		if !slices.ContainsFunc(found, named) {
			found = append(found, known[i])
		}
	}
	return found, nil
}

// A verdict is the outcome of one case, or of all cases of a subject.
type verdict struct {
	Kind      string   `json:"kind"`
	Name      string   `json:"name"`
	Case      string   `json:"case"`
	Checked   int      `json:"checked"` // derivatives
	Error     any      `json:"error"`
	Tolerance float64  `json:"tolerance"`
	OK        bool     `json:"ok"`
	Wrong     []string `json:"wrong,omitempty"`
	Seconds   float64  `json:"seconds"`
}

// A gradReport writes verdicts: a row for each case, or for each subject, or objects.
type gradReport struct {
	*app
	rows   bool // of subjects, not of cases
	kind   string
	widths map[string][2]int // of names and titles, by kind
	total  struct {
		Checked    int `json:"checked"`
		Failed     int `json:"failed"`
		Ops        int `json:"ops"`
		Algorithms int `json:"algorithms"`
		Models     int `json:"models"`
	}
}

func (a *app) gradcheck(ctx context.Context, subjects []gradcheck.Subject, c autodiff.Config, rows bool) error {
	cases, done := 0, 0
	r := &gradReport{app: a, rows: rows, widths: map[string][2]int{}}
	for _, s := range subjects {
		w := r.widths[s.Kind]
		w[0] = max(w[0], utf8.RuneCountInString(s.Name))
		for _, k := range s.Cases {
			w[1] = max(w[1], utf8.RuneCountInString(k.Title))
		}
		r.widths[s.Kind] = w
		cases += len(s.Cases)
	}
	for _, s := range subjects {
		var sum gradcheck.Result
		begin := time.Now()
		r.begin(s.Kind)
		for _, k := range s.Cases {
			done++
			a.progressLine(fmt.Sprintf("%d of %d: %v, %s", done, cases, s, k.Title))
			caseBegin := time.Now()
			one, err := k.Check(ctx, c)
			a.progressLine("")
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("%v, %s: %w", s, k.Title, err)
			}
			for j, w := range one.Wrong {
				if rows {
					one.Wrong[j] = k.Title + ": " + w
				}
			}
			sum = sum.Add(one)
			if a.json || !rows {
				if err := r.verdict(s, k.Title, one, time.Since(caseBegin)); err != nil {
					return err
				}
			}
		}
		if len(s.Cases) == 0 {
			if err := r.noGradient(s); err != nil {
				return err
			}
			continue
		}
		r.count(s.Kind, sum)
		if rows && !a.json {
			if err := r.verdict(s, strconv.Itoa(len(s.Cases)), sum, time.Since(begin)); err != nil {
				return err
			}
		}
	}
	return r.end()
}

// table returns that of a kind. Cases stand by their title, or are counted.
func (r *gradReport) table(kind string) table {
	w := r.widths[kind]
	columns := []column{{kind, max(w[0], len(kind)), false}, {"case", max(w[1], 4), false}}
	if r.rows {
		columns[1] = column{"cases", 5, true}
	}
	columns = append(columns, column{"derivatives", 11, true}, column{"worst error", 11, true}, column{"tolerance", 9, true}, column{"verdict", 7, false})
	if r.rows {
		columns = append(columns, column{"seconds", 7, true})
	}
	return table{r.stdout, r.out, columns}
}

// begin writes the headings of a kind before its first subject.
func (r *gradReport) begin(kind string) {
	if r.json || kind == r.kind {
		return
	}
	if r.kind != "" {
		fmt.Fprintln(r.stdout)
	}
	r.kind = kind
	r.table(kind).head()
}

func (r *gradReport) verdict(s gradcheck.Subject, title string, k gradcheck.Result, took time.Duration) error {
	if r.json {
		return r.emit(verdict{s.Kind, s.Name, title, k.Checked, number(k.Error), k.Tolerance, k.Failed == 0, k.Wrong, took.Seconds()})
	}
	t := r.table(s.Kind)
	colour, word := t.paint.green, "ok"
	if k.Failed > 0 {
		colour, word = t.paint.red, "WRONG"
	}
	e := func(v float64) string { return strconv.FormatFloat(v, 'e', 1, 64) }
	cells := []string{s.Name, title, thousands(k.Checked), e(k.Error), e(k.Tolerance), word}
	if r.rows {
		cells = append(cells, fmt.Sprintf("%.1f", took.Seconds()))
	}
	t.row(func(i int, cell string) string {
		if i == 5 {
			return colour(cell)
		}
		return cell
	}, cells...)
	for _, w := range k.Wrong {
		fmt.Fprintf(t.w, "    %s\n", w)
	}
	return nil
}

// number is v for JSON, which has no NaN and no infinity.
func number(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return v
}

// noGradient says why a subject is not checked.
func (r *gradReport) noGradient(s gradcheck.Subject) error {
	if r.json {
		return r.emit(map[string]any{"kind": s.Kind, "name": s.Name, "checked": 0, "why": s.Why})
	}
	t := r.table(s.Kind)
	t.columns[1] = column{width: len(s.Why)}
	t.row(func(_ int, cell string) string { return t.paint.dim(cell) }, s.Name, s.Why)
	return nil
}

// count adds a subject to the totals.
func (r *gradReport) count(kind string, k gradcheck.Result) {
	r.total.Checked += k.Checked
	r.total.Failed += k.Failed
	switch kind {
	case gradcheck.Op:
		r.total.Ops++
	case gradcheck.Algorithm:
		r.total.Algorithms++
	case gradcheck.Model:
		r.total.Models++
	}
}

// end writes the totals.
func (r *gradReport) end() error {
	t := r.total
	if r.json {
		if err := r.emit(t); err != nil {
			return err
		}
	} else {
		var of []string
		for _, k := range []struct {
			n    int
			noun string
		}{{t.Ops, "op"}, {t.Algorithms, "algorithm"}, {t.Models, "model"}} {
			if k.n > 0 {
				of = append(of, plural(k.n, k.noun))
			}
		}
		verdict := r.out.green("all right")
		if t.Failed > 0 {
			verdict = r.out.red(thousands(t.Failed) + " wrong")
		}
		fmt.Fprintf(r.stdout, "\n%s of %s checked, %s\n", plural(t.Checked, "derivative"), strings.Join(of, ", "), verdict)
	}
	if t.Failed > 0 {
		return errSilent
	}
	return nil
}
