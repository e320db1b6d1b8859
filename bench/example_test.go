package bench_test

import (
	"fmt"

	"neocog/bench"
	"neocog/ops/conv"
)

// A convolution of one's own by im2col, on two threads, timed three times.
func Example() {
	p, err := bench.ParseConv("1x3x32x32,8x3x3,pad=1")
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Pass = conv.FilterGrad
	row, err := bench.Conv("mine", p, "im2col").Measure(2, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p)
	fmt.Println(row.Name, row.Pass, row.Algo, "wrong:", row.Wrong(), "timed:", row.MedianMS > 0)
	// Output:
	// filtergrad f32 x[1,3,32,32] w[8,3,3,3] pad[1,1,1,1]
	// mine wgrad im2col wrong: false timed: true
}
