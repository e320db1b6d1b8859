package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// The folders of an image folder: training images, and those to test with, the first that exists.
const imagesTrain = "train"

var imagesTest = []string{"test", "val", "validation"}

// IsImages reports whether a folder looks like one that OpenImages reads: whether it has a folder called train with a folder,
// or a link to one, in it.
func IsImages(dir string) bool {
	train := filepath.Join(dir, imagesTrain)
	entries, err := os.ReadDir(train)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		info, err := os.Stat(filepath.Join(train, e.Name()))
		return err == nil && info.IsDir()
	})
}

// OpenImages reads a folder of PNG and JPEG images, whose classes are folders:
//
//	train/CLASS/anything.png   test/CLASS/anything.jpg   (or val, validation)
//
// Each becomes an image of c channels, h rows and w columns: the largest centred part in proportion, resized. The test
// images must have the classes of the training images. See ReadImages.
func OpenImages(dir string, c, h, w int) (train, test *Set, err error) {
	if train, err = ReadImages(filepath.Join(dir, imagesTrain), c, h, w); err != nil {
		return nil, nil, err
	}
	for _, name := range imagesTest {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue
		}
		if test, err = ReadImages(path, c, h, w); err != nil {
			return nil, nil, err
		}
		if !slices.Equal(train.Classes, test.Classes) {
			return nil, nil, &FormatError{File: path, What: "classes", Want: "those of training, " + strings.Join(train.Classes, ", "),
				Got: strings.Join(test.Classes, ", ")}
		}
		base := filepath.Base(dir)
		train.Name, test.Name = base+"/train", base+"/test"
		return train, test, nil
	}
	return nil, nil, &missingError{fmt.Sprintf("data folder %s has images to train but none to test: want one of the folders %s",
		dir, strings.Join(imagesTest, ", "))}
}

// maxSetBytes is the most that ReadImages keeps in memory.
const maxSetBytes = 16 << 30

// ReadImages reads the images of a folder whose folders, or links to folders, are the classes, in the order of their names; images of a
// class come in the order of theirs, and the classes mixed, so that the first n images, for any n, have each class in its share. Files that do not
// end in .png, .jpg or .jpeg, in whatever case, and what begins with a dot are ignored. Images are decoded by GOMAXPROCS goroutines, each limited as by DecodeImage before memory is
// taken; the error names the first file that is at fault. A class without images, and more than 16 GiB, are errors.
func ReadImages(dir string, c, h, w int) (*Set, error) {
	set := &Set{Name: filepath.Base(dir), C: c, H: h, W: w}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("image folder %s: %w", dir, err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		class := filepath.Join(dir, e.Name())
		info, err := os.Stat(class) // of what a link leads to
		if err != nil {
			return nil, fmt.Errorf("image folder %s: %w", dir, err)
		}
		if !info.IsDir() {
			continue
		}
		images, err := imagesIn(class)
		if err != nil {
			return nil, err
		}
		for range images {
			set.Labels = append(set.Labels, int32(len(set.Classes)))
		}
		set.Classes = append(set.Classes, e.Name())
		files = append(files, images...)
	}
	if len(set.Classes) == 0 {
		return nil, &FormatError{File: dir, What: "classes", Want: "a folder of images for each", Got: "no folder"}
	}
	size, ok := product(uint64(len(files)), uint64(max(c, 0)), uint64(max(h, 0)), uint64(max(w, 0)))
	if !ok || size > maxSetBytes {
		return nil, &FormatError{File: dir, What: "images", Want: fmt.Sprintf("at most %d GiB in memory", maxSetBytes>>30),
			Got: fmt.Sprintf("%d images of %d×%d×%d", len(files), c, h, w)}
	}
	order := evenly(set.Labels)
	set.Labels, files = ordered(set.Labels, order), ordered(files, order)
	set.Pixels = make([]byte, size)
	faults := make([]error, len(files))
	var next atomic.Int64
	var done sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		done.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return
				}
				if faults[i] = readImage(set.Image(i), files[i], c, h, w); faults[i] != nil {
					next.Store(int64(len(files))) // those before i are under way or done
				}
			}
		})
	}
	done.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return set, nil
}

func ordered[T any](values []T, order []int) []T {
	out := make([]T, len(order))
	for k, i := range order {
		out[k] = values[i]
	}
	return out
}

// imagesIn returns the paths of the images of a class.
func imagesIn(class string) ([]string, error) {
	entries, err := os.ReadDir(class)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".png", ".jpg", ".jpeg":
			if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, filepath.Join(class, e.Name()))
			}
		}
	}
	if len(files) == 0 {
		return nil, &FormatError{File: class, What: "images", Want: "at least 1 PNG or JPEG", Got: "0"}
	}
	return files, nil
}

func readImage(dst []byte, path string, c, h, w int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	img, err := DecodeImage(f)
	if err != nil {
		return inFile(path, err)
	}
	pixels, err := FitImage(img, c, h, w, FitOptions{Aspect: Crop})
	if err != nil {
		return inFile(path, err)
	}
	copy(dst, pixels)
	return nil
}
