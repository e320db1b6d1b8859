package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"neocog/data"
	"neocog/models"
	"neocog/train"
)

// The way in: a model by name, its usual configuration, digits that need no file.
func Example() {
	m, err := models.Find("lenet5")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := train.DefaultConfig(m.Name)
	cfg.TrainImages, cfg.TestImages, cfg.Batch = 1500, 300, 32
	set, test, err := train.Load(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	norm, err := train.Normalize(cfg, set)
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := train.New(m, cfg, norm)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	result, err := t.Fit(context.Background(), set, test, train.FitOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("epochs:", len(result.Epochs))
	println(result.Accuracy * 1000)
	fmt.Println("learned:", result.Accuracy > 0.8)
	// Output:
	// epochs: 4
	// learned: true
}

// A learning rate that is too high ends the run with advice.
func ExampleDiverged() {
	fmt.Println(&train.Diverged{Epoch: 1, Step: 2, LR: 1e6, Loss: math.Inf(1)})
	// Output:
	// epoch 1, step 2: the loss is +Inf at learning rate 1e+06, which may be too high; try 1e+05 or less
}

// A schedule is a short text.
func ExampleParseSchedule() {
	s, err := train.ParseSchedule("cosine:1")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, epoch := range []float64{0, 0.5, 1, 3, 5} {
		fmt.Printf("epoch %.1f: %.2f\n", epoch, s.Rate(epoch, 5))
	}
	// Output:
	// epoch 0.0: 0.00
	// epoch 0.5: 0.50
	// epoch 1.0: 1.00
	// epoch 3.0: 0.50
	// epoch 5.0: 0.00
}

// A network of ten digits becomes one that tells even from odd: a linear classifier of
// its last features.
func ExampleBase() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	// A run to start from.
	m, _ := models.Find("compact")
	digits := data.Digits(1000, 1)
	first, err := train.New(m, train.DefaultConfig(m.Name), data.ChannelMeanStd(digits))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer first.Close()
	run, _ := train.Create(dir, "digits")
	if _, err := first.Fit(ctx, digits, nil, train.FitOptions{Run: run}); err != nil {
		fmt.Println(err)
		return
	}

	base, err := train.OpenBase(run.Dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	parity := data.Digits(1000, 2)
	parity.Classes = []string{"even", "odd"}
	for i := range parity.Labels {
		parity.Labels[i] %= 2
	}
	t, err := base.From(train.Config{Classes: 2, Groups: "head/*=1; *=0",
		Epochs: 1, Batch: 64, Optimizer: "sgd", LR: 0.01, Normalize: train.MeanStd})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	fit, err := t.FitHead(ctx, parity, train.Logistic, 1e-3)
	fmt.Println(fit.Converged, fit.Accuracy > 0.9, err)
	// Output: true true <nil>
}

// A run that was stopped in its second epoch goes on to the end.
func ExampleResume() {
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	m, err := models.Find("lenet5")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := train.DefaultConfig(m.Name)
	cfg.TrainImages, cfg.TestImages, cfg.Epochs = 640, 100, 2
	set, test, err := train.Load(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := train.New(m, cfg, data.ChannelMeanStd(set))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer first.Close()
	run, err := train.Create(dir, "digits")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, interrupt := context.WithCancel(context.Background())
	_, err = first.Fit(ctx, set, test, train.FitOptions{Run: run, Progress: &stopping{cancel: interrupt, left: 13}})
	fmt.Println(errors.Is(err, context.Canceled))

	t, run, err := train.Resume(run.Dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	fmt.Println("going on after", t.Epoch(), "epoch and", t.Steps(), "steps")
	result, err := t.Fit(context.Background(), set, test, train.FitOptions{Run: run})
	fmt.Println(len(result.Epochs), "epochs", result.Steps, "steps", err)
	// Output:
	// true
	// going on after 1 epoch and 13 steps
	// 2 epochs 20 steps <nil>
}
