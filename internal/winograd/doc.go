// Package winograd holds the transforms of Winograd convolutions: the loops that bring tiles of images, of filters and of
// gradients into the form in which they are multiplied element by element, and back.
//
// They come from package toomcook, in exact numbers; here they run on vectors of up to 16 channels or filters, one
// lane each, so that nothing is shuffled.
//
//	| role       | from | to |
//	|------------|------|----|
//	| Input      | n×n pixels of an image | n×n |
//	| Output     | n×n sums of products | M×M pixels of an output, plus the bias |
//	| Filter     | R×R taps | n×n |
//	| OutputGrad | M×M pixels of an output's gradient | n×n |
//	| FilterGrad | n×n sums of products | R×R taps of the filter's gradient |
//
// with n = M+R−1. The forms of one dimension have n, M or R elements instead.
//
// The portable kernels are the specification; those for AVX-512 and AVX2, for float32, are written by winograd/gen. Either performs
// the same operations in the same order. The latter round a multiplication and addition once, so that bits may differ;
// where no rounding takes place, they do not.
package winograd
