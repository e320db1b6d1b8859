package bench

import (
	"errors"

	"neocog/ops/conv"
	"neocog/vm/kernel"
)

// A Kind is a convolution that stands for a kind of layers, small enough to be computed by every algorithm.
type Kind struct {
	Name    string
	Problem conv.Problem
}

// Kinds returns the kinds of layers of which errors are measured: filters of all sizes there are algorithms for, strides, dilation, groups,
// sums of 25 to 9216 terms.
func Kinds() []Kind {
	var kinds []Kind
	for _, k := range [][2]string{
		{"3×3, 64 channels", "2x64x56x56,64x3x3,pad=1"},
		{"3×3, 512 channels", "2x512x14x14,512x3x3,pad=1"},
		{"3×3, of images", "1x3x112x112,64x3x3,pad=1"},
		{"3×3, stride 2", "2x128x28x28,128x3x3,stride=2,pad=1"},
		{"3×3, dilation 2", "2x64x28x28,64x3x3,dilation=2,pad=2"},
		{"3×3, depthwise", "8x64x28x28,64x3x3,pad=1,groups=64"},
		{"5×5", "8x32x28x28,96x5x5,pad=2"},
		{"5×5, LeNet", "64x6x14x14,16x5x5"},
		{"7×7, stride 2", "1x3x112x112,64x7x7,stride=2,pad=3"},
		{"13×13", "1x64x28x28,64x13x13,pad=6"},
		{"31×31", "1x32x28x28,32x31x31,pad=15"},
		{"1×3", "8x128x17x17,192x1x3,pad=0x1"},
		{"3×1", "8x128x17x17,192x3x1,pad=1x0"},
		{"1×5", "8x128x17x17,192x1x5,pad=0x2"},
		{"5×1", "8x128x17x17,192x5x1,pad=2x0"},
		{"1×1, 256 channels", "2x256x28x28,64x1x1"},
		{"1×1, 1024 channels", "2x1024x14x14,512x1x1"},
		{"dense", "32x256x6x6,512x6x6"},
	} {
		p, err := ParseConv(k[1])
		if err != nil {
			panic(err) // a mistake in this table
		}
		kinds = append(kinds, Kind{k[0], p})
	}
	return kinds
}

// An ErrorRow says how exact an algorithm is on a convolution. In JSON it is one flat object.
type ErrorRow struct {
	Name  string `json:"name"`
	Shape string `json:"shape"`
	Algo  string `json:"algo"`
	// The relative L2 errors ‖got − want‖₂/‖want‖₂ against float64, −1 where the algorithm refuses.
	Forward    float64 `json:"fwd"`
	InputGrad  float64 `json:"dgrad"`
	FilterGrad float64 `json:"wgrad"`
	Bound      float64 `json:"bound"` // conv.Bound
}

// Errors computes p in float32 by each of the algorithms, in all passes, from numbers between −1 and 1. There is no row for an algorithm which refuses all.
func Errors(name string, p conv.Problem, algorithms conv.Algorithms, threads int) ([]ErrorRow, error) {
	rows := make([]ErrorRow, len(algorithms))
	done := make([]bool, len(algorithms))
	for p.Pass = conv.Forward; p.Pass <= conv.FilterGrad; p.Pass++ {
		first, second, result := operandsOf(p)
		in := []vector{random(p.DType, first, 1), random(p.DType, second, 2)}
		want, err := exact(p, in, threads, checkFLOPs)
		if err != nil {
			return nil, err
		}
		for i, a := range algorithms {
			rel := -1.0
			plan, err := a.Plan(&kernel.Env{Workers: threads}, p)
			if _, refused := errors.AsType[*conv.Unsupported](err); err != nil && !refused {
				return nil, err
			}
			if err == nil {
				out := newVector(p.DType, result)
				l := newLoop(plan, threads, in, out)
				err = l.run(once())
				l.close()
				if err != nil {
					return nil, err
				}
				if rel, _, err = out.compare(want); err != nil {
					return nil, err
				}
				done[i] = true
			}
			r := &rows[i]
			r.Name, r.Shape, r.Algo, r.Bound = name, FormatConv(p), a.Name(), conv.Bound(a)
			*[...]*float64{conv.Forward: &r.Forward, conv.InputGrad: &r.InputGrad, conv.FilterGrad: &r.FilterGrad}[p.Pass] = rel
		}
	}
	n := 0
	for i, r := range rows {
		if done[i] {
			rows[n] = r
			n++
		}
	}
	return rows[:n], nil
}
