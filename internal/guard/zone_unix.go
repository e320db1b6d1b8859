//go:build unix

package guard

import (
	"os"

	"golang.org/x/sys/unix"
)

// newZone returns a zone of n bytes, a multiple of the page size.
func newZone(n int) *zone {
	around := max(reach, os.Getpagesize())
	mem, err := unix.Mmap(-1, 0, n+2*around, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic("guard: mmap: " + err.Error())
	}
	pages := mem[around : around+n : around+n]
	if err := unix.Mprotect(pages, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		panic("guard: mprotect: " + err.Error())
	}
	return &zone{pages: pages, around: around}
}
