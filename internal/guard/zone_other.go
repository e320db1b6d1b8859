//go:build !unix

package guard

// newZone returns a zone for n bytes between marks.
func newZone(n int) *zone { return &zone{pages: make([]byte, reach+n+reach)} }
