package par

import "testing"

func TestSplitCoversOnceAndEvenly(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 7, 8, 64, 1000, 1001} {
		for _, workers := range []int{1, 2, 3, 4, 7, 8, 64} {
			next := 0
			for w := range workers {
				lo, hi := Split(n, workers, w)
				if lo != next {
					t.Errorf("Split(%d, %d, %d) starts at %d, want %d", n, workers, w, lo, next)
				}
				if size := hi - lo; size != n/workers && size != n/workers+1 {
					t.Errorf("Split(%d, %d, %d) has %d items, want %d or one more", n, workers, w, size, n/workers)
				}
				next = hi
			}
			if next != n {
				t.Errorf("Split(%d, %d, …) ends at %d", n, workers, next)
			}
		}
	}
}

func TestSplitDoesNotOverflow(t *testing.T) {
	const n = int(^uint(0) >> 1)
	if _, hi := Split(n, 1000, 999); hi != n {
		t.Errorf("the last share ends at %d, want %d", hi, n)
	}
}
