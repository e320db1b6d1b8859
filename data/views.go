package data

import (
	"fmt"
	"strconv"
	"strings"
)

// Views are fixed changes to an image whose predictions are averaged: test-time augmentation. Nothing in them is random.
type Views []Augment

// Mirror is the image and its mirror image.
func Mirror() Views { return Views{Augment{}, Augment{Flip{1}}} }

// TenCrops are size×size pixels at the four corners and the centre of the image with the short side side, and the mirror
// images of these. Krizhevsky et al. 2012, section 4.1, with 224 and 256.
func TenCrops(size, side int) Views {
	var v Views
	for where := range places {
		for _, p := range []float64{0, 1} {
			v = append(v, Augment{Scale{side, side}, Place{Where(where), size}, Flip{p}})
		}
	}
	return v
}

// FiveScales are the ten crops at five sizes of the image, short sides in the proportions of {224, 256, 384, 480, 640} to
// crops of 224. He et al. 2016, section 3.4.
func FiveScales(size int) Views {
	var v Views
	for _, side := range []int{224, 256, 384, 480, 640} {
		v = append(v, TenCrops(size, (side*size+112)/224)...)
	}
	return v
}

// ParseViews reads mirror, ten-crops:SIZE[,SIDE] or five-scales:SIZE; without SIDE it is SIZE·256/224. The empty text has
// no views: the image as it is.
func ParseViews(text string) (Views, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(text), ":")
	size, side := 0, 0
	first, second, has := strings.Cut(rest, ",")
	size, err := strconv.Atoi(first)
	ok := err == nil && size >= 1 && size <= maxSide
	side = (size*256 + 112) / 224
	if has {
		if side, err = strconv.Atoi(second); err != nil || side < size || side > maxSide {
			ok = false
		}
	}
	switch {
	case name == "" && rest == "":
		return nil, nil
	case name == "mirror" && rest == "":
		return Mirror(), nil
	case name == "ten-crops" && ok:
		return TenCrops(size, side), nil
	case name == "five-scales" && ok && !has:
		return FiveScales(size), nil
	}
	return nil, fmt.Errorf("views: got %q, want mirror, ten-crops:SIZE[,SIDE] with SIDE at least SIZE, or five-scales:SIZE", text)
}
