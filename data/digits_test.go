package data

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
)

func TestDigitsIsASet(t *testing.T) {
	s := Digits(1000, 1)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if s.Len() != 1000 || s.C != 1 || s.H != 28 || s.W != 28 {
		t.Errorf("got %d images of %d×%d×%d", s.Len(), s.C, s.H, s.W)
	}
	for from := 0; from < 1000; from += 10 {
		ten := slices.Sorted(slices.Values(s.Labels[from : from+10]))
		if !slices.Equal(ten, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Fatalf("labels %d…: want each digit once, got %v", from, ten)
		}
	}
	for _, n := range []int{0, -5} {
		if s := Digits(n, 1); s.Len() != 0 || s.Validate() != nil {
			t.Errorf("Digits(%d): want an empty set, got %d images", n, s.Len())
		}
	}
}

// Runs are repeated from their seed, on other machines and by later versions. If the drawing changes on purpose, change this
// number and say in the change log that seeds mean other digits.
func TestDigitsGolden(t *testing.T) {
	const want = "6f2bb5a36ec7f4383f0cd6f48f8369cb459f2c93d884272ad59625617f979e28"
	s := Digits(500, 42)
	sum := sha256.New()
	sum.Write(s.Pixels)
	fmt.Fprint(sum, s.Labels)
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != want {
		t.Errorf("500 digits of seed 42: want %s, got %s", want, got)
	}
}

func TestDigitsAreReproducible(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	whole := Digits(1500, 7)
	for _, threads := range []int{1, 2, 3, 7} {
		runtime.GOMAXPROCS(threads)
		for _, n := range []int{1, 255, 256, 257, 1500} {
			part := Digits(n, 7)
			if !bytes.Equal(part.Pixels, whole.Pixels[:len(part.Pixels)]) || !slices.Equal(part.Labels, whole.Labels[:n]) {
				t.Errorf("GOMAXPROCS %d: Digits(%d) is not the beginning of Digits(1500)", threads, n)
			}
		}
	}
	if other := Digits(1500, 8); bytes.Equal(other.Pixels, whole.Pixels) || slices.Equal(other.Labels, whole.Labels) {
		t.Error("seeds 7 and 8 give the same digits")
	}
}

func TestDigitsSplit(t *testing.T) {
	train, test := DigitsSplit(2000, 500, 3)
	if err := train.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := test.Validate(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(train.Pixels, Digits(2000, 3).Pixels) {
		t.Error("the training half differs from Digits")
	}
	if _, again := DigitsSplit(10, 500, 3); !bytes.Equal(again.Pixels, test.Pixels) {
		t.Error("the test half depends on the size of the training half")
	}
	seen := map[[sha256.Size]byte]bool{}
	for _, s := range []*Set{train, test} {
		for i := range s.Len() {
			sum := sha256.Sum256(s.Image(i))
			if seen[sum] {
				t.Fatalf("%s image %d occurs twice", s.Name, i)
			}
			seen[sum] = true
		}
	}
}

// The images look like MNIST's in the figures that matter to a network: empty margin, mass in the middle, bright ink,
// about MNIST's mean level (33.3), and no two alike.
func TestDigitsLookLikeMNIST(t *testing.T) {
	s := Digits(2000, 1)
	total := 0
	for i := range s.Len() {
		var ink, mx, my float64
		bright := byte(0)
		for j, v := range s.Image(i) {
			total += int(v)
			bright = max(bright, v)
			if v > 100 { // above the noise
				ink++
				mx += float64(j%28) + 0.5
				my += float64(j/28) + 0.5
			}
		}
		if bright < 90 || ink < 8 {
			t.Errorf("image %d (%d): brightest pixel %d, %v pixels of ink: not legible", i, s.Labels[i], bright, ink)
			continue
		}
		// Two pixels of jitter each way, and two more where noise and threshold shift the estimate of few pixels.
		if dx, dy := mx/ink-14, my/ink-14; math.Abs(dx) > 4 || math.Abs(dy) > 4 {
			t.Errorf("image %d (%d): centre of mass off by %.1f, %.1f pixels", i, s.Labels[i], dx, dy)
		}
	}
	if mean := float64(total) / float64(len(s.Pixels)); mean < 25 || mean > 42 {
		t.Errorf("mean level: want 25 to 42, got %.1f", mean)
	}
}

// Labels belong to their images, and the task is neither trivial nor hopeless: the nearest mean image, which reaches
// 82 % on MNIST, must be far better than chance (10 %) and far from solving it.
func TestDigitsDifficulty(t *testing.T) {
	train, test := DigitsSplit(5000, 1000, 1)
	var means [10][]float64
	var counts [10]float64
	for k := range means {
		means[k] = make([]float64, train.Dim())
	}
	for i, y := range train.Labels {
		counts[y]++
		for j, v := range train.Image(i) {
			means[y][j] += float64(v)
		}
	}
	right := 0
	for i, y := range test.Labels {
		best, at := math.Inf(1), 0
		for k := range means {
			d := 0.
			for j, v := range test.Image(i) {
				diff := float64(v) - means[k][j]/counts[k]
				d += diff * diff
			}
			if d < best {
				best, at = d, k
			}
		}
		if at == int(y) {
			right++
		}
	}
	if right < 500 || right > 900 {
		t.Errorf("nearest mean: want 50 to 90 %% right, got %.1f %%", float64(right)/10)
	}
	t.Logf("nearest mean: %.1f %%", float64(right)/10)
}

func BenchmarkDigits(b *testing.B) {
	const n = 2000
	for b.Loop() {
		Digits(n, 1)
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "images/s")
}
