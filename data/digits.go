package data

import (
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
)

// digitFaces are the Go fonts with digits of their own: the small capitals share those of the regular faces.
func digitFaces() [][]byte {
	return [][]byte{
		goregular.TTF, goitalic.TTF, gomedium.TTF, gomediumitalic.TTF, gobold.TTF, gobolditalic.TTF,
		gomono.TTF, gomonoitalic.TTF, gomonobold.TTF, gomonobolditalic.TTF,
	}
}

// testDigits is where the samples of the test half of DigitsSplit begin; no training half reaches so far.
const testDigits = 1 << 40

// Digits returns n greyscale images of digits, 28×28, white on black, drawn from ten faces of the Go fonts under random
// warps: the data set that needs no file.
//
//	outline  bent (second-degree terms), sheared, stretched, rotated up to 22°
//	size     the longer side of the ink 15 to 22 pixels; its centre of mass within 2 pixels of the centre (MNIST: 20 pixels, 0)
//	ink      blurred, made thinner or thicker, 50 to 100 % bright
//	noise    on every pixel, standard deviation 0 to 40 of 255
//
// Sample i depends on (seed, i) alone: the first m of n samples are those of Digits(m, seed), for any GOMAXPROCS and on
// any processor. Every run of ten samples from a multiple of ten holds each digit once. n below 1 gives an empty set.
func Digits(n int, seed uint64) *Set { return digits("digits", 0, n, seed) }

// DigitsSplit returns training and test digits that share no sample. The test set does not depend on nTrain,
// and train equals Digits(nTrain, seed).
func DigitsSplit(nTrain, nTest int, seed uint64) (train, test *Set) {
	return digits("digits/train", 0, nTrain, seed), digits("digits/test", testDigits, nTest, seed)
}

// digits draws samples first … first+n-1, in blocks handed to GOMAXPROCS goroutines.
func digits(name string, first uint64, n int, seed uint64) *Set {
	n = max(n, 0)
	set := &Set{Name: name, C: 1, H: digitSide, W: digitSide, Classes: digitNames(),
		Pixels: make([]byte, n*digitSide*digitSide), Labels: make([]int32, n)}
	glyphs := digitGlyphs()

	const block = 256
	workers := min(runtime.GOMAXPROCS(0), (n+block-1)/block)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			pen := newPen(glyphs)
			for from := w * block; from < n; from += workers * block {
				for i := from; i < min(from+block, n); i++ {
					label := digitLabel(seed, first+uint64(i))
					set.Labels[i] = int32(label)
					pen.draw(set.Image(i), label, seed, first+uint64(i))
				}
			}
		})
	}
	wg.Wait()
	return set
}

// digitLabel deals the ten digits anew for every ten samples.
func digitLabel(seed, i uint64) int {
	var deal [10]int
	permute(deal[:], seed, streamLabel^(i/10))
	return deal[i%10]
}

func digitNames() []string {
	return []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
}

// digitGlyphs returns the outlines by face and digit, plainZero after the nine.
func digitGlyphs() [][11]outline {
	faces := digitFaces()
	glyphs := make([][11]outline, len(faces))
	for i, ttf := range faces {
		var err error
		if glyphs[i], err = digitOutlines(ttf); err != nil {
			// The fonts are constants, and a test reads them all: only a faulty build gets here.
			panic(fmt.Sprintf("embedded font %d: %v", i, err))
		}
	}
	return glyphs
}
