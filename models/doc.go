// Package models holds the networks of the lecture and of the papers behind it:
// one file each, which reads like the paper's table.
//
// A Model is a row of the list that All returns. Build makes the network's graph,
// for any batch size, and again for training:
//
//	m, err := models.Find("lenet5")
//	g, x, logits := m.Graph(&layers.Builder{})
//
//	| model                 | input     |  parameters |  multiply-adds | source |
//	|-----------------------|-----------|-------------|----------------|--------|
//	| lenet5                | 28×28×1   |      61,706 |        416,520 | LeCun et al. 1998 |
//	| lenet5-32             | 32×32×1   |      61,706 |        416,520 | the same, on the paper's 32 pixels |
//	| twolayer              | 32×32×3   |     154,160 |        154,100 | the lecture's 3072-50-10 |
//	| fullyconnected        | 32×32×3   |     318,810 |        318,200 | the lecture's FullyConnectedNet |
//	| compact               | 28×28×1   |      98,810 |      2,194,944 | this library's, for MNIST and Fashion-MNIST |
//	| convnetjs-cifar10     | 32×32×3   |      22,466 |      3,920,000 | Karpathy 2014 |
//	| alexnet               | 227×227×3 |  62,378,344 |  1,135,256,096 | Krizhevsky et al. 2012, in one tower |
//	| alexnet-groups        | 227×227×3 |  60,965,224 |    724,406,816 | the same, in the paper's two groups |
//	| alexnet-owt           | 224×224×3 |  61,100,840 |    714,188,480 | Krizhevsky 2014, torchvision's alexnet |
//	| zfnet                 | 224×224×3 | 107,627,624 |  2,476,704,896 | Zeiler and Fergus 2014, 512, 1024, 512 filters |
//	| zfnet-fig3            | 224×224×3 |  62,357,608 |  1,168,032,896 | the same, figure 3 |
//	| nin                   | 32×32×3   |     966,986 |    222,486,528 | Lin et al. 2014 |
//	| vgg-a                 | 224×224×3 | 132,863,336 |  7,609,090,048 | Simonyan and Zisserman 2015 |
//	| vgg-a-lrn             | 224×224×3 | 132,863,336 |  7,609,090,048 | the same |
//	| vgg-b                 | 224×224×3 | 133,047,848 | 11,308,466,176 | the same |
//	| vgg-c                 | 224×224×3 | 133,638,952 | 11,770,888,192 | the same |
//	| vgg-d                 | 224×224×3 | 138,357,544 | 15,470,264,320 | the same |
//	| vgg-e                 | 224×224×3 | 143,667,240 | 19,632,062,464 | the same |
//	| googlenet             | 224×224×3 |   6,998,552 |  1,582,671,872 | Szegedy et al. 2015 |
//	| googlenet-torchvision | 224×224×3 |   6,624,904 |  1,498,376,192 | the same, as torchvision has it |
//	| inception-v3          | 299×299×3 |  23,834,568 |  5,713,216,096 | Szegedy et al. 2016 |
//	| resnet18              | 224×224×3 |  11,689,512 |  1,814,073,344 | He et al. 2016 |
//	| resnet34              | 224×224×3 |  21,797,672 |  3,663,761,408 | the same |
//	| resnet50              | 224×224×3 |  25,557,032 |  4,089,184,256 | the same |
//	| resnet101             | 224×224×3 |  44,549,160 |  7,801,405,440 | the same |
//	| resnet152             | 224×224×3 |  60,192,808 | 11,513,626,624 | the same |
//	| resnet20-cifar10      | 32×32×3   |     269,722 |     40,551,040 | the same |
//	| resnet32-cifar10      | 32×32×3   |     464,154 |     68,862,592 | the same |
//	| resnet44-cifar10      | 32×32×3   |     658,586 |     97,174,144 | the same |
//	| resnet56-cifar10      | 32×32×3   |     853,018 |    125,485,696 | the same |
//	| resnet110-cifar10     | 32×32×3   |   1,727,962 |    252,887,680 | the same |
//	| squeezenet            | 227×227×3 |   1,248,424 |    832,667,936 | Iandola et al. 2016 |
//	| squeezenet-1.1        | 224×224×3 |   1,235,496 |    349,151,936 | the same |
//	| alphago-128           | 19×19×48  |   1,777,641 |    641,043,584 | Silver et al. 2016 |
//	| alphago-192           | 19×19×48  |   3,882,793 |  1,400,726,208 | the same |
//	| alphago-256           | 19×19×48  |   6,798,953 |  2,453,182,720 | the same |
//	| alphago-384           | 19×19×48  |  15,064,297 |  5,436,417,408 | the same |
//
// Multiply-adds are those of convolutions and matrix products, forward, for one
// image. Models end with logits: the loss, Builder.Loss of package layers, and the
// probabilities, ops.Softmax, are the user's. GoogLeNet and Inception-v3 have auxiliary
// classifiers while they train, which Loss takes in.
//
// Model.At gives a model for images of another size, or says which layer they do not
// fit, and which sizes do.
package models
