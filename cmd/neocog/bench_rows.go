package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"neocog/bench"
	"neocog/internal/cpu"
	"neocog/ops/conv"
)

// bench measures the cases that list returns, and writes a row for each as soon as it is known.
func (a *app) bench(ctx context.Context, f *benchFlags, list func() ([]bench.Case, error)) error {
	if err := f.check(); err != nil {
		return err
	}
	cases, err := list()
	if err != nil {
		return asUsage(err)
	}
	level, err := f.level()
	if err != nil {
		return err
	}
	return a.interruptible(ctx, func() (err error) {
		cpu.With(level, func() { err = a.measure(ctx, f, cases) })
		return err
	})
}

// interruptible runs f, and does not wait for it once ctx is done: what is being run may take long, and nothing is lost
// when it ends with the process.
func (a *app) interruptible(ctx context.Context, f func() error) (err error) {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- &bug{r, debug.Stack()}
			}
		}()
		done <- f()
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	a.progressLine("")
	return err
}

// measure measures and writes case by case.
func (a *app) measure(ctx context.Context, f *benchFlags, cases []bench.Case) error {
	t := newBenchTable(a, f, cases)
	for i, c := range cases {
		a.progressLine(fmt.Sprintf("%d of %d: %s", i+1, len(cases), label(c.Name, c.Shape, c.Pass, c.Algo)))
		row, err := c.Measure(f.threads, f.reps)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if row.Refused != "" && len(cases) == 1 {
			return fmt.Errorf("%s cannot be measured: %s", label(c.Name, c.Pass, row.Algo), row.Refused)
		}
		a.progressLine("")
		if err := t.add(row); err != nil {
			return err
		}
	}
	return t.end()
}

// label joins the words that are not empty, once each.
func label(words ...string) string {
	words = slices.DeleteFunc(slices.Compact(words), func(w string) bool { return w == "" })
	return strings.Join(words, " ")
}

// progressLine shows what is being done, "" nothing, in one line of a terminal.
func (a *app) progressLine(text string) {
	if isTerminal(a.stderr) {
		fmt.Fprintf(a.stderr, "\r\x1b[K%s", text)
	}
}

// A benchTable writes rows and remembers what the last line says of all of them.
type benchTable struct {
	table
	app     *app
	columns []benchColumn

	headed          bool
	measured, wrong int
	ms, worst       float64
	percents        []float64
}

// A benchColumn is what a column of the table shows of a row.
type benchColumn struct {
	column
	text func(bench.Row) string
}

// wrongError is the text of a result that is not a matter of rounding.
const wrongError = "WRONG"

// newBenchTable returns the table for the rows of cases.
func newBenchTable(a *app, f *benchFlags, cases []bench.Case) *benchTable {
	var names, shapes []string
	for _, c := range cases {
		names, shapes = append(names, c.Name), append(shapes, c.Shape)
	}
	t := &benchTable{app: a, table: table{w: a.stdout, paint: a.out}}
	add := func(head string, width int, right bool, text func(bench.Row) string) {
		t.columns = append(t.columns, benchColumn{column{head, max(width, len(head)), right}, text})
	}
	add("name", widest(names), false, func(r bench.Row) string { return r.Name })
	if f.algo != "" { // convolutions
		add("batch", 0, true, func(r bench.Row) string { n, _, _ := strings.Cut(r.Shape, "x"); return n })
	}
	if f.trans == nil && f.algo == "" { // ops
		add("shape", widest(shapes), false, func(r bench.Row) string { return r.Shape })
	}
	add("pass", 5, false, func(r bench.Row) string { return r.Pass })
	if f.algo != "" {
		add("algo", widest(conv.All().Names()), false, func(r bench.Row) string { return r.Algo })
	}
	add("threads", 0, true, func(r bench.Row) string { return strconv.Itoa(r.Threads) })
	add("ms", 9, true, func(r bench.Row) string { return strconv.FormatFloat(r.MedianMS, 'f', 4, 64) })
	if f.trans != nil || f.algo != "" {
		add("GFLOP/s", 0, true, func(r bench.Row) string { return strconv.FormatFloat(r.GFLOPS, 'f', 1, 64) })
		add("% of peak", 0, true, func(r bench.Row) string {
			if r.PeakGFLOPS == 0 {
				return "-"
			}
			return strconv.FormatFloat(r.PercentOfPeak, 'f', 1, 64)
		})
	} else {
		add("GB/s", 0, true, func(r bench.Row) string { return strconv.FormatFloat(r.GBytesPerS, 'f', 2, 64) })
	}
	add("workspace", 11, true, func(r bench.Row) string { return byteSize(r.WorkspaceBytes) })
	add("rel L2", 7, true, func(r bench.Row) string {
		if r.Wrong() {
			return wrongError
		}
		return strconv.FormatFloat(r.RelL2, 'e', 1, 64)
	})
	for _, c := range t.columns {
		t.table.columns = append(t.table.columns, c.column)
	}
	return t
}

func (t *benchTable) add(r bench.Row) error {
	if r.Result != nil {
		t.measured++
		t.ms += r.MedianMS
		t.worst = max(t.worst, r.RelL2)
		if r.PeakGFLOPS > 0 {
			t.percents = append(t.percents, r.PercentOfPeak)
		}
		if r.Wrong() {
			t.wrong++
		}
	}
	if t.app.json {
		return t.app.emit(r)
	}
	if !t.headed {
		t.headed = true
		t.head()
	}
	var cells []string
	for _, c := range t.columns {
		if r.Result == nil && c.head == "threads" {
			cells = append(cells, "refused: "+r.Refused)
			break
		}
		cells = append(cells, c.text(r))
	}
	t.row(func(i int, cell string) string {
		switch {
		case r.Result == nil:
			return t.paint.dim(cell)
		case strings.TrimSpace(cell) == wrongError:
			return t.paint.red(cell)
		}
		return cell
	}, cells...)
	return nil
}

// end writes the last line.
func (t *benchTable) end() error {
	if !t.app.json && t.measured > 0 {
		parts := []string{fmt.Sprintf("%s in %.4g ms together", plural(t.measured, "row"), t.ms)}
		if n := len(t.percents); n > 0 {
			slices.Sort(t.percents)
			parts = append(parts, fmt.Sprintf("median %.1f %% of peak", (t.percents[(n-1)/2]+t.percents[n/2])/2))
		}
		parts = append(parts, fmt.Sprintf("largest rel L2 %.1e", t.worst))
		fmt.Fprintf(t.w, "\n%s\n%s\n", strings.Join(parts, ", "), t.paint.dim(cpu.Current().String()+", "+cpuid.CPU.BrandName))
	}
	if t.wrong > 0 || t.measured == 0 {
		return errSilent
	}
	return nil
}
