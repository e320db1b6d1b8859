package train_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"neocog/data"
	"neocog/graph"
	"neocog/train"
)

func TestConfigAsYAML(t *testing.T) {
	c := train.DefaultConfig("twolayer")
	c.Data, c.LR, c.Seed, c.Conv, c.Init = "a folder: with, yaml", 1e-6, 1<<64-1, "im2col", "normal:1e-4"
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := train.ParseConfig(text); err != nil || back != c {
		t.Errorf("%s\nreads as %+v, %v", text, back, err)
	}
}

func TestConfigDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing but a comment\n", "model: lenet5\n"} {
		if c, err := train.ParseConfig([]byte(text)); err != nil || c != train.DefaultConfig("lenet5") {
			t.Errorf("%q: %+v, %v, want the defaults of lenet5", text, c, err)
		}
	}
	c, err := train.ParseConfig([]byte("model: twolayer\nepochs: 7\n"))
	want := train.DefaultConfig("twolayer")
	want.Epochs = 7
	if err != nil || c != want {
		t.Errorf("%+v, %v, want %+v", c, err, want)
	}
}

func TestConfigMistakes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an unknown key", "model: lenet5\nepoch: 3\n", "[2:1] unknown field \"epoch\"\n   1 | model: lenet5\n>  2 | epoch: 3\n       ^"},
		{"a word for a number", "epochs: many\n", "[1:9] want a whole number, got a string"},
		{"no YAML", "model: [lenet5\n", "[1:8] sequence end token ']' not found"},
		{"a key twice", "lr: 1\nlr: 2\n", "[2:1] mapping key \"lr\" already defined"},
		{"no epochs", "epochs: 0\n", "epochs is 0, want at least 1"},
		{"no batch", "batch: -1\n", "batch is -1, want at least 1"},
		{"no rate", "lr: 0\n", "lr is 0, want a positive number"},
		{"NaN", "lr: .nan\n", "lr is NaN, want a positive number"},
		{"momentum of 1", "momentum: 1\n", "momentum is 1, want at least 0 and less than 1"},
		{"momentum of adam", "momentum: 0.9\noptimizer: adam\n", "momentum is 0.9, but the optimizer adam has none; momentum, nesterov and lars do"},
		{"negative decay", "weight_decay: -1\n", "weight_decay is -1, want at least 0"},
		{"clip_value", "clip_value: -1\n", "clip_value is -1, want at least 0"},
		{"clip_norm", "clip_norm: .inf\n", "clip_norm is +Inf, want at least 0"},
		{"lookahead", "lookahead: -5\n", "lookahead is -5, want at least 0"},
		{"average", "average: 1\n", "average is 1, want at least 0 and less than 1"},
		{"micro_batch", "micro_batch: -1\n", "micro_batch is -1, want at least 0"},
		{"groups", "groups: fc\n", `groups: got "fc", want PATTERN=RATE[,DECAY]`},
		{"image_size", "image_size: -1\n", "image_size is -1, want 0 to 32768"},
		{"validation", "validation: -1\n", "validation is -1, want 0 to 1000000"},
		{"all smoothed", "smoothing: 1\n", "smoothing is 1, want at least 0 and less than 1"},
		{"too many threads", "threads: 1000000\n", "threads is 1000000, want 0 to 1024"},
		{"optimizer", "optimizer: adma\n", `unknown optimizer "adma", did you mean adam`},
		{"schedule", "schedule: cosine:x\n", `schedule "cosine:x": "x" is no number`},
		{"init", "init: xavir\n", `unknown init "xavir", did you mean xavier`},
		{"normalize", "normalize: std\n", `unknown normalize "std"`},
		{"conv", "conv: winogrd\n", `unknown convolution algorithm "winogrd"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := train.ParseConfig([]byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error\n%v, want\n%s", err, c.want)
			}
		})
	}
}

func TestParseInit(t *testing.T) {
	shape := graph.Shape{4, 8}
	for text, want := range map[string]string{
		"he": "normal(0,0.5)", "lecun": "normal(0,0.3535533905932738)", "xavier": "normal(0,0.408248290463863)",
		"xavier-uniform": "uniform(-0.7071067811865476,0.7071067811865476)",
		"orthogonal":     "orthogonal(1)", "orthogonal:1.5": "orthogonal(1.5)", "normal:1e-4": "normal(0,0.0001)", "constant:2": "constant(2)",
	} {
		f, err := train.ParseInit(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := f(shape, 8, 4).String(); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	if f, err := train.ParseInit(""); f != nil || err != nil {
		t.Errorf("the empty text gives %v, want nil", err)
	}
	for text, want := range map[string]string{
		"normal": "wants a number, as normal:0.01", "normal:-1": "the standard deviation is -1", "constant:": `"" is no number`,
		"he:2": "he takes no number", "orthogonal:inf": `"inf" is no number`,
	} {
		if _, err := train.ParseInit(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	c := train.DefaultConfig("lenet5")
	c.TrainImages, c.TestImages, c.Seed = 30, 20, 5
	set, test, err := train.Load(c)
	if err != nil || set.Len() != 30 || test.Len() != 20 {
		t.Fatalf("%d and %d digits, %v; want 30 and 20", set.Len(), test.Len(), err)
	}
	c.Data = shared(t, "mnist")
	set, test, err = train.Load(c)
	if err != nil || set.Len() != 30 || test.Len() != 20 || set.Name != "mnist/train" {
		t.Errorf("%d and %d images of MNIST, %v; want 30 and 20", set.Len(), test.Len(), err)
	}
	c.Data = "no-such-folder"
	if _, _, err := train.Load(c); !os.IsNotExist(err) && (err == nil || !strings.Contains(err.Error(), "no-such-folder is missing")) {
		t.Errorf("error %v, want that the folder is missing", err)
	}
}

// The images of the validation are drawn from those of training by the seed, and no image is in both.
func TestValidationIsHeldOut(t *testing.T) {
	c := train.DefaultConfig("lenet5")
	c.TrainImages, c.Seed, c.Validation = 50, 3, 20
	all, _, err := train.Load(train.Config{Data: train.Digits, TrainImages: 70, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i := range all.Len() {
		count[string(all.Image(i))]++
	}
	set, held, err := train.Load(c)
	if err != nil || set.Len() != 50 || held.Len() != 20 {
		t.Fatalf("%d and %d images, %v; want 50 and 20", set.Len(), held.Len(), err)
	}
	for i := range set.Len() {
		count[string(set.Image(i))]--
	}
	for i := range held.Len() {
		count[string(held.Image(i))]--
	}
	for _, n := range count {
		if n != 0 {
			t.Fatal("the two parts are not a division of the whole")
		}
	}
	again, heldAgain, err := train.Load(c)
	if err != nil || string(again.Pixels) != string(set.Pixels) || string(heldAgain.Pixels) != string(held.Pixels) {
		t.Errorf("the same seed divides otherwise: %v", err)
	}
	c.Data, c.Validation = shared(t, "mnist"), 60000
	if _, _, err := train.Load(c); err == nil || err.Error() != "validation is 60000, want less than 60000, the images of mnist/train" {
		t.Errorf("all images held out: error %v", err)
	}
}

// An image folder is read at the size of the model, or at that of image_size.
func TestLoadImageFolder(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 50, 40))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"train/a/1.png", "train/a/2.png", "train/b/3.png", "test/a/4.png", "test/b/5.png"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := train.DefaultConfig("convnetjs-cifar10")
	c.Data = dir
	for size, want := range map[int]int{0: 32, 40: 40} {
		c.ImageSize = size
		set, test, err := train.Load(c)
		if err != nil || set.Len() != 3 || test.Len() != 2 || set.C != 3 || set.H != want || set.W != want {
			t.Errorf("image_size %d: %+v, %v", size, set, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	text, err := train.DefaultConfig("lenet5").YAML()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("model: lenet5\nepoch: 3\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := train.ParseConfig(text)
		if err != nil {
			return
		}
		out, err := c.YAML()
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", c, err)
		}
		if back, err := train.ParseConfig(out); err != nil || back != c {
			t.Fatalf("%+v is written as\n%s\nwhich reads as %+v, %v", c, out, back, err)
		}
	})
}

// The figures of the lecture on how AlexNet (M2) and residual networks (M6) are trained.
// The weight decay of the latter is 1e-4 in the paper, 1e-5 in the lecture.
func TestM2AndM6TrainingOfThePapers(t *testing.T) {
	for _, want := range []train.Config{
		{Model: "alexnet", Batch: 128, Optimizer: "momentum", Momentum: 0.9, LR: 0.01, Schedule: "plateau", WeightDecay: 5e-4},
		{Model: "resnet50", Batch: 256, Optimizer: "momentum", Momentum: 0.9, LR: 0.1, Schedule: "plateau", WeightDecay: 1e-4},
		{Model: "resnet20-cifar10", Batch: 128, Optimizer: "momentum", Momentum: 0.9, LR: 0.1, Schedule: "plateau", WeightDecay: 1e-4},
	} {
		got := train.DefaultConfig(want.Model)
		if err := got.Validate(); err != nil {
			t.Error(err)
		}
		base := train.DefaultConfig("twolayer")
		want.Data, want.Normalize, want.Seed, want.Epochs, want.Workers, want.Explode = base.Data, base.Normalize, base.Seed, got.Epochs, base.Workers, base.Explode
		if got != want {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	}
	if s, err := train.ParseSchedule("plateau"); err != nil || s.String() != "plateau:3,10" {
		t.Errorf("plateau is %v, %v; want a division by 10", s, err)
	}
}

// A configuration carries the model's own name.
func TestDefaultConfigOfAnAlias(t *testing.T) {
	if got := train.DefaultConfig("vgg16"); got != train.DefaultConfig("vgg-d") || got.Model != "vgg-d" {
		t.Errorf("the configuration of vgg16 is %+v", got)
	}
}

// Rows that come class after class: the first 30 were all of class a. The seed draws them, of both parts.
func TestSomeImagesOfATableAreOfAllClasses(t *testing.T) {
	var table strings.Builder
	table.WriteString("label,x\n")
	for i := range 300 {
		fmt.Fprintf(&table, "%c,%d\n", 'a'+i/100, i%7)
	}
	path := filepath.Join(t.TempDir(), "sorted.csv")
	if err := os.WriteFile(path, []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := train.Config{Data: "csv:" + path + ",label=label,test=" + path, TrainImages: 30, TestImages: 20, Seed: 1}
	set, test, err := train.Load(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*data.Set{set, test} {
		of := map[int32]int{}
		for _, y := range s.Labels {
			of[y]++
		}
		if n := s.Len() / 3; len(of) != 3 || min(of[0], of[1], of[2]) < n {
			t.Errorf("%d images of %s are %v of each class", s.Len(), s.Name, of)
		}
	}
	if set.Len() != 30 || test.Len() != 20 {
		t.Errorf("%d and %d images, want 30 and 20", set.Len(), test.Len())
	}
	again, _, err := train.Load(cfg)
	if err != nil || !slices.Equal(again.Labels, set.Labels) || !slices.Equal(again.Pixels, set.Pixels) {
		t.Errorf("the same table gives others (%v)", err)
	}
}
