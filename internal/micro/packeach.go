package micro

// TransposeEach writes the transposes of n matrices of rows×cols, which are toNext and fromNext elements apart. It is Transpose for
// each of them, in one call: rows of an image which are short.
func TransposeEach[T Float](dst []T, toNext, ldd int, src []T, fromNext, lds, rows, cols, n int) {
	if rows == 0 || cols == 0 || n <= 0 {
		return
	}
	for i := transposeEachFast(dst, toNext, ldd, src, fromNext, lds, rows, cols, n); i < n; i++ {
		Transpose(dst[i*toNext:], ldd, src[i*fromNext:], lds, rows, cols)
	}
}
