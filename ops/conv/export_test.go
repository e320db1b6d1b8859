package conv

// WithSmallCaches runs f with Winograd's plans made for hardly any memory, so that small problems are cut into many blocks; with staged,
// no transformed filter counts as small.
func WithSmallCaches(staged bool, f func()) {
	old := winogradCaches
	defer func() { winogradCaches = old }()
	winogradCaches.tiles, winogradCaches.staged, winogradCaches.pairs, winogradCaches.pairStaged = 1<<15, 1<<16, 1<<15, 1<<16
	if staged {
		winogradCaches.filter, winogradCaches.sums = 0, 0
	}
	f()
}
