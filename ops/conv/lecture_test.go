package conv

import (
	"testing"

	"neocog/graph"
	"neocog/vm/kernel"
)

// K1 of the lecture: the image becomes a matrix of K²C rows and N columns, which
// D × K²C weights multiply; elements are duplicated, and it takes much memory.
func TestK1Im2col(t *testing.T) {
	p := Problem{DType: graph.Float64, N: 1, C: 3, H: 6, W: 6, K: 4, R: 3, S: 3, Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	P, Q := p.Out()
	u := newUnfolding[float64](p)
	image := make([]float64, p.C*p.H*p.W)
	for i := range image {
		image[i] = float64(i + 1) // every pixel is another number
	}
	rows, cols := p.R*p.S*p.C, P*Q
	if rows != 27 || cols != 16 {
		t.Fatalf("the matrix is %d×%d, want K²C = 27 by N = 16", rows, cols)
	}
	m := make([]float64, rows*cols)
	u.unfold(m, image, 0, rows, 0, cols)
	seen := map[float64]int{}
	for r := range rows {
		c, i, j := r/9, r/3%3, r%3
		for n := range cols {
			y, x := n/Q, n%Q
			want := image[(c*p.H+y+i)*p.W+x+j]
			if got := m[r*cols+n]; got != want {
				t.Fatalf("row %d, column %d is pixel %v, want %v", r, n, got, want)
			}
			seen[want]++
		}
	}
	if len(seen) != len(image) || seen[image[2*p.W+2]] != 9 {
		t.Errorf("%d pixels occur, one of the middle %d times; want all %d, and 9 times", len(seen), seen[image[2*p.W+2]], len(image))
	}
	// The product with the weights is the convolution.
	plan, err := Im2col{}.Plan(&kernel.Env{}, p)
	if err != nil || len(plan.Steps) == 0 {
		t.Fatalf("%v, %d steps", err, len(plan.Steps))
	}
}
