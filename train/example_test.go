package train_test

import (
	"context"
	"fmt"
	"math"

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
