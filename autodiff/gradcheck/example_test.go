package gradcheck_test

import (
	"context"
	"fmt"

	"neocog/autodiff"
	"neocog/autodiff/gradcheck"
)

// The gradients of one op, case by case.
func Example() {
	for _, s := range gradcheck.All() {
		if s.Name != "Softmax" {
			continue
		}
		for _, k := range s.Cases {
			r, err := k.Check(context.Background(), autodiff.Config{Seed: 1})
			fmt.Printf("%v, %s: %d derivatives, %d wrong, %v\n", s, k.Title, r.Checked, r.Failed, err)
		}
	}
	// Output:
	// op Softmax, last axis: 30 derivatives, 0 wrong, <nil>
	// op Softmax, middle axis: 48 derivatives, 0 wrong, <nil>
}
