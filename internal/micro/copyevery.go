package micro

// CopyEvery copies every so-many-th element of the rows of a matrix:
//
//	dst[i·ldd + j] = src[i·lds + j·step]     i < rows, j < cols
//
// It reads no element beyond the last that it copies, and writes nothing else.
func CopyEvery[T Float](dst []T, ldd int, src []T, lds, rows, cols, step int) {
	if rows <= 0 || cols <= 0 || copyEveryFast(dst, ldd, src, lds, rows, cols, step) {
		return
	}
	for i := range rows {
		d, s := dst[i*ldd:][:cols], src[i*lds:][:(cols-1)*step+1]
		if step == 1 {
			copy(d, s)
			continue
		}
		for j := range d {
			d[j] = s[j*step]
		}
	}
}
