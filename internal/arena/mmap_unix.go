//go:build unix

package arena

import (
	"errors"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"neocog/internal/par"
)

// mmap returns n zeroed bytes of new pages, or errors.ErrUnsupported where the system
// does not let the process map any.
func mmap(n int) ([]byte, error) {
	if err := fits(n); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil && err != unix.ENOMEM {
		return nil, errors.ErrUnsupported
	}
	return mem, err
}

// munmap gives back what mmap returned. It can only fail for memory that mmap
// did not return.
func munmap(mem []byte) {
	if err := unix.Munmap(mem); err != nil {
		panic("arena: munmap: " + err.Error())
	}
}

// populate makes the pages of mem, which starts at a multiple of huge, exist.
func populate(mem []byte) error {
	advise(mem)
	workers := max(1, min(runtime.GOMAXPROCS(0), len(mem)/share))
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		lo, hi := par.Split((len(mem)+huge-1)/huge, workers, w)
		part := mem[lo*huge : min(hi*huge, len(mem))]
		all.Go(func() { errs[w] = fault(part) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// touch writes to each page of mem.
func touch(mem []byte) {
	for i := 0; i < len(mem); i += os.Getpagesize() {
		mem[i] = 0
	}
}
