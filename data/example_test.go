package data_test

import (
	"fmt"
	"image"
	"image/color"

	"neocog/data"
)

// The way in: digits that need no file, the mean image, batches.
func Example() {
	train, test := data.DigitsSplit(1000, 200, 1)
	loader := data.Loader{Set: train, Batch: 64, Norm: data.PixelMean(train), Seed: 1, Shuffle: true}
	if err := loader.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	images := 0
	for batch := range loader.Epoch(0) {
		images += batch.N
	}
	fmt.Println(train.Len(), test.Len(), train.C, train.H, train.W, len(train.Classes))
	fmt.Println(loader.Len(), "batches,", images, "images")
	// Output:
	// 1000 200 1 28 28 10
	// 16 batches, 1000 images
}

// A folder that is not there is reported with what one would hold.
func ExampleOpen() {
	_, _, err := data.Open("no-such-folder")
	fmt.Println(err)
	// Output:
	// data folder no-such-folder is missing; a folder would hold train-images-idx3-ubyte[.gz] and its three companions (MNIST, Fashion-MNIST), or data_batch_1.bin[.gz] … and test_batch.bin[.gz] (CIFAR-10), or train.bin[.gz] and test.bin[.gz] (CIFAR-100), or images in train/CLASS/*.png and test/CLASS/*.png, or .jpg; a file would be a pack, or a table as csv:FILE; the embedded digits need none
}

// A dark stroke on white paper, 100×60, becomes white ink on a black 28×28 canvas, centred.
func ExampleFitImage() {
	photo := image.NewGray(image.Rect(0, 0, 100, 60))
	for i := range photo.Pix {
		photo.Pix[i] = 230
	}
	for y := 10; y < 50; y++ {
		for x := 20; x < 26; x++ {
			photo.SetGray(x, y, color.Gray{Y: 20})
		}
	}
	pixels, err := data.FitImage(photo, 1, 28, 28, data.DigitOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, y := range []int{3, 4, 23, 24} {
		fmt.Println(y, pixels[y*28+11:y*28+17])
	}
	// Output:
	// 3 [0 0 0 0 0 0]
	// 4 [0 0 255 255 255 0]
	// 23 [0 0 255 255 255 0]
	// 24 [0 0 0 0 0 0]
}

// What happens to training images is a list, which prints as the text that it was read from.
func ExampleAugment() {
	steps, err := data.ParseAugment("cifar+rotate:10+cutout:8")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(steps)
	train := data.Digits(256, 1)
	loader := data.Loader{Set: train, Batch: 64, Norm: data.PixelMean(train), Seed: 1, Shuffle: true, Augment: steps, Workers: 2}
	batches := 0
	for range loader.Epoch(0) {
		batches++
	}
	fmt.Println(batches, "batches,", loader.Err())
	// Output:
	// crop:4+flip:0.5+rotate:10+cutout:8
	// 4 batches, <nil>
}
