// Package guard gives tests slices next to which no memory may be touched.
//
//	x := guard.Copy(data, guard.End)
//	defer x.Free()
//	err := guard.Catch(func() { kernel(x.Slice()) })
//	if err == nil {
//		err = x.Check()
//	}
//
// One end of the slice, the chosen side, lies flush against pages which the
// process has no access to: the first read or write beyond it, be it Go
// or assembly, is an error of Catch, which says where. At the other end the slice
// seldom fills its page. The rest of that is NaN, so that a result which
// depends on it shows, and Check says whether anybody wrote there. A test
// that lays its buffers at either side in turn sees everything.
//
// On systems without mmap there are NaN alone, on both sides: reads show
// in results only, writes in Check.
package guard

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"unsafe"
)

// A Side is the end of a slice beyond which nothing can be touched.
type Side int

// The sides.
const (
	End Side = iota
	Start
)

// String returns the name of the side.
func (s Side) String() string { return [...]string{End: "end", Start: "start"}[s] }

// Element is what slices may hold.
type Element interface {
	~float32 | ~float64 | ~int8 | ~int32 | ~int64 | ~uint8 | ~uint32 | ~uint64
}

// A Buffer is a slice in guarded memory.
type Buffer[T Element] struct {
	s []T
	z *zone
}

// Make returns a buffer of n elements, all of their bits set: NaN or −1.
func Make[T Element](n int, side Side) *Buffer[T] {
	var e T
	size := n * int(unsafe.Sizeof(e))
	z := take(size, side)
	b := &Buffer[T]{unsafe.Slice((*T)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(z.pages)), z.off)), n), z}
	b.Fill()
	return b
}

// Copy returns a buffer with the elements of s.
func Copy[T Element](s []T, side Side) *Buffer[T] {
	b := Make[T](len(s), side)
	copy(b.s, s)
	return b
}

// Slice returns the slice, of which the capacity is the length.
func (b *Buffer[T]) Slice() []T { return b.s }

// Fill sets all bits of the slice again.
func (b *Buffer[T]) Fill() { mark(b.z.pages[b.z.off : b.z.off+b.z.size]) }

// Check returns an error if something was written beside the slice.
func (b *Buffer[T]) Check() error {
	z := b.z
	if before := z.pages[:z.off]; !marked(before) {
		i := len(before) - 1
		for before[i] == ones {
			i--
		}
		return fmt.Errorf("written: byte %d before the start of a buffer of %d", len(before)-i, z.size)
	}
	if after := z.pages[z.off+z.size:]; !marked(after) {
		i := 0
		for after[i] == ones {
			i++
		}
		return fmt.Errorf("written: byte %d after the end of a buffer of %d", i+1, z.size)
	}
	return nil
}

// Free gives the memory to the next buffer. The slice must not be used any more.
func (b *Buffer[T]) Free() {
	give(b.z)
	b.s, b.z = nil, nil
}

// Catch calls f and returns the first access to memory that the process has no
// right to, in f itself and not in goroutines which it starts.
func Catch(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		fault, ok := r.(interface {
			error
			Addr() uintptr
		})
		if !ok {
			panic(r)
		}
		err = fmt.Errorf("touched: %s", place(fault.Addr()))
	}()
	f()
	return nil
}

// A zone is some pages between others that nobody may touch, or between marks.
type zone struct {
	pages     []byte
	around    int // bytes which nobody may touch, on each side
	off, size int // of the slice
}

const ones = 0xff

// marks is a piece of what guards are full of.
var marks = bytes.Repeat([]byte{ones}, 1<<12)

func mark(mem []byte) {
	for len(mem) > 0 {
		mem = mem[copy(mem, marks):]
	}
}

func marked(mem []byte) bool {
	for len(mem) > 0 {
		n := min(len(mem), len(marks))
		if !bytes.Equal(mem[:n], marks[:n]) {
			return false
		}
		mem = mem[n:]
	}
	return true
}

var (
	lock sync.Mutex
	used []*zone
	free = map[int][]*zone{} // by len(pages)
)

// take returns a zone for size bytes, with marks around them. Mapping and
// protecting pages takes longer than many tests: zones are used again.
func take(size int, side Side) *zone {
	page := os.Getpagesize()
	n := max(1, (size+page-1)/page) * page
	lock.Lock()
	defer lock.Unlock()
	var z *zone
	if list := free[n]; len(list) > 0 {
		z, free[n] = list[len(list)-1], list[:len(list)-1]
	} else {
		z = newZone(n)
	}
	used = append(used, z)
	inner := len(z.pages) // the slice lies at one end of it
	if z.around == 0 {
		inner = n
	}
	z.size, z.off = size, (len(z.pages)-inner)/2
	if side == End {
		z.off += inner - size
	}
	mark(z.pages[:z.off])
	mark(z.pages[z.off+size:])
	return z
}

func give(z *zone) {
	lock.Lock()
	defer lock.Unlock()
	i := slices.Index(used, z)
	used = slices.Delete(used, i, i+1)
	n := len(z.pages)
	if z.around == 0 {
		n -= 2 * reach
	}
	free[n] = append(free[n], z)
}

// reach is the least number of bytes on each side that are guarded: more than
// a mistaken row or vector spans.
const reach = 1 << 16

// place says where an address lies.
func place(addr uintptr) string {
	lock.Lock()
	defer lock.Unlock()
	for _, z := range used {
		start := uintptr(unsafe.Pointer(unsafe.SliceData(z.pages)))
		if addr < start-uintptr(z.around) || addr >= start+uintptr(len(z.pages)+z.around) {
			continue
		}
		if at := int(addr) - int(start) - z.off; at < 0 {
			return fmt.Sprintf("byte %d before the start of a buffer of %d", -at, z.size)
		} else if at >= z.size {
			return fmt.Sprintf("byte %d after the end of a buffer of %d", at-z.size+1, z.size)
		}
	}
	return fmt.Sprintf("address %#x, near no buffer", addr)
}
