package gemm

// A panel holds one block of B: blockN rows of blockK elements, or the other way round. Its rows begin on 16-byte
// boundaries, since panels are larger than a page, which Go aligns.
const panelSize = blockN * blockK

// packRows copies a rows×cols block of b into rows of blockK.
func packRows[T Float](panel []T, rows, cols int, b []T, ldb int) []T {
	for r := range rows {
		copy(panel[r*blockK:r*blockK+cols], b[r*ldb:])
	}
	return panel
}

// packTransposed writes the transpose of a rows×cols block of b into rows of blockN.
func packTransposed[T Float](panel []T, rows, cols int, b []T, ldb int) []T {
	for r := range rows {
		for l, v := range b[r*ldb : r*ldb+cols] {
			panel[l*blockN+r] = v
		}
	}
	return panel
}

// Panels outlive the call, one for each worker that ever multiplied at the same time as others: gonum lets its
// arguments escape, so that a panel on the stack would be an allocation per call; and a
// sync.Pool forgets its content at the garbage collector's will.
var (
	panels32 = make(chan []float32, 256)
	panels64 = make(chan []float64, 256)
)

func panels[T Float]() chan []T {
	if c, ok := any(panels32).(chan []T); ok {
		return c
	}
	return any(panels64).(chan []T)
}

func takePanel[T Float]() []T {
	select {
	case p := <-panels[T]():
		return p
	default:
		return make([]T, panelSize)
	}
}

func putPanel[T Float](p []T) {
	select {
	case panels[T]() <- p:
	default:
	}
}
