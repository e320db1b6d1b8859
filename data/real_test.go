package data

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shared finds a file or folder of the shared data, which lies beside the repository and is not part of it.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "..", "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skipf("shared/data/%s is not beside the repository", name)
		}
		dir = up
	}
}

// The published facts about the three data sets: counts, the labels one sees first, and the means and deviations that
// every framework's example prints (MNIST 0.1307/0.3081, Fashion-MNIST 0.2860/0.3530, of 255).
func TestRealSets(t *testing.T) {
	for _, c := range []struct {
		folder      string
		c, h, w     int
		train, test int
		first       []int32 // training labels
		firstTest   []int32
		class       string    // of label 9
		mean, std   []float64 // of the training set in 0..1; nil where only part of it is here
	}{
		{"mnist", 1, 28, 28, 60000, 10000, []int32{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, []int32{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}, "9",
			[]float64{0.1307}, []float64{0.3081}},
		{"fashion-mnist", 1, 28, 28, 60000, 10000, []int32{9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, []int32{9, 2, 1, 1, 6, 1, 4, 6, 5, 7}, "Ankle boot",
			[]float64{0.2860}, []float64{0.3530}},
		{"cifar-10", 3, 32, 32, 0, 10000, []int32{6, 9, 9, 4, 1, 1, 2, 7, 8, 3}, []int32{3, 8, 8, 0, 6, 6, 1, 6, 3, 1}, "truck",
			nil, nil},
	} {
		t.Run(c.folder, func(t *testing.T) {
			t.Parallel()
			dir := shared(t, c.folder)
			train, test, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if c.train == 0 { // as many batches as are there
				files, _ := filepath.Glob(filepath.Join(dir, "data_batch_*"))
				c.train = 10000 * len(files)
			}
			for _, half := range []struct {
				set   *Set
				n     int
				first []int32
			}{{train, c.train, c.first}, {test, c.test, c.firstTest}} {
				s := half.set
				if err := s.Validate(); err != nil {
					t.Error(err)
				}
				if s.Len() != half.n || s.C != c.c || s.H != c.h || s.W != c.w || s.Classes[9] != c.class {
					t.Errorf("%s: got %d images of %d×%d×%d, class 9 %q", s.Name, s.Len(), s.C, s.H, s.W, s.Classes[9])
				}
				if !slices.Equal(s.Labels[:10], half.first) {
					t.Errorf("%s: first labels: want %v, got %v", s.Name, half.first, s.Labels[:10])
				}
				if !strings.HasPrefix(s.Name, c.folder+"/") {
					t.Errorf("name %q", s.Name)
				}
			}
			norm := ChannelMeanStd(train)
			for k := range c.mean {
				mean, std := float64(norm.Mean[k])/255, 1/float64(norm.Scale[k])/255
				if math.Abs(mean-c.mean[k]) > 5e-5 || math.Abs(std-c.std[k]) > 5e-5 { // published to four digits
					t.Errorf("channel %d: want mean %.4f and deviation %.4f, got %.5f and %.5f", k, c.mean[k], c.std[k], mean, std)
				}
			}
			// Two ways to the same number: the mean of the mean image is that of the channel.
			pixel, sum := PixelMean(train), 0.
			for _, m := range pixel.Mean[:c.h*c.w] {
				sum += float64(m)
			}
			if got := sum / float64(c.h*c.w); math.Abs(got-float64(norm.Mean[0])) > 1e-4 { // rounding of 1,024 float32 near 100
				t.Errorf("mean of the mean image: want %v, got %v", norm.Mean[0], got)
			}
		})
	}
}
