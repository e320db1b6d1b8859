package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a folder of that name with those files.
func write(t *testing.T, name string, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for base, content := range files {
		path := filepath.Join(dir, base)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tinyIDX is a folder of three training and two test images of 1×2 pixels, some files compressed and some not.
func tinyIDX() map[string][]byte {
	return map[string][]byte{
		"train-images-idx3-ubyte":    idxFile([]byte{1, 2, 3, 4, 5, 6}, 2051, 3, 1, 2),
		"train-labels-idx1-ubyte.gz": zipped(idxFile([]byte{0, 1, 9}, 2049, 3)),
		"t10k-images-idx3-ubyte.gz":  zipped(idxFile([]byte{7, 8, 9, 10}, 2051, 2, 1, 2)),
		"t10k-labels-idx1-ubyte":     zipped(idxFile([]byte{5, 4}, 2049, 2)), // compressed, though its name does not say so
	}
}

// tinyCIFAR has the training batches 1 and 3.
func tinyCIFAR() map[string][]byte {
	return map[string][]byte{
		"data_batch_3.bin":    cifarFile(5),
		"data_batch_1.bin.gz": zipped(cifarFile(3, 4)),
		"test_batch.bin":      cifarFile(9),
	}
}

func TestOpenIDX(t *testing.T) {
	for folder, class := range map[string]string{"mnist": "9", "Fashion-MNIST": "Ankle boot"} {
		t.Run(folder, func(t *testing.T) {
			train, test, err := Open(write(t, folder, tinyIDX()))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(train.Labels, []int32{0, 1, 9}) || !slices.Equal(test.Labels, []int32{5, 4}) {
				t.Errorf("labels %v and %v", train.Labels, test.Labels)
			}
			if got := test.Image(1); !slices.Equal(got, []byte{9, 10}) {
				t.Errorf("test image 1: %v", got)
			}
			if train.Classes[9] != class {
				t.Errorf("class 9: want %s, got %s", class, train.Classes[9])
			}
			if want := strings.ToLower(folder) + "/train"; train.Name != want {
				t.Errorf("name: want %s, got %s", want, train.Name)
			}
		})
	}
}

// One copy of MNIST has each file with a dot in its name, and beside it a folder with the usual name.
func TestOpenDottedIDX(t *testing.T) {
	files := map[string][]byte{}
	for name, content := range tinyIDX() {
		files[strings.Replace(name, "-idx", ".idx", 1)] = content
		files[name+"/"+name] = []byte("not read")
	}
	train, test, err := Open(write(t, "mnist", files))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(train.Labels, []int32{0, 1, 9}) || !slices.Equal(test.Labels, []int32{5, 4}) {
		t.Errorf("labels %v and %v", train.Labels, test.Labels)
	}
}

// Where a file is there twice, the usual name wins, and the plain one over the compressed.
func TestOpenFirstSpelling(t *testing.T) {
	files := tinyIDX()
	files["train-images.idx3-ubyte"] = []byte("not read")
	files["train-images-idx3-ubyte.gz"] = []byte("not read")
	if _, _, err := Open(write(t, "mnist", files)); err != nil {
		t.Error(err)
	}
}

func TestOpenCIFAR(t *testing.T) {
	train, test, err := Open(write(t, "cifar", tinyCIFAR()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(train.Labels, []int32{3, 4, 5}) || !slices.Equal(test.Labels, []int32{9}) {
		t.Errorf("batches in the order of their numbers: labels %v and %v", train.Labels, test.Labels)
	}
	if train.Classes[3] != "cat" || train.Len()*train.Dim() != len(train.Pixels) {
		t.Errorf("classes %v, %d pixels", train.Classes, len(train.Pixels))
	}
	names := []byte("null\neins\nzwei\ndrei\nvier\nfünf\nsechs\nsieben\nacht\nneun\n\n")
	for file, content := range map[string][]byte{"batches.meta.txt": names, "batches.meta.txt.gz": zipped(names)} {
		files := tinyCIFAR()
		files[file] = content
		if train, _, err = Open(write(t, "cifar", files)); err != nil || train.Classes[3] != "drei" {
			t.Errorf("names from %s: %v, %v", file, train, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	idx := func(change func(map[string][]byte)) map[string][]byte {
		files := tinyIDX()
		change(files)
		return files
	}
	cifar := func(change func(map[string][]byte)) map[string][]byte {
		files := tinyCIFAR()
		change(files)
		return files
	}
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string // DIR stands for the folder
		is    error
	}{
		{"empty folder", nil, "data folder DIR holds neither train-images-idx3-ubyte[.gz] and its three companions (MNIST, Fashion-MNIST), " +
			"or data_batch_1.bin[.gz] … and test_batch.bin[.gz] (CIFAR-10), or train.bin[.gz] and test.bin[.gz] (CIFAR-100), or images in train/CLASS/*.png and test/CLASS/*.png, or .jpg", nil},
		{"one folder too high", map[string][]byte{"cifar-10-batches-bin/test_batch.bin": nil, "readme": nil},
			"data folder DIR holds neither train-images-idx3-ubyte[.gz] and its three companions (MNIST, Fashion-MNIST), " +
				"or data_batch_1.bin[.gz] … and test_batch.bin[.gz] (CIFAR-10), or train.bin[.gz] and test.bin[.gz] (CIFAR-100), or images in train/CLASS/*.png and test/CLASS/*.png, or .jpg; DIR/cifar-10-batches-bin does", nil},
		{"one folder too high, dotted", map[string][]byte{"raw/train-images.idx3-ubyte": nil},
			"data folder DIR holds neither train-images-idx3-ubyte[.gz] and its three companions (MNIST, Fashion-MNIST), " +
				"or data_batch_1.bin[.gz] … and test_batch.bin[.gz] (CIFAR-10), or train.bin[.gz] and test.bin[.gz] (CIFAR-100), or images in train/CLASS/*.png and test/CLASS/*.png, or .jpg; DIR/raw does", nil},
		{"labels missing", idx(func(f map[string][]byte) {
			delete(f, "train-labels-idx1-ubyte.gz")
			delete(f, "t10k-labels-idx1-ubyte")
		}),
			"data folder DIR looks like MNIST or Fashion-MNIST but lacks train-labels-idx1-ubyte[.gz], t10k-labels-idx1-ubyte[.gz]", fs.ErrNotExist},
		{"test batch missing", cifar(func(f map[string][]byte) { delete(f, "test_batch.bin") }),
			"data folder DIR looks like CIFAR-10 but lacks test_batch.bin[.gz]", fs.ErrNotExist},
		{"training batches missing", map[string][]byte{"test_batch.bin": cifarFile(1)},
			"data folder DIR looks like CIFAR-10 but lacks data_batch_1.bin[.gz]", fs.ErrNotExist},
		{"both kinds", idx(func(f map[string][]byte) { f["test_batch.bin"] = nil }),
			"data folder DIR holds both IDX and CIFAR-10 files: want one data set a folder", nil},
		{"faulty file", idx(func(f map[string][]byte) { f["train-images-idx3-ubyte"] = []byte("<html>") }),
			"DIR/train-images-idx3-ubyte: idx magic: want 2051 (images) or 2049 (labels), got 1013478509", nil},
		{"counts differ", idx(func(f map[string][]byte) { f["t10k-labels-idx1-ubyte"] = idxFile([]byte{1}, 2049, 1) }),
			"DIR/t10k-labels-idx1-ubyte: labels: want 2, one for each image, got 1", nil},
		{"label out of range", idx(func(f map[string][]byte) { f["t10k-labels-idx1-ubyte"] = idxFile([]byte{1, 26}, 2049, 2) }),
			"DIR/t10k-labels-idx1-ubyte: label of image 1: want 0..9, got 26", nil},
		{"images where labels belong", idx(func(f map[string][]byte) { f["t10k-labels-idx1-ubyte"] = f["t10k-images-idx3-ubyte.gz"] }),
			"DIR/t10k-labels-idx1-ubyte: idx dimensions: want 3 for the images, 1 for the labels, got 3 and 3", nil},
		{"sizes differ", idx(func(f map[string][]byte) { f["t10k-images-idx3-ubyte.gz"] = idxFile([]byte{7, 8}, 2051, 2, 1, 1) }),
			"DIR: size of the test images: want 1×2 as in training, got 1×1", nil},
		{"no images", idx(func(f map[string][]byte) {
			f["t10k-images-idx3-ubyte.gz"], f["t10k-labels-idx1-ubyte"] = idxFile(nil, 2051, 0, 1, 2), idxFile(nil, 2049, 0)
		}), "DIR/t10k-images-idx3-ubyte.gz: images: want at least 1, got 0", nil},
		{"faulty batch", cifar(func(f map[string][]byte) { f["data_batch_3.bin"] = cifarFile(1, 2)[:4000] }),
			"DIR/data_batch_3.bin: record 1: want 3073 bytes, got 927 (unexpected EOF)", nil},
		{"faulty names", cifar(func(f map[string][]byte) { f["batches.meta.txt"] = []byte("cat\ndog\n") }),
			"DIR/batches.meta.txt: class names: want 10, got 2", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, "set", c.files)
			train, test, err := Open(dir)
			if err == nil {
				t.Fatal("want an error, got none")
			}
			if got := strings.ReplaceAll(filepath.ToSlash(err.Error()), filepath.ToSlash(dir), "DIR"); got != c.want {
				t.Errorf("error\nwant %s\ngot  %s", c.want, got)
			}
			if train != nil || test != nil {
				t.Error("want no sets with an error")
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("want errors.Is %v", c.is)
			}
		})
	}
	for name, c := range map[string]struct{ file, want string }{
		"classes without train and test": {"cat/1.png", "; if its folders, such as cat, are classes: want some images of each in train and others in test"},
		"images to test only":            {"val/cat/1.png", "; it has val, but no train"},
		"images without classes":         {"train/1.png", "; its train has no folder for a class"},
	} {
		if _, _, err := Open(write(t, "set", map[string][]byte{c.file: nil})); err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: %v, want that it ends in %q", name, err, c.want)
		}
	}
	t.Run("a file", func(t *testing.T) {
		dir := write(t, "set", map[string][]byte{"f": nil})
		if _, _, err := Open(filepath.Join(dir, "f")); err == nil || !strings.Contains(err.Error(), "is a file, and no pack, which 'neocog data pack' makes; as a table it is --data csv:") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a missing folder", func(t *testing.T) {
		if _, _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("want fs.ErrNotExist, got %v", err)
		}
	})
}
