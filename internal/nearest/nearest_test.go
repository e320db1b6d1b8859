package nearest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	known := []string{"lenet5", "lenet5-32", "alexnet", "vgg16", "twolayer"}
	for _, c := range []struct {
		name string
		want []string
	}{
		{"lenet", []string{"lenet5", "lenet5-32"}},
		{"LeNet5", []string{"lenet5", "lenet5-32"}},
		{"twolaeyr", []string{"twolayer"}},
		{"vg16", []string{"vgg16"}},
		{"zzz", nil},
	} {
		if got := Names(c.name, known, 2); !slices.Equal(got, c.want) {
			t.Errorf("Names(%q) = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = fmt.Sprintf("vgg%02d", i)
	}
	if got, want := Unknown("model", "VGG16", many).Error(), `unknown model "VGG16", did you mean vgg16?`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Unknown("model", "transformer", many).Error(); !strings.HasSuffix(got, "vgg28, vgg29") {
		t.Errorf("got %s, want all names", got)
	}
	got := Unknown("model", "lente5", []string{"lenet5", "vgg16"}).Error()
	want := `unknown model "lente5", did you mean lenet5? known: lenet5, vgg16`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = Unknown("op", "q", []string{"Conv2D"}).Error()
	if want = `unknown op "q", known: Conv2D`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDistanceCountsSwapsOnce(t *testing.T) {
	if d := distance("relu", "rleu"); d != 1 {
		t.Errorf("swapped neighbours count %d, want 1", d)
	}
}
