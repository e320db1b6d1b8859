package arena

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

// Align is the alignment of all memory in bytes: a cache line, and the width of
// the widest vector registers.
const Align = 64

// huge is the size of a large page, the alignment of blocks of this size or more.
const huge = 2 << 20

// share is the least memory for which another processor is worth waking: some
// milliseconds of clearing pages.
const share = 16 << 20

// A Block is a piece of memory. A nil Block is an empty one.
type Block struct {
	mem     []byte
	mapping []byte // nil for memory of Go's heap
	cleanup runtime.Cleanup
}

// New returns a block of n zeroed bytes. It starts at a multiple of 64, or
// of 2 MiB if it is that large. A size which the machine has no memory for is
// an error; on systems without mmap the Go runtime ends the process then.
//
// A Block which becomes unreachable without Close is closed by itself.
func New(n int) (*Block, error) {
	if n < huge {
		if n < 0 {
			return nil, fmt.Errorf("a block of %d bytes is asked for", n)
		}
		return &Block{mem: Heap(n)}, nil
	}
	if n > math.MaxInt-huge {
		return nil, fmt.Errorf("no memory for a block of %d bytes", n)
	}
	mapping, err := mmap(n + huge)
	if errors.Is(err, errors.ErrUnsupported) {
		return &Block{mem: aligned(make([]byte, n+huge), n, huge)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("no memory for a block of %d bytes: %w", n, err)
	}
	b := &Block{mem: aligned(mapping, n, huge), mapping: mapping}
	if err := populate(b.mem); err != nil {
		munmap(mapping)
		return nil, fmt.Errorf("no memory for a block of %d bytes: %w", n, err)
	}
	b.cleanup = runtime.AddCleanup(b, munmap, mapping)
	return b, nil
}

// Bytes returns the memory of the block, which nobody may use after Close.
func (b *Block) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.mem
}

// Close gives the memory back. Closing twice does nothing.
func (b *Block) Close() {
	if b == nil {
		return
	}
	if b.mapping != nil {
		b.cleanup.Stop()
		munmap(b.mapping)
	}
	b.mem, b.mapping = nil, nil
	runtime.KeepAlive(b)
}

// Heap returns n zeroed bytes of Go's heap, aligned to 64, which live as long as
// anything points to them.
func Heap(n int) []byte { return aligned(make([]byte, n+Align), n, Align) }

// aligned returns the first n bytes of mem from a multiple of align on.
func aligned(mem []byte, n, align int) []byte {
	off := -int(uintptr(unsafe.Pointer(unsafe.SliceData(mem)))) & (align - 1)
	return mem[off : off+n : off+n]
}
