// Package arena provides the memory in which tape machines keep values: blocks
// aligned for vector instructions, and large ones on large pages.
//
//	b, err := arena.New(bytes)
//	defer b.Close()
//	mem := b.Bytes()
//
// A block of 2 MiB or more is mapped from the operating system where that is
// possible. It then lies on pages of 2 MiB where the system offers them (on
// Linux, transparent huge pages), all of its pages exist before New returns, so that
// the first run over it meets no page faults, it does not count towards the next
// garbage collection, and Close gives it back at once. Smaller blocks, and all
// blocks on systems without mmap, come from Go's heap.
//
// Bytes of a mapped block are not seen by the garbage collector: a slice or
// pointer into it does not keep it. Whoever uses the memory keeps the Block
// reachable as well. What is given to users, who may hold it for as long as
// they like, comes from Heap instead.
package arena
