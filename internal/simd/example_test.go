package simd_test

import (
	"fmt"

	"neocog/internal/simd"
)

// A row of a softmax: the greatest element, the sum of the exponentials of the
// distances from it, the quotients.
func Example() {
	x := []float32{1000, 1001, 1002}
	top := float64(simd.Greatest(x))
	sum := simd.SumExp(x, top)
	simd.ExpScale(x, x, top, 1/sum)
	fmt.Printf("%.4f\n", x)
	// Output: [0.0900 0.2447 0.6652]
}
