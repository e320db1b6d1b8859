package onnx

import (
	"fmt"
	"math"
	"slices"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/ops"
)

// An exporter emits the ONNX nodes of an op.
type exporter func(e *emitter, n *graph.Node)

// exporters are the ops that lower leaves, by name.
var exporters = map[string]exporter{
	"Abs": as("Abs"), "Neg": as("Neg"), "Sign": as("Sign"), "Exp": as("Exp"), "Log": as("Log"), "Sqrt": as("Sqrt"), "Erf": as("Erf"),
	"Floor": as("Floor"), "Ceil": as("Ceil"), "Round": as("Round"),
	"ReLU": as("Relu"), "Sigmoid": as("Sigmoid"), "Tanh": as("Tanh"), "Softplus": as("Softplus"),
	"Add": as("Add"), "Sub": as("Sub"), "Mul": as("Mul"), "Div": as("Div"), "Pow": as("Pow"), "Maximum": as("Max"), "Minimum": as("Min"),
	"Equal": as("Equal"), "Less": as("Less"), "LessEqual": as("LessOrEqual"),
	"And": as("And"), "Or": as("Or"), "Xor": as("Xor"), "Not": as("Not"), "Where": as("Where"),
	"Scale": withScalar("Mul"), "AddScalar": withScalar("Add"),
	"LeakyReLU": func(e *emitter, n *graph.Node) {
		e.one(n, "LeakyRelu", attrFloat("alpha", field[float64](n.Op, "Alpha")))
	},
	"Clip": exportClip,
	"Cast": func(e *emitter, n *graph.Node) {
		e.one(n, "Cast", attrInt("to", int(dataTypeOf(n.Out(0).DType()))))
	},

	"MatMul": exportMatMul,
	"Conv2D": func(e *emitter, n *graph.Node) {
		c, w := field[ops.Conv](n.Op, "Conv"), n.In(1).Shape()
		e.one(n, "Conv", e.convAttributes(c, n.In(0).Shape(), w, n.Out(0).Shape())...)
	},
	"Conv2DInputGrad":  exportInputGrad,
	"Conv2DFilterGrad": exportFilterGrad,
	"MaxPool2D":        exportMaxPool,
	"AvgPool2D": func(e *emitter, n *graph.Node) {
		p := field[ops.Pool](n.Op, "Pool")
		countPad := 0
		if p.CountPad {
			countPad = 1
		}
		e.one(n, "AveragePool", append(poolAttributes(n), attrInt("count_include_pad", countPad))...)
	},

	"BatchNorm":           exportBatchNorm,
	"Standardise":         exportStandardise,
	"LRN":                 exportLRN,
	"Dropout":             exportDropout,
	"SoftmaxCrossEntropy": func(e *emitter, n *graph.Node) { e.one(n, "SoftmaxCrossEntropyLoss", attrString("reduction", "mean")) },

	"Sum": reduced("ReduceSum", true), "Mean": reduced("ReduceMean", false),
	"LogSumExp": func(e *emitter, n *graph.Node) {
		e.one(n, "ReduceLogSumExp", attrInts("axes", field[int](n.Op, "Axis")), attrInt("keepdims", 0))
	},
	"Max":     exportMax,
	"Softmax": alongAxis("Softmax"), "LogSoftmax": alongAxis("LogSoftmax"),
	"CumSum": exportCumSum,
	"TopK":   exportTopK,

	"Flatten":      func(e *emitter, n *graph.Node) { e.one(n, "Flatten", attrInt("axis", 1)) },
	"Reshape":      exportReshape,
	"StopGradient": as("Identity"),
	"WithGradient": func(e *emitter, n *graph.Node) {
		for i, v := range n.Outs() {
			e.bind(v, e.op("Identity", v.Type(), e.in()[i:i+1]))
		}
	},
	"Transpose": func(e *emitter, n *graph.Node) {
		e.one(n, "Transpose", attrInts("perm", field[graph.Dims](n.Op, "Perm").Slice()...))
	},
	"Concat":      alongAxis("Concat"),
	"Slice":       exportSlice,
	"Pad":         exportPad,
	"BroadcastTo": func(e *emitter, n *graph.Node) { e.with(n, "Expand", []string{e.in()[0], e.shape(n.Out(0).Shape())}) },

	"Resize": exportResize,

	"Gather": alongAxis("Gather"), "GatherElements": alongAxis("GatherElements"),
	"ScatterElements": func(e *emitter, n *graph.Node) {
		reduction, ok := map[ops.Scatter]string{ops.ScatterReplace: "none", ops.ScatterAdd: "add", ops.ScatterMul: "mul"}[field[ops.Scatter](n.Op, "How")]
		if !ok {
			e.fault = fmt.Errorf("operator set %d has no ScatterElements with the greatest or least element", exportOpset)
			return
		}
		e.one(n, "ScatterElements", attrInt("axis", field[int](n.Op, "Axis")), attrString("reduction", reduction))
	},
}

// as exports an op that is an ONNX op with the same operands.
func as(op string) exporter { return func(e *emitter, n *graph.Node) { e.one(n, op) } }

// one emits a node with the operands and the first result of n.
func (e *emitter) one(n *graph.Node, op string, attributes ...*onnxpb.Attribute) {
	e.with(n, op, e.in(), attributes...)
}

// with is one with other operands.
func (e *emitter) with(n *graph.Node, op string, in []string, attributes ...*onnxpb.Attribute) {
	e.bind(n.Out(0), e.op(op, n.Out(0).Type(), in, attributes...))
}

func withScalar(op string) exporter {
	return func(e *emitter, n *graph.Node) {
		e.with(n, op, []string{e.in()[0], e.scalar(n.In(0).DType(), field[float64](n.Op, "S"))})
	}
}

func alongAxis(op string) exporter {
	return func(e *emitter, n *graph.Node) { e.one(n, op, attrInt("axis", field[int](n.Op, "Axis"))) }
}

// reduced exports a reduction; the axes of ReduceSum are an operand.
func reduced(op string, operand bool) exporter {
	return func(e *emitter, n *graph.Node) {
		axes := field[graph.Dims](n.Op, "Axes").Slice()
		switch {
		case len(axes) == 0:
			e.one(n, op, attrInt("keepdims", 0))
		case operand:
			e.with(n, op, append(e.in(), e.ints(axes...)), attrInt("keepdims", 0))
		default:
			e.one(n, op, attrInts("axes", axes...), attrInt("keepdims", 0))
		}
	}
}

// used reports whether anything reads the result.
func (e *emitter) used(v *graph.Value) bool {
	if e.names[v] != "" {
		return true // an output
	}
	for _, n := range e.from.Nodes()[v.Node().Index()+1:] {
		if slices.Contains(n.Ins(), v) {
			return true
		}
	}
	return false
}

func exportClip(e *emitter, n *graph.Node) {
	in, d := e.in(), n.In(0).DType()
	lo, hi := field[float64](n.Op, "Lo"), field[float64](n.Op, "Hi")
	if math.IsInf(lo, -1) {
		in = append(in, "")
	} else {
		in = append(in, e.scalar(d, lo))
	}
	if !math.IsInf(hi, 1) {
		in = append(in, e.scalar(d, hi))
	}
	for in[len(in)-1] == "" {
		in = in[:len(in)-1]
	}
	e.with(n, "Clip", in)
}

// exportMatMul writes transposed operands as those of a Gemm, or of stacks of matrices by
// themselves.
func exportMatMul(e *emitter, n *graph.Node) {
	a, b := field[bool](n.Op, "TransA"), field[bool](n.Op, "TransB")
	if !a && !b {
		e.one(n, "MatMul")
		return
	}
	if n.In(0).Shape().Rank() != 2 || n.In(1).Shape().Rank() != 2 {
		in := e.in()
		for i, transposed := range []bool{a, b} {
			if !transposed {
				continue
			}
			t := graph.Type{DType: n.In(i).DType(), Shape: n.In(i).Shape().Clone()}
			r := len(t.Shape)
			perm := make([]int, r)
			for j := range perm {
				perm[j] = j
			}
			perm[r-1], perm[r-2] = r-2, r-1
			t.Shape[r-1], t.Shape[r-2] = t.Shape[r-2], t.Shape[r-1]
			in[i] = e.op("Transpose", t, []string{in[i]}, attrInts("perm", perm...))
		}
		e.with(n, "MatMul", in)
		return
	}
	flag := map[bool]int{true: 1}
	e.one(n, "Gemm", attrInt("transA", flag[a]), attrInt("transB", flag[b]))
}

func exportLRN(e *emitter, n *graph.Node) {
	r := field[ops.LocalResponse](n.Op, "LocalResponse")
	e.one(n, "LRN", attrFloat("alpha", r.Alpha*float64(r.Size)), attrFloat("beta", r.Beta), attrFloat("bias", r.K), attrInt("size", r.Size))
}

// exportDropout writes a Dropout that draws its own mask; a second one of the same
// mask, as of a gradient, is the first. What x is does not count: lower has made
// sure that it is ones.
func exportDropout(e *emitter, n *graph.Node) {
	mask := e.masks[n.Op]
	if mask == "" {
		truth := e.constant(constant{typ: graph.Of(graph.Bool), data: "\x01"})
		mask = e.op("Dropout", n.In(0).Type(), []string{e.in()[0], e.scalar(graph.Float32, field[float64](n.Op, "P")), truth})
		e.masks[n.Op] = mask
	}
	e.bind(n.Out(0), mask)
}

// exportMax writes the greatest elements and, where they are asked for, their places
// along the reduced axes brought to the end and joined.
func exportMax(e *emitter, n *graph.Node) {
	x, y := n.In(0).Type(), n.Out(0).Type()
	axes := field[graph.Dims](n.Op, "Axes").Slice()
	if e.used(n.Out(0)) {
		attributes := []*onnxpb.Attribute{attrInt("keepdims", 0)}
		if len(axes) > 0 {
			attributes = append(attributes, attrInts("axes", axes...))
		}
		e.one(n, "ReduceMax", attributes...)
	}
	if !e.used(n.Out(1)) {
		return
	}
	from, axis := e.in()[0], 0
	if len(axes) == 1 {
		axis = axes[0]
	} else {
		perm, flat, _ := reducedLast(x.Shape, axes)
		moved := make(graph.Shape, len(perm))
		for i, p := range perm {
			moved[i] = x.Shape[p]
		}
		if !slices.IsSorted(perm) {
			from = e.op("Transpose", graph.Type{DType: x.DType, Shape: moved}, []string{from}, attrInts("perm", perm...))
		}
		from = e.op("Reshape", graph.Type{DType: x.DType, Shape: flat}, []string{from, e.shape(flat)})
		axis = len(flat) - 1
	}
	long := e.op("ArgMax", graph.Type{DType: graph.Int64, Shape: y.Shape}, []string{from}, attrInt("axis", axis), attrInt("keepdims", 0))
	e.bind(n.Out(1), e.op("Cast", n.Out(1).Type(), []string{long}, attrInt("to", int(onnxpb.Int32))))
}

func exportCumSum(e *emitter, n *graph.Node) {
	flag := map[bool]int{true: 1}
	c := field[ops.Cumulation](n.Op, "Cumulation")
	axis := e.constant(ofInts(graph.Shape{}, field[int](n.Op, "Axis")))
	e.with(n, "CumSum", []string{e.in()[0], axis}, attrInt("exclusive", flag[c.Exclusive]), attrInt("reverse", flag[c.Reverse]))
}

func exportTopK(e *emitter, n *graph.Node) {
	largest := 1
	if field[bool](n.Op, "Least") {
		largest = 0
	}
	long := graph.Type{DType: graph.Int64, Shape: n.Out(1).Shape()}
	out := e.ops("TopK", []graph.Type{n.Out(0).Type(), long}, []string{e.in()[0], e.ints(field[int](n.Op, "K"))},
		attrInt("axis", field[int](n.Op, "Axis")), attrInt("largest", largest), attrInt("sorted", 1))
	e.bind(n.Out(0), out[0])
	if e.used(n.Out(1)) {
		e.bind(n.Out(1), e.op("Cast", n.Out(1).Type(), []string{out[1]}, attrInt("to", int(onnxpb.Int32))))
	}
}

// exportReshape writes the batch as −1, which is what is left.
func exportReshape(e *emitter, n *graph.Node) {
	to := n.Out(0).Shape()
	symbolic := 0
	for _, d := range to {
		if d == graph.Batch {
			symbolic++
		}
	}
	shape, attributes := "", []*onnxpb.Attribute(nil)
	if symbolic <= 1 && !slices.Contains(to, 0) {
		shape = e.ints(to...)
	} else {
		shape, attributes = e.shape(to), append(attributes, attrInt("allowzero", 1))
	}
	e.with(n, "Reshape", []string{e.in()[0], shape}, attributes...)
}

// exportSlice leaves out axes that are taken whole.
func exportSlice(e *emitter, n *graph.Node) {
	lo, hi, step := field[graph.Dims](n.Op, "Lo").Slice(), field[graph.Dims](n.Op, "Hi").Slice(), field[graph.Dims](n.Op, "Step").Slice()
	var starts, ends, axes, steps []int
	for i, d := range n.In(0).Shape() {
		s := 1
		if len(step) > 0 {
			s = step[i]
		}
		if lo[i] == 0 && hi[i] == d && s == 1 {
			continue
		}
		starts, ends, axes, steps = append(starts, lo[i]), append(ends, hi[i]), append(axes, i), append(steps, s)
	}
	e.with(n, "Slice", []string{e.in()[0], e.ints(starts...), e.ints(ends...), e.ints(axes...), e.ints(steps...)})
}

func exportPad(e *emitter, n *graph.Node) {
	pads := append(field[graph.Dims](n.Op, "Lo").Slice(), field[graph.Dims](n.Op, "Hi").Slice()...)
	e.with(n, "Pad", []string{e.in()[0], e.ints(pads...), e.scalar(n.In(0).DType(), field[float64](n.Op, "Value"))}, attrString("mode", "constant"))
}
