package data

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Geometry of the CIFAR-10 binary version.
const (
	cifarC, cifarH, cifarW = 3, 32, 32
	cifarRecord            = 1 + cifarC*cifarH*cifarW // 3,073 bytes
)

func cifarNames() []string {
	return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
}

// ReadCIFAR10 reads one batch of the CIFAR-10 binary version, gzip-compressed or not, which its content tells.
// The file is a sequence of records of 3,073 bytes without a header:
//
//	label 0..9, then 1,024 red, 1,024 green, 1,024 blue bytes, each plane 32×32 row-major
//
// The classes are the official names. A label above 9, a last record cut short and an empty file are a *FormatError,
// as is a gzip stream that is damaged or expands beyond 32 times and 16 MiB.
//
// Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
func ReadCIFAR10(r io.Reader) (*Set, error) {
	set := newCIFAR("cifar-10", cifarNames())
	if err := appendCIFAR(set, r); err != nil {
		return nil, err
	}
	return set, nil
}

func newCIFAR(name string, classes []string) *Set {
	return &Set{Name: name, C: cifarC, H: cifarH, W: cifarW, Classes: classes}
}

// appendCIFAR adds the records of one batch to set.
func appendCIFAR(set *Set, r io.Reader) error {
	s, err := newStream(r)
	if err != nil {
		return err
	}
	record := make([]byte, 0, cifarRecord)
	for i := 0; ; i++ {
		record, err = s.readN(record[:0], cifarRecord)
		switch {
		case err != nil:
			return err
		case len(record) == 0 && i == 0:
			return &FormatError{What: "records", Want: "at least 1", Got: "an empty file", Err: io.ErrUnexpectedEOF}
		case len(record) == 0:
			return nil
		case int(record[0]) >= len(set.Classes):
			return labelError("", i, int(record[0]), len(set.Classes))
		case len(record) < cifarRecord:
			return &FormatError{What: fmt.Sprintf("record %d", i), Want: fmt.Sprintf("%d bytes", cifarRecord),
				Got: fmt.Sprint(len(record)), Err: io.ErrUnexpectedEOF}
		}
		set.Labels = append(set.Labels, int32(record[0]))
		set.Pixels = append(set.Pixels, record[1:]...)
	}
}

// readCIFARNames reads batches.meta.txt: ten class names, one a line, blank lines ignored.
func readCIFARNames(r io.Reader) ([]string, error) {
	s, err := newStream(r)
	if err != nil {
		return nil, err
	}
	const most = 4 << 10
	text, err := s.readN(nil, most+1)
	if err != nil {
		return nil, err
	}
	if len(text) > most {
		return nil, &FormatError{What: "class names", Want: fmt.Sprintf("at most %d bytes", most), Got: "more"}
	}
	var names []string
	for line := range bytes.Lines(text) {
		if name := strings.TrimSpace(string(line)); name != "" {
			names = append(names, name)
		}
	}
	if want := len(cifarNames()); len(names) != want {
		return nil, &FormatError{What: "class names", Want: fmt.Sprint(want), Got: fmt.Sprint(len(names))}
	}
	return names, nil
}
