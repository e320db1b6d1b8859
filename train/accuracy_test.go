package train_test

import (
	"context"
	"testing"

	"neocog/models"
	"neocog/train"
)

// The recipes of docs/results.md on the test images: 99.0 % of MNIST's in one epoch, the
// mean of five seeds; 99.5 % in 22 epochs with augmentation, and 92.5 % of Fashion-MNIST's
// in 36, here of one seed each.
func TestAccuracies(t *testing.T) {
	if !*long {
		t.Skip("seven trainings on the whole of MNIST and Fashion-MNIST take six minutes; -long does them")
	}
	for _, c := range []struct {
		name, data, augment string
		epochs              int
		seeds               uint64
		least               float64
	}{
		{"one epoch", "mnist", "", 1, 5, 0.990},
		{"augmented", "mnist", "translate:0.08+rotate:10", 22, 1, 0.995},
		{"fashion", "fashion-mnist", "crop:2+flip", 36, 1, 0.925},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := models.Find("compact")
			if err != nil {
				t.Fatal(err)
			}
			cfg := train.DefaultConfig(m.Name)
			cfg.Data, cfg.Augment, cfg.Epochs = shared(t, c.data), c.augment, c.epochs
			set, test, err := train.Load(cfg)
			if err != nil {
				t.Fatal(err)
			}
			norm, err := train.Normalize(cfg, set)
			if err != nil {
				t.Fatal(err)
			}
			mean := 0.0
			for seed := range c.seeds {
				cfg.Seed = seed + 1
				tr, err := train.New(m, cfg, norm)
				if err != nil {
					t.Fatal(err)
				}
				res, err := tr.Fit(context.Background(), set, test, train.FitOptions{})
				if err != nil {
					t.Fatal(err)
				}
				tr.Close()
				t.Logf("seed %d: %.2f %% in %.1f s", cfg.Seed, 100*res.Accuracy, res.Seconds)
				mean += res.Accuracy / float64(c.seeds)
			}
			if mean < c.least {
				t.Errorf("accuracy %.4f, the mean of %d seeds, want at least %v", mean, c.seeds, c.least)
			}
		})
	}
}
