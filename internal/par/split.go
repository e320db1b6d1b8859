package par

// Split returns the share [lo, hi) of worker w when n items are divided among workers as evenly as possible.
//
// The shares of w = 0 … workers−1 follow one another and cover [0, n) exactly once; their sizes differ by
// at most one, larger ones first. With n < workers the last shares are empty (lo == hi).
func Split(n, workers, w int) (lo, hi int) {
	q, r := n/workers, n%workers
	lo = w*q + min(w, r)
	hi = lo + q
	if w < r {
		hi++
	}
	return lo, hi
}
