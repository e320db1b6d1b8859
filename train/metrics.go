package train

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// A Record is the figures of one epoch. Loss and Accuracy are means over the
// images of the epoch, each seen with the weights of its step; what was not
// measured is NaN.
type Record struct {
	Epoch        int     // from 1
	Step         int     // training steps so far
	Loss         float64 // mean cross-entropy, nats
	Accuracy     float64 // share of images classified right, 0 … 1
	TestLoss     float64
	TestAccuracy float64
	LR           float64 // learning rate of the last step
	Seconds      float64 // since the run began
	// UpdateRatio is the length of the last step of the epoch over that of the weights, ‖w' − w‖ / ‖w‖ of all
	// parameters together: about 1e-3 where the learning rate is right. NaN in runs of former versions.
	UpdateRatio float64
}

// columns are the fields of a Record by the names they have in files.
var columns = []struct {
	name string
	get  func(*Record) float64
	set  func(*Record, float64)
}{
	{"epoch", func(r *Record) float64 { return float64(r.Epoch) }, func(r *Record, v float64) { r.Epoch = int(v) }},
	{"step", func(r *Record) float64 { return float64(r.Step) }, func(r *Record, v float64) { r.Step = int(v) }},
	{"loss", func(r *Record) float64 { return r.Loss }, func(r *Record, v float64) { r.Loss = v }},
	{"accuracy", func(r *Record) float64 { return r.Accuracy }, func(r *Record, v float64) { r.Accuracy = v }},
	{"test_loss", func(r *Record) float64 { return r.TestLoss }, func(r *Record, v float64) { r.TestLoss = v }},
	{"test_accuracy", func(r *Record) float64 { return r.TestAccuracy }, func(r *Record, v float64) { r.TestAccuracy = v }},
	{"lr", func(r *Record) float64 { return r.LR }, func(r *Record, v float64) { r.LR = v }},
	{"seconds", func(r *Record) float64 { return r.Seconds }, func(r *Record, v float64) { r.Seconds = v }},
	{"update_ratio", func(r *Record) float64 { return r.UpdateRatio }, func(r *Record, v float64) { r.UpdateRatio = v }},
}

// oldColumns is how many of the columns the first version wrote.
const oldColumns = 8

func header() []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names
}

// csvHead is the first line of metrics.csv.
func csvHead() string { return strings.Join(header(), ",") + "\n" }

// number returns the shortest text that reads back as v, empty for NaN.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// parseNumber is the inverse of number.
func parseNumber(s string) (float64, error) {
	if s == "" {
		return math.NaN(), nil
	}
	return strconv.ParseFloat(s, 64)
}

// set puts v into column i; a NaN or a fraction is no count.
func (r *Record) set(i int, v float64) error {
	if i < 2 && !(v == math.Trunc(v) && v >= 0 && v < 1<<53) {
		return errors.Errorf("%s is %v, want a count", columns[i].name, v)
	}
	columns[i].set(r, v)
	return nil
}

// CSV returns the record as a line of metrics.csv, without line end. NaN is an
// empty field.
func (r Record) CSV() string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = number(c.get(&r))
	}
	return strings.Join(fields, ",")
}

// MarshalJSON returns the record as an object with the names of the CSV columns.
// NaN is null; an infinity is the text "+Inf" or "-Inf".
func (r Record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, c := range columns {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(strconv.Quote(c.name) + ":")
		switch v := c.get(&r); {
		case math.IsNaN(v):
			b.WriteString("null")
		case math.IsInf(v, 0):
			b.WriteString(strconv.Quote(number(v)))
		default:
			b.WriteString(number(v))
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON is the inverse of MarshalJSON. All fields must be there but those that former versions did not write, and no other.
func (r *Record) UnmarshalJSON(text []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	var out Record
	known := len(columns)
	for i, c := range columns {
		raw, ok := fields[c.name]
		switch {
		case !ok && i < oldColumns:
			return errors.Errorf("there is no %q", c.name)
		case !ok:
			raw = json.RawMessage("null")
			known--
		}
		s := strings.Trim(string(raw), `"`)
		if s == "null" {
			s = ""
		}
		v, err := parseNumber(s)
		if err != nil {
			return errors.Errorf("%s is %s, want a number", c.name, raw)
		}
		if err := out.set(i, v); err != nil {
			return err
		}
	}
	if len(fields) != known {
		return errors.Errorf("there are %d fields, want %s", len(fields), strings.Join(header(), ", "))
	}
	*r = out
	return nil
}

// ReadCSV reads what Run.Append wrote to metrics.csv.
func ReadCSV(r io.Reader) ([]Record, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err == io.EOF {
		return nil, nil
	}
	if err != nil {
		return nil, errors.WithMessage(err, "metrics")
	}
	got, want := strings.Join(head, ","), strings.Join(header(), ",")
	if got != want && got != strings.Join(header()[:oldColumns], ",") {
		return nil, errors.Errorf("metrics: the first line is %q, want %q", got, want)
	}
	var list []Record
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, errors.WithMessage(err, "metrics")
		}
		rec := Record{UpdateRatio: math.NaN()}
		for i, s := range row {
			v, err := parseNumber(s)
			if err != nil {
				err = errors.Errorf("%s is %q, want a number", columns[i].name, s)
			} else {
				err = rec.set(i, v)
			}
			if err != nil {
				return nil, errors.WithMessagef(err, "metrics: record %d", len(list)+1)
			}
		}
		list = append(list, rec)
	}
}

// ReadJSONL reads what Run.Append wrote to metrics.jsonl, up to the first damaged
// line, which is an error.
func ReadJSONL(r io.Reader) ([]Record, error) {
	lines := bufio.NewScanner(r)
	var list []Record
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var rec Record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return list, errors.WithMessagef(err, "metrics: record %d", len(list)+1)
		}
		list = append(list, rec)
	}
	return list, errors.WithMessage(lines.Err(), "metrics")
}
