package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of the three kinds of folder.
var (
	idxFiles = []string{
		"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
	}
	cifarTrain = []string{
		"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
	}
	cifarTest = "test_batch.bin"
	cifarMeta = "batches.meta.txt"

	cifar100Train, cifar100Test, cifar100Meta = "train.bin", "test.bin", "fine_label_names.txt"
)

// spellings are the names under which a file may lie in a folder; the first that exists is read. Some copies of
// MNIST write a dot before the type: train-images.idx3-ubyte.
func spellings(file string) []string {
	dotted := strings.Replace(file, "-idx", ".idx", 1)
	return []string{file, file + ".gz", dotted, dotted + ".gz"}
}

const looksFor = "train-images-idx3-ubyte[.gz] and its three companions (MNIST, Fashion-MNIST), " +
	"or data_batch_1.bin[.gz] … and test_batch.bin[.gz] (CIFAR-10), or train.bin[.gz] and test.bin[.gz] (CIFAR-100), " +
	"or images in train/CLASS/*.png and test/CLASS/*.png, or .jpg"

// Open reads the training and test sets of a folder. It knows three kinds by the names of their files, each of which
// may be gzip-compressed, with or without the ending .gz:
//
//	MNIST, Fashion-MNIST  train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
//	CIFAR-10              data_batch_1.bin … data_batch_5.bin (those that exist, in order)  test_batch.bin  [batches.meta.txt]
//	CIFAR-100             train.bin  test.bin  [fine_label_names.txt]
//
// The IDX files may also be spelled with a dot, train-images.idx3-ubyte. Folders of such names are ignored.
// The classes of an IDX folder are "0" … "9", or the garments of Fashion-MNIST if "fashion" occurs in the folder's name;
// those of CIFAR come from the file of names, or are the official ones without it.
//
// A missing folder satisfies errors.Is(err, fs.ErrNotExist); a missing companion too. Faulty content is a *FormatError
// with the path. Digits needs no folder.
func Open(dir string) (train, test *Set, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, &missingError{fmt.Sprintf("data folder %s is missing; a folder would hold %s; a file would be a pack, or a table as csv:FILE; the embedded digits need none%s",
				dir, looksFor, getHint(dir))}
		}
		if info, failed := os.Stat(dir); failed == nil && !info.IsDir() {
			pack := ", which 'neocog data pack' makes"
			if ext := strings.ToLower(filepath.Ext(strings.TrimSuffix(dir, ".gz"))); ext == ".csv" || ext == ".tsv" {
				pack = ""
			}
			return nil, nil, fmt.Errorf("data %s is a file, and no pack%s; as a table it is --data csv:%[1]s", dir, pack)
		}
		return nil, nil, fmt.Errorf("data folder %s: %w; a folder would hold %s", dir, err, looksFor)
	}
	f := folder{dir: dir, present: map[string]bool{}}
	for _, e := range entries {
		f.present[e.Name()] = !e.IsDir()
	}
	isIDX := slices.ContainsFunc(idxFiles, f.has)
	isCIFAR := f.has(cifarTest) || slices.ContainsFunc(cifarTrain, f.has)
	isCIFAR100 := f.has(cifar100Test) && f.has(cifar100Train)
	switch {
	case isIDX && isCIFAR:
		return nil, nil, fmt.Errorf("data folder %s holds both IDX and CIFAR-10 files: want one data set a folder", dir)
	case isCIFAR100 && (isIDX || isCIFAR):
		return nil, nil, fmt.Errorf("data folder %s holds CIFAR-100 and other files: want one data set a folder", dir)
	case isCIFAR100:
		return f.openCIFAR(cifar100, []string{cifar100Train}, cifar100Test, cifar100Meta)
	case isIDX:
		return f.openIDX()
	case isCIFAR:
		if err := f.require("CIFAR-10", cifarTest); err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(cifarTrain, f.has) {
			return nil, nil, f.require("CIFAR-10", cifarTrain[0])
		}
		return f.openCIFAR(cifar10, cifarTrain, cifarTest, cifarMeta)
	}
	hint := getHint(dir)
	if sub := f.betterBelow(entries); sub != "" {
		hint = fmt.Sprintf("; %s does", sub)
	} else if hint == "" {
		hint = f.imagesHint(entries)
	}
	return nil, nil, fmt.Errorf("data folder %s holds neither %s%s", dir, looksFor, hint)
}

// imagesHint says what a folder with images lacks to be one that OpenImages reads.
func (f folder) imagesHint(entries []fs.DirEntry) string {
	if info, err := os.Stat(filepath.Join(f.dir, imagesTrain)); err == nil && info.IsDir() {
		return fmt.Sprintf("; its %s has no folder for a class", imagesTrain)
	}
	for _, e := range entries {
		if slices.Contains(imagesTest, e.Name()) && e.IsDir() {
			return fmt.Sprintf("; it has %s, but no %s", e.Name(), imagesTrain)
		}
		if _, err := imagesIn(filepath.Join(f.dir, e.Name())); e.IsDir() && err == nil {
			return fmt.Sprintf("; if its folders, such as %s, are classes: want some images of each in %s and others in %s", e.Name(), imagesTrain, imagesTest[0])
		}
	}
	return ""
}

// folder is a directory and the names of the files in it.
type folder struct {
	dir     string
	present map[string]bool
}

func (f folder) has(file string) bool {
	return slices.ContainsFunc(spellings(file), func(name string) bool { return f.present[name] })
}

// path is that of the first spelling that exists, or of the plain name.
func (f folder) path(file string) string {
	names := spellings(file)
	i := slices.IndexFunc(names, func(name string) bool { return f.present[name] })
	return filepath.Join(f.dir, names[max(i, 0)])
}

// require says which of the files are missing.
func (f folder) require(kind string, files ...string) error {
	var missing []string
	for _, name := range files {
		if !f.has(name) {
			missing = append(missing, name+"[.gz]")
		}
	}
	if missing == nil {
		return nil
	}
	return &missingError{fmt.Sprintf("data folder %s looks like %s but lacks %s", f.dir, kind, strings.Join(missing, ", "))}
}

// with opens a file and puts its path into what read returns.
func (f folder) with(file string, read func(io.Reader) error) error {
	path := f.path(file)
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	return inFile(path, read(r))
}

// betterBelow names the first subfolder that Open would take for a data set: archives often unpack into one.
func (f folder) betterBelow(entries []fs.DirEntry) string {
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		sub := filepath.Join(f.dir, e.Name())
		for _, name := range slices.Concat(spellings(idxFiles[0]), spellings(cifarTest), spellings(cifar100Test)) {
			if info, err := os.Stat(filepath.Join(sub, name)); err == nil && !info.IsDir() {
				return sub
			}
		}
	}
	return ""
}

func (f folder) openIDX() (train, test *Set, err error) {
	if err := f.require("MNIST or Fashion-MNIST", idxFiles...); err != nil {
		return nil, nil, err
	}
	name, classes := "mnist", digitNames()
	abs, err := filepath.Abs(f.dir) // the name of "." too
	if err == nil && strings.Contains(strings.ToLower(filepath.Base(abs)), "fashion") {
		name, classes = "fashion-mnist", fashionNames()
	}
	if train, err = f.readIDXPair(name+"/train", idxFiles[0], idxFiles[1], classes); err != nil {
		return nil, nil, err
	}
	if test, err = f.readIDXPair(name+"/test", idxFiles[2], idxFiles[3], classes); err != nil {
		return nil, nil, err
	}
	if train.H != test.H || train.W != test.W {
		return nil, nil, &FormatError{File: f.dir, What: "size of the test images",
			Want: fmt.Sprintf("%d×%d as in training", train.H, train.W), Got: fmt.Sprintf("%d×%d", test.H, test.W)}
	}
	return train, test, nil
}

// readIDXPair reads images and labels; errors name the file at fault, or both where they disagree.
func (f folder) readIDXPair(name, images, labels string, classes []string) (set *Set, err error) {
	var x, y *IDX
	if err := f.with(images, func(r io.Reader) (err error) { x, err = ReadIDX(r); return }); err != nil {
		return nil, err
	}
	if err := f.with(labels, func(r io.Reader) (err error) { y, err = ReadIDX(r); return }); err != nil {
		return nil, err
	}
	if set, err = FromIDX("", x, y, classes); err != nil {
		return nil, inFile(f.path(labels), err)
	}
	if set.Len() == 0 {
		return nil, &FormatError{File: f.path(images), What: "images", Want: "at least 1", Got: "0"}
	}
	set.Name = name
	return set, nil
}

// openCIFAR reads those training files that exist, the test file, and the names if there are any.
func (f folder) openCIFAR(c cifar, trainFiles []string, testFile, names string) (train, test *Set, err error) {
	classes := c.classes()
	if f.has(names) {
		if err := f.with(names, func(r io.Reader) error { classes, err = c.readNames(r); return err }); err != nil {
			return nil, nil, err
		}
	}
	train, test = c.set("train", classes), c.set("test", classes)
	for _, name := range trainFiles {
		if !f.has(name) {
			continue
		}
		if err := f.with(name, func(r io.Reader) error { return c.appendTo(train, r) }); err != nil {
			return nil, nil, err
		}
	}
	if err := f.with(testFile, func(r io.Reader) error { return c.appendTo(test, r) }); err != nil {
		return nil, nil, err
	}
	return train, test, nil
}

func fashionNames() []string {
	return []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}
}
