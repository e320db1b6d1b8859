package tune

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"neocog/internal/cpu"
	"neocog/ops/conv"
	"neocog/vm"
)

// The file says what it is.
const (
	format  = "neocog-tune"
	version = 1
)

// A Table holds the times of convolution algorithms on one processor. It is a conv.Times. The zero value is not of use: see New.
type Table struct {
	Processor string
	ISA       string // instruction set: cpu.Level
	Threads   int    // that measured; the choices hold for any number
	// Pinned says that the choices hold on every processor.
	Pinned bool

	rows map[key][]entry // the fastest first
}

// key is a problem, as conv.Problem.String writes it.
type key struct {
	problem string
	kept    bool
}

// An entry is an algorithm with its time in microseconds, to tenths.
type entry struct {
	Algorithm string  `json:"algorithm"`
	Time      float64 `json:"µs"`
}

// New returns an empty table of this processor for machines of so many threads.
func New(threads int) *Table {
	return &Table{Processor: processor(), ISA: cpu.Current().String(), Threads: threads, rows: map[key][]entry{}}
}

func processor() string { return strings.TrimSpace(cpuid.CPU.BrandName) }

// Measure runs m once, as vm.Machine.Compare does, with what feeds hold, and adds the times of all convolutions to the table.
// What it knew of the same problems is replaced.
func (t *Table) Measure(ctx context.Context, m *vm.Machine, feeds vm.Feeds) error {
	found, err := m.Compare(ctx, feeds)
	if err != nil {
		return err
	}
	t.Add(found)
	return nil
}

// Measure returns the times of all convolutions of a program, measured on its machine m of so many threads: see Table.Measure.
func Measure(ctx context.Context, m *vm.Machine, feeds vm.Feeds, threads int) (*Table, error) {
	t := New(threads)
	return t, t.Measure(ctx, m, feeds)
}

// Add adds the times that Compare has returned; candidates that were not measured, and algorithms of other packages, are left out.
func (t *Table) Add(found []vm.Convolution) {
	for _, c := range found {
		var row []entry
		for _, a := range c.Candidates {
			if _, err := conv.Find(a.Algo); err == nil && a.Measured > 0 {
				row = append(row, entry{a.Algo, float64(a.Measured.Round(100).Nanoseconds()) / 1e3})
			}
		}
		if len(row) > 0 {
			sortByTime(row)
			t.rows[key{c.Problem.String(), c.Kept}] = row
		}
	}
}

// sortByTime puts the fastest first; of equals the first by name, so that the order is one.
func sortByTime(row []entry) {
	slices.SortFunc(row, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Algorithm, b.Algorithm))
	})
}

// Len returns the number of problems.
func (t *Table) Len() int { return len(t.rows) }

// Fastest returns the names of algorithms that have been measured on p, the fastest first; none if p has not been.
func (t *Table) Fastest(p conv.Problem, kept bool) []string {
	var names []string
	for _, e := range t.rows[key{p.String(), kept}] {
		names = append(names, e.Algorithm)
	}
	return names
}

// file is a Table as JSON.
type file struct {
	Format       string    `json:"format"`
	Version      int       `json:"version"`
	Processor    string    `json:"processor"`
	ISA          string    `json:"isa"`
	Threads      int       `json:"threads"`
	Pinned       bool      `json:"pinned"`
	Convolutions []problem `json:"convolutions"`
}

type problem struct {
	Problem string  `json:"problem"`
	Kept    bool    `json:"kept"` // the prepared filter is kept
	Times   []entry `json:"times"`
}

// Write writes the table as JSON; equal tables are equal files.
func (t *Table) Write(w io.Writer) error {
	f := file{format, version, t.Processor, t.ISA, t.Threads, t.Pinned, []problem{}}
	for k, row := range t.rows {
		f.Convolutions = append(f.Convolutions, problem{k.problem, k.kept, row})
	}
	slices.SortFunc(f.Convolutions, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.Problem, b.Problem), compareBools(a.Kept, b.Kept))
	})
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(f)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// Read reads a table, and refuses one of another processor or instruction set, unless it is pinned: what was fast there may be slow here.
func Read(r io.Reader) (*Table, error) {
	t, err := parse(r)
	if err != nil {
		return nil, err
	}
	here := New(0)
	switch {
	case t.Pinned:
	case t.Processor != here.Processor:
		return nil, &ElsewhereError{"processor", t.Processor, here.Processor}
	case t.ISA != here.ISA:
		return nil, &ElsewhereError{"instruction set", t.ISA, here.ISA}
	}
	return t, nil
}

// An ElsewhereError says that a table was measured on another machine.
type ElsewhereError struct{ What, There, Here string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("the times were measured on another %s, %s; this one is %s: measure them here, or pin the file if results are to be those of there", e.What, e.There, e.Here)
}

// parse reads a table of any processor.
func parse(r io.Reader) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > mostBytes:
		return nil, fmt.Errorf("it has more than %d MiB, which no table of times has", mostBytes>>20)
	}
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Format != format {
		return nil, errors.New("it is no file of measured times: neocog tune makes one")
	}
	if head.Version != version {
		return nil, fmt.Errorf("it has version %d of the format, this program reads version %d: measure again", head.Version, version)
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	t := &Table{f.Processor, f.ISA, f.Threads, f.Pinned, map[key][]entry{}}
	for _, c := range f.Convolutions {
		k := key{c.Problem, c.Kept}
		if t.rows[k] != nil {
			return nil, fmt.Errorf("it has %s twice", c.Problem)
		}
		for _, e := range c.Times {
			if _, err := conv.Find(e.Algorithm); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Problem, err)
			}
			if !(e.Time > 0) {
				return nil, fmt.Errorf("%s: %s takes %v µs, want more than 0", c.Problem, e.Algorithm, e.Time)
			}
		}
		sortByTime(c.Times)
		t.rows[k] = c.Times
	}
	return t, nil
}

// mostBytes is more than the times of all networks that there are take.
const mostBytes = 64 << 20

// Open is Read of a file.
func Open(name string) (*Table, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}
