package arena

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func address(mem []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) }

// Blocks of all sizes are zeroed, aligned, and can be written from end to end.
func TestNew(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 4096, huge - 1, huge, huge + 1, 3*huge + 12345, 2*share + 1, 5*share - 7} {
		b, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		mem := b.Bytes()
		if len(mem) != n || cap(mem) != n {
			t.Errorf("%d bytes: length %d, capacity %d", n, len(mem), cap(mem))
		}
		align := uintptr(Align)
		if n >= huge {
			align = huge
		}
		if address(mem)%align != 0 {
			t.Errorf("%d bytes lie at %#x, want a multiple of %#x", n, address(mem), align)
		}
		for i, v := range mem {
			if v != 0 {
				t.Fatalf("byte %d of %d is %d", i, n, v)
			}
		}
		for i := range mem {
			mem[i] = byte(i)
		}
		b.Close()
		if b.Bytes() != nil {
			t.Errorf("%d bytes are left after Close", n)
		}
		b.Close()
	}
}

func TestNilBlockIsEmpty(t *testing.T) {
	var b *Block
	if b.Bytes() != nil {
		t.Error("a nil block has bytes")
	}
	b.Close()
}

func TestSizesThatNoMemoryHoldsAreErrors(t *testing.T) {
	sizes := []int{-1, math.MinInt, math.MaxInt, math.MaxInt - huge}
	if math.MaxInt > math.MaxInt32 && runtime.GOOS != "windows" {
		sizes = append(sizes, 1<<(strconv.IntSize-17), 1<<(strconv.IntSize-20)) // 2⁴⁷ and 2⁴⁴
	}
	for _, n := range sizes {
		if b, err := New(n); err == nil || !strings.Contains(err.Error(), strconv.Itoa(n)) {
			t.Errorf("New(%d): %v with the error %v", n, b, err)
		}
	}
}

// mapped reports whether a page of the process lies at address a.
func mapped(t *testing.T, a uintptr) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skipf("the system does not say what is mapped: %v", err)
	}
	for line := range strings.Lines(string(maps)) {
		from, rest, _ := strings.Cut(line, "-")
		to, _, _ := strings.Cut(rest, " ")
		lo, err1 := strconv.ParseUint(from, 16, 64)
		hi, err2 := strconv.ParseUint(to, 16, 64)
		if err1 != nil || err2 != nil {
			t.Skipf("what is mapped is said in a way that the test does not know: %q", line)
		}
		if uint64(a) >= lo && uint64(a) < hi {
			return true
		}
	}
	return false
}

// size is of an odd size, so that nothing else is likely to be mapped where such a block lay.
const size = 37*huge + 4096

func TestCloseGivesMemoryBack(t *testing.T) {
	b, err := New(size)
	if err != nil {
		t.Fatal(err)
	}
	a := address(b.Bytes())
	if !mapped(t, a) {
		t.Fatal("the test does not see the block")
	}
	b.Close()
	if mapped(t, a) {
		t.Error("the block is there after Close")
	}
}

func TestForgottenBlocksAreGivenBack(t *testing.T) {
	a := func() uintptr {
		b, err := New(size)
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		a := address(b.Bytes())
		if !mapped(t, a) {
			t.Fatal("the test does not see the block, or it is gone while it is used")
		}
		runtime.KeepAlive(b)
		return a
	}()
	for range 200 { // cleanups run some time after a collection
		runtime.GC()
		if !mapped(t, a) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the block is still there")
}

// The cost of a block and of the first write to each of its cache lines, against one from Go's heap.
func BenchmarkFirstUse(b *testing.B) {
	const n = 256 << 20
	for name, alloc := range map[string]func() (mem []byte, done func()){
		"memory=arena": func() ([]byte, func()) {
			block, err := New(n)
			if err != nil {
				b.Fatal(err)
			}
			return block.Bytes(), block.Close
		},
		"memory=heap": func() ([]byte, func()) { return Heap(n), func() {} },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(n)
			for b.Loop() {
				mem, done := alloc()
				for i := 0; i < n; i += Align {
					mem[i] = 1
				}
				done()
			}
		})
	}
}
