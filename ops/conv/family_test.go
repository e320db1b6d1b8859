package conv_test

import (
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// A family takes a member for each pass, within the class of accuracy, and says why none can.
func TestFamilies(t *testing.T) {
	p := conv.Problem{
		DType: graph.Float32, N: 2, C: 32, H: 28, W: 28, K: 32, R: 3, S: 3, Groups: 1,
		Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1},
	}
	prefix := map[string][]string{"winograd": {"winograd F("}, "fourier": {"fft"}, "sums": conv.Default().Names()}
	for _, f := range conv.Families() {
		for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
			for _, class := range conv.Accuracies() {
				env := &kernel.Env{Settings: map[any]any{}}
				conv.Limit(env.Settings, class)
				plan, err := conv.Choose(env, f.Name(), p)
				if err != nil {
					t.Fatal(err)
				}
				a, err := conv.Find(plan.Algo)
				if err != nil || conv.Bound(a) > class.Bound() ||
					!slices.ContainsFunc(prefix[f.Name()], func(s string) bool { return strings.HasPrefix(plan.Algo, s) }) {
					t.Errorf("%s, %v, %v: %s, %v", f.Name(), class, p.Pass, plan.Algo, err)
				}
			}
		}
	}
	p.Pass, p.Stride = conv.Forward, [2]int{2, 2}
	_, err := conv.Choose(&kernel.Env{}, "winograd", p)
	if err == nil || !strings.Contains(err.Error(), "winograd cannot do forward") || !strings.Contains(err.Error(), "winograd F(4×4,3×3): only stride 1") {
		t.Errorf("got %v", err)
	}
}

// A workspace limit refuses algorithms by name too, and says both numbers.
func TestLimitWorkspaceSaysWhatItWouldTake(t *testing.T) {
	p := plain
	env := &kernel.Env{Settings: map[any]any{}}
	conv.LimitWorkspace(env.Settings, 1000)
	_, err := conv.Choose(env, "winograd F(2×2,3×3)", p)
	if err == nil || !strings.Contains(err.Error(), "of workspace, the limit is 1000 bytes") {
		t.Errorf("got %v", err)
	}
}

// With the size of an explicit im2col matrix as the limit, no convolution of VGG takes more, and all of them are computed.
func TestVGGWithinAnIm2colMatrix(t *testing.T) {
	for _, batch := range []int{1, 8} {
		c, hw := 3, 224
		for _, k := range []int{64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512, 0, 512} {
			if k == 0 {
				hw /= 2
				continue
			}
			for pass := conv.Forward; pass <= conv.FilterGrad; pass++ {
				p := conv.Problem{
					Pass: pass, DType: graph.Float32, N: batch, C: c, H: hw, W: hw, K: k, R: 3, S: 3, Groups: 1,
					Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1},
				}
				matrix := 4 * batch * c * 9 * hw * hw
				env := &kernel.Env{Workers: 2, Settings: map[any]any{}}
				conv.LimitWorkspace(env.Settings, matrix)
				plan, err := conv.Choose(env, "", p)
				if err != nil {
					t.Fatal(err)
				}
				if n := conv.Workspace(plan, 1); n > matrix {
					t.Errorf("%v: %s takes %d bytes, the matrix has %d", p, plan.Algo, n, matrix)
				}
			}
			c = k
		}
	}
}
