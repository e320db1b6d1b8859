package fft_test

import (
	"fmt"

	"neocog/internal/fft"
)

// One channel of 2×4 pixels, and its six frequencies: those with u = 3 are the conjugates of those with u = 1.
func Example() {
	const lanes = 1
	p := fft.NewPlane[float64](2, 4, lanes)
	pixels := []float64{
		1, 2, 3, 4,
		5, 6, 7, 8,
	}
	half, work := make([]float64, p.Half()), make([]float64, p.Work())
	out := make([]float64, p.Frequencies()*2*lanes)
	p.Rows(half, 0, 2, pixels, fft.Real{Row: 4 * lanes, Col: lanes}, 4, 1, work)
	p.Columns(out, fft.Place{Re: 0, Im: lanes, Step: 2 * lanes, Line: 2 * 2 * lanes}, half, 2, false, work)
	for u := range p.Width() {
		for v := range 2 {
			at := out[(u*2+v)*2*lanes:]
			fmt.Printf("X[%d,%d] = %g%+gi\n", v, u, at[0], at[lanes])
		}
	}
	// Output:
	// X[0,0] = 36+0i
	// X[1,0] = -16+0i
	// X[0,1] = -4+4i
	// X[1,1] = 0+0i
	// X[0,2] = -4+0i
	// X[1,2] = 0+0i
}
