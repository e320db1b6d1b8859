// Package report shows what training looked like: curves of loss, accuracy, learning rate and the ratio of updates to
// weights, which classes are taken for which, the images that the network is most wrong about, and its first filters.
//
//	| function | what it makes |
//	|----------|---------------|
//	| Write    | a page of HTML: one file that needs no network, light and dark |
//	| PNG, SVG | the curves as a picture |
//	| Text     | the curves for a terminal |
package report
