package gradcheck

import (
	"neocog/graph"
	"neocog/ops"
)

// noGradient says why an op that has a gradient is not checked.
var noGradient = map[string]string{
	"Cast":         "not checked: float64 to float32 rounds, which finite differences cannot see through",
	"StopGradient": "not checked: it has none, on purpose; what flows past it is tested by value",
}

// gradientCases are the functions by which ops are checked: each op with a gradient, with the shapes and
// attributes that take other ways through its rules. Ops which only gradients have are checked where they
// occur in those, see coverage. A test holds the table against ops.All.
func gradientCases() []gradientCase {
	return slicesOf(arithmetic(), functions(), activations(), choices(), picking(), shaping(), products(), images(), statistics(), losses())
}

type values = []*graph.Value

func oneInput(op, title string, x operand, f func(x *graph.Value) *graph.Value) gradientCase {
	return gradientCase{op: op, title: title, in: []operand{x}, f: func(in values) values { return values{f(in[0])} }}
}

func twoInputs(op, title string, a, b operand, f func(a, b *graph.Value) *graph.Value) gradientCase {
	return gradientCase{op: op, title: title, in: []operand{a, b}, f: func(in values) values { return values{f(in[0], in[1])} }}
}

func slicesOf(groups ...[]gradientCase) []gradientCase {
	var all []gradientCase
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func arithmetic() []gradientCase {
	var cases []gradientCase
	for _, o := range []struct {
		name string
		f    func(a, b *graph.Value) *graph.Value
	}{{"Add", ops.Add}, {"Sub", ops.Sub}, {"Mul", ops.Mul}, {"Div", ops.Div}} {
		// Divisors stay away from 0.
		cases = append(cases,
			twoInputs(o.name, "equal shapes", floats(2, 3), floats(2, 3).between(0.5, 2), o.f),
			twoInputs(o.name, "broadcast [2,1,3] with [4,1]", floats(2, 1, 3), floats(4, 1).between(0.5, 2), o.f),
			twoInputs(o.name, "broadcast a scalar", floats(3, 2), floats().between(0.5, 2), o.f))
	}
	return cases
}

func functions() []gradientCase {
	x := floats(3, 4)
	return []gradientCase{
		oneInput("AddScalar", "-2.5", x, func(x *graph.Value) *graph.Value { return ops.AddScalar(x, -2.5) }),
		oneInput("Scale", "-2.5", x, func(x *graph.Value) *graph.Value { return ops.Scale(x, -2.5) }),
		oneInput("Neg", "", x, ops.Neg),
		oneInput("OneMinus", "", x, ops.OneMinus),
		oneInput("Exp", "", x, ops.Exp),
		oneInput("Log", "0.5 to 2", x.between(0.5, 2), ops.Log),
		oneInput("Sqrt", "0.5 to 2", x.between(0.5, 2), ops.Sqrt),
		oneInput("Sigmoid", "-3 to 3", x.between(-3, 3), ops.Sigmoid),
		oneInput("Tanh", "-2 to 2", x.between(-2, 2), ops.Tanh),
		oneInput("ReLU", "0.02 and more from the kink", x.away(0.04), ops.ReLU),
		oneInput("Softmax", "last axis", floats(3, 5).between(-2, 2), func(x *graph.Value) *graph.Value { return ops.Softmax(x, 1) }),
		oneInput("Softmax", "middle axis", floats(2, 4, 3).between(-2, 2), func(x *graph.Value) *graph.Value { return ops.Softmax(x, 1) }),
		oneInput("LogSoftmax", "last axis", floats(3, 5).between(-2, 2), func(x *graph.Value) *graph.Value { return ops.LogSoftmax(x, 1) }),
		oneInput("LogSoftmax", "middle axis", floats(2, 4, 3).between(-2, 2), func(x *graph.Value) *graph.Value { return ops.LogSoftmax(x, 1) }),
	}
}

func activations() []gradientCase {
	x := floats(3, 4)
	return []gradientCase{
		oneInput("LeakyReLU", "α = 0.1", x.away(0.04), func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, 0.1) }),
		oneInput("Clip", "-0.35 to 0.5", x.away(0.04), func(x *graph.Value) *graph.Value { return ops.Clip(x, -0.35, 0.5) }),
		oneInput("Expm1", "ELU", x.away(0.04), func(x *graph.Value) *graph.Value { return ops.ELU(x, 1.5) }),
		oneInput("Expm1", "SELU", x.away(0.04), ops.SELU),
		oneInput("Expm1", "CELU", x.away(0.04), func(x *graph.Value) *graph.Value { return ops.CELU(x, 0.5) }),
		twoInputs("Clip", "PReLU", floats(2, 3, 2).away(0.04), floats(3, 1), ops.PReLU),
		oneInput("GELU", "-3 to 3", x.between(-3, 3), ops.GELU),
		oneInput("Sigmoid", "GELU with tanh", x, ops.GELUTanh),
		oneInput("Sigmoid", "SiLU", x.between(-3, 3), ops.SiLU),
		oneInput("Softplus", "-3 to 3", x.between(-3, 3), ops.Softplus),
		oneInput("Softplus", "Mish", x.between(-3, 3), ops.Mish),
		oneInput("Clip", "HardSwish", x.away(0.04), ops.HardSwish),
		oneInput("Abs", "Softsign", x.away(0.04), ops.Softsign),
		oneInput("Erf", "-2 to 2", x.between(-2, 2), ops.Erf),
		oneInput("Floor", "0.1 to 0.9", x.between(0.1, 0.9), ops.RoundDown),
		oneInput("Ceil", "0.1 to 0.9", x.between(0.1, 0.9), ops.RoundUp),
		oneInput("Round", "0.6 to 1.4", x.between(0.6, 1.4), ops.Round),
		oneInput("Sign", "away from 0", x.away(0.04), ops.Sign),
	}
}

func choices() []gradientCase {
	positive := floats(2, 1, 3).between(0.5, 2)
	two := func(f func(a, b *graph.Value, more ...*graph.Value) *graph.Value) func(a, b *graph.Value) *graph.Value {
		return func(a, b *graph.Value) *graph.Value { return f(a, b) }
	}
	return []gradientCase{
		twoInputs("Pow", "[2,1,3] to the [4,1]", positive, floats(4, 1), ops.Pow),
		twoInputs("Maximum", "broadcast [2,1,3] with [4,1]", floats(2, 1, 3), floats(4, 1), two(ops.Maximum)),
		twoInputs("Minimum", "broadcast [2,1,3] with [4,1]", floats(2, 1, 3), floats(4, 1), two(ops.Minimum)),
		oneInput("WithGradient", "exp, whose rule is written with its result", floats(2, 3), func(x *graph.Value) *graph.Value {
			return ops.WithGradient("exp", values{x}, values{ops.Exp(x)}, func(y, dy []*graph.Value) []*graph.Value { return values{ops.Mul(dy[0], y[0])} })[0]
		}),
		twoInputs("Where", "the greater of two, twice the less", floats(2, 3), floats(3), func(a, b *graph.Value) *graph.Value {
			return ops.Where(ops.Less(a, b), ops.Scale(a, 2), b)
		}),
	}
}

func picking() []gradientCase {
	x := floats(2, 5, 3)
	indices := classes(6, 5)
	indices.shape = graph.Shape{2, 3}
	places := classes(6, 5)
	places.shape = graph.Shape{2, 6, 3}
	return []gradientCase{
		twoInputs("Gather", "2 by 3 of 5 along axis 1", x, indices, func(x, i *graph.Value) *graph.Value { return ops.Gather(x, i, 1) }),
		twoInputs("GatherElements", "6 of 5 along axis 1", x, places, func(x, i *graph.Value) *graph.Value { return ops.GatherElements(x, i, 1) }),
		{op: "ScatterElements", title: "6 into 5, the last stays", in: []operand{x, places, floats(2, 6, 3)},
			f: func(in values) values { return values{ops.ScatterElements(in[0], in[1], in[2], 1, ops.ScatterReplace)} }},
		{op: "ScatterElements", title: "6 added to 5", in: []operand{x, places, floats(2, 6, 3)},
			f: func(in values) values { return values{ops.ScatterElements(in[0], in[1], in[2], 1, ops.ScatterAdd)} }},
		{op: "ScatterElements", title: "5 multiplied by 6", in: []operand{x.between(0.5, 2), places, floats(2, 6, 3).between(0.5, 2)},
			f: func(in values) values { return values{ops.ScatterElements(in[0], in[1], in[2], 1, ops.ScatterMul)} }},
		{op: "ScatterElements", title: "the greatest of 5 and 6", in: []operand{x, places, floats(2, 6, 3)},
			f: func(in values) values { return values{ops.ScatterElements(in[0], in[1], in[2], 1, ops.ScatterMax)} }},
		{op: "ScatterElements", title: "the least of 5 and 6", in: []operand{x, places, floats(2, 6, 3)},
			f: func(in values) values { return values{ops.ScatterElements(in[0], in[1], in[2], 1, ops.ScatterMin)} }},
		oneInput("TopK", "2 of 5", x.away(0.02), func(x *graph.Value) *graph.Value {
			y, _ := ops.TopK(x, 2, 1)
			return y
		}),
		oneInput("CumSum", "exclusive, axis 1", x, func(x *graph.Value) *graph.Value { return ops.CumSum(x, 1, ops.Cumulation{Exclusive: true}) }),
		oneInput("LogSumExp", "axis 1", x, func(x *graph.Value) *graph.Value { return ops.LogSumExp(x, 1) }),
		oneInput("LogSumExp", "axes 0 and 2", x, func(x *graph.Value) *graph.Value { return ops.LogSumExp(x, 0, 2) }),
		oneInput("Mul", "Prod over axes 0 and 2", x, func(x *graph.Value) *graph.Value { return ops.Prod(x, 0, 2) }),
		oneInput("Max", "Min over axis 1", x.away(0.02), func(x *graph.Value) *graph.Value { return ops.Min(x, 1) }),
		oneInput("Abs", "NormL1 over axis 1", x.away(0.02), func(x *graph.Value) *graph.Value { return ops.NormL1(x, 1) }),
		oneInput("Sqrt", "NormL2 over axis 1", x, func(x *graph.Value) *graph.Value { return ops.NormL2(x, 1) }),
	}
}

func shaping() []gradientCase {
	x := floats(2, 3, 4)
	return []gradientCase{
		oneInput("Sum", "all axes", x, func(x *graph.Value) *graph.Value { return ops.Sum(x) }),
		oneInput("Sum", "axis 1", x, func(x *graph.Value) *graph.Value { return ops.Sum(x, 1) }),
		oneInput("Mean", "all axes", x, func(x *graph.Value) *graph.Value { return ops.Mean(x) }),
		oneInput("Mean", "axes 0 and 2", x, func(x *graph.Value) *graph.Value { return ops.Mean(x, 0, 2) }),
		oneInput("BroadcastTo", "[3,1] to [2,3,4]", floats(3, 1), func(x *graph.Value) *graph.Value { return ops.BroadcastTo(x, 2, 3, 4) }),
		{op: "SumSquares", title: "L2 of two weights", in: []operand{floats(2, 3), floats(4)},
			f: func(in values) values { return values{ops.L2(0.3, in...)} }},
		oneInput("Reshape", "[2,3,4] to [4,6]", x, func(x *graph.Value) *graph.Value { return ops.Reshape(x, 4, -1) }),
		oneInput("Flatten", "", x, ops.Flatten),
		oneInput("Max", "all axes", x.away(0.04), func(x *graph.Value) *graph.Value { return ops.Max(x) }),
		oneInput("Max", "axes 0 and 2", x.away(0.04), func(x *graph.Value) *graph.Value { return ops.Max(x, 0, 2) }),
		oneInput("Transpose", "[2,3,4] to [4,2,3]", x, func(x *graph.Value) *graph.Value { return ops.Transpose(x, 2, 0, 1) }),
		oneInput("Slice", "1 to 3 of axis 1", x, func(x *graph.Value) *graph.Value { return ops.Slice(x, 1, 1, 3) }),
		oneInput("Slice", "every other of axis 2", x, func(x *graph.Value) *graph.Value { return ops.SliceStep(x, 2, 0, 4, 2) }),
		oneInput("Pad", "[2,3] to [3,5]", floats(2, 3), func(x *graph.Value) *graph.Value { return ops.Pad(x, []int{1, 0}, []int{0, 2}, 0.5) }),
		oneInput("Reshape", "Unsqueeze, then Squeeze", x, func(x *graph.Value) *graph.Value { return ops.Squeeze(ops.Unsqueeze(x, 1, -1), 1) }),
		oneInput("BroadcastTo", "Tile 2 by 1 by 3", x, func(x *graph.Value) *graph.Value { return ops.Tile(x, 2, 1, 3) }),
		{op: "Slice", title: "Split 1 and 3 of axis 2", in: []operand{x}, f: func(in values) values { return ops.Split(in[0], 2, 1, 3) }},
		oneInput("Transpose", "DepthToSpace, DCR", floats(1, 8, 2, 3), func(x *graph.Value) *graph.Value { return ops.DepthToSpace(x, 2, ops.DCR) }),
		oneInput("Transpose", "SpaceToDepth, CRD", floats(1, 2, 4, 2), func(x *graph.Value) *graph.Value { return ops.SpaceToDepth(x, 2, ops.CRD) }),
		{op: "Concat", title: "channels of 3 images", in: []operand{floats(2, 1, 3), floats(2, 2, 3), floats(2, 1, 3)},
			f: func(in values) values { return values{ops.Concat(1, in...)} }},
	}
}

func products() []gradientCase {
	return []gradientCase{
		twoInputs("MatMul", "[3,4] by [4,5]", floats(3, 4), floats(4, 5), ops.MatMul),
		twoInputs("MatMul", "stacks [2,1,3,4] by [5,4,2]", floats(2, 1, 3, 4), floats(5, 4, 2), ops.MatMul),
		twoInputs("MatMul", "a stack by a matrix", floats(2, 3, 4), floats(4, 2), ops.MatMul),
		twoInputs("MatMul", "a row by a stack", floats(3), floats(2, 3, 4), ops.MatMul),
		{op: "MatMul", title: "Einsum bij,kbj,k->ki", in: []operand{floats(2, 3, 2), floats(4, 2, 2), floats(4)},
			f: func(in values) values { return values{ops.Einsum("bij,kbj,k->ki", in...)} }},
		oneInput("Slice", "Einsum iij->ji, a diagonal", floats(3, 3, 2), func(x *graph.Value) *graph.Value { return ops.Einsum("iij->ji", x) }),
		{op: "MatMul", title: "aᵀ·b + c, c a column", in: []operand{floats(4, 3), floats(4, 5), floats(3, 1)},
			f: func(in values) values { return values{ops.Gemm(in[0], in[1], in[2], ops.Trans{A: true})} }},
		{op: "MatMul", title: "aᵀ·bᵀ + c, c a scalar", in: []operand{floats(4, 3), floats(5, 4), floats()},
			f: func(in values) values { return values{ops.Gemm(in[0], in[1], in[2], ops.Trans{A: true, B: true})} }},
		{op: "MatMul", title: "linear layer, x·wᵀ + b", in: []operand{floats(3, 4), floats(5, 4), floats(5)},
			f: func(in values) values { return values{ops.Linear(in[0], in[1], in[2])} }},
	}
}

func images() []gradientCase {
	var cases []gradientCase
	for _, c := range []struct {
		title string
		x, w  operand
		conv  ops.Conv
	}{
		{"3×3", floats(2, 2, 5, 4), floats(3, 2, 3, 3), ops.Conv{}},
		{"stride 2 by 1, padding 1 2 0 1", floats(1, 2, 5, 5), floats(2, 2, 3, 2), ops.Conv{Stride: [2]int{2, 1}, Pad: [4]int{1, 2, 0, 1}, Round: ops.Floor}},
		{"dilation 2", floats(1, 1, 6, 5), floats(2, 1, 2, 2), ops.Conv{Dilation: [2]int{2, 2}}},
		{"2 groups, same padding", floats(1, 4, 4, 4), floats(4, 2, 3, 3), ops.Conv{Groups: 2, Same: true}},
		{"stride 3, filter 1×1, rest unseen", floats(2, 3, 5, 5), floats(2, 3, 1, 1), ops.Conv{Stride: [2]int{3, 3}, Round: ops.Floor}},
		{"direct algorithm", floats(1, 2, 4, 4), floats(2, 2, 3, 3), ops.Conv{Algo: "direct"}},
	} {
		cases = append(cases, gradientCase{op: "Conv2D", title: c.title, in: []operand{c.x, c.w, floats(c.w.shape[0])},
			f: func(in values) values { return values{ops.Conv2DBias(in[0], in[1], in[2], c.conv)} }})
	}
	for _, c := range []struct {
		title string
		x, w  operand
		conv  ops.ConvTranspose
	}{
		{"ConvTranspose2D, 3×3", floats(1, 2, 3, 2), floats(2, 3, 3, 3), ops.ConvTranspose{}},
		{"ConvTranspose2D, stride 2, 2 groups, padding in and out", floats(1, 4, 2, 3), floats(4, 1, 3, 3),
			ops.ConvTranspose{Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 0, 1}, OutputPad: [2]int{1, 0}, Groups: 2}},
		{"ConvTranspose2D, dilation 2, same", floats(1, 1, 3, 3), floats(1, 2, 2, 2), ops.ConvTranspose{Dilation: [2]int{2, 2}, Same: true}},
	} {
		cases = append(cases, twoInputs("Conv2DInputGrad", c.title, c.x, c.w, func(x, w *graph.Value) *graph.Value { return ops.ConvTranspose2D(x, w, c.conv) }))
	}
	for _, p := range []struct {
		title string
		x     operand
		pool  ops.Pool
	}{
		{"2×2", floats(1, 2, 4, 4), ops.Pool{Size: [2]int{2, 2}}},
		{"3×2, stride 2 by 1, rounded down", floats(1, 2, 6, 4), ops.Pool{Size: [2]int{3, 2}, Stride: [2]int{2, 1}, Round: ops.Floor}},
		{"3×3, stride 2, padding 1, rounded up", floats(1, 1, 6, 6), ops.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}, Round: ops.Ceil}},
	} {
		counted := p.pool
		counted.CountPad = true
		cases = append(cases,
			oneInput("MaxPool2D", p.title, p.x.away(0.04), func(x *graph.Value) *graph.Value { return ops.MaxPool2D(x, p.pool) }),
			oneInput("AvgPool2D", p.title, p.x, func(x *graph.Value) *graph.Value { return ops.AvgPool2D(x, p.pool) }),
			oneInput("AvgPool2D", p.title+", padding counts", p.x, func(x *graph.Value) *graph.Value { return ops.AvgPool2D(x, counted) }))
	}
	volumes := ops.Conv3{Stride: [3]int{2, 1, 1}, Pad: [6]int{1, 0, 0, 0, 1, 0}, Groups: 2}
	back := ops.ConvTranspose3{Stride: [3]int{2, 1, 1}, Pad: [6]int{1, 0, 0, 0, 1, 0}, OutputPad: [3]int{1, 0, 0}}
	pool3 := ops.Pool3{Size: [3]int{2, 2, 2}, Stride: [3]int{1, 1, 2}, Pad: [6]int{1, 0, 0, 0, 0, 0}}
	gaps := ops.Pool{Size: [2]int{2, 2}, Stride: [2]int{1, 1}, Dilation: [2]int{2, 1}, Pad: [4]int{1, 0, 0, 0}}
	cases = append(cases,
		twoInputs("Conv2D", "Conv1D, stride 2, dilation 2", floats(2, 2, 7), floats(3, 2, 2), func(x, w *graph.Value) *graph.Value {
			return ops.Conv1D(x, w, ops.Conv1{Stride: 2, Dilation: 2, Pad: [2]int{1, 1}})
		}),
		twoInputs("Conv2D", "Conv3D, 2 groups, stride 2 of depth", floats(1, 2, 3, 2, 3), floats(2, 1, 2, 2, 2), func(x, w *graph.Value) *graph.Value { return ops.Conv3D(x, w, volumes) }),
		twoInputs("Conv2DInputGrad", "ConvTranspose3D", floats(1, 2, 2, 2, 2), floats(2, 1, 2, 2, 2), func(x, w *graph.Value) *graph.Value { return ops.ConvTranspose3D(x, w, back) }),
		oneInput("MaxPool2D", "MaxPool3D", floats(1, 1, 3, 3, 4).away(0.02), func(x *graph.Value) *graph.Value { return ops.MaxPool3D(x, pool3) }),
		oneInput("AvgPool2D", "AvgPool3D", floats(1, 1, 3, 3, 4), func(x *graph.Value) *graph.Value { return ops.AvgPool3D(x, pool3) }),
		oneInput("Max", "MaxPool2D with gaps", floats(1, 1, 4, 3).away(0.04), func(x *graph.Value) *graph.Value { return ops.MaxPool2D(x, gaps) }),
		oneInput("Gather", "AvgPool2D with gaps", floats(1, 1, 4, 3), func(x *graph.Value) *graph.Value { return ops.AvgPool2D(x, gaps) }),
		oneInput("AvgPool2D", "LpPool2D, 2", floats(1, 1, 4, 4).away(0.04), func(x *graph.Value) *graph.Value { return ops.LpPool2D(x, 2, ops.Pool{Size: [2]int{2, 2}}) }),
		oneInput("AvgPool2D", "LpPool2D, 3", floats(1, 1, 4, 4).away(0.04), func(x *graph.Value) *graph.Value { return ops.LpPool2D(x, 3, ops.Pool{Size: [2]int{2, 2}}) }),
		oneInput("AvgPool2D", "LpPool1D, 2", floats(1, 2, 5).away(0.04), func(x *graph.Value) *graph.Value { return ops.LpPool1D(x, 2, ops.Pool1{Size: 3, Stride: 2}) }),
		oneInput("AvgPool2D", "LpPool3D, 3", floats(1, 1, 3, 3, 4).away(0.02), func(x *graph.Value) *graph.Value { return ops.LpPool3D(x, 3, pool3) }),
		oneInput("Max", "GlobalMaxPool", floats(2, 2, 3, 2).away(0.02), ops.GlobalMaxPool),
		oneInput("Resize", "AdaptiveAvgPool2D, 5×3 to 3×2", floats(1, 1, 5, 3), func(x *graph.Value) *graph.Value { return ops.AdaptiveAvgPool2D(x, [2]int{3, 2}) }),
		oneInput("Max", "AdaptiveMaxPool2D, 5×3 to 3×2", floats(1, 1, 5, 3).away(0.04), func(x *graph.Value) *graph.Value { return ops.AdaptiveMaxPool2D(x, [2]int{3, 2}) }),
		oneInput("Resize", "AdaptiveAvgPool1D, 5 to 3", floats(1, 2, 5), func(x *graph.Value) *graph.Value { return ops.AdaptiveAvgPool1D(x, 3) }),
		oneInput("Resize", "AdaptiveAvgPool3D, 3×4×3 to 2×2×2", floats(1, 1, 3, 4, 3), func(x *graph.Value) *graph.Value { return ops.AdaptiveAvgPool3D(x, [3]int{2, 2, 2}) }),
		oneInput("Max", "AdaptiveMaxPool3D, 3×4×3 to 2×2×2", floats(1, 1, 3, 4, 3).away(0.02), func(x *graph.Value) *graph.Value { return ops.AdaptiveMaxPool3D(x, [3]int{2, 2, 2}) }),
		oneInput("MaxPool2DGrad", "MaxUnpool of a MaxPool2D with gaps", floats(1, 1, 4, 4).away(0.04), func(x *graph.Value) *graph.Value {
			y, at := ops.MaxPool2DIndices(x, gaps)
			return ops.MaxUnpool(y, at, 4, 4)
		}),
		oneInput("MaxPool2DGrad", "MaxUnpool of a MaxPool2D", floats(1, 1, 4, 4).away(0.04), func(x *graph.Value) *graph.Value {
			y, at := ops.MaxPool2DIndices(x, ops.Pool{Size: [2]int{2, 2}})
			return ops.MaxUnpool(y, at, 4, 4)
		}))
	for _, r := range []struct {
		title string
		size  int
		r     ops.Resampling
	}{
		{"nearest, 4 to 7", 7, ops.Resampling{}},
		{"linear, 4 to 7", 7, ops.Resampling{Filter: ops.InterpolateLinear}},
		{"cubic, 4 to 3, without what is outside", 3, ops.Resampling{Filter: ops.InterpolateCubic, ExcludeOutside: true}},
		{"linear, cropped", 5, ops.Resampling{Filter: ops.InterpolateLinear, Coordinates: ops.CropAndResize, Start: -0.3, End: 0.8}},
		{"area, 4 to 3", 3, ops.Resampling{Filter: ops.InterpolateArea}},
	} {
		cases = append(cases, oneInput("Resize", r.title, floats(1, 2, 4, 3), func(x *graph.Value) *graph.Value { return ops.ResizeAxis(x, 2, r.size, r.r) }))
	}
	return cases
}

func statistics() []gradientCase {
	channels := func() operand { return floats(3).between(0.5, 2) }
	normal := func(in values) values {
		y, mean, variance := ops.BatchNorm(in[0], in[1], in[2], 1e-5)
		return values{y, mean, variance}
	}
	return []gradientCase{
		{op: "BatchNorm", title: "images, with their statistics", in: []operand{floats(2, 3, 2, 2), channels(), floats(3)}, f: normal},
		oneInput("LRN", "AlexNet's, on 7 channels", floats(2, 7, 3), func(x *graph.Value) *graph.Value {
			return ops.LRN(x, ops.LocalResponse{Size: 5, Alpha: 0.3, Beta: 0.75, K: 2})
		}),
		oneInput("LRN", "size 4, β = 0.6", floats(1, 6, 3), func(x *graph.Value) *graph.Value {
			return ops.LRN(x, ops.LocalResponse{Size: 4, Alpha: 0.5, Beta: 0.6, K: 1})
		}),
		{op: "BatchNorm", title: "rows", in: []operand{floats(5, 3), channels(), floats(3)},
			f: func(in values) values { return normal(in)[:1] }},
		{op: "Standardise", title: "LayerNorm", in: []operand{floats(3, 2, 4), floats(2, 4), floats(2, 4)},
			f: func(in values) values { return values{ops.LayerNorm(in[0], in[1], in[2], 1e-5)} }},
		{op: "Standardise", title: "InstanceNorm", in: []operand{floats(2, 3, 5), channels(), floats(3)},
			f: func(in values) values { return values{ops.InstanceNorm(in[0], in[1], in[2], 1e-5)} }},
		{op: "Standardise", title: "GroupNorm, 2 groups of 2", in: []operand{floats(2, 4, 3), floats(4), floats(4)},
			f: func(in values) values { return values{ops.GroupNorm(in[0], 2, in[1], in[2], 1e-5)} }},
		twoInputs("Div", "RMSNorm", floats(3, 4), floats(4), func(x, gamma *graph.Value) *graph.Value { return ops.RMSNorm(x, gamma, 1e-5) }),
		{op: "SampleVariance", title: "running statistics", in: []operand{floats(2, 3, 2), floats(3), channels(), floats(3), channels()},
			f: func(in values) values {
				mean, variance := ops.RunningStats(in[0], in[1], in[2], in[3], in[4], 0.1)
				return values{mean, variance}
			}},
		oneInput("Dropout", "p = 0.4", floats(4, 5), func(x *graph.Value) *graph.Value { return ops.Dropout(x, 0.4, ops.Random(x.Graph())) }),
	}
}

func losses() []gradientCase {
	loss := func(title string, labels operand, smoothing float64) gradientCase {
		return twoInputs("SoftmaxCrossEntropy", title, floats(4, 3).between(-2, 2), labels, func(x, t *graph.Value) *graph.Value {
			return ops.SoftmaxCrossEntropy(x, t, ops.CrossEntropy{Smoothing: smoothing})
		})
	}
	return []gradientCase{
		twoInputs("Mean", "MSE", floats(2, 3), floats(2, 3), ops.MSE),
		twoInputs("Clip", "Huber, δ = 0.7", floats(2, 3), floats(2, 3), func(x, t *graph.Value) *graph.Value { return ops.Huber(x, t, 0.7) }),
		twoInputs("Log", "BCE", floats(2, 3).between(0.2, 0.8), floats(2, 3).between(0, 1), ops.BCE),
		twoInputs("Softplus", "BCEWithLogits", floats(2, 3).between(-3, 3), floats(2, 3).between(0, 1), ops.BCEWithLogits),
		twoInputs("ReLU", "Hinge", floats(2, 3), floats(2, 3), ops.Hinge),
		twoInputs("GatherElements", "NLLLoss", floats(4, 3), classes(4, 3), func(x, t *graph.Value) *graph.Value { return ops.NLLLoss(x, t, ops.NLL{}) }),
		{op: "GatherElements", title: "NLLLoss, weighted, class 1 ignored", in: []operand{floats(5, 3), classes(5, 3), floats(3).between(0.5, 2)}, f: func(in values) values {
			return values{ops.NLLLoss(in[0], in[1], ops.NLL{Weights: in[2], Ignore: []int{1}})}
		}},
		twoInputs("GatherElements", "MulticlassSVM", floats(4, 3).away(0.04), classes(4, 3), func(x, t *graph.Value) *graph.Value { return ops.MulticlassSVM(x, t, 1) }),
		loss("labels as classes", classes(4, 3), 0),
		loss("labels as classes, smoothing 0.1", classes(4, 3), 0.1),
		loss("labels as probabilities", floats(4, 3).between(0.1, 1), 0),
		loss("labels as probabilities, smoothing 0.1", floats(4, 3).between(0.1, 1), 0.1),
	}
}
