package kernel_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"neocog/graph"
	"neocog/vm/kernel"
)

func TestCallGivesTypedSlices(t *testing.T) {
	x, y := []float32{1, 2, 3}, make([]int64, 2)
	shared, local := make([]float64, 4), make([]int32, 3)
	c := &kernel.Call{
		Bufs:    []kernel.Buf{{}, {Ptr: unsafe.Pointer(&x[0]), Len: 3}, {Ptr: unsafe.Pointer(&y[0]), Len: 2}},
		Ins:     []int32{1, 0},
		Outs:    []int32{2},
		Scratch: unsafe.Pointer(&shared[0]),
		Local:   unsafe.Pointer(&local[0]),
	}
	if got := kernel.In[float32](c, 0); !slices.Equal(got, x) {
		t.Errorf("input 0 is %v", got)
	}
	if got := kernel.In[float32](c, 1); len(got) != 0 {
		t.Errorf("an empty input is %v", got)
	}
	kernel.Out[int64](c, 0)[1] = 7
	copy(kernel.Shared[float64](c, 1, 2), []float64{4, 5})
	copy(kernel.Local[int32](c, 2, 1), []int32{6})
	if y[1] != 7 || !slices.Equal(shared, []float64{0, 4, 5, 0}) || !slices.Equal(local, []int32{0, 0, 6}) {
		t.Errorf("output %v, shared %v, local %v", y, shared, local)
	}
	if n := len(kernel.Shared[float64](c, 1, 2)); n != 2 {
		t.Errorf("2 elements from element 1 are %d", n)
	}
}

func TestPick(t *testing.T) {
	var got string
	f32 := func(*kernel.Call, int, int) { got = "f32" }
	f64 := func(*kernel.Call, int, int) { got = "f64" }
	for _, d := range []graph.DType{graph.Float32, graph.Float64} {
		p, err := kernel.ByDType(d, 10, f32, f64)
		if err != nil || len(p.Steps) != 1 || p.Steps[0].N != 10 || p.Steps[0].Grain != kernel.Grain {
			t.Fatalf("%v: %+v, %v", d, p, err)
		}
		if p.Steps[0].Run(nil, 0, 0); got != d.String() {
			t.Errorf("%v gets the kernel for %s", d, got)
		}
	}
	for _, d := range []graph.DType{graph.Invalid, graph.Int32, graph.Int64, graph.Bool} {
		if _, err := kernel.ByDType(d, 10, f32, f64); err == nil || err.Error() != fmt.Sprintf("no kernel for %v, only for f32 and f64", d) {
			t.Errorf("%v: error %v", d, err)
		}
	}
	if n := kernel.SizeOf(graph.Float64, 3); n != 24 {
		t.Errorf("3 float64 are %d bytes", n)
	}
}

// Of many faults the lowest item is kept, in whatever order they come.
func TestFaultKeepsTheLowestItem(t *testing.T) {
	var f kernel.Fault
	if f.Pending() || f.Take() != nil {
		t.Error("the zero Fault has an error")
	}
	for range 20 {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { f.Set(50-i, "item %d", 50-i) })
		}
		all.Wait()
		if !f.Pending() {
			t.Error("nothing is pending")
		}
		if err := f.Take(); err == nil || err.Error() != "item 1" {
			t.Errorf("took %v, want item 1", err)
		}
		if f.Pending() || f.Take() != nil {
			t.Error("Take does not forget")
		}
	}
	cause := errors.New("cause")
	f.Set(3, "because: %w", cause)
	if err := f.Take(); !errors.Is(err, cause) {
		t.Errorf("%v does not wrap the cause", err)
	}
}
