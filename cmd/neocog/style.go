package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// paint colours text, or leaves it as it is.
type paint bool

func (p paint) wrap(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) bold(s string) string  { return p.wrap("1", s) }
func (p paint) dim(s string) string   { return p.wrap("2", s) }
func (p paint) red(s string) string   { return p.wrap("31", s) }
func (p paint) green(s string) string { return p.wrap("32", s) }

// painter decides on colour for w: --color=always and never win; then NO_COLOR, if it is not
// empty, turns it off, CLICOLOR_FORCE on; then terminals have it, dumb ones excepted.
func painter(choice string, w io.Writer, env func(string) string) paint {
	switch {
	case choice == "always":
		return true
	case choice == "never", env("NO_COLOR") != "":
		return false
	}
	if force := env("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return paint(isTerminal(w) && env("TERM") != "dumb")
}

func isTerminal(w io.Writer) bool {
	if r, ok := w.(*results); ok {
		w = r.Writer
	}
	f, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}

// A column of a table has a heading and a width in characters; numbers stand right.
type column struct {
	head  string
	width int
	right bool
}

// A table is written row by row: its widths are known before its rows.
type table struct {
	w       io.Writer
	paint   paint
	columns []column
}

// head writes the headings.
func (t table) head() {
	cells := make([]string, len(t.columns))
	for i, c := range t.columns {
		cells[i] = t.paint.dim(t.pad(i, c.head))
	}
	t.line(cells)
}

// row writes a row. style, if not nil, colours cell i, which has its final width.
func (t table) row(style func(i int, cell string) string, texts ...string) {
	cells := make([]string, len(texts))
	for i, s := range texts {
		cells[i] = t.pad(i, s)
		if style != nil {
			cells[i] = style(i, cells[i])
		}
	}
	t.line(cells)
}

func (t table) line(cells []string) {
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "  "), " "))
}

func (t table) pad(i int, s string) string {
	c := t.columns[i]
	gap := strings.Repeat(" ", max(0, c.width-utf8.RuneCountInString(s)))
	if c.right {
		return gap + s
	}
	return s + gap
}

// widest returns the width of the widest of names.
func widest(names []string) int {
	w := 0
	for _, n := range names {
		w = max(w, utf8.RuneCountInString(n))
	}
	return w
}

// fields writes names and values in two aligned columns.
func fields(w io.Writer, p paint, pairs ...[2]string) {
	width := 0
	for _, f := range pairs {
		width = max(width, utf8.RuneCountInString(f[0]))
	}
	for _, f := range pairs {
		if f[1] != "" {
			fmt.Fprintf(w, "%s%s  %s\n", p.dim(f[0]), strings.Repeat(" ", width-utf8.RuneCountInString(f[0])), f[1])
		}
	}
}

// thousands writes 61706 as 61,706.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// byteSize writes 49152 as 48 KiB.
func byteSize(n int) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := 1 << (30 - 10*i); n >= size {
			return fmt.Sprintf("%.4g %s", float64(n)/float64(size), unit)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// percent writes 0.98765 as 98.77 %.
func percent(f float64) string { return fmt.Sprintf("%.2f %%", 100*f) }

// plural writes 1 as "1 image", 3 as "3 images".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}
