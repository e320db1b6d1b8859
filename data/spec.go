package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// stepText is name:arg,arg.
func stepText(name string, args ...float64) string {
	parts := make([]string, len(args))
	for i, v := range args {
		parts[i] = strings.Replace(strconv.FormatFloat(v, 'g', -1, 64), "e+", "e", 1) // + is stepSign
	}
	return name + ":" + strings.Join(parts, ",")
}

// A form is a step that ParseAugment reads.
type form struct {
	name, args string
	usual      []float64 // for the numbers that are left out
	required   int
	whole      int // how many of the first numbers are whole
	make       func(a []float64) Step
}

var forms = []form{
	{"flip", "[P]", []float64{0.5}, 0, 0, func(a []float64) Step { return Flip{a[0]} }},
	{"crop", "PAD", []float64{0}, 1, 1, func(a []float64) Step { return RandomCrop{int(a[0])} }},
	{"patch", "SIZE", []float64{0}, 1, 1, func(a []float64) Step { return Patch{int(a[0])} }},
	{"scale", "SIDE[,MOST]", []float64{0, 0}, 1, 2, func(a []float64) Step { return Scale{int(a[0]), int(max(a[0], a[1]))} }},
	{"resized-crop", "[SIZE[,AREA]]", []float64{0, 0.08}, 0, 1, func(a []float64) Step { return ResizedCrop{int(a[0]), a[1]} }},
	{"translate", "SHARE", []float64{0}, 1, 0, func(a []float64) Step { return Translate{a[0]} }},
	{"rotate", "DEGREES", []float64{0}, 1, 0, func(a []float64) Step { return Rotate{a[0]} }},
	{"stretch", "BY", []float64{0}, 1, 0, func(a []float64) Step { return Elongate{a[0]} }},
	{"shear", "DEGREES", []float64{0}, 1, 0, func(a []float64) Step { return Shear{a[0]} }},
	{"lens", "K", []float64{0}, 1, 0, func(a []float64) Step { return Lens{a[0]} }},
	{"elastic", "[ALPHA[,SIGMA]]", []float64{34, 4}, 0, 0, func(a []float64) Step { return Elastic{a[0], a[1]} }},
	{"brightness", "BY", []float64{0}, 1, 0, func(a []float64) Step { return Brightness{a[0]} }},
	{"contrast", "BY", []float64{0}, 1, 0, func(a []float64) Step { return Contrast{a[0]} }},
	{"saturation", "BY", []float64{0}, 1, 0, func(a []float64) Step { return Saturation{a[0]} }},
	{"hue", "TURNS", []float64{0}, 1, 0, func(a []float64) Step { return Hue{a[0]} }},
	{"pca", "[STD]", []float64{0.1}, 0, 0, func(a []float64) Step { return PCA{a[0]} }},
	{"cutout", "SIZE", []float64{0}, 1, 1, func(a []float64) Step { return Cutout{int(a[0])} }},
	{"mixup", "[ALPHA]", []float64{0.2}, 0, 0, func(a []float64) Step { return Mixup{a[0]} }},
	{"centre", "SIZE", []float64{0}, 1, 1, func(a []float64) Step { return Place{Centre, int(a[0])} }},
	{"top-left", "SIZE", []float64{0}, 1, 1, func(a []float64) Step { return Place{TopLeft, int(a[0])} }},
	{"top-right", "SIZE", []float64{0}, 1, 1, func(a []float64) Step { return Place{TopRight, int(a[0])} }},
	{"bottom-left", "SIZE", []float64{0}, 1, 1, func(a []float64) Step { return Place{BottomLeft, int(a[0])} }},
	{"bottom-right", "SIZE", []float64{0}, 1, 1, func(a []float64) Step { return Place{BottomRight, int(a[0])} }},
}

// protocols are the ways of published networks.
var protocols = []struct {
	name  string
	steps Augment
}{
	// He et al. 2016, section 4.2; here the padding is black, theirs the mean.
	{"cifar", Augment{RandomCrop{4}, Flip{0.5}}},
	// He et al. 2016, section 3.4, without its colours, which are those of the next: resnet+pca.
	{"resnet", Augment{Scale{256, 480}, Patch{224}, Flip{0.5}}},
	// Krizhevsky et al. 2012, section 4.1.
	{"alexnet", Augment{Scale{256, 256}, Place{Centre, 256}, Patch{224}, Flip{0.5}, PCA{0.1}}},
}

// ParseAugment reads steps that are joined by "+", each a name and its numbers:
//
//	flip[:P]                    mirror left and right with probability P, 0.5
//	crop:PAD                    shift by up to PAD pixels
//	patch:SIZE                  SIZE×SIZE pixels from anywhere
//	centre:SIZE                 those in the middle; top-left, top-right, bottom-left, bottom-right
//	scale:SIDE[,MOST]           resize, the short side having SIDE (to MOST) pixels
//	resized-crop[:SIZE[,AREA]]  a part with at least AREA (0.08) of the image, resized
//	translate:SHARE             move by up to SHARE of the sides
//	rotate:DEGREES  shear:DEGREES  stretch:BY  lens:K  elastic[:ALPHA[,SIGMA]]
//	border:HOW                  what is beyond the edge: black, edge, reflect or mean
//	brightness:BY  contrast:BY  saturation:BY  hue:TURNS  pca[:STD]
//	cutout:SIZE                 paint a square in the mean colour
//	mixup[:ALPHA]               mix with another image and its label
//
// and the protocols cifar (crop:4+flip), resnet (scale:256,480+patch:224+flip) and
// alexnet (scale:256+centre:256+patch:224+flip+pca). The papers differ from cifar in the border, border:mean+crop:4+flip,
// and from resnet in the colours, resnet+pca. The empty text has no steps.
func ParseAugment(text string) (Augment, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var a Augment
	for _, item := range strings.Split(text, stepSign) {
		steps, err := parseStep(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		a = append(a, steps...)
	}
	return a, nil
}

func parseStep(item string) (Augment, error) {
	name, rest, has := strings.Cut(item, ":")
	for _, p := range protocols {
		if p.name == item {
			return slices.Clone(p.steps), nil
		}
	}
	if name == "border" {
		if i := slices.Index(borders, rest); i >= 0 {
			return Augment{Border(i)}, nil
		}
		return nil, fmt.Errorf("augment: got %q, want border: and one of %s", item, strings.Join(borders, ", "))
	}
	var known []string
	for _, f := range forms {
		if f.name != name {
			known = append(known, f.name)
			continue
		}
		want := f.name + ":" + f.args
		if strings.HasPrefix(f.args, "[") {
			want = f.name + "[:" + f.args[1:]
		}
		var fields []string
		if has {
			fields = strings.Split(rest, ",")
		}
		if len(fields) < f.required || len(fields) > len(f.usual) {
			return nil, fmt.Errorf("augment: %q has %d numbers, want %s", item, len(fields), want)
		}
		args := slices.Clone(f.usual)
		for i, field := range fields {
			v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
			if err != nil || math.IsNaN(v) || math.Abs(v) > 1e9 || i < f.whole && v != math.Floor(v) {
				kind := "number"
				if i < f.whole {
					kind = "whole number"
				}
				return nil, fmt.Errorf("augment: %q: %q is no %s, want %s", item, field, kind, want)
			}
			args[i] = v
		}
		return Augment{f.make(args)}, nil
	}
	for _, p := range protocols {
		known = append(known, p.name)
	}
	return nil, fmt.Errorf("augment: unknown step %q, known: border, %s", name, strings.Join(known, ", "))
}
