package data

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Geometry of the CIFAR images.
const (
	cifarC, cifarH, cifarW = 3, 32, 32
	cifarPixels            = cifarC * cifarH * cifarW
)

// A cifar is one of the two sets: how many label bytes go before the pixels, the last of which counts, and its classes.
type cifar struct {
	name    string
	labels  int
	classes func() []string
}

var (
	cifar10  = cifar{"cifar-10", 1, cifarNames}
	cifar100 = cifar{"cifar-100", 2, cifar100Names}
)

func cifarNames() []string {
	return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
}

func cifar100Names() []string {
	return strings.Fields(`apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
		caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl
		hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree
		orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea
		seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
		tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm`)
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
func ReadCIFAR10(r io.Reader) (*Set, error) { return cifar10.read(r) }

// ReadCIFAR100 is ReadCIFAR10 for CIFAR-100, whose records of 3,074 bytes begin with two labels: that of one of 20
// superclasses, which is not used, and that of one of 100 classes.
func ReadCIFAR100(r io.Reader) (*Set, error) { return cifar100.read(r) }

func (c cifar) read(r io.Reader) (*Set, error) {
	set := c.set("", c.classes())
	if err := c.appendTo(set, r); err != nil {
		return nil, err
	}
	return set, nil
}

// set returns an empty one, of the part "train" or "test".
func (c cifar) set(part string, classes []string) *Set {
	name := c.name
	if part != "" {
		name += "/" + part
	}
	return &Set{Name: name, C: cifarC, H: cifarH, W: cifarW, Classes: classes}
}

// appendTo adds the records of one file to set.
func (c cifar) appendTo(set *Set, r io.Reader) error {
	s, err := newStream(r)
	if err != nil {
		return err
	}
	size := c.labels + cifarPixels
	record := make([]byte, 0, size)
	for i := 0; ; i++ {
		record, err = s.readN(record[:0], uint64(size))
		switch {
		case err != nil:
			return err
		case len(record) == 0 && i == 0:
			return &FormatError{What: "records", Want: "at least 1", Got: "an empty file", Err: io.ErrUnexpectedEOF}
		case len(record) == 0:
			return nil
		case len(record) >= c.labels && int(record[c.labels-1]) >= len(set.Classes):
			return labelError("", i, int(record[c.labels-1]), len(set.Classes))
		case len(record) < size:
			return &FormatError{What: fmt.Sprintf("record %d", i), Want: fmt.Sprintf("%d bytes", size),
				Got: fmt.Sprint(len(record)), Err: io.ErrUnexpectedEOF}
		}
		set.Labels = append(set.Labels, int32(record[c.labels-1]))
		set.Pixels = append(set.Pixels, record[c.labels:]...)
	}
}

// readNames reads batches.meta.txt or fine_label_names.txt: the class names, one a line, blank lines ignored.
func (c cifar) readNames(r io.Reader) ([]string, error) {
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
	if want := len(c.classes()); len(names) != want {
		return nil, &FormatError{What: "class names", Want: fmt.Sprint(want), Got: fmt.Sprint(len(names))}
	}
	return names, nil
}
