package onnx

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"

	"neocog/onnx/internal/onnxpb"
)

// pools are nodes that no test case of ONNX has: of lines and volumes, with gaps, with places.
var pools = []struct {
	name string
	dims []int64
	op   string
	list map[string][]int
	ints map[string]int
}{
	{"places of volumes", []int64{2, 2, 4, 5, 6}, "MaxPool", map[string][]int{"kernel_shape": {2, 3, 2}, "strides": {1, 2, 2}, "pads": {1, 0, 0, 0, 0, 1}}, nil},
	{"places of volumes with gaps", []int64{1, 2, 6, 5, 6}, "MaxPool", map[string][]int{"kernel_shape": {2, 2, 3}, "dilations": {3, 2, 1}}, nil},
	{"places of images with gaps", []int64{2, 3, 6, 7}, "MaxPool", map[string][]int{"kernel_shape": {2, 3}, "dilations": {2, 2}, "strides": {1, 2}, "pads": {1, 1, 0, 1}}, nil},
	{"places of images with gaps, column by column", []int64{2, 3, 6, 7}, "MaxPool", map[string][]int{"kernel_shape": {2, 3}, "dilations": {2, 2}}, map[string]int{"storage_order": 1}},
	{"places of lines with gaps", []int64{2, 3, 9}, "MaxPool", map[string][]int{"kernel_shape": {3}, "dilations": {2}, "strides": {2}, "pads": {1, 1}}, nil},
	{"norms of volumes", []int64{2, 2, 4, 5, 6}, "LpPool", map[string][]int{"kernel_shape": {2, 3, 2}, "strides": {1, 2, 2}, "pads": {1, 0, 0, 0, 0, 1}}, map[string]int{"p": 3}},
	{"norms of lines", []int64{2, 3, 9}, "LpPool", map[string][]int{"kernel_shape": {3}, "strides": {2}, "pads": {1, 1}}, nil},
}

// poolModel returns a model of one node and an input for it.
func poolModel(dims []int64, op string, list map[string][]int, ints map[string]int) ([]byte, *tensor.Dense) {
	m := small()
	n := &onnxpb.Node{Name: "n", OpType: op, Input: []string{"x"}, Output: []string{"y"}}
	for _, key := range sortedKeys(list) {
		n.Attribute = append(n.Attribute, attrInts(key, list[key]...))
	}
	for _, key := range sortedKeys(ints) {
		n.Attribute = append(n.Attribute, attrInt(key, ints[key]))
	}
	y := &onnxpb.ValueInfo{Name: "y", Type: &onnxpb.Type{Tensor: &onnxpb.TensorType{ElemType: onnxpb.Float}}}
	m.Graph = &onnxpb.Graph{Name: "pool", Node: []*onnxpb.Node{n}, Input: []*onnxpb.ValueInfo{typed("x", onnxpb.Float, dims...)}, Output: []*onnxpb.ValueInfo{y}}
	if op == "MaxPool" {
		n.Output = append(n.Output, "i")
		m.Graph.Output = append(m.Graph.Output, &onnxpb.ValueInfo{Name: "i", Type: &onnxpb.Type{Tensor: &onnxpb.TensorType{ElemType: onnxpb.Int64}}})
	}
	size := 1
	var shape []int
	for _, d := range dims {
		size, shape = size*int(d), append(shape, int(d))
	}
	rng := rand.New(rand.NewPCG(3, uint64(size)))
	x := make([]float32, size)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return onnxpb.Marshal(m), tensor.New(tensor.WithShape(shape...), tensor.WithBacking(x))
}

func runPool(t *testing.T, model []byte, x *tensor.Dense) []*tensor.Dense {
	t.Helper()
	m, err := Decode(model)
	if err != nil {
		t.Fatal(err)
	}
	net, err := m.Import(Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := net.Run(context.Background(), map[string]*tensor.Dense{"x": x})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The elements at the places that a MaxPool gives are its maxima.
func TestPlacesOfMaxPools(t *testing.T) {
	for _, c := range pools {
		if c.op != "MaxPool" {
			continue
		}
		model, x := poolModel(c.dims, c.op, c.list, c.ints)
		got := runPool(t, model, x)
		y, at := got[0].Float32s(), got[1].Int64s()
		if len(y) == 0 || len(y) != len(at) {
			t.Fatalf("%s: %d maxima, %d places", c.name, len(y), len(at))
		}
		for i := range y {
			place := at[i]
			if c.ints["storage_order"] == 1 { // within a plane: column·height + row
				h, w := c.dims[2], c.dims[3]
				in := place % (h * w)
				place += in%h*w + in/h - in
			}
			if y[i] != x.Float32s()[place] {
				t.Errorf("%s: maximum %d is %v, at its place is %v", c.name, i, y[i], x.Float32s()[place])
			}
		}
	}
}

func TestPlacesOfVolumesByColumnsAreRefused(t *testing.T) {
	model, _ := poolModel([]int64{1, 1, 2, 2, 2}, "MaxPool", map[string][]int{"kernel_shape": {2, 2, 2}}, map[string]int{"storage_order": 1})
	m, err := Decode(model)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Import(Options{}); err == nil || fmt.Sprintf("%T", err) != "*onnx.UnsupportedError" {
		t.Errorf("error %v, a %[1]T, want an *UnsupportedError", err)
	}
}

func TestONNXRuntimeAgreesOnPools(t *testing.T) {
	run := onnxRuntime(t)
	for _, c := range pools {
		t.Run(c.name, func(t *testing.T) {
			model, x := poolModel(c.dims, c.op, c.list, c.ints)
			names := []string{"y", "i"}[:map[string]int{"MaxPool": 2, "LpPool": 1}[c.op]]
			want, err := run(t, model, map[string]*tensor.Dense{"x": x}, names)
			if err != nil {
				t.Fatal(err)
			}
			got := runPool(t, model, x)
			for i := range want {
				if d := closeTo(got[i], want[i]); !(d <= 1e-6) || math.IsNaN(d) || !got[i].Shape().Eq(want[i].Shape()) {
					t.Errorf("%s: %v, want %v", names[i], got[i], want[i])
				}
			}
		})
	}
}
