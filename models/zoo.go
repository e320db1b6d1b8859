package models

import "neocog/graph"

// The inputs of the models.
var (
	cifar = graph.Shape{3, 32, 32}
	n224  = graph.Shape{3, 224, 224}
	n227  = graph.Shape{3, 227, 227}
	n299  = graph.Shape{3, 299, 299}
	board = graph.Shape{48, 19, 19}
)

// All returns the models family by family, about in the order of their papers,
// simplest first within a family.
func All() []Model {
	return []Model{
		{"lenet5", nil, "LeNet-5 on 28×28 digits, padded to the paper's 32×32", sourceLeNet, graph.Shape{1, 28, 28}, 10, LeNet5},
		{"lenet5-32", nil, "LeNet-5 on 32×32 digits", sourceLeNet, graph.Shape{1, 32, 32}, 10, LeNet{}.Build},
		{"twolayer", nil, "two-layer net 3072-50-10", sourceLecture, cifar, 10, TwoLayer},
		{"fullyconnected", nil, "fully connected net 3072-100-100-10 with batch norm and dropout", sourceLecture, cifar, 10,
			FullyConnected{Hidden: []int{100, 100}, BatchNorm: true, Dropout: 0.5, Classes: 10}.Build},
		{"compact", nil, "three convolutions with batch norm on 28×28 grey levels, quick to train", sourceCompact, graph.Shape{1, 28, 28}, 10, Compact},
		{"convnetjs-cifar10", nil, "three convolutions on CIFAR-10, the ConvNetJS demo", sourceConvNetJS, cifar, 10, ConvNetJS},

		{"alexnet", nil, "AlexNet in one tower, pooling before normalisation", sourceAlexNet, n227, 1000, AlexNet{}.Build},
		{"alexnet-groups", nil, "AlexNet as in the paper: two groups, normalisation before pooling", sourceAlexNet, n227, 1000, AlexNet{Paper: true}.Build},
		{"alexnet-owt", nil, "AlexNet of “One weird trick”, as torchvision has it", sourceOWT, n224, 1000, OneWeirdTrick},
		{"zfnet", nil, "ZFNet with 512, 1024, 512 filters, as the lecture has it", sourceZFNet, n224, 1000, ZFNet{[3]int{512, 1024, 512}}.Build},
		{"zfnet-fig3", nil, "ZFNet of figure 3, with 384, 384, 256 filters", sourceZFNet, n224, 1000, ZFNet{[3]int{384, 384, 256}}.Build},
		{"nin", []string{"nin-cifar10", "network-in-network"}, "network in network, on CIFAR-10", sourceNIN, cifar, 10, NetworkInNetwork},

		{"vgg-a", []string{"vgg11"}, "VGG net A, 11 layers", sourceVGG, n224, 1000,
			VGG{Blocks: [5][]int{{3}, {3}, {3, 3}, {3, 3}, {3, 3}}}.Build},
		{"vgg-a-lrn", []string{"vgg11-lrn"}, "VGG net A-LRN, normalised after the first layer", sourceVGG, n224, 1000,
			VGG{Blocks: [5][]int{{3}, {3}, {3, 3}, {3, 3}, {3, 3}}, LRN: true}.Build},
		{"vgg-b", []string{"vgg13"}, "VGG net B, 13 layers", sourceVGG, n224, 1000,
			VGG{Blocks: [5][]int{{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}}}.Build},
		{"vgg-c", nil, "VGG net C, 16 layers, three of them 1×1", sourceVGG, n224, 1000,
			VGG{Blocks: [5][]int{{3, 3}, {3, 3}, {3, 3, 1}, {3, 3, 1}, {3, 3, 1}}}.Build},
		{"vgg-d", []string{"vgg16"}, "VGG net D, 16 layers", sourceVGG, n224, 1000,
			VGG{Blocks: [5][]int{{3, 3}, {3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}}}.Build},
		{"vgg-e", []string{"vgg19"}, "VGG net E, 19 layers", sourceVGG, n224, 1000,
			VGG{Blocks: [5][]int{{3, 3}, {3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}}}.Build},

		{"googlenet", []string{"inception-v1"}, "GoogLeNet, auxiliary classifiers while it trains", sourceGoogLeNet, n224, 1000, GoogLeNet{}.Build},
		{"googlenet-torchvision", []string{"googlenet-bn"}, "GoogLeNet as torchvision has it: batch norm, 3×3 for 5×5", sourceGoogLeNet, n224, 1000, GoogLeNet{Torchvision: true}.Build},
		{"inception-v3", nil, "Inception-v3, an auxiliary classifier while it trains", sourceInceptionV3, n299, 1000, InceptionV3},

		{"resnet18", nil, "residual network of 18 layers", sourceResNet, n224, 1000, ResNet{Blocks: [4]int{2, 2, 2, 2}}.Build},
		{"resnet34", nil, "residual network of 34 layers", sourceResNet, n224, 1000, ResNet{Blocks: [4]int{3, 4, 6, 3}}.Build},
		{"resnet50", nil, "residual network of 50 layers", sourceResNet, n224, 1000, ResNet{Blocks: [4]int{3, 4, 6, 3}, Bottleneck: true}.Build},
		{"resnet101", nil, "residual network of 101 layers", sourceResNet, n224, 1000, ResNet{Blocks: [4]int{3, 4, 23, 3}, Bottleneck: true}.Build},
		{"resnet152", nil, "residual network of 152 layers", sourceResNet, n224, 1000, ResNet{Blocks: [4]int{3, 8, 36, 3}, Bottleneck: true}.Build},
		{"resnet20-cifar10", []string{"resnet20"}, "residual network of 20 layers for CIFAR-10", sourceResNet, cifar, 10, CIFARResNet{3}.Build},
		{"resnet32-cifar10", []string{"resnet32"}, "residual network of 32 layers for CIFAR-10", sourceResNet, cifar, 10, CIFARResNet{5}.Build},
		{"resnet44-cifar10", []string{"resnet44"}, "residual network of 44 layers for CIFAR-10", sourceResNet, cifar, 10, CIFARResNet{7}.Build},
		{"resnet56-cifar10", []string{"resnet56"}, "residual network of 56 layers for CIFAR-10", sourceResNet, cifar, 10, CIFARResNet{9}.Build},
		{"resnet110-cifar10", []string{"resnet110"}, "residual network of 110 layers for CIFAR-10", sourceResNet, cifar, 10, CIFARResNet{18}.Build},

		{"squeezenet", []string{"squeezenet1_0"}, "SqueezeNet 1.0", sourceSqueezeNet, n227, 1000, SqueezeNet{}.Build},
		{"squeezenet-1.1", []string{"squeezenet1_1"}, "SqueezeNet 1.1", sourceSqueezeNet, n224, 1000, SqueezeNet{V11: true}.Build},
		{"alphago-128", nil, "AlphaGo's policy network, 128 filters", sourceAlphaGo, board, 361, AlphaGo{128}.Build},
		{"alphago-192", []string{"alphago"}, "AlphaGo's policy network, 192 filters", sourceAlphaGo, board, 361, AlphaGo{192}.Build},
		{"alphago-256", nil, "AlphaGo's policy network, 256 filters", sourceAlphaGo, board, 361, AlphaGo{256}.Build},
		{"alphago-384", nil, "AlphaGo's policy network, 384 filters", sourceAlphaGo, board, 361, AlphaGo{384}.Build},
	}
}
