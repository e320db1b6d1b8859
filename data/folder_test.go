package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// plainPNG is an image of one colour.
func plainPNG(t *testing.T, w, h int, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for p := range w * h {
		img.Set(p%w, p/w, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tinyImages(t *testing.T) map[string][]byte {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 9, 5)), nil); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"train/cat/b.png": plainPNG(t, 4, 6, color.RGBA{10, 20, 30, 255}), "train/cat/a.PNG": plainPNG(t, 3, 3, color.RGBA{1, 2, 3, 255}),
		"train/ant/x.jpeg": photo.Bytes(), "train/ant/notes.txt": []byte("not read"), "train/ant/.hidden.png": []byte("not read"),
		"train/readme.png": []byte("not read"), "val/cat/1.png": plainPNG(t, 50, 4, color.RGBA{7, 8, 9, 255}), "val/ant/2.JPG": photo.Bytes(),
	}
}

func TestOpenImages(t *testing.T) {
	dir := write(t, "pets", tinyImages(t))
	if !IsImages(dir) || IsImages(filepath.Join(dir, "train")) {
		t.Error("the folder is not known for what it is")
	}
	for _, procs := range []int{1, 4} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		train, test, err := OpenImages(dir, 3, 2, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Set{train, test} {
			if err := s.Validate(); err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(train.Classes, []string{"ant", "cat"}) || !slices.Equal(train.Labels, []int32{1, 0, 1}) || !slices.Equal(test.Labels, []int32{0, 1}) {
			t.Errorf("classes %v, labels %v and %v", train.Classes, train.Labels, test.Labels)
		}
		if got := train.Image(2); !slices.Equal(got, []byte{10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20, 30, 30, 30, 30, 30, 30}) {
			t.Errorf("b.png is %v", got)
		}
		if train.Image(0)[0] != 1 || test.Image(1)[6] != 8 || train.Name != "pets/train" || test.Name != "pets/test" {
			t.Errorf("images in another order, or names %q and %q", train.Name, test.Name)
		}
	}
}

// The first images of a folder were once all of its first class: a training with some of them knew no other.
func TestOpenImagesMixesClasses(t *testing.T) {
	files := map[string][]byte{}
	for class, n := range map[string]int{"ant": 5, "bee": 15, "cat": 1} {
		for i := range n {
			for _, part := range []string{"train", "test"} {
				files[fmt.Sprintf("%s/%s/%02d.png", part, class, i)] = plainPNG(t, 1, 1, color.Gray{byte(i)})
			}
		}
	}
	train, test, err := OpenImages(write(t, "pets", files), 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Set{train, test} {
		if s.Len() != 21 || !sameShares(s) {
			t.Errorf("%s: labels %v", s.Name, s.Labels)
		}
		next := make([]byte, 3)
		for i, y := range s.Labels {
			if s.Pixels[i] != next[y] {
				t.Errorf("image %d is number %d of class %d, want %d", i, s.Pixels[i], y, next[y])
			}
			next[y]++
		}
	}
}

// A link to a folder of images is a class, too; one that leads nowhere is a mistake. Both were once left out in silence.
func TestOpenImagesFollowsLinks(t *testing.T) {
	dir, other := write(t, "pets", tinyImages(t)), write(t, "elsewhere", map[string][]byte{"1.png": plainPNG(t, 2, 2, color.RGBA{5, 6, 7, 255})})
	for _, part := range []string{"train", "val"} {
		if err := os.Symlink(other, filepath.Join(dir, part, "dog")); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	train, test, err := OpenImages(dir, 3, 2, 3)
	if err != nil || !slices.Equal(train.Classes, []string{"ant", "cat", "dog"}) || test.Len() != 3 {
		t.Fatalf("%v and %v, error %v", train, test, err)
	}
	if i := slices.Index(train.Labels, 2); i < 0 || train.Image(i)[0] != 5 {
		t.Errorf("labels %v, pixels %v", train.Labels, train.Pixels)
	}
	if err := os.Symlink(filepath.Join(other, "missing"), filepath.Join(dir, "train", "eel")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenImages(dir, 3, 2, 3); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "eel") {
		t.Errorf("a link to nothing: error %v", err)
	}
	linked := write(t, "linked", map[string][]byte{"train/readme": nil})
	if err := os.Symlink(other, filepath.Join(linked, "train", "dog")); err != nil {
		t.Fatal(err)
	}
	if !IsImages(linked) {
		t.Error("a folder with a link for a class is not known for what it is")
	}
}

func TestOpenImagesErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f map[string][]byte)
		c, h   int
		want   string
		is     error
	}{
		{"damaged", func(f map[string][]byte) { f["train/cat/a.PNG"] = f["train/cat/a.PNG"][:40] }, 3, 2,
			"DIR/train/cat/a.PNG: image: want a whole png, got 40 bytes that end early (unexpected EOF)", nil},
		{"no image", func(f map[string][]byte) { f["train/ant/x.jpeg"] = []byte("<html>") }, 3, 2,
			"DIR/train/ant/x.jpeg: image: want PNG or JPEG, got 6 bytes that are not (image: unknown format)", image.ErrFormat},
		{"empty class", func(f map[string][]byte) { f["train/dog/notes.txt"] = nil }, 3, 2,
			"DIR/train/dog: images: want at least 1 PNG or JPEG, got 0", nil},
		{"other classes", func(f map[string][]byte) { f["val/dog/1.png"] = f["val/cat/1.png"] }, 3, 2,
			"DIR/val: classes: want those of training, ant, cat, got ant, cat, dog", nil},
		{"no test", func(f map[string][]byte) { delete(f, "val/cat/1.png"); delete(f, "val/ant/2.JPG") }, 3, 2,
			"data folder DIR has images to train but none to test: want one of the folders test, val, validation", fs.ErrNotExist},
		{"no classes", func(f map[string][]byte) {
			for name := range f {
				delete(f, name)
			}
			f["train/a.png"] = nil
		}, 3, 2, "DIR/train: classes: want a folder of images for each, got no folder", nil},
		{"no folder", func(f map[string][]byte) {
			for name := range f {
				delete(f, name)
			}
			f["x"] = nil
		}, 3, 2, "image folder DIR/train: open DIR/train: no such file or directory", fs.ErrNotExist},
		{"channels", func(map[string][]byte) {}, 2, 2, "DIR/train/cat/a.PNG: fit image: want 1 (grey) or 3 (RGB) channels, got 2", nil},
		{"too much", func(map[string][]byte) {}, 3, 1 << 30, "DIR/train: images: want at most 16 GiB in memory, got 3 images of 3×1073741824×2", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := tinyImages(t)
			c.change(files)
			dir := write(t, "pets", files)
			_, _, err := OpenImages(dir, c.c, c.h, 2)
			if err == nil {
				t.Fatal("want an error")
			}
			if got := strings.ReplaceAll(filepath.ToSlash(err.Error()), filepath.ToSlash(dir), "DIR"); got != c.want {
				t.Errorf("error\nwant %s\ngot  %s", c.want, got)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("want an error that is %v", c.is)
			}
		})
	}
}
