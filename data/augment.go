package data

import (
	"fmt"
	"strings"
)

// An Augment is a list of random changes to images, in order, which keep their classes: more images than there are.
//
//	a, err := data.ParseAugment("crop:4+flip+cutout:8")
//	loader := data.Loader{Set: train, Batch: 128, Norm: norm, Seed: 1, Shuffle: true, Augment: a, Workers: 2}
//
// A run of geometric steps is one resampling, whatever their number: maps of coordinates are composed, not pictures, and
// what one step moves out of sight the next may bring back. A run of colour steps is one matrix, and is clipped once.
//
// What happens to an image depends on (seed, epoch, position in the set, position of the step) and on nothing else: not on
// the batch, nor on who prepares it.
type Augment []Step

// A Step is one change. String returns the text that ParseAugment reads.
type Step interface {
	fmt.Stringer
	// size checks the numbers of the step and returns what it makes of images of c channels and the given size.
	size(c int, in extent) (extent, error)
	// apply changes the image on the canvas.
	apply(k *canvas)
}

// An extent is the size of images, or where it is not exact the least that it may be.
type extent struct {
	h, w  int
	exact bool
}

// String joins the steps with "+": the text that ParseAugment reads, except that names of protocols are written out.
func (a Augment) String() string {
	parts := make([]string, len(a))
	for i, s := range a {
		parts[i] = s.String()
	}
	return strings.Join(parts, stepSign)
}

const stepSign = "+"

// Size returns the size that images of c channels, h rows and w columns have afterwards. Errors name the step that
// does not suit them, such as a patch that is larger than the image.
func (a Augment) Size(c, h, w int) (outH, outW int, err error) {
	at := extent{h, w, true}
	mixes := 0
	for i, s := range a {
		if s == nil {
			return 0, 0, fmt.Errorf("augment: step %d is nil", i)
		}
		if at, err = s.size(c, at); err != nil {
			return 0, 0, fmt.Errorf("augment: %v: %w", s, err)
		}
		if _, ok := s.(Mixup); ok {
			mixes++
		}
	}
	switch {
	case !at.exact:
		return 0, 0, fmt.Errorf("augment: %v leaves images of different sizes; end with a crop, as patch:%d", a, min(at.h, at.w))
	case mixes > 1:
		return 0, 0, fmt.Errorf("augment: %v mixes images %d times, want once", a, mixes)
	}
	return at.h, at.w, nil
}

// mixup returns the step that mixes images and its position.
func (a Augment) mixup() (m Mixup, step int, ok bool) {
	for i, s := range a {
		if m, ok := s.(Mixup); ok {
			return m, i, true
		}
	}
	return Mixup{}, 0, false
}

// An Augmenter applies an Augment to the images of a set. Each goroutine needs one of its own; Clone makes them.
type Augmenter struct {
	steps  Augment
	set    *Set
	seed   uint64
	h, w   int
	canvas canvas
}

// For checks that the steps suit the images, measures what some need to know of all images (PCA its axes, Cutout
// and BorderMean the mean colour), and returns an Augmenter.
func (a Augment) For(set *Set, seed uint64) (*Augmenter, error) {
	if err := set.Validate(); err != nil {
		return nil, err
	}
	h, w, err := a.Size(set.C, set.H, set.W)
	if err != nil {
		return nil, err
	}
	g := &Augmenter{steps: a, set: set, seed: seed, h: h, w: w}
	for _, s := range a {
		if m, ok := s.(interface{ measures() bool }); ok && m.measures() && g.canvas.colours == nil {
			if err := set.guarded(func() { g.canvas.colours = measureColours(set) }); err != nil {
				return nil, fmt.Errorf("augment: %v: %w", s, err)
			}
		}
	}
	return g, nil
}

// Clone returns an Augmenter that does the same, for another goroutine.
func (g *Augmenter) Clone() *Augmenter {
	c := *g
	c.canvas = canvas{colours: g.canvas.colours}
	return &c
}

// Size returns the rows and columns of what Image returns.
func (g *Augmenter) Size() (h, w int) { return g.h, g.w }

// Image returns image i of the set as it is in an epoch: C·h·w bytes with the h and w of Size, which belong to the Augmenter
// until the next call. Mixup is not part of it.
func (g *Augmenter) Image(epoch, i int) []byte {
	k := &g.canvas
	k.begin(g.set.Image(i), g.set.C, g.set.H, g.set.W)
	for step, s := range g.steps {
		k.rand.seed(g.seed, stepKey(epoch, i, step))
		s.apply(k)
	}
	k.flush()
	return k.pix
}

// mix returns the partner of image i in an epoch and the share of i in the mixture, which is at least half.
func (g *Augmenter) mix(m Mixup, step, epoch, i int) (partner int, share float64) {
	var r source
	r.seed(g.seed, stepKey(epoch, i, step))
	partner = r.below(g.set.Len())
	share = r.beta(m.Alpha)
	return partner, max(share, 1-share)
}

// stepKey is the stream of random numbers for one step on one image.
func stepKey(epoch, sample, step int) uint64 {
	return streamAugment ^ scramble(scramble(scramble(uint64(epoch))+uint64(sample))+uint64(step))
}

// scramble is the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a permutation of the 64-bit numbers that
// sends neighbours far apart.
func scramble(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
