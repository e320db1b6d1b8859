package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"neocog/graph"
)

// A column of the table.
type column struct {
	title string
	right bool
	cell  func(r *Row) string
}

// columns returns the columns that the summary needs.
func (s *Summary) columns() []column {
	all := []column{
		{"layer", false, func(r *Row) string { return r.Layer }},
		{"ops", false, func(r *Row) string { return strings.Join(r.Ops, " ") }},
		{"output", false, func(r *Row) string {
			if len(r.Ops) == 0 {
				return ""
			}
			return image(r.Output)
		}},
		{"parameters", true, func(r *Row) string {
			if r.Formula != "" && r.Formula != strconv.FormatInt(r.Params, 10) {
				return r.Formula + " = " + number(r.Params)
			}
			return number(r.Params)
		}},
		{"multiply-adds", true, func(r *Row) string { return number(r.MACs) }},
	}
	if s.Total.GradientMACs > 0 {
		all = append(all, column{"of the gradient", true, func(r *Row) string { return number(r.GradientMACs) }})
	}
	all = append(all, column{"activation bytes", true, func(r *Row) string { return number(r.Activations) }})
	if s.Total.Gradients > 0 {
		all = append(all, column{"gradient bytes", true, func(r *Row) string { return number(r.Gradients) }})
	}
	all = append(all,
		column{"field", true, func(r *Row) string { return times(r.Field) }},
		column{"stride", true, func(r *Row) string { return times(r.Stride) }})
	if s.Total.Buffers > 0 {
		all = append(all, column{"buffers", true, func(r *Row) string { return number(r.Buffers) }})
	}
	return all
}

// cells returns the table's lines: titles, rows, total.
func (s *Summary) cells(cols []column) [][]string {
	lines := [][]string{{}}
	for _, c := range cols {
		lines[0] = append(lines[0], c.title)
	}
	total := s.Total
	total.Layer = "total"
	for _, r := range append(s.Rows[:len(s.Rows):len(s.Rows)], total) {
		var line []string
		for _, c := range cols {
			line = append(line, c.cell(&r))
		}
		lines = append(lines, line)
	}
	return lines
}

// String returns the table for a terminal, in the lecture's notation: shapes are
// height × width × channels of one image.
func (s *Summary) String() string {
	cols := s.columns()
	lines := s.cells(cols)
	var b strings.Builder
	fmt.Fprintf(&b, "%s, batch %d\n", s.Graph, s.Batch)
	align(&b, lines, slices.IndexFunc(cols, func(c column) bool { return c.right }))
	return b.String()
}

// align writes lines of cells, in columns; the first ones, left of them, stand left, the others right.
func align(b *strings.Builder, lines [][]string, left int) {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, c := range line {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for _, line := range lines {
		text := ""
		for i, c := range line {
			fill := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i >= left {
				c, fill = fill+c, ""
			}
			text += c + fill + "  "
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
}

// Markdown returns the table for a document.
func (s *Summary) Markdown() string {
	cols := s.columns()
	var b strings.Builder
	row := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	for i, line := range s.cells(cols) {
		for j := range line {
			line[j] = inMarkdown.Replace(line[j])
		}
		row(line)
		if i == 0 {
			for j, c := range cols {
				line[j] = "---"
				if c.right {
					line[j] = "---:"
				}
			}
			row(line)
		}
	}
	return b.String()
}

// inMarkdown keeps what has a meaning in tables out of their cells.
var inMarkdown = strings.NewReplacer("|", `\|`, "*", "·", "\n", " ", "\r", " ")

// JSON returns the summary as one JSON object, with one row a line.
func (s *Summary) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	name, err := json.Marshal(s.Graph)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "{\"graph\":%s,\"batch\":%d,\"rows\":[\n", name, s.Batch)
	for i, r := range s.Rows {
		if i > 0 {
			b.Truncate(b.Len() - 1)
			b.WriteString(",\n")
		}
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	b.WriteString("],\n\"total\":")
	if err := enc.Encode(s.Total); err != nil {
		return nil, err
	}
	b.Truncate(b.Len() - 1)
	b.WriteString("}\n")
	return b.Bytes(), nil
}

// image returns a shape as [28x28x6], height × width × channels without the
// batch; where there is no batch, as it is.
func image(s graph.Shape) string {
	switch {
	case len(s) == 0 || s[0] != graph.Batch:
		return s.String()
	case len(s) == 1:
		return "[1]"
	case len(s) == 4:
		s = graph.Shape{s[2], s[3], s[1]}
	default:
		s = s[1:]
	}
	return "[" + times(s) + "]"
}

// times returns extents as 28x28x6.
func times(s graph.Shape) string {
	d := make([]string, len(s))
	for i, e := range s {
		d[i] = strconv.Itoa(e)
	}
	return strings.Join(d, "x")
}

// number returns n with commas, "" for 0.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
