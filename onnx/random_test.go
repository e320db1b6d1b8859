package onnx

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
)

// A modelMaker draws models of one node whose attributes and operands may be anything.
type modelMaker struct {
	*rand.Rand
	g *onnxpb.Graph
}

// number is small mostly, else what overflows.
func (r *modelMaker) number() int {
	extreme := []int{math.MinInt, math.MaxInt, -1 << 31, 1 << 31, 1 << 20, -1 << 20, 1 << 40, 1 << 62, 1<<18 + 1, math.MinInt / 2}
	if r.IntN(6) == 0 {
		return extreme[r.IntN(len(extreme))]
	}
	return r.IntN(8) - 3
}

func (r *modelMaker) numbers() []int {
	v := make([]int, r.IntN(9))
	for i := range v {
		v[i] = r.number()
	}
	return v
}

func (r *modelMaker) attribute(name string) *onnxpb.Attribute {
	switch name {
	case "auto_pad", "mode", "reduction", "nearest_mode", "coordinate_transformation_mode", "approximate", "equation", "keep_aspect_ratio_policy":
		words := []string{"SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "reflect", "edge", "wrap", "constant", "nearest", "linear", "cubic", "none", "sum", "mean", "max",
			"half_pixel", "asymmetric", "align_corners", "tf_crop_and_resize", "floor", "ceil", "DCR", "CRD", "tanh", "ij,jk->ik", "...ij->...ji", "stretch", "?"}
		return attrString(name, words[r.IntN(len(words))])
	case "axes", "dilations", "ends", "kernel_shape", "output_padding", "output_shape", "pads", "perm", "split", "starts", "strides", "value_ints":
		return attrInts(name, r.numbers()...)
	case "scales", "value_floats":
		a := &onnxpb.Attribute{Name: name, Type: onnxpb.TypeFloats}
		for range r.IntN(5) {
			a.Floats = append(a.Floats, float32(r.number())/2)
		}
		return a
	case "alpha", "beta", "bias", "cubic_coeff_a", "epsilon", "extrapolation_value", "gamma", "lambd", "max", "min", "momentum", "ratio", "value_float":
		return attrFloat(name, float64(r.number())/3)
	case "value":
		if r.IntN(2) == 0 {
			return attrFloat(name, float64(r.number()))
		}
		return &onnxpb.Attribute{Name: name, Type: onnxpb.TypeTensor, T: encode("", ofInts(graph.Shape{1}, r.number()))}
	}
	return attrInt(name, r.number())
}

// operand adds an input or an initialiser and returns its name.
func (r *modelMaker) operand(i int) string {
	name := fmt.Sprintf("x%d", i)
	if i > 0 && r.IntN(2) == 0 {
		v := r.numbers()
		k := ofInts(graph.Shape{len(v)}, v...)
		switch {
		case r.IntN(4) == 0:
			k = ofInts(graph.Shape{}, r.number())
		case r.IntN(4) == 0:
			floats := make([]float64, len(v))
			for i := range v {
				floats[i] = float64(v[i]) / 2
			}
			k = ofFloats(graph.Of(graph.Float32, len(v)), floats)
		}
		r.g.Initializer = append(r.g.Initializer, encode(name, k))
		return name
	}
	types := []onnxpb.DataType{onnxpb.Float, onnxpb.Float, onnxpb.Float, onnxpb.Double, onnxpb.Int32, onnxpb.Int64, onnxpb.Bool}
	extents := []int64{0, 1, 1, 2, 2, 3, 4, 4, 6, 8, 1 << 18, 1<<20 + 1, 1 << 40}
	dims := make([]int64, r.IntN(6))
	for j := range dims {
		dims[j] = extents[r.IntN(len(extents))]
		if r.IntN(3) > 0 {
			dims[j] = extents[r.IntN(10)]
		}
	}
	x := typed(name, types[r.IntN(len(types))], dims...)
	if len(dims) > 0 && r.IntN(5) == 0 {
		x.Type.Tensor.Shape.Dim[0] = &onnxpb.Dimension{Param: "N"}
	}
	r.g.Input = append(r.g.Input, x)
	return name
}

func (r *modelMaker) model(op rule) *onnxpb.Model {
	r.g = &onnxpb.Graph{Name: "random"}
	n := &onnxpb.Node{Name: "n", OpType: op.op}
	most := op.in[1]
	if most < 0 {
		most = op.in[0] + 2
	}
	for i := range op.in[0] + r.IntN(most-op.in[0]+1) {
		if i >= op.in[0] && r.IntN(4) == 0 {
			n.Input = append(n.Input, "")
			continue
		}
		n.Input = append(n.Input, r.operand(i))
	}
	for _, a := range op.attributes {
		if r.IntN(3) > 0 {
			n.Attribute = append(n.Attribute, r.attribute(a))
		}
	}
	for i := range 1 + r.IntN(3)/2 {
		name := fmt.Sprintf("y%d", i)
		n.Output = append(n.Output, name)
		r.g.Output = append(r.g.Output, typed(name, onnxpb.Float))
	}
	r.g.Node = []*onnxpb.Node{n}
	opset := min(op.from+r.Int64N(17), 22)
	if op.to != 0 {
		opset = min(opset, op.to)
	}
	return &onnxpb.Model{IRVersion: 8, OpsetImport: []*onnxpb.OperatorSet{{Version: max(opset, 6)}}, Graph: r.g}
}

// Models of one node with any attributes and operands are imported or refused: no rule panics, none takes much memory.
// With -long there are twenty times as many.
func TestRandomNodes(t *testing.T) {
	each := 100
	if *long {
		each *= 20
	}
	r := &modelMaker{Rand: rand.New(rand.NewPCG(7, 8))}
	imported, all := 0, 0
	for _, op := range Ops() {
		for _, rule := range rules[op] {
			for range each {
				model := r.model(rule)
				m, err := Decode(onnxpb.Marshal(model))
				if err != nil {
					continue
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err = m.Import(Options{})
				runtime.ReadMemStats(&after)
				var internal *InternalError
				if errors.As(err, &internal) {
					t.Errorf("%v: %v\n%v\n%s", err, model.Graph.Node[0], model.Graph.Input, internal.Stack)
				}
				if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
					t.Errorf("%s takes %d MiB: %v %v", op, used>>20, model.Graph.Node[0], err)
				}
				if all++; err == nil {
					imported++
				}
			}
		}
	}
	t.Logf("%d of %d models were imported", imported, all)
	if imported < all/20 {
		t.Errorf("%d of %d models were imported: the others test little", imported, all)
	}
}
