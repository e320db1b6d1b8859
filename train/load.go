package train

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
)

// Load returns the training images that c asks for, and the test images or those of
// the validation. c.Data is one of
//
//	digits      the embedded digits, which need no file
//	FOLDER      what data.Open or data.OpenImages knows, or the name of a public data set
//	            that was downloaded; see data.Locate
//	FILE        a pack, see data.OpenPack
//	csv:FILE…   a table, see data.ParseCSV
func Load(c Config) (set, test *data.Set, err error) {
	shape, err := parseShape("shape", c.Shape)
	if err != nil {
		return nil, nil, err
	}
	c.Data = data.Locate(c.Data)
	if set, test, err = load(c); err != nil {
		return nil, nil, err
	}
	if c.Validation > 0 {
		if c.Validation >= set.Len() {
			return nil, nil, errors.Errorf("validation is %d, want less than %d, the images of %s", c.Validation, set.Len(), set.Name)
		}
		name := set.Name
		test, set = set.Shuffled(c.Seed).Split(c.Validation)
		test.Name = name + " (validation)"
	}
	set, test = first(set, c.TrainImages), first(test, c.TestImages)
	if shape == nil || data.IsImages(c.Data) { // which are read at the size that is wanted
		return set, test, nil
	}
	if set, err = set.As(shape[0], shape[1], shape[2]); err != nil {
		return nil, nil, err
	}
	test, err = test.As(shape[0], shape[1], shape[2])
	return set, test, err
}

// first returns the first n images of a set, 0 for all: data.Open mixes what would come class after class.
func first(s *data.Set, n int) *data.Set {
	if n == 0 || n >= s.Len() {
		return s
	}
	return s.Take(n)
}

// parseShape reads channels, height and width, as 3x32x32. The empty text gives nil. key is
// what an error names.
func parseShape(key, text string) (graph.Shape, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, "x")
	var s graph.Shape
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > maxSide {
			break
		}
		s = append(s, n)
	}
	if len(parts) != 3 || len(s) != 3 {
		return nil, errors.Errorf("%s is %q, want channels, height and width, as 3x32x32", key, text)
	}
	return s, nil
}

// load returns whole sets, of the embedded digits as many as are wanted.
func load(c Config) (set, test *data.Set, err error) {
	switch {
	case c.Data == Digits || c.Data == "":
	case data.IsCSV(c.Data):
		table, err := data.ParseCSV(c.Data)
		if err != nil {
			return nil, nil, err
		}
		return table.Open(c.Seed)
	case data.IsPack(c.Data):
		return data.OpenPack(c.Data)
	case data.IsImages(c.Data):
		return c.loadImages()
	default:
		return data.Open(c.Data)
	}
	n, m := c.TrainImages, c.TestImages
	if n == 0 {
		n = 10000
	}
	if m == 0 {
		m = 2000
	}
	set, test = data.DigitsSplit(n+c.Validation, m, c.Seed)
	return set, test, nil
}

// loadImages reads an image folder at the size that c asks for.
func (c Config) loadImages() (set, test *data.Set, err error) {
	s, err := parseShape("shape", c.Shape)
	if s == nil && err == nil {
		var m models.Model
		if m, err = models.Find(c.Model); err == nil {
			m, err = c.reshape(m)
		}
		s = slices.Clone(m.Input)
	}
	if err != nil {
		return nil, nil, err
	}
	if c.ImageSize > 0 {
		s[1], s[2] = c.ImageSize, c.ImageSize
	}
	return data.OpenImages(c.Data, s[0], s[1], s[2])
}

// DataPath returns what c.Data keeps of a name that the user gave, so that a run finds its data
// from any folder: absolute paths.
func DataPath(name string) (string, error) {
	if name == Digits || name == "" {
		return Digits, nil
	}
	if data.IsCSV(name) {
		table, err := data.ParseCSV(name)
		if err == nil {
			table, err = table.Abs()
		}
		return table.String(), err
	}
	return filepath.Abs(data.Locate(name))
}
