package bench

import (
	"strings"
	"testing"

	"neocog/ops/conv"
)

func TestLayers(t *testing.T) {
	seen := map[string]string{}
	for _, l := range Layers() {
		if seen[l.Name] != "" {
			t.Errorf("two layers are called %s", l.Name)
		}
		if len(l.Batches) == 0 {
			t.Errorf("%s has no batch size", l.Name)
		}
		p := l.At(l.Batches[0])
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", l.Name, err)
		}
		seen[l.Name] = FormatConv(l.At(1))
	}
	// As the papers have them.
	for name, want := range map[string]string{
		"vgg19-conv1_1":                "1x3x224x224,64x3x3,pad=1",
		"vgg19-conv2_1":                "1x64x112x112,128x3x3,pad=1",
		"vgg19-conv3_4":                "1x256x56x56,256x3x3,pad=1",
		"vgg19-conv5_4":                "1x512x14x14,512x3x3,pad=1",
		"alexnet-conv1":                "1x3x227x227,96x11x11,stride=4",
		"resnet50-1x1-64-256-56":       "1x64x56x56,256x1x1",
		"resnet50-3x3-128-56-s2":       "1x128x56x56,128x3x3,stride=2,pad=1",
		"resnet50-1x1-1024-2048-14-s2": "1x1024x14x14,2048x1x1,stride=2",
		"resnet50-1x1-1024-512-14":     "1x1024x14x14,512x1x1",
		"resnet50-1x1-2048-512-7":      "1x2048x7x7,512x1x1",
		"resnet50-3x3-512-7":           "1x512x7x7,512x3x3,pad=1",
		"googlenet-3a-5x5":             "1x16x28x28,32x5x5,pad=2",
		"lenet5-conv1":                 "1x1x28x28,6x5x5,pad=2",
		"alphago-conv2":                "1x192x19x19,192x3x3,pad=1",
		"large-31x31":                  "1x64x56x56,64x31x31,pad=15",
	} {
		if seen[name] != want {
			t.Errorf("%s is %q, want %s", name, seen[name], want)
		}
	}
	count := func(prefix string) (n int) {
		for name := range seen {
			if strings.HasPrefix(name, prefix) {
				n++
			}
		}
		return n
	}
	// ResNet-50: the 7×7, four kinds in the first stage, six in each of the others.
	if count("vgg19-") != 16 || count("alexnet-") != 5 || count("resnet50-") != 23 {
		t.Errorf("VGG-19 has %d layers, AlexNet %d, ResNet-50 %d kinds", count("vgg19-"), count("alexnet-"), count("resnet50-"))
	}
}

func TestSelect(t *testing.T) {
	name := func(s string) string { return s }
	all := []string{"vgg19-conv1_1", "vgg19-conv1_2", "lenet5-conv1"}
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{nil, "vgg19-conv1_1 vgg19-conv1_2 lenet5-conv1"},
		{[]string{"lenet5-conv1", "VGG19-conv1_1"}, "vgg19-conv1_1 lenet5-conv1"},
		{[]string{"*1_?"}, "vgg19-conv1_1 vgg19-conv1_2"},
	} {
		got, err := Select("layer", all, name, c.patterns)
		if strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%v are %v, %v; want %s", c.patterns, got, err, c.want)
		}
	}
	for pattern, want := range map[string]string{
		"lenet5-conv2": `unknown layer "lenet5-conv2", did you mean lenet5-conv1`,
		"none*":        `unknown layer "none*", known: vgg19-conv1_1, `,
		"[":            "syntax error in pattern",
	} {
		if got, err := Select("layer", all, name, []string{pattern}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", pattern, got, err, want)
		}
	}
}

func TestGemmsAreThoseOfLayers(t *testing.T) {
	layers := map[string]conv.Problem{}
	for _, l := range Layers() {
		layers[l.Name] = l.At(1)
	}
	for shape, name := range map[string]string{
		"64x50176x576": "vgg19-conv1_2", "128x12544x1152": "vgg19-conv2_2", "256x3136x2304": "vgg19-conv3_2", "512x784x4608": "vgg19-conv4_2",
		"512x196x4608": "vgg19-conv5_1", "192x361x1728": "alphago-conv2", "64x3136x64": "resnet50-1x1-64-64-56", "6x784x25": "lenet5-conv1",
	} {
		p := layers[name]
		P, Q := p.Out()
		if got := (Product{M: p.K, N: P * Q, K: p.C * p.R * p.S}).String(); got != shape {
			t.Errorf("%s leads to %s, want %s", name, got, shape)
		}
		if _, err := Select("matrix product", Gemms(), Product.String, []string{shape}); err != nil {
			t.Error(err)
		}
	}
}
