package guard

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// at returns element i of b, which may lie outside.
func at(b *Buffer[float32], i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b.Slice())), 4*i))
}

// Inside of a buffer everything is allowed, and nothing of it is lost.
func TestInside(t *testing.T) {
	for _, side := range []Side{End, Start} {
		for _, n := range []int{0, 1, 3, 16, 1023, 1024, 1025, 50000} {
			s := make([]float32, n)
			for i := range s {
				s[i] = float32(i)
			}
			b := Copy(s, side)
			if len(b.Slice()) != n || cap(b.Slice()) != n {
				t.Errorf("length %d, capacity %d, want %d", len(b.Slice()), cap(b.Slice()), n)
			}
			err := Catch(func() {
				for i, v := range b.Slice() {
					if v != float32(i) {
						t.Errorf("element %d of %d is %v", i, n, v)
					}
					b.Slice()[i] = 7
				}
				b.Fill()
				for i, v := range b.Slice() {
					if v == v {
						t.Errorf("element %d of %d is %v, want NaN", i, n, v)
					}
				}
			})
			if err == nil {
				err = b.Check()
			}
			if err != nil {
				t.Error(err)
			}
			b.Free()
		}
	}
}

var sink float32

// The first element beyond the guarded side cannot be read, and none beyond either can be written.
func TestOutside(t *testing.T) {
	pages := newZone(1<<16).around > 0
	if !pages {
		t.Logf("on %s there are no guard pages", runtime.GOOS)
	}
	for _, c := range []struct {
		side    Side
		n, i    int
		write   bool
		says    string // by Catch
		checked string // by Check, where that is nothing
	}{
		{side: End, n: 5, i: 5, says: "touched: byte 1 after the end of a buffer of 20"},
		{side: End, n: 5, i: 5, write: true, says: "touched: byte 1 after the end of a buffer of 20", checked: "written: byte 1 after the end of a buffer of 20"},
		{side: End, n: 0, i: 0, says: "touched: byte 1 after the end of a buffer of 0"},
		{side: End, n: 5, i: 5 + 15000, says: "touched: byte 60001 after the end of a buffer of 20"},
		{side: End, n: 5, i: -1, write: true, checked: "written: byte 1 before the start of a buffer of 20"},
		{side: End, n: 1025, i: -3, write: true, checked: "written: byte 9 before the start of a buffer of 4100"},
		{side: Start, n: 5, i: -1, says: "touched: byte 4 before the start of a buffer of 20"},
		{side: Start, n: 5, i: -1, write: true, says: "touched: byte 4 before the start of a buffer of 20", checked: "written: byte 1 before the start of a buffer of 20"},
		{side: Start, n: 5, i: 5, write: true, checked: "written: byte 1 after the end of a buffer of 20"},
		{side: Start, n: 0, i: 0, write: true, checked: "written: byte 1 after the end of a buffer of 0"},
	} {
		b := Make[float32](c.n, c.side)
		err := Catch(func() {
			if c.write {
				*at(b, c.i) = 1
			} else {
				sink = *at(b, c.i)
			}
		})
		want := c.says
		if want == "" || !pages {
			if err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			err, want = b.Check(), c.checked
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: error %v, want %q", c, err, want)
		}
		b.Free()
	}
}

// What a result should not depend on is NaN.
func TestBesidesIsNaN(t *testing.T) {
	for range 2 { // the second time in memory used before
		b := Make[float32](3, End)
		if v := *at(b, -1); !math.IsNaN(float64(v)) {
			t.Errorf("before the start lies %v, want NaN", v)
		}
		*at(b, -1) = 1
		b.Free()
	}
}

func TestOtherPanicsPass(t *testing.T) {
	defer func() {
		if r := recover(); r != "other" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = Catch(func() { panic("other") })
}
