package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/models"
)

// The smallest images that fit, and for networks with auxiliary classifiers the
// smallest to train on.
var smallest = map[string][2]int{
	"lenet5": {28, 28}, "lenet5-32": {32, 32}, "twolayer": {1, 1}, "fullyconnected": {1, 1}, "compact": {8, 8}, "convnetjs-cifar10": {8, 8},
	"alexnet": {67, 67}, "alexnet-groups": {67, 67}, "alexnet-owt": {63, 63}, "zfnet": {63, 63}, "zfnet-fig3": {63, 63}, "nin": {6, 6},
	"vgg-a": {32, 32}, "vgg-a-lrn": {32, 32}, "vgg-b": {32, 32}, "vgg-c": {32, 32}, "vgg-d": {32, 32}, "vgg-e": {32, 32},
	// The auxiliary classifiers pool 5×5: of 14×14 in GoogLeNet, and filter what
	// is left by 5×5 in Inception-v3.
	"googlenet": {47, 79}, "googlenet-torchvision": {47, 79}, "inception-v3": {75, 299},
	"resnet18": {1, 1}, "resnet34": {1, 1}, "resnet50": {1, 1}, "resnet101": {1, 1}, "resnet152": {1, 1},
	"resnet20-cifar10": {1, 1}, "resnet32-cifar10": {1, 1}, "resnet44-cifar10": {1, 1}, "resnet56-cifar10": {1, 1}, "resnet110-cifar10": {1, 1},
	"squeezenet": {29, 29}, "squeezenet-1.1": {25, 25},
	"alphago-128": {1, 1}, "alphago-192": {1, 1}, "alphago-256": {1, 1}, "alphago-384": {1, 1},
}

func TestSmallestImages(t *testing.T) {
	for _, m := range models.All() {
		want, ok := smallest[m.Name]
		if !ok {
			t.Errorf("%s is not in the table", m.Name)
		}
		for i, train := range []bool{false, true} {
			n := want[i]
			at, err := m.At(n, n, train)
			if err != nil || !at.Input[1:].Equal(graph.Shape{n, n}) {
				t.Errorf("%s, train %v: images %v, %v; want %d×%d to fit", m.Name, train, at.Input, err, n, n)
			}
			if n == 1 || m.Name == "inception-v3" && train { // it fits nothing else, as 300 attempts would show
				continue
			}
			_, err = m.At(n-1, n-1, train)
			if err == nil || !strings.Contains(err.Error(), "do not fit; the smallest square ones that fit are "+size(n)) {
				t.Errorf("%s, train %v, %d×%d: error %v, want one that names %s", m.Name, train, n-1, n-1, err, size(n))
			}
		}
	}
}

func size(n int) string { return fmt.Sprintf("%d×%d", n, n) }

// The layer, its input, the line in the model, the smallest images and the
// nearest.
func TestImagesThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		model string
		h, w  int
		want  []string
	}{
		{"vgg-e", 16, 224, []string{"vgg-e: images of 16×224 do not fit", "the smallest square ones that fit are 32×32\n", "vgg.go:", "MaxPool2D", "a window of 2 is larger than the height, 1", "x = %72 f32[N,512,1,14]"}},
		{"vgg-e", 225, 224, []string{"those next to it 224×224 and 256×224\n", "(225 − 2 + 0)/2 + 1 = 112.50 windows along the height"}},
		{"alexnet", 224, 224, []string{"those next to it 195×195 and 227×227\n", `Conv2D "conv1": (224 − 11 + 0)/4 + 1 = 54.25 windows`}},
		{"squeezenet", 28, 28, []string{"MaxPool2D: a window of 3 is larger than the height, 2", "f32[N,512,2,2]"}},
		{"lenet5", 0, 28, []string{"lenet5: images of 0×28, want 1 to 16384 pixels each way"}},
		{"lenet5", 28, 1 << 20, []string{"want 1 to 16384 pixels each way"}},
	} {
		m, err := models.Find(c.model)
		if err != nil {
			t.Fatal(err)
		}
		same, err := m.At(c.h, c.w, false)
		if err == nil {
			t.Errorf("%s accepts images of %d×%d", c.model, c.h, c.w)
			continue
		}
		if !same.Input.Equal(m.Input) {
			t.Errorf("%s is for %v after an error, was for %v", c.model, same.Input, m.Input)
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s at %d×%d: the error lacks %q:\n%v", c.model, c.h, c.w, part, err)
			}
		}
		var fault *graph.Error
		if c.h > 0 && c.w < 1<<20 && !errors.As(err, &fault) {
			t.Errorf("%v is no *graph.Error", err)
		}
	}
}

// The classes are the points of the board.
func TestAlphaGoOnASmallerBoard(t *testing.T) {
	m, err := models.Find("alphago")
	if err != nil {
		t.Fatal(err)
	}
	if m, err = m.At(9, 9, true); err != nil || m.Classes != 81 {
		t.Errorf("%d classes, %v; want 81", m.Classes, err)
	}
}
