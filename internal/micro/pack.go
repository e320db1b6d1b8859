package micro

// Transpose writes the transpose of a rows×cols matrix:
//
//	dst[j·ldd + i] = src[i·lds + j]     i < rows, j < cols
//
// It reads and writes nothing else.
func Transpose[T Float](dst []T, ldd int, src []T, lds, rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	j := transposeFast(dst, ldd, src, lds, rows, cols)
	// Blocks of four columns: each line of dst is reached four times less often.
	for ; j+4 <= cols; j += 4 {
		d0, d1, d2, d3 := dst[j*ldd:], dst[(j+1)*ldd:], dst[(j+2)*ldd:], dst[(j+3)*ldd:]
		d0, d1, d2, d3 = d0[:rows], d1[:rows], d2[:rows], d3[:rows]
		for i := range d0 {
			s := (*[4]T)(src[i*lds+j:])
			d0[i], d1[i], d2[i], d3[i] = s[0], s[1], s[2], s[3]
		}
	}
	for ; j < cols; j++ {
		d := dst[j*ldd:][:rows]
		for i := range d {
			d[i] = src[i*lds+j]
		}
	}
}

// TransposeTo is Transpose to columns which lie anywhere:
//
//	dst[at[j] + i] = src[i·lds + j]     i < rows, j < len(at)
func TransposeTo[T Float](dst []T, at []int, src []T, lds, rows int) {
	if rows == 0 || len(at) == 0 {
		return
	}
	for j := transposeToFast(dst, at, src, lds, rows, len(at)); j < len(at); j++ {
		d := dst[at[j]:][:rows]
		for i := range d {
			d[i] = src[i*lds+j]
		}
	}
}

// TransposeFrom is Transpose from rows which lie anywhere:
//
//	dst[j·ldd + i] = src[at[i] + j]     i < len(at), j < cols
func TransposeFrom[T Float](dst []T, ldd int, src []T, at []int, cols int) {
	if cols == 0 || len(at) == 0 {
		return
	}
	for j := transposeFromFast(dst, ldd, src, at, cols); j < cols; j++ {
		d := dst[j*ldd:][:len(at)]
		for i, a := range at {
			d[i] = src[a+j]
		}
	}
}

// Copy copies rows of cols elements, lds apart, into panels: each takes width columns, and its rows are width
// apart.
//
//	dst[(j÷width·rows + i)·width + j mod width] = src[i·lds + j]
//
// What is left of the last panel's rows becomes anything: kernels compute with it, but do not store the results.
func Copy[T Float](dst []T, width int, src []T, lds, rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	for j := copyFast(dst, width, src, lds, rows, cols); j < cols; j += width {
		panel, n := dst[j*rows:], min(width, cols-j)
		if n == 4 {
			for i := range rows {
				*(*[4]T)(panel[i*width:]) = *(*[4]T)(src[i*lds+j:])
			}
			continue
		}
		for i := range rows {
			copy(panel[i*width:][:n], src[i*lds+j:])
		}
	}
}
