package bench

import (
	"fmt"
	"path"
	"strings"

	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/ops/conv"
)

// A Layer is a convolution with a name, such as vgg19-conv1_2, and the batch sizes at which it is usually measured.
type Layer struct {
	Name    string
	Problem conv.Problem // forward, float32; N is 0
	Batches []int
}

// At returns the problem at batch size n.
func (l Layer) At(n int) conv.Problem {
	p := l.Problem
	p.N = n
	return p
}

// Layers returns the convolutions of well-known networks.
//
//	vgg19-…      network E of Simonyan and Zisserman, “Very Deep Convolutional Networks”, 2015; some are alike
//	alexnet-…    Krizhevsky, Sutskever and Hinton, 2012, in one tower, for images of 227×227
//	resnet50-…   He et al., “Deep Residual Learning”, 2016, each kind once; stride 2 stands at the 3×3, as is usual now
//	googlenet-…  the 5×5 filters of the first two modules of Szegedy et al., “Going Deeper with Convolutions”, 2015
//	lenet5-…     LeCun et al., 1998, on 28×28
//	alphago-…    the policy network of Silver et al., 2016
//	large-…      filters as large as those of Ding et al., “Scaling Up Your Kernels to 31×31”, 2022, on all channels
func Layers() []Layer {
	var list []Layer
	add := func(name string, c, hw, k, rs, stride, pad int, batches ...int) {
		list = append(list, Layer{name, conv.Problem{
			DType: graph.Float32, C: c, H: hw, W: hw, K: k, R: rs, S: rs, Groups: 1,
			Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [4]int{pad, pad, pad, pad},
		}, batches})
	}

	for block, convs := range [][]int{{3, 64, 64}, {64, 128, 128}, {128, 256, 256, 256, 256}, {256, 512, 512, 512, 512}, {512, 512, 512, 512, 512}} {
		for i, k := range convs[1:] {
			add(fmt.Sprintf("vgg19-conv%d_%d", block+1, i+1), convs[i], 224>>block, k, 3, 1, 1, 1, 8)
		}
	}

	add("alexnet-conv1", 3, 227, 96, 11, 4, 0, 1, 8)
	add("alexnet-conv2", 96, 27, 256, 5, 1, 2, 1, 8)
	add("alexnet-conv3", 256, 13, 384, 3, 1, 1, 1, 8)
	add("alexnet-conv4", 384, 13, 384, 3, 1, 1, 1, 8)
	add("alexnet-conv5", 384, 13, 256, 3, 1, 1, 1, 8)

	add("resnet50-7x7-3-64-224-s2", 3, 224, 64, 7, 2, 3, 1, 8)
	add("resnet50-1x1-64-64-56", 64, 56, 64, 1, 1, 0, 1, 8)
	for width, hw := 64, 56; hw >= 7; width, hw = 2*width, hw/2 { // the four stages
		if width > 64 {
			add(fmt.Sprintf("resnet50-1x1-%d-%d-%d", 2*width, width, 2*hw), 2*width, 2*hw, width, 1, 1, 0, 1, 8)
			add(fmt.Sprintf("resnet50-3x3-%d-%d-s2", width, 2*hw), width, 2*hw, width, 3, 2, 1, 1, 8)
			add(fmt.Sprintf("resnet50-1x1-%d-%d-%d-s2", 2*width, 4*width, 2*hw), 2*width, 2*hw, 4*width, 1, 2, 0, 1, 8)
		}
		add(fmt.Sprintf("resnet50-3x3-%d-%d", width, hw), width, hw, width, 3, 1, 1, 1, 8)
		add(fmt.Sprintf("resnet50-1x1-%d-%d-%d", width, 4*width, hw), width, hw, 4*width, 1, 1, 0, 1, 8)
		add(fmt.Sprintf("resnet50-1x1-%d-%d-%d", 4*width, width, hw), 4*width, hw, width, 1, 1, 0, 1, 8)
	}

	add("googlenet-3a-5x5", 16, 28, 32, 5, 1, 2, 1, 8)
	add("googlenet-3b-5x5", 32, 28, 96, 5, 1, 2, 1, 8)

	add("lenet5-conv1", 1, 28, 6, 5, 1, 2, 64)
	add("lenet5-conv2", 6, 14, 16, 5, 1, 0, 64)

	add("alphago-conv1", 48, 19, 192, 5, 1, 2, 1, 16)
	add("alphago-conv2", 192, 19, 192, 3, 1, 1, 1, 16)

	add("large-13x13", 64, 56, 64, 13, 1, 6, 1)
	add("large-31x31", 64, 56, 64, 31, 1, 15, 1)
	return list
}

// Gemms returns matrix products M×N×K: square ones, then those that convolutions by im2col lead to, of VGG-19's
// conv1_2, conv2_2, conv3_2, conv4_2 and conv5_1, AlphaGo's conv2, ResNet-50's first 1×1 and LeNet-5's conv1.
func Gemms() []Product {
	return []Product{
		{M: 256, N: 256, K: 256},
		{M: 512, N: 512, K: 512},
		{M: 1024, N: 1024, K: 1024},
		{M: 2048, N: 2048, K: 2048},
		{M: 64, N: 50176, K: 576},
		{M: 128, N: 12544, K: 1152},
		{M: 256, N: 3136, K: 2304},
		{M: 512, N: 784, K: 4608},
		{M: 512, N: 196, K: 4608},
		{M: 192, N: 361, K: 1728},
		{M: 64, N: 3136, K: 64},
		{M: 6, N: 784, K: 25},
	}
}

// Select returns those of all that the patterns mean, in their order; all of them for no pattern. A pattern is a name or, in
// the syntax of path.Match, a set of names: "vgg19-*". Case does not matter. One that means none is an error which
// names the nearest.
func Select[T any](what string, all []T, name func(T) string, patterns []string) ([]T, error) {
	if len(patterns) == 0 {
		return all, nil
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = name(v)
	}
	chosen := make([]bool, len(all))
	for _, pattern := range patterns {
		found := false
		for i, n := range names {
			ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(n))
			if err != nil {
				return nil, fmt.Errorf("%s %q: %w", what, pattern, err)
			}
			chosen[i] = chosen[i] || ok
			found = found || ok
		}
		if !found {
			return nil, nearest.Unknown(what, pattern, names)
		}
	}
	var selected []T
	for i, v := range all {
		if chosen[i] {
			selected = append(selected, v)
		}
	}
	return selected, nil
}
