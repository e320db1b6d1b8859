package gemm_test

import (
	"fmt"

	"neocog/internal/gemm"
)

// C = A·Bᵀ.
func ExampleGemm() {
	a := []float32{
		1, 2, 3,
		4, 5, 6,
	}
	b := []float32{
		1, 0, 1,
		0, 1, 0,
	}
	c := make([]float32, 4)
	gemm.Gemm(false, true, 2, 2, 3, a, 3, b, 3, 0, c, 2)
	fmt.Println(c)
	// Output: [4 2 10 5]
}
