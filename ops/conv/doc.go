// Package conv holds the algorithms that compute convolutions, and the rule
// which chooses one of them.
//
// The ops Conv2D, Conv2DInputGrad and Conv2DFilterGrad say what is to be
// computed, as a Problem; an Algorithm says how. Nothing is registered
// anywhere: the lists of algorithms are Default and All, and vm.WithConv puts a user's own
// before them.
//
//	| concept     | meaning |
//	|-------------|---------|
//	| Pass        | which of the three: output, gradient of the image, gradient of the filter |
//	| Problem     | everything that decides which algorithm is best; comparable, a tuning key |
//	| Algorithm   | plans a Problem, or refuses it with *Unsupported, which says why |
//	| Algorithms  | an ordered list: the first which accepts is taken |
//	| Estimator   | an Algorithm that predicts its time |
//	| Accuracy    | exact, default, fast: which algorithms are compared |
//	| Direct      | the reference: the definition as loops; accepts every Problem |
//	| Im2col      | a matrix product on an unfolded image; accepts every Problem |
//	| Blocked     | direct: vectors of filters on blocks of channels |
//	| Dense       | a matrix product, for filters of the size of the image |
//	| Planar      | direct: vectors of pixels, for few filters or channels |
//	| Winograd    | tiles of outputs with fewer multiplications, for 3×3 and 5×5 filters |
//	| FFT         | by spectra, for large filters |
//	| All         | Default, Winograds and FFTs |
//	| Choose      | the rule: the node's own Algo, of All; the user's list; Default, or with Limit the cheapest of a class |
//
// As everywhere in deep learning the "convolution" is a cross-correlation: the
// filter is not flipped. With stride u, dilation d, padding t and per-group
// channels c,
//
//	y[n,k,p,q]  = b[k] + Σ_{c,r,s} w[k,c,r,s] · x[n, c, p·u−t+r·d, q·u−t+s·d]
//	dx[n,c,h,w] = Σ_{k,r,s} w[k,c,r,s] · dy[n,k,p,q]    over all p, q with h = p·u−t+r·d, w likewise
//	dw[k,c,r,s] = Σ_{n,p,q} dy[n,k,p,q] · x[n, c, p·u−t+r·d, q·u−t+s·d]
//
// where x is zero outside the image, and dy may count as zero outside. A NaN or an infinity of w or dy that meets these
// zeros gives NaN where an algorithm takes the product, and nothing where it leaves it out: at the border of
// y, dx or, for dy, in dw. Direct takes the products of x, and no others.
//
// Package convtest checks any Algorithm, ours or a user's.
package conv
