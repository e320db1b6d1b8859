package data

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// CSV says where a table is whose rows are labelled images, or features, and how it is read. ParseCSV reads it from a text.
//
//	label,p0,p1,…      one column has the labels, the others, in their order, the numbers of an image: planes (C, H, W)
//	5,0,0,…
//
// Rows are separated as in RFC 4180; fields by commas, or, if the first line has none, by semicolons or tabs. A file may be compressed
// with gzip.
type CSV struct {
	File   string // rows to train on
	Test   string // rows to test on; without it one row in six of File, drawn by the seed
	Label  string // the column of the labels, by its name or its number from 1; see Open
	Header string // "yes" or "no" says whether the first line has names; see Open
	Shape  [3]int // channels, height and width of an image; see Open
}

// csvPrefix is how ParseCSV knows its texts.
const csvPrefix = "csv:"

// IsCSV reports whether a text is one that ParseCSV reads.
func IsCSV(text string) bool { return strings.HasPrefix(text, csvPrefix) }

// ParseCSV reads csv:FILE, which any of these may follow:
//
//	,test=FILE  ,label=COLUMN  ,header=yes|no  ,shape=CxHxW
func ParseCSV(text string) (CSV, error) {
	rest, ok := strings.CutPrefix(text, csvPrefix)
	parts := strings.Split(rest, ",")
	c := CSV{}
	options := map[string]*string{"test": &c.Test, "label": &c.Label, "header": &c.Header, "shape": new(string)}
	file := len(parts) // a comma may be part of the first name
	for ; file > 1; file-- {
		key, value, _ := strings.Cut(parts[file-1], "=")
		if options[key] == nil {
			break
		}
		if value == "" {
			return c, fmt.Errorf("csv: %q: %s= wants a value", text, key)
		}
		*options[key] = value
	}
	if c.File = strings.Join(parts[:file], ","); !ok || c.File == "" {
		return c, fmt.Errorf("csv: got %q, want csv:FILE[,test=FILE][,label=COLUMN][,header=yes|no][,shape=CxHxW]", text)
	}
	if c.Header != "" && c.Header != "yes" && c.Header != "no" {
		return c, fmt.Errorf("csv: %q: header is %q, want yes or no", text, c.Header)
	}
	if shape := *options["shape"]; shape != "" {
		sizes := strings.Split(shape, "x")
		for i := range min(len(sizes), 3) {
			c.Shape[i], _ = strconv.Atoi(sizes[i])
		}
		if len(sizes) != 3 || slices.Min(c.Shape[:]) < 1 || slices.Max(c.Shape[:]) > maxSide {
			return c, fmt.Errorf("csv: %q: shape is %q, want channels, height and width, as 3x32x32", text, shape)
		}
	}
	return c, nil
}

// String returns the text that ParseCSV reads.
func (c CSV) String() string {
	s := csvPrefix + c.File
	for _, o := range []struct{ key, value string }{{"test", c.Test}, {"label", c.Label}, {"header", c.Header}} {
		if o.value != "" {
			s += "," + o.key + "=" + o.value
		}
	}
	if c.Shape != [3]int{} {
		s += fmt.Sprintf(",shape=%dx%dx%d", c.Shape[0], c.Shape[1], c.Shape[2])
	}
	return s
}

// Abs returns c with absolute paths.
func (c CSV) Abs() (CSV, error) {
	var err error
	if c.File, err = filepath.Abs(c.File); err == nil && c.Test != "" {
		c.Test, err = filepath.Abs(c.Test)
	}
	return c, err
}

// Open reads the table, or both.
//
// The first line is a header if Header says so; without a word, if none of its fields is a number, or one is called label, class,
// target or y. Labels are in the column Label; without it, in the one of such a name, else in the only one that does not hold
// numbers, else in the first. Labels that are whole numbers from 0 on are the classes, all up to the largest; others, such as names,
// are sorted into classes, numbers by size. The rows to test on may have no other labels.
//
// Rows come in the order of the file, except that those of a file whose rows are sorted by class are mixed, so that the first n, for
// any n, have each class in its share. Rows to test on that are drawn from File leave both sets in an order drawn by the seed.
//
// With a Shape, or where one suits (a square of 8×8 or more, grey or, three times as many, in colours) and all numbers are whole
// ones from 0 to 255, they are pixels as they are. All else are features, images of 1×1×(columns): each column is brought
// to the 256 levels of a byte, linearly from its least number among the training rows, 0, to its largest, 255. Levels are
// rounded, by 1/510 of that range at most; numbers to test on beyond it become the nearest level.
//
// Faults are a *FormatError with file and line: fields that are missing or too many, what is no finite number, a label that
// is not known.
func (c CSV) Open(seed uint64) (train, test *Set, err error) {
	first, err := c.read(c.File)
	if err != nil {
		return nil, nil, err
	}
	if c.Test == "" && first.len() < 2 {
		return nil, nil, &FormatError{File: c.File, What: "rows", Want: "at least 2, to train and to test on", Got: fmt.Sprint(first.len())}
	}
	classes := first.classes()
	kind, err := c.kind(first)
	if err != nil {
		return nil, nil, err
	}
	var second *table
	if c.Test == "" {
		order := make([]int, first.len())
		permute(order, seed, streamShuffled)
		held := max(1, first.len()/6)
		first, second = first.rows(order[held:]), first.rows(order[:held])
	} else {
		if second, err = c.read(c.Test); err != nil {
			return nil, nil, err
		}
		if second.columns() != first.columns() {
			return nil, nil, &FormatError{File: c.Test, What: "columns", Want: fmt.Sprintf("%d as in %s", first.columns()+1, c.File), Got: fmt.Sprint(second.columns() + 1)}
		}
		first, second = first.mixed(), second.mixed()
	}
	kind.measure(first)
	name, _, _ := strings.Cut(filepath.Base(c.File), ".")
	if train, err = first.set(name+"/train", classes, kind); err != nil {
		return nil, nil, err
	}
	test, err = second.set(name+"/test", classes, kind)
	return train, test, err
}

// mixed returns t, or where its rows are sorted by class its rows in the order of evenly.
func (t *table) mixed() *table {
	distinct := slices.Compact(slices.Sorted(slices.Values(t.labels)))
	if len(distinct) < 2 || len(slices.Compact(slices.Clone(t.labels))) > len(distinct) {
		return t
	}
	classes := make([]int32, t.len())
	for i, s := range t.labels {
		y, _ := slices.BinarySearch(distinct, s)
		classes[i] = int32(y)
	}
	return t.rows(evenly(classes))
}

// mostCounted is the largest label up to which all whole numbers are classes.
const mostCounted = 1 << 16

// classes returns the names of the classes; see CSV.Open.
func (t *table) classes() []string {
	distinct := slices.Compact(slices.Sorted(slices.Values(t.labels)))
	numbers := make(map[string]int, len(distinct))
	for _, s := range distinct {
		if n, err := strconv.Atoi(s); err == nil && strconv.Itoa(n) == s {
			numbers[s] = n
		}
	}
	if len(numbers) < len(distinct) {
		return distinct
	}
	slices.SortFunc(distinct, func(a, b string) int { return numbers[a] - numbers[b] })
	least, most := numbers[distinct[0]], numbers[distinct[len(distinct)-1]]
	if least != 0 || most > mostCounted {
		return distinct
	}
	all := make([]string, most+1)
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	return all
}

// kind is how numbers become the pixels of an image.
type kind struct {
	c, h, w     int
	features    bool      // else numbers are pixels
	least, most []float32 // of each column of features
}

// measure takes the ranges of features from the rows to train on.
func (k *kind) measure(t *table) {
	if !k.features {
		return
	}
	d := t.columns()
	k.least, k.most = slices.Clone(t.values[:d]), slices.Clone(t.values[:d])
	for i, v := range t.values {
		k.least[i%d], k.most[i%d] = min(k.least[i%d], v), max(k.most[i%d], v)
	}
}

// kind tells pixels from features.
func (c CSV) kind(t *table) (kind, error) {
	d := t.columns()
	if s := c.Shape; s != [3]int{} {
		if want := s[0] * s[1] * s[2]; want != d {
			return kind{}, &FormatError{File: t.file, What: "columns", Want: fmt.Sprintf("a label and %d×%d×%d = %d pixels", s[0], s[1], s[2], want), Got: fmt.Sprintf("a label and %d", d)}
		}
		return kind{c: s[0], h: s[1], w: s[2]}, nil
	}
	for _, channels := range []int{1, 3} {
		side := int(math.Sqrt(float64(d / channels)))
		if side >= 8 && channels*side*side == d && !slices.ContainsFunc(t.values, noPixel) {
			return kind{c: channels, h: side, w: side}, nil
		}
	}
	return kind{c: 1, h: 1, w: d, features: true}, nil
}

// noPixel reports whether v is not a grey level.
func noPixel(v float32) bool { return v < 0 || v > 255 || v != float32(byte(v)) }

// set returns the rows as images.
func (t *table) set(name string, classes []string, k kind) (*Set, error) {
	d := t.columns()
	s := &Set{Name: name, C: k.c, H: k.h, W: k.w, Classes: classes, Pixels: make([]byte, len(t.values)), Labels: make([]int32, t.len())}
	index := make(map[string]int32, len(classes))
	for i, c := range classes {
		index[c] = int32(i)
	}
	for i, label := range t.labels {
		y, ok := index[label]
		if !ok {
			return nil, &FormatError{File: t.file, What: t.place(t.lines[i], t.label), Want: "a label that the training rows have", Got: fmt.Sprintf("%q", label)}
		}
		s.Labels[i] = y
	}
	for i, v := range t.values {
		if k.features {
			s.Pixels[i] = toLevel(v, k.least[i%d], k.most[i%d])
			continue
		}
		if noPixel(v) {
			column := i % d
			if column >= t.label {
				column++
			}
			return nil, &FormatError{File: t.file, What: t.place(t.lines[i/d], column), Want: "a pixel, a whole number from 0 to 255", Got: fmt.Sprint(v)}
		}
		s.Pixels[i] = byte(v)
	}
	return s, nil
}

// toLevel brings v from [least, most] to 0..255. A column that is constant is 0.
func toLevel(v, least, most float32) byte {
	if !(most > least) {
		return 0
	}
	share := (float64(v) - float64(least)) / (float64(most) - float64(least))
	return byte(math.Round(255 * min(max(share, 0), 1)))
}
