package conv_test

import (
	"errors"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/ops/conv/convtest"
	"neocog/vm/kernel"
)

// halved is the suite of Strassen, for 1×1 filters, odd extents and single rows too, and for filters of the size of the image.
func halved() convtest.Suite {
	return convtest.Suite{
		Algorithm: conv.SmallStrassen(), Tolerance32: 5e-6, Tolerance64: 1e-13, Transforms: true, Exact: true, Mixes: true, Random: 150,
		Adapt: func(p conv.Problem) conv.Problem {
			p.R, p.S, p.Pad, p.Dilation, p.Stride = 1, 1, [4]int{}, [2]int{1, 1}, [2]int{1, 1}
			p.C, p.K, p.Groups, p.H, p.W = p.C+1, p.K+1, 1, p.H+1, max(p.W, 1)
			if p.N > 1 && p.N%2 == 0 {
				p.H, p.W = min(p.H, 4), min(p.W, 4)
				p.R, p.S = p.H, p.W
			}
			return p
		},
	}
}

func TestStrassen(t *testing.T) { halved().Run(t) }

// Each product of matrices is seven of halves: one step has seven items, or so many parts of each, and all together they multiply 7/8 as often.
func TestStrassenTakesSevenProducts(t *testing.T) {
	p := conv.Problem{
		DType: graph.Float32, N: 1, C: 8, H: 2, W: 2, K: 8, R: 1, S: 1, Groups: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
	}
	plan, err := conv.SmallStrassen().Plan(&kernel.Env{}, p)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Steps) != 3 || plan.Steps[1].N != 7 {
		t.Fatalf("%d steps, of the second %d items; want 3, and 7 products", len(plan.Steps), plan.Steps[1].N)
	}
	// Each of them counts: where one is left as it was for other operands, the result is wrong.
	c := callOf(p, plan)
	in, w := kernel.In[float32](c, 0), kernel.In[float32](c, 1)
	for i := range in {
		in[i] = float32(i%4 + 1 + i/4)
	}
	for i := range w {
		w[i] = float32(i%5) - 2
	}
	plan.Steps[0].Run(c, 0, plan.Steps[0].N)
	run := func(leaveOut int) []float32 {
		for i := range 7 {
			if i != leaveOut {
				plan.Steps[1].Run(c, i, i+1)
			}
		}
		plan.Steps[2].Run(c, 0, plan.Steps[2].N)
		return append([]float32(nil), kernel.Out[float32](c, 0)...)
	}
	run(-1)
	for i := range 7 {
		for _, at := range []int{0, 4, 4 * 8, 4*8 + 4} { // an element of each quarter
			w[at]++
		}
		for _, at := range []int{0, 2*4 + 1, 4 * 4, 6*4 + 2} { // not in the same place, so that no difference of quarters stays the same
			in[at]++
		}
		plan.Steps[0].Run(c, 0, plan.Steps[0].N)
		without := run(i)
		right := run(-1)
		same := true
		for j, v := range right {
			want := float32(0)
			for ch := range 8 {
				want += w[j/4*8+ch] * in[ch*4+j%4]
			}
			if v != want {
				t.Fatalf("element %d is %v, want %v", j, v, want)
			}
			same = same && v == without[j]
		}
		if same {
			t.Errorf("product %d of seven makes no difference", i+1)
		}
	}
}

func TestStrassenRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(*conv.Problem)
		want   string
	}{
		{func(p *conv.Problem) { p.R, p.S = 3, 3 }, "only 1×1 filters and those of the size of the image"},
		{func(p *conv.Problem) { p.R, p.S, p.Stride = 1, 1, [2]int{2, 2} }, "only 1×1 filters and those of the size of the image"},
		{func(p *conv.Problem) { p.N, p.R, p.S = 0, 1, 1 }, "it is empty"},
		{func(p *conv.Problem) { p.C, p.K, p.H, p.W, p.R, p.S = 256, 64, 28, 28, 1, 1 }, "the product of 64×256 and 256×784 matrices is too small, want extents of 128 at least"},
	} {
		p := plain
		c.change(&p)
		_, err := conv.Strassen{}.Plan(&kernel.Env{}, p)
		var no *conv.Unsupported
		if !errors.As(err, &no) || !strings.HasPrefix(no.Reason, c.want) {
			t.Errorf("%v: %v, want %s", p, err, c.want)
		}
	}
}
