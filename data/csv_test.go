package data

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// openCSV opens a table with the options of ParseCSV.
func openCSV(t *testing.T, text, options string) (train, test *Set, err error) {
	t.Helper()
	dir := write(t, "tables", map[string][]byte{"t.csv": []byte(text)})
	c, err := ParseCSV("csv:" + filepath.Join(dir, "t.csv") + options)
	if err != nil {
		t.Fatal(err)
	}
	return c.Open(1)
}

// pixelRows is a table of n images with d pixels, whose labels and pixels follow from their place.
func pixelRows(n, d int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprint(&b, i%10)
		for j := range d {
			fmt.Fprintf(&b, ",%d", (i*31+j*7)%256)
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

func TestCSVOfPixels(t *testing.T) {
	for _, c := range []struct{ d, channels, h, w int }{{784, 1, 28, 28}, {3072, 3, 32, 32}, {64, 1, 8, 8}, {192, 3, 8, 8}} {
		text := pixelRows(30, c.d)
		dir := write(t, "tables", map[string][]byte{"a.csv": []byte(text), "b.csv": zipped([]byte(text))})
		table := CSV{File: filepath.Join(dir, "a.csv"), Test: filepath.Join(dir, "b.csv")}
		train, test, err := table.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Set{train, test} {
			if err := s.Validate(); err != nil {
				t.Error(err)
			}
			if s.C != c.channels || s.H != c.h || s.W != c.w || s.Len() != 30 || len(s.Classes) != 10 {
				t.Errorf("%d pixels: got %d images of %d×%d×%d in %d classes", c.d, s.Len(), s.C, s.H, s.W, len(s.Classes))
			}
			for i := range s.Len() {
				for j, v := range s.Image(i) {
					if v != byte((i*31+j*7)%256) || s.Labels[i] != int32(i%10) {
						t.Fatalf("image %d: label %d, pixel %d is %d", i, s.Labels[i], j, v)
					}
				}
			}
		}
	}
}

const flowers = `sepal,petal,species
5.1,1.4,setosa
4.9,1.4,setosa
7.0,4.7,versicolor
6.4,4.5,versicolor
6.3,6.0,virginica
5.8,5.1,virginica
`

// The rows are sorted by class and so are mixed. Columns of features are brought to the levels of a byte by their own ranges: 5.1 of [4.9, 7.0] is level 255·0.2/2.1.
func TestCSVOfFeatures(t *testing.T) {
	dir := write(t, "tables", map[string][]byte{"t.csv": []byte(flowers), "u.csv": []byte("petal,sepal,species\n9,1.4,setosa\n0,6.0,virginica\n")})
	train, test, err := CSV{File: filepath.Join(dir, "t.csv"), Test: filepath.Join(dir, "u.csv")}.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	want := &Set{Name: "t/train", C: 1, H: 1, W: 2, Classes: []string{"setosa", "versicolor", "virginica"}, Labels: []int32{0, 1, 2, 0, 1, 2},
		Pixels: []byte{24, 0, 255, 183, 170, 255, 0, 0, 182, 172, 109, 205}}
	if !reflect.DeepEqual(train, want) {
		t.Errorf("got %+v\nwant %+v", train, want)
	}
	if want := []byte{255, 0, 0, 255}; !slices.Equal(test.Pixels, want) || !slices.Equal(test.Labels, []int32{0, 2}) {
		t.Errorf("beyond the range: pixels %v, want %v; labels %v", test.Pixels, want, test.Labels)
	}
}

func TestCSVHeadersAndLabels(t *testing.T) {
	rows := func(s string) string { return strings.ReplaceAll(s, " ", "\n") }
	for _, c := range []struct {
		name, text, options string
		n                   int
		classes             []string
		width               int
	}{
		{"the first column", rows("0,1.5,2 1,3,4"), "", 2, []string{"0", "1"}, 2},
		{"the only one of names", rows("1.5,cat 2.5,dog 3,cat"), "", 3, []string{"cat", "dog"}, 1},
		{"called class", rows("a,Class,b 1.5,2,3 1,9,2"), "", 2, []string{"2", "9"}, 2},
		{"called y under numbers", rows("0,1,y 4,5,3 6,7,0"), "", 2, []string{"0", "1", "2", "3"}, 2},
		{"by name", rows("a,b,c 1,2,3 4,5,6"), ",label=b", 2, []string{"2", "5"}, 2},
		{"by number", rows("1.5,2,3 4.5,10,6"), ",label=2", 2, []string{"2", "10"}, 2},
		{"numbers by size", rows("10,1 9,1 -3,1"), "", 3, []string{"-3", "9", "10"}, 1},
		{"numbers that are names", rows("01,1 1,1 0,1"), "", 3, []string{"0", "01", "1"}, 1},
		{"header of numbers", rows("7,8 0,1 1,2"), ",header=yes", 2, []string{"0", "1"}, 1},
		{"header that is a row", rows("cat,dog cat,1"), ",header=yes", 1, nil, 0},
		{"no header", rows("a,1 b,2"), ",header=no", 2, []string{"a", "b"}, 1},
		{"semicolons", rows("a;1,5 b;2"), ",header=no", 0, nil, 0},
		{"tabs", "a\t1\nb\t2\n", "", 2, []string{"a", "b"}, 1},
		{"byte order mark, quotes and blank lines", "\ufefflabel,x\n\n\"b, c\",1\n\n d , 2 \n", "", 2, []string{"b, c", "d"}, 1},
	} {
		train, test, err := openCSV(t, c.text, c.options)
		if c.classes == nil {
			if _, ok := errors.AsType[*FormatError](err); !ok {
				t.Errorf("%s: error %v, want a *FormatError", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if n := train.Len() + test.Len(); n != c.n || !slices.Equal(train.Classes, c.classes) || train.W != c.width {
			t.Errorf("%s: %d rows of width %d, classes %q; want %d of %d, %q", c.name, n, train.W, train.Classes, c.n, c.width, c.classes)
		}
	}
}

// Without a file to test on, one row in six is drawn by the seed; no row is lost or doubled.
func TestCSVIsSplitBySeed(t *testing.T) {
	dir := write(t, "tables", map[string][]byte{"t.csv": []byte(pixelRows(60, 64))})
	c := CSV{File: filepath.Join(dir, "t.csv")}
	train, test, err := c.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	again, _, _ := c.Open(1)
	other, _, _ := c.Open(2)
	if !reflect.DeepEqual(train, again) || slices.Equal(train.Labels, other.Labels) {
		t.Error("the seed does not decide which rows are tested on")
	}
	seen := map[string]bool{}
	for _, s := range []*Set{train, test} {
		for i := range s.Len() {
			seen[string(s.Image(i))] = true
		}
	}
	if train.Len() != 50 || test.Len() != 10 || len(seen) != 60 || test.Name != "t/test" {
		t.Errorf("%d and %d rows, %d of them different", train.Len(), test.Len(), len(seen))
	}
}

// The first rows of a table that is sorted by class were once all of one class: a training with some of them knew no other. Rows in any
// other order stay as they are.
func TestCSVSortedByClassIsMixed(t *testing.T) {
	dir := write(t, "tables", map[string][]byte{
		"sorted.csv": []byte("b,1\nb,2\nb,3\nb,4\na,5\na,6\nc,7\nc,8\n"),
		"mixed.csv":  []byte("b,1\nb,2\na,3\nb,4\nc,8\n"),
		"one.csv":    []byte("b,1\nb,2\nb,8\n"),
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	train, test, err := CSV{File: in("sorted.csv"), Test: in("mixed.csv")}.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	// b has half of the rows, a and c a quarter each.
	level := func(v float64) byte { return byte(math.Round(255 * (v - 1) / 7)) }
	if want := []byte{level(1), level(5), level(7), level(2), level(3), level(6), level(8), level(4)}; !sameShares(train) || !slices.Equal(train.Pixels, want) {
		t.Errorf("labels %v, pixels %v, want %v", train.Labels, train.Pixels, want)
	}
	if want := []byte{level(1), level(2), level(3), level(4), level(8)}; !slices.Equal(test.Pixels, want) {
		t.Errorf("rows that are not sorted come as %v, want %v", test.Pixels, want)
	}
	if _, test, err = (CSV{File: in("sorted.csv"), Test: in("one.csv")}).Open(1); err != nil || !slices.Equal(test.Pixels, []byte{level(1), level(2), level(8)}) {
		t.Errorf("rows of one class: %v, %v", test, err)
	}
	again, _, err := CSV{File: in("sorted.csv"), Test: in("mixed.csv")}.Open(2)
	if err != nil || !reflect.DeepEqual(again, train) {
		t.Errorf("another seed, other rows: %v, %v", again, err)
	}
}

// Rows held out were once among those that say which numbers are the least and the largest. Of twelve rows two are held out; whatever
// the seed holds out, the others reach both ends of each column.
func TestCSVIsScaledByTheRowsToTrainOn(t *testing.T) {
	var b strings.Builder
	for i := range 12 {
		fmt.Fprintf(&b, "%d,%d,%d\n", i%2, 1<<i, -i)
	}
	outside := 0
	for seed := range uint64(20) {
		dir := write(t, "tables", map[string][]byte{"t.csv": []byte(b.String())})
		train, test, err := CSV{File: filepath.Join(dir, "t.csv")}.Open(seed)
		if err != nil {
			t.Fatal(err)
		}
		for column := range 2 {
			least, most := byte(255), byte(0)
			for i := range train.Len() {
				v := train.Image(i)[column]
				least, most = min(least, v), max(most, v)
			}
			if least != 0 || most != 255 {
				t.Errorf("seed %d, column %d: levels from %d to %d, want 0 to 255", seed, column, least, most)
			}
		}
		for i := range test.Len() {
			if slices.Equal(test.Image(i), []byte{255, 0}) {
				outside++ // the last row, which then is the nearest level
			}
		}
	}
	if outside == 0 {
		t.Error("no seed holds out the last row: the test shows nothing")
	}
}

// Whether numbers are pixels is asked of all rows, those held out too: it must not depend on the seed.
func TestCSVWithOneRowOfFeaturesHasNoPixels(t *testing.T) {
	text := pixelRows(12, 64) + "3,0.5" + strings.Repeat(",1", 63) + "\n"
	for seed := range uint64(12) {
		dir := write(t, "tables", map[string][]byte{"t.csv": []byte(text)})
		train, test, err := CSV{File: filepath.Join(dir, "t.csv")}.Open(seed)
		if err != nil || train.W != 64 || test.W != 64 {
			t.Errorf("seed %d: %v and %v, error %v", seed, train, test, err)
		}
	}
}

func TestCSVMistakes(t *testing.T) {
	image := pixelRows(3, 64)
	for _, c := range []struct{ text, options, want string }{
		{"", "", "rows: want at least 1, got 0"},
		{"a,label\n", "", "rows: want at least 1 below the header, got 0"},
		{"1,2\n", "", "rows: want at least 2, to train and to test on, got 1"},
		{"1\n2\n", "", "line 1: want at least 2 fields, a label and a number, got 1"},
		{"label,a,b\n1,2,3\n\n4,5\n", "", "line 4: want 3 fields as in line 1, got 2"},
		{"label,a,b\n1,2,3\n4,,6\n", "", `line 3, column 2 (a): want a number, got ""`},
		{"1,2,3\n4,5,NaN\n", "", `line 2, column 3: want a number, got "NaN"`},
		{"1,2,3\n4,5,1e39\n", "", `line 2, column 3: want a number, got "1e39"`},
		{"1,2\n,3\n", "", "line 2, column 1: want a label, got nothing"},
		{"1.5,2\n2.5,3\n", "", "line 1, column 1: want a label, a whole number or a name (label=COLUMN says which column has them), got 1.5"},
		{"1,2\n\"1,3\n4,5\n", "", `line 2: want fields as in RFC 4180, got extraneous or missing " in quoted-field`},
		{"a,b\n1,2\n", ",label=c", `column of the labels: want a number from 1 to 2, or one of a, b, got "c"`},
		{"1,2\n1,2\n", ",label=3", `column of the labels: want a number from 1 to 2, got "3"`},
		{image, ",shape=1x8x9", "columns: want a label and 1×8×9 = 72 pixels, got a label and 64"},
		{"1,2,3\n4,5,256\n", ",shape=1x1x2", "line 2, column 3: want a pixel, a whole number from 0 to 255, got 256"},
		{"2,1,3\n5.5,4,5\n", ",shape=1x1x2,label=2", "line 2, column 1: want a pixel, a whole number from 0 to 255, got 5.5"},
	} {
		_, _, err := openCSV(t, c.text, c.options)
		if _, ok := errors.AsType[*FormatError](err); !ok || !strings.HasSuffix(err.Error(), "t.csv: "+c.want) {
			t.Errorf("%q: error %v, want %s", c.text, err, c.want)
		}
	}
	dir := write(t, "tables", map[string][]byte{"a.csv": []byte("0,1\n1,2\n"), "b.csv": []byte("0,1\n2,5\n"), "c.csv": []byte("0,1,2\n"), "d.csv": zipped([]byte(image))[:40]})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		csv  CSV
		want string
	}{
		{CSV{File: in("a.csv"), Test: in("b.csv")}, `b.csv: line 2, column 1: want a label that the training rows have, got "2"`},
		{CSV{File: in("a.csv"), Test: in("c.csv")}, "c.csv: columns: want 2 as in " + in("a.csv") + ", got 3"},
		{CSV{File: in("d.csv")}, "d.csv: gzip stream: want an intact one, got a damaged or cut one (unexpected EOF)"},
	} {
		_, _, err := c.csv.Open(1)
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %s", c.csv, err, c.want)
		}
	}
	if _, _, err := (CSV{File: in("missing.csv")}).Open(1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestParseCSV(t *testing.T) {
	for _, text := range []string{"csv:a.csv", "csv:a,b.csv", "csv:a.csv,test=b.csv,label=kind,header=no,shape=3x8x8", `csv:C:\a.csv,label=2`} {
		c, err := ParseCSV(text)
		if err != nil || c.String() != text || !IsCSV(text) {
			t.Errorf("%q: got %q, error %v", text, c, err)
		}
		abs, err := c.Abs()
		if err != nil || !filepath.IsAbs(abs.File) || abs.Label != c.Label {
			t.Errorf("%q: absolute %+v, error %v", text, abs, err)
		}
	}
	for text, want := range map[string]string{
		"a.csv":                   `csv: got "a.csv", want csv:FILE[,test=FILE][,label=COLUMN][,header=yes|no][,shape=CxHxW]`,
		"csv:":                    `csv: got "csv:", want csv:FILE`,
		"csv:a.csv,label=":        `csv: "csv:a.csv,label=": label= wants a value`,
		"csv:a.csv,header=maybe":  `csv: "csv:a.csv,header=maybe": header is "maybe", want yes or no`,
		"csv:a.csv,shape=28x28":   `csv: "csv:a.csv,shape=28x28": shape is "28x28", want channels, height and width, as 3x32x32`,
		"csv:a.csv,shape=1x2x2x2": `shape is "1x2x2x2"`,
		"csv:a.csv,shape=1x-2x2":  `shape is "1x-2x2"`,
	} {
		if _, err := ParseCSV(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

// Whatever a file holds, the sets are valid or the fault is a *FormatError.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{flowers, pixelRows(2, 64), "label;a\n1;2\n", "\"", "a\tb\n", "1,2\n3,4\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := write(t, "tables", map[string][]byte{"t.csv": text})
		train, test, err := CSV{File: filepath.Join(dir, "t.csv")}.Open(1)
		if err != nil {
			if _, ok := errors.AsType[*FormatError](err); !ok {
				t.Fatalf("error %v, want a *FormatError", err)
			}
			return
		}
		for _, s := range []*Set{train, test} {
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
