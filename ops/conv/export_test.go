package conv

// WithSmallCaches runs f with Winograd's plans made for hardly any memory, so that small problems are cut into many blocks; with staged,
// no transformed filter counts as small.
func WithSmallCaches(staged bool, f func()) {
	old := caches
	defer func() { caches = old }()
	caches.tiles, caches.staged, caches.pairs, caches.pairStaged = 1<<15, 1<<16, 1<<15, 1<<16
	if staged {
		caches.filter, caches.sums = 0, 0
	}
	f()
}
