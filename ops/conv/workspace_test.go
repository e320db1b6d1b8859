package conv_test

import (
	"testing"

	"neocog/bench"
	"neocog/internal/cpu"
	"neocog/ops/conv"
)

// What is chosen takes less scratch memory than the matrix of columns of the first fast convolutions, C·R·S rows and a column for each
// output of the batch: on every layer of VGG E, in every pass.
func TestTheChoiceTakesLessMemoryThanColumns(t *testing.T) {
	layers, err := bench.Select("layer", bench.Layers(), func(l bench.Layer) string { return l.Name }, []string{"vgg19-*"})
	if err != nil {
		t.Fatal(err)
	}
	for l := cpu.Portable; l <= cpu.Best(); l++ {
		cpu.With(l, func() {
			for _, layer := range layers {
				for _, n := range []int{1, 8} {
					p := layer.At(n)
					P, Q := p.Out()
					columns := 4 * p.N * p.C * p.R * p.S * P * Q
					for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
						for _, workers := range []int{1, 2} {
							env := usual(workers)
							plan, err := conv.Choose(env, "", p)
							if err != nil {
								t.Fatal(err)
							}
							if got := conv.Workspace(plan, workers); got >= columns {
								t.Errorf("%v, %s, batch %d, %v, %d workers: %s takes %.1f MB, the matrix of columns %.1f", l, layer.Name, n, p.Pass, workers, plan.Algo, float64(got)/1e6, float64(columns)/1e6)
							}
						}
					}
				}
			}
		})
	}
}
