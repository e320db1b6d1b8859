package data

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// table is the content of a file.
type table struct {
	file   string
	label  int      // the column of the labels
	names  []string // of the columns; nil without a header
	labels []string
	lines  []int     // on which each row begins, from 1
	values []float32 // the other columns, row after row
}

func (t *table) len() int     { return len(t.labels) }
func (t *table) columns() int { return len(t.values) / len(t.labels) }

// rows returns the rows with these positions, in this order.
func (t *table) rows(order []int) *table {
	d := t.columns()
	out := *t
	out.labels, out.lines, out.values = make([]string, len(order)), make([]int, len(order)), make([]float32, 0, len(order)*d)
	for k, i := range order {
		out.labels[k], out.lines[k] = t.labels[i], t.lines[i]
		out.values = append(out.values, t.values[i*d:(i+1)*d]...)
	}
	return &out
}

func (c CSV) read(path string) (*table, error) {
	f, err := os.Open(path)
	if err != nil {
		if table, option, ok := strings.Cut(path, ","); ok && errors.Is(err, fs.ErrNotExist) {
			return nil, &missingError{fmt.Sprintf("%s is missing; after a table, %s, may come ,test= ,label= ,header= and ,shape=, not %q", path, filepath.Base(table), ","+option)}
		}
		return nil, err
	}
	defer f.Close()
	t := &table{file: path}
	if err := c.readFrom(f, t); err != nil {
		return nil, inFile(path, err)
	}
	return t, nil
}

func (c CSV) readFrom(f io.Reader, t *table) error {
	s, err := newStream(f)
	if err != nil {
		return err
	}
	text := bufio.NewReaderSize(s, chunkBytes)
	r := csv.NewReader(text)
	r.Comma = separator(text)
	r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = -1, true, r.Comma != '\t'
	var ahead [][]string // the first two rows tell header and labels
	var lines []int
	row := func() ([]string, int, error) {
		fields, err := r.Read()
		if p, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, 0, &FormatError{What: fmt.Sprintf("line %d", p.StartLine), Want: "fields as in RFC 4180", Got: p.Err.Error()}
		}
		if err != nil && err != io.EOF {
			return nil, 0, gzipError(err)
		}
		line := 0
		if err == nil {
			line, _ = r.FieldPos(0)
		}
		return fields, line, err
	}
	for len(ahead) < 2 {
		fields, line, err := row()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		ahead, lines = append(ahead, slices.Clone(fields)), append(lines, line)
	}
	if len(ahead) == 0 {
		return &FormatError{What: "rows", Want: "at least 1", Got: "0"}
	}
	width, from := len(ahead[0]), lines[0]
	if width < 2 {
		return &FormatError{What: fmt.Sprintf("line %d", from), Want: "at least 2 fields, a label and a number", Got: fmt.Sprint(width)}
	}
	if c.Header == "yes" || c.Header == "" && isHeader(ahead[0]) {
		t.names, ahead, lines = ahead[0], ahead[1:], lines[1:]
	}
	if len(ahead) == 0 {
		return &FormatError{What: "rows", Want: "at least 1 below the header", Got: "0"}
	}
	if t.label, err = c.column(t.names, ahead[0], width); err != nil {
		return err
	}
	for i := 0; ; i++ {
		var fields []string
		var line int
		if i < len(ahead) {
			fields, line = ahead[i], lines[i]
		} else if fields, line, err = row(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if len(fields) != width {
			return &FormatError{What: fmt.Sprintf("line %d", line), Want: fmt.Sprintf("%d fields as in line %d", width, from), Got: fmt.Sprint(len(fields))}
		}
		if err := t.add(fields, line); err != nil {
			return err
		}
	}
}

// separator returns what separates the fields of the first line, after a byte order mark, which it skips.
func separator(r *bufio.Reader) rune {
	if mark, _ := r.Peek(3); string(mark) == "\ufeff" {
		r.Discard(3)
	}
	head, _ := r.Peek(chunkBytes)
	line, _, _ := strings.Cut(string(head), "\n")
	for _, c := range ",;\t" {
		if strings.ContainsRune(line, c) {
			return c
		}
	}
	return ','
}

// labelNames are what a column of labels is called.
var labelNames = []string{"label", "class", "target", "y"}

func isLabelName(s string) bool {
	return slices.Contains(labelNames, strings.ToLower(strings.TrimSpace(s)))
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(s), 32)
	return err == nil
}

func isHeader(fields []string) bool {
	return slices.ContainsFunc(fields, isLabelName) || !slices.ContainsFunc(fields, isNumber)
}

// column returns which column has the labels.
func (c CSV) column(names, row []string, width int) (int, error) {
	if c.Label != "" {
		if i := slices.Index(names, c.Label); i >= 0 {
			return i, nil
		}
		if n, err := strconv.Atoi(c.Label); err == nil && n >= 1 && n <= width {
			return n - 1, nil
		}
		want := fmt.Sprintf("a number from 1 to %d", width)
		if names != nil {
			want += ", or one of " + strings.Join(names[:min(len(names), 20)], ", ")
		}
		return 0, &FormatError{What: "column of the labels", Want: want, Got: fmt.Sprintf("%q", c.Label)}
	}
	if i := slices.IndexFunc(names, isLabelName); i >= 0 {
		return i, nil
	}
	var words []int
	for i, s := range row {
		if !isNumber(s) {
			words = append(words, i)
		}
	}
	if len(words) == 1 {
		return words[0], nil
	}
	return 0, nil
}

// add appends a row.
func (t *table) add(fields []string, line int) error {
	for i, s := range fields {
		s = strings.TrimSpace(s)
		if i == t.label {
			if s == "" {
				return &FormatError{What: t.place(line, i), Want: "a label", Got: "nothing"}
			}
			if v, err := strconv.ParseFloat(s, 64); err == nil && v != math.Trunc(v) {
				return &FormatError{What: t.place(line, i), Want: "a label, a whole number or a name (label=COLUMN says which column has them)", Got: s}
			}
			t.labels = append(t.labels, strings.Clone(s)) // of a line that the reader uses again
			continue
		}
		v, err := strconv.ParseFloat(s, 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return &FormatError{What: t.place(line, i), Want: "a number", Got: fmt.Sprintf("%q", s)}
		}
		t.values = append(t.values, float32(v))
	}
	t.lines = append(t.lines, line)
	return nil
}

// place names a field.
func (t *table) place(line, column int) string {
	s := fmt.Sprintf("line %d, column %d", line, column+1)
	if column < len(t.names) && t.names[column] != "" {
		s += fmt.Sprintf(" (%s)", t.names[column])
	}
	return s
}
