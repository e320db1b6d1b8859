// Package data brings labelled images to a network: it reads the classic data sets, draws one of its own, and hands out
// normalised batches in a reproducible order.
//
//	train, test := data.DigitsSplit(12000, 2000, 1)          // or data.Open("mnist")
//	loader := data.Loader{Set: train, Batch: 64, Norm: data.PixelMean(train), Seed: 1, Shuffle: true}
//	for epoch := range 3 {
//		for batch := range loader.Epoch(epoch) {
//			// batch.X: N·C·H·W float32, batch.Y: N labels
//		}
//	}
//
// The concepts, in the order in which data passes through them:
//
//	Set         images as bytes (N, C, H, W) with labels and class names     Take Split Subset Shuffled
//	Open        a folder of MNIST, Fashion-MNIST, CIFAR-10 or CIFAR-100       ReadIDX FromIDX ReadCIFAR10 ReadCIFAR100
//	OpenImages  a folder of PNG and JPEG images, a folder for each class      ReadImages IsImages
//	OpenPack    one file with both sets, mapped into memory                   WritePack IsPack
//	CSV         tables of pixels or features with a column of labels          ParseCSV IsCSV
//	Public      sets that package download fetches into the user's cache      CacheDir Locate
//	Digits      28×28 digits drawn from the Go fonts; needs no file           DigitsSplit
//	Normalizer  bytes to float32: (x - mean) · scale                          PixelMean ChannelMeanStd
//	Augment     random changes to training images, "crop:4+flip"               ParseAugment Step Augmenter
//	Views       fixed ones, to average predictions over                       ParseViews Mirror TenCrops FiveScales
//	Loader      batches, epoch after epoch, by any number of workers          Batch
//	FitImage    a PNG or JPEG of any size as one image of a set               DecodeImage DigitOptions
//
// # What can be relied on
//
// Everything random takes a seed, and the same seed gives the same bits for any GOMAXPROCS, any number of workers and any batch
// size, and on any processor. Means and deviations come from exact integer sums; angles and the like are rounded where processors
// could differ in the last bit of a sine.
//
// Files are not trusted. Their content is checked to the last byte; a fault is a *FormatError that names the file, what was
// wanted and what was found. Memory follows what a file holds, not what its header claims, and compressed
// files may expand 32 times (16 MiB are free).
//
// Nothing here depends on another package of this module.
package data
