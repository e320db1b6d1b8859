package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
)

type values = []*graph.Value

// one makes the Wrap of a constructor with one result.
func one(f func(in values) *graph.Value) func(values) values {
	return func(in values) values { return values{f(in)} }
}

// unary and binary are the Wraps of constructors of one and two values.
func unary(f func(*graph.Value) *graph.Value) func(values) values {
	return one(func(in values) *graph.Value { return f(in[0]) })
}

func binary(f func(a, b *graph.Value) *graph.Value) func(values) values {
	return one(func(in values) *graph.Value { return f(in[0], in[1]) })
}

// classes draws labels below n for input i.
func classes(i, n int) func(*rand.Rand, int, graph.Type) []float64 {
	return func(rng *rand.Rand, j int, t graph.Type) []float64 {
		if j != i {
			return nil
		}
		v := make([]float64, t.Shape.Size())
		for k := range v {
			v[k] = float64(rng.IntN(n))
		}
		return v
	}
}

type shapes = opstest.Shapes

// conformance is every op of this package but images', each with the
// attributes and shapes which take other ways through it.
var conformance = map[string]opstest.Op{
	"Add":               {In: shapes{{2, 3, 4}, {2, 3, 4}}, Wrap: binary(ops.Add)},
	"Add/row":           {In: shapes{{2, 3, 4}, {4}}, Wrap: binary(ops.Add)},
	"Add/channels":      {In: shapes{{3, 1}, {2, 3, 4}}, Wrap: binary(ops.Add)},
	"Add/scalar":        {In: shapes{{2, 3}, {}}, Wrap: binary(ops.Add)},
	"Add/both":          {In: shapes{{2, 1, 3}, {4, 1}}, Wrap: binary(ops.Add)},
	"Add/i32":           {Types: []graph.Type{graph.Of(graph.Int32, 3), graph.Of(graph.Int32)}, Wrap: binary(ops.Add), NoGradient: "integers"},
	"Add/empty":         {In: shapes{{0, 3}, {3}}, Wrap: binary(ops.Add)},
	"Sum/empty":         {In: shapes{{0, 3}}, Wrap: unary(over(ops.Sum, 0))},
	"MatMul/empty":      {In: shapes{{3, 0}, {0, 5}}, Wrap: binary(ops.MatMul)},
	"Concat/empty":      {In: shapes{{2, 0}, {2, 3}}, Wrap: joined(1)},
	"Pad/empty":         {In: shapes{{2, 0}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Pad(x, []int{1, 1}, []int{0, 2}, 3) })},
	"Softmax/empty":     {In: shapes{{0, 3}}, Wrap: unary(along(ops.Softmax, 1))},
	"Sub":               {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(ops.Sub)},
	"Sub/both":          {In: shapes{{2, 1, 3}, {4, 1}}, Wrap: binary(ops.Sub)},
	"Mul":               {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(ops.Mul)},
	"Mul/both":          {In: shapes{{2, 1, 3}, {4, 1}}, Wrap: binary(ops.Mul)},
	"Mul/i64":           {Types: []graph.Type{graph.Of(graph.Int64, 3, 2), graph.Of(graph.Int64, 2)}, Wrap: binary(ops.Mul), NoGradient: "integers"},
	"Div":               {In: shapes{{2, 3}, {2, 3}}, Low: 0.5, High: 2, Wrap: binary(ops.Div)},
	"Div/both":          {In: shapes{{2, 1, 3}, {4, 1}}, Low: 0.5, High: 2, Wrap: binary(ops.Div)},
	"Neg":               {In: shapes{{2, 3}}, Wrap: unary(ops.Neg)},
	"Exp":               {In: shapes{{2, 3}}, Wrap: unary(ops.Exp)},
	"Log":               {In: shapes{{2, 3}}, Low: 0.5, High: 2, Wrap: unary(ops.Log)},
	"Sqrt":              {In: shapes{{2, 3}}, Low: 0.5, High: 2, Wrap: unary(ops.Sqrt)},
	"OneMinus":          {In: shapes{{2, 3}}, Wrap: unary(ops.OneMinus)},
	"Sigmoid":           {In: shapes{{2, 3}}, Low: -3, High: 3, Wrap: unary(ops.Sigmoid)},
	"Tanh":              {In: shapes{{2, 3}}, Low: -2, High: 2, Wrap: unary(ops.Tanh)},
	"ReLU":              {In: shapes{{2, 3}}, Apart: 0.05, Wrap: unary(ops.ReLU)},
	"Scale":             {In: shapes{{2, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Scale(x, -2.5) })},
	"AddScalar":         {In: shapes{{2, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.AddScalar(x, -2.5) })},
	"Sum":               {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.Sum))},
	"Sum/chunks":        {In: shapes{{3, 3000}}, Wrap: unary(over(ops.Sum))},
	"Sum/first":         {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.Sum, 0))},
	"Sum/last":          {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.Sum, -1))},
	"Sum/middle":        {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.Sum, 1))},
	"Sum/but channels":  {In: shapes{{2, 3, 2, 2}}, Wrap: unary(over(ops.Sum, 0, 2, 3))},
	"Mean":              {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.Mean))},
	"Mean/but channels": {In: shapes{{2, 3, 2, 2}}, Wrap: unary(over(ops.Mean, 0, -1, -2))},
	"SpreadMean":        {In: shapes{{2, 1}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.SpreadMean(x, 3, 2, 4) })},
	"BroadcastTo":       {In: shapes{{2, 1}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.BroadcastTo(x, 3, 2, 4) })},
	"Reshape":           {In: shapes{{2, 6}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Reshape(x, 3, -1) })},
	"Flatten":           {In: shapes{{2, 3, 4}}, Wrap: unary(ops.Flatten)},
	"MatMul":            {In: shapes{{3, 4}, {4, 5}}, Wrap: binary(ops.MatMul)},
	"MatMul/AT":         {In: shapes{{4, 3}, {4, 5}}, Wrap: matMul(true, false)},
	"MatMul/BT":         {In: shapes{{3, 4}, {5, 4}}, Wrap: matMul(false, true)},
	"MatMul/AT BT":      {In: shapes{{4, 3}, {5, 4}}, Wrap: matMul(true, true)},
	"MatMul/stacks":     {In: shapes{{2, 1, 3, 4}, {5, 4, 2}}, Wrap: binary(ops.MatMul)},
	"MatMul/one b":      {In: shapes{{2, 3, 4}, {1, 4, 5}}, Wrap: binary(ops.MatMul)},
	"MatMul/stacks T":   {In: shapes{{4, 3}, {2, 5, 4}}, Wrap: matMul(true, true)},
	"Transpose":         {In: shapes{{2, 3}}, Wrap: unary(over(ops.Transpose))},
	"Transpose/turn":    {In: shapes{{2, 3, 4, 5}}, Wrap: unary(over(ops.Transpose, 2, 0, 3, 1))},
	"Transpose/layout":  {In: shapes{{2, 3, 4, 5}}, Wrap: unary(over(ops.Transpose, 0, 2, 3, 1))},
	"Concat/first":      {In: shapes{{2, 3}, {1, 3}}, Wrap: joined(0)},
	"Concat/last":       {In: shapes{{2, 3}, {2, 1}, {2, 4}}, Wrap: joined(-1)},
	"Concat/channels":   {In: shapes{{2, 3, 2, 2}, {2, 1, 2, 2}}, Wrap: joined(1)},
	"Slice":             {In: shapes{{2, 5, 2}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Slice(x, 1, 1, 4) })},
	"Slice/last":        {In: shapes{{2, 5}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Slice(x, -1, -1, 5) })},
	"SliceStep":         {In: shapes{{2, 5, 2}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.SliceStep(x, 1, 0, 4, 2) })},
	"Pad":               {In: shapes{{2, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Pad(x, []int{1, 0}, []int{0, 2}, 0.5) })},
	"Pad/height":        {In: shapes{{2, 2, 3, 2}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Pad(x, []int{0, 0, 1, 0}, []int{0, 1, 2, 0}, 0) })},
	"Pad/between": {In: shapes{{2, 3, 2}}, Wrap: unary(func(x *graph.Value) *graph.Value {
		return ops.PadAll(x, []int{1, 0, 1}, []int{0, 2, 0}, []int{1, 2, 0}, 3)
	})},
	"Max":                 {In: shapes{{2, 3, 2}}, Apart: 0.05, Wrap: maxima()},
	"Max/first":           {In: shapes{{2, 3, 2}}, Apart: 0.05, Wrap: maxima(0)},
	"Max/middle":          {In: shapes{{2, 3, 2}}, Apart: 0.05, Wrap: maxima(1)},
	"Max/but channels":    {In: shapes{{2, 3, 2, 2}}, Apart: 0.05, Wrap: maxima(0, 2, 3)},
	"MaxGrad":             {Types: []graph.Type{graph.Of(graph.Int32, 2, 2), graph.Of(graph.Float64, 2, 2)}, Draw: intClasses(0, 3), Wrap: binary(func(i, dy *graph.Value) *graph.Value { return ops.MaxGrad(i, dy, []int{2, 3, 2}, 1) })},
	"MaxPick":             {Types: []graph.Type{graph.Of(graph.Float64, 2, 3, 2), graph.Of(graph.Int32, 3)}, Draw: intClasses(1, 4), Wrap: binary(func(x, i *graph.Value) *graph.Value { return ops.MaxPick(x, i, 0, 2) })},
	"Correct":             {Types: []graph.Type{graph.Of(graph.Float64, 6, 3), graph.Of(graph.Int32, 6)}, Draw: intClasses(1, 3), Wrap: binary(ops.Correct), NoGradient: "it counts"},
	"StopGradient":        {In: shapes{{3, 4}}, Wrap: unary(ops.StopGradient), NoGradient: "that is what it is for"},
	"OneHot":              {Types: []graph.Type{graph.Of(graph.Int32, 6)}, Draw: intClasses(0, 3), Wrap: unary(func(x *graph.Value) *graph.Value { return ops.OneHot(x, 3, graph.Float64) }), NoGradient: "it reads integers"},
	"Softmax":             {In: shapes{{3, 5}}, Low: -2, High: 2, Wrap: unary(along(ops.Softmax, 1))},
	"Softmax/first":       {In: shapes{{3, 2, 2}}, Low: -2, High: 2, Wrap: unary(along(ops.Softmax, 0))},
	"Softmax/middle":      {In: shapes{{3, 4, 2}}, Low: -2, High: 2, Wrap: unary(along(ops.Softmax, -2))},
	"LogSoftmax":          {In: shapes{{3, 5}}, Low: -2, High: 2, Wrap: unary(along(ops.LogSoftmax, 1))},
	"LogSoftmax/middle":   {In: shapes{{3, 4, 2}}, Low: -2, High: 2, Wrap: unary(along(ops.LogSoftmax, 1))},
	"LRN":                 {In: shapes{{2, 7, 3, 2}}, Wrap: responses(ops.LocalResponse{Size: 5, Alpha: 0.3, Beta: 0.75, K: 2})},
	"LRN/even":            {In: shapes{{1, 6, 3}}, Wrap: responses(ops.LocalResponse{Size: 4, Alpha: 0.5, Beta: 0.6, K: 1})},
	"LRN/all":             {In: shapes{{2, 3, 2}}, Wrap: responses(ops.LocalResponse{Size: 9, Alpha: 0.2, Beta: 1, K: 0.5})},
	"LRN/itself":          {In: shapes{{3, 4}}, Wrap: responses(ops.LocalResponse{Size: 1, Alpha: 1, Beta: 0.75, K: 1})},
	"LRN/empty":           {In: shapes{{2, 3, 0}}, Wrap: responses(ops.LocalResponse{Size: 3, Alpha: 1, Beta: 0.75, K: 1})},
	"LRNGrad":             responseGrad(ops.LocalResponse{Size: 5, Alpha: 0.3, Beta: 0.75, K: 2}, 2, 7, 3, 2),
	"LRNGrad/even":        responseGrad(ops.LocalResponse{Size: 4, Alpha: 0.5, Beta: 0.6, K: 1}, 1, 6, 3),
	"LRNGrad/all":         responseGrad(ops.LocalResponse{Size: 9, Alpha: 0.2, Beta: 1, K: 0.5}, 2, 3, 2),
	"CrossEntropy/i32":    crossEntropy(graph.Of(graph.Int32, 4), 0),
	"CrossEntropy/i64":    crossEntropy(graph.Of(graph.Int64, 4), 0),
	"CrossEntropy/smooth": crossEntropy(graph.Of(graph.Int64, 4), 0.1),
	"CrossEntropy/p":      crossEntropy(graph.Of(graph.Float64, 4, 3), 0),
	"CrossEntropy/soft p": crossEntropy(graph.Of(graph.Float64, 4, 3), 0.2),
	"CrossEntropyGrad/i":  crossEntropyGrad(graph.Of(graph.Int32, 4), 0.1),
	"CrossEntropyGrad/p":  crossEntropyGrad(graph.Of(graph.Float64, 4, 3), 0.1),
}

// elementwise are the functions of single elements, comparisons and choices; see conformance.
var elementwise = map[string]opstest.Op{
	"Abs":           {In: shapes{{2, 3}}, Apart: 0.05, Wrap: unary(ops.Abs)},
	"Abs/i64":       {Types: []graph.Type{graph.Of(graph.Int64, 7)}, Draw: spreadInts, Wrap: unary(ops.Abs), NoGradient: "integers"},
	"Sign":          {In: shapes{{2, 3}}, Apart: 0.05, Wrap: unary(ops.Sign)},
	"Sign/i32":      {Types: []graph.Type{graph.Of(graph.Int32, 7)}, Draw: spreadInts, Wrap: unary(ops.Sign), NoGradient: "integers"},
	"Floor":         {In: shapes{{2, 3}}, Low: 0.1, High: 0.9, Wrap: unary(ops.RoundDown)},
	"Ceil":          {In: shapes{{2, 3}}, Low: 0.1, High: 0.9, Wrap: unary(ops.RoundUp)},
	"Round":         {In: shapes{{2, 3}}, Low: 0.6, High: 1.4, Wrap: unary(ops.Round)},
	"Erf":           {In: shapes{{2, 3}}, Low: -2, High: 2, Wrap: unary(ops.Erf)},
	"Expm1":         {In: shapes{{2, 3}}, Wrap: unary(ops.Expm1)},
	"Softplus":      {In: shapes{{2, 3}}, Low: -3, High: 3, Wrap: unary(ops.Softplus)},
	"Softplus/0":    {In: shapes{{0, 3}}, Wrap: unary(ops.Softplus)},
	"GELU":          {In: shapes{{2, 3}}, Low: -3, High: 3, Wrap: unary(ops.GELU)},
	"GELUGrad":      {In: shapes{{2, 3}, {2, 3}}, Low: -3, High: 3, Wrap: binary(ops.GELUGrad)},
	"LeakyReLU":     {In: shapes{{2, 3}}, Apart: 0.05, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, 0.1) })},
	"LeakyReLU/-2":  {In: shapes{{2, 3}}, Apart: 0.05, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, -2) })},
	"LeakyReLUGrad": {In: shapes{{2, 3}, {2, 3}}, Apart: 0.05, Wrap: binary(func(x, dy *graph.Value) *graph.Value { return ops.LeakyReLUGrad(x, dy, 0.1) })},
	"Clip":          {In: shapes{{2, 3}}, Low: -2, High: 2, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Clip(x, -0.6, 0.5) })},
	"Clip/below":    {In: shapes{{2, 3}}, Apart: 0.05, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.Clip(x, math.Inf(-1), 0) })},
	"ClipGrad":      {In: shapes{{2, 3}, {2, 3}}, Low: -2, High: 2, Wrap: binary(func(x, dy *graph.Value) *graph.Value { return ops.ClipGrad(x, dy, -0.6, 0.5) })},
	"Pow":           {In: shapes{{2, 3}, {2, 3}}, Low: 0.5, High: 2, Wrap: binary(ops.Pow)},
	"Pow/both":      {In: shapes{{2, 1, 3}, {4, 1}}, Low: 0.5, High: 2, Wrap: binary(ops.Pow)},
	"Pow/scalar":    {In: shapes{{2, 3}, {}}, Low: 0.5, High: 2, Wrap: binary(ops.Pow)},
	"Maximum":       {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(twoOf(ops.Maximum))},
	"Maximum/both":  {In: shapes{{2, 1, 3}, {4, 1}}, Seed: 3, Wrap: binary(twoOf(ops.Maximum))},
	"Maximum/i32":   {Types: []graph.Type{graph.Of(graph.Int32, 3), graph.Of(graph.Int32)}, Draw: spreadInts, Wrap: binary(twoOf(ops.Maximum)), NoGradient: "integers"},
	"Minimum":       {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(twoOf(ops.Minimum))},
	"Minimum/both":  {In: shapes{{2, 1, 3}, {4, 1}}, Seed: 3, Wrap: binary(twoOf(ops.Minimum))},
	"Minimum/i64":   {Types: []graph.Type{graph.Of(graph.Int64), graph.Of(graph.Int64, 3)}, Draw: spreadInts, Wrap: binary(twoOf(ops.Minimum)), NoGradient: "integers"},
	"Equal/i32":     {Types: []graph.Type{graph.Of(graph.Int32, 2, 4), graph.Of(graph.Int32, 4)}, Draw: spreadInts, Wrap: binary(ops.Equal), NoGradient: "bool"},
	"Equal/bool":    {Types: []graph.Type{graph.Of(graph.Bool, 2, 4), graph.Of(graph.Bool, 4)}, Draw: coins, Wrap: binary(ops.Equal), NoGradient: "bool"},
	"Less":          {In: shapes{{2, 1, 3}, {4, 1}}, Wrap: binary(ops.Less), NoGradient: "bool"},
	"LessEqual":     {In: shapes{{2, 3}, {}}, Wrap: binary(ops.LessEqual), NoGradient: "bool"},
	"And":           {Types: []graph.Type{graph.Of(graph.Bool, 2, 1, 3), graph.Of(graph.Bool, 4, 1)}, Draw: coins, Wrap: binary(ops.And), NoGradient: "bool"},
	"Or":            {Types: []graph.Type{graph.Of(graph.Bool, 5), graph.Of(graph.Bool, 5)}, Draw: coins, Wrap: binary(ops.Or), NoGradient: "bool"},
	"Xor":           {Types: []graph.Type{graph.Of(graph.Bool, 2, 3), graph.Of(graph.Bool)}, Draw: coins, Wrap: binary(ops.Xor), NoGradient: "bool"},
	"Not":           {Types: []graph.Type{graph.Of(graph.Bool, 5)}, Draw: coins, Wrap: unary(ops.Not), NoGradient: "bool"},
	"Where":         choice(shapes{{2, 3}, {2, 3}, {2, 3}}),
	"Where/all":     choice(shapes{{2, 1, 1}, {3, 1}, {4}}),
	"Where/scalars": choice(shapes{{2, 3}, {}, {}}),
	"Where/empty":   choice(shapes{{0, 3}, {3}, {1}}),
}

// picking are the ops which read or write by index, and those along lines; see conformance.
var picking = map[string]opstest.Op{
	"Gather/rows":           indexed(graph.Int64, 4, shapes{{4, 3}, {2, 5}}, func(x, i *graph.Value) *graph.Value { return ops.Gather(x, i, 0) }),
	"Gather/middle":         indexed(graph.Int32, 3, shapes{{2, 3, 2}, {4}}, func(x, i *graph.Value) *graph.Value { return ops.Gather(x, i, 1) }),
	"Gather/one":            indexed(graph.Int32, 3, shapes{{2, 3}, {}}, func(x, i *graph.Value) *graph.Value { return ops.Gather(x, i, -1) }),
	"Gather/wide":           indexed(graph.Int64, 3, shapes{{3, 300}, {2}}, func(x, i *graph.Value) *graph.Value { return ops.Gather(x, i, 0) }),
	"Gather/none":           indexed(graph.Int64, 3, shapes{{3, 2}, {0}}, func(x, i *graph.Value) *graph.Value { return ops.Gather(x, i, 0) }),
	"GatherGrad":            {Types: []graph.Type{graph.Of(graph.Int64, 5), graph.Of(graph.Float64, 2, 5, 3)}, Draw: classes(0, 4), Wrap: binary(func(i, dy *graph.Value) *graph.Value { return ops.GatherGrad(i, dy, 1, 4) })},
	"GatherElements":        indexed(graph.Int64, 3, shapes{{3, 4}, {5, 4}}, func(x, i *graph.Value) *graph.Value { return ops.GatherElements(x, i, 0) }),
	"GatherElements/short":  indexed(graph.Int32, 4, shapes{{3, 2, 4}, {2, 1, 3}}, func(x, i *graph.Value) *graph.Value { return ops.GatherElements(x, i, -1) }),
	"GatherElements/vector": indexed(graph.Int32, 4, shapes{{4}, {9}}, func(x, i *graph.Value) *graph.Value { return ops.GatherElements(x, i, 0) }),
	"ScatterElements":       scattered(graph.Int64, 0, ops.ScatterReplace, []int{3, 4}, []int{5, 4}),
	"ScatterElements/add":   scattered(graph.Int32, 2, ops.ScatterAdd, []int{3, 2, 4}, []int{2, 1, 3}),
	"ScatterElements/mul":   scattered(graph.Int32, 1, ops.ScatterMul, []int{2, 3}, []int{2, 5}),
	"ScatterElements/max":   scattered(graph.Int64, 1, ops.ScatterMax, []int{2, 3}, []int{2, 5}),
	"ScatterElements/min":   scattered(graph.Int32, 0, ops.ScatterMin, []int{3, 2}, []int{4, 2}),
	"ScatterElements/none":  scattered(graph.Int32, 0, ops.ScatterReplace, []int{4, 2}, []int{0, 2}),
	"CumSum":                {In: shapes{{3, 4}}, Wrap: unary(cumulated(1, ops.Cumulation{}))},
	"CumSum/middle":         {In: shapes{{2, 4, 3}}, Wrap: unary(cumulated(1, ops.Cumulation{Exclusive: true}))},
	"CumSum/back":           {In: shapes{{3, 4}}, Wrap: unary(cumulated(0, ops.Cumulation{Reverse: true}))},
	"CumSum/both":           {In: shapes{{5}}, Wrap: unary(cumulated(-1, ops.Cumulation{Exclusive: true, Reverse: true}))},
	"TopK":                  {In: shapes{{3, 7}}, Apart: 0.02, Wrap: chosen(ops.TopK, 3, 1)},
	"TopK/middle":           {In: shapes{{2, 5, 2}}, Apart: 0.02, Wrap: chosen(ops.TopK, 2, 1)},
	"TopK/all":              {In: shapes{{4, 2}}, Apart: 0.02, Wrap: chosen(ops.BottomK, 4, 0)},
	"TopK/none":             {In: shapes{{4, 2}}, Apart: 0.02, Wrap: chosen(ops.TopK, 0, 0)},
	"Standardise":           {In: shapes{{3, 2, 4}}, Wrap: func(in values) values { return ops.StandardiseAndScale(in[0], 2, 0.1) }},
	"Standardise/images":    {In: shapes{{2, 3, 2}}, Wrap: func(in values) values { return ops.StandardiseAndScale(in[0], 1, 0.01) }},
	"Standardise/all":       {In: shapes{{5}}, Wrap: func(in values) values { return ops.StandardiseAndScale(in[0], 0, 0) }},
	"Standardise/long":      {In: shapes{{2, 300}}, Wrap: func(in values) values { return ops.StandardiseAndScale(in[0], 1, 0) }},
	"Standardise/empty":     {In: shapes{{2, 0}}, Wrap: func(in values) values { return ops.StandardiseAndScale(in[0], 1, 1) }},
	"LogSumExp":             {In: shapes{{3, 5}}, Low: -2, High: 2, Wrap: unary(over(ops.LogSumExp, 1))},
	"LogSumExp/middle":      {In: shapes{{3, 4, 2}}, Low: -2, High: 2, Wrap: unary(over(ops.LogSumExp, 1))},
	"LogSumExp/empty":       {In: shapes{{3, 0}}, Wrap: unary(over(ops.LogSumExp, 1))},
}

// indexed is an op of x and indices below n.
func indexed(d graph.DType, n int, s shapes, f func(x, indices *graph.Value) *graph.Value) opstest.Op {
	op := opstest.Op{
		Types: []graph.Type{graph.Of(graph.Float64, s[0]...), graph.Of(d, s[1]...)},
		Draw:  classes(1, n), Wrap: binary(f),
	}
	return op
}

// scattered is ScatterElements of x and as many updates as indices.
func scattered(d graph.DType, axis int, how ops.Scatter, x, indices []int) opstest.Op {
	return opstest.Op{
		Types: []graph.Type{graph.Of(graph.Float64, x...), graph.Of(d, indices...), graph.Of(graph.Float64, indices...)},
		Draw:  classes(1, x[axis]),
		Wrap:  one(func(in values) *graph.Value { return ops.ScatterElements(in[0], in[1], in[2], axis, how) }),
	}
}

// fourLabels are the classes of four examples.
func fourLabels(x *graph.Value) *graph.Value {
	return graph.Const[int64](x.Graph(), graph.Shape{4}, 2, 0, 1, 1)
}

func cumulated(axis int, c ops.Cumulation) func(*graph.Value) *graph.Value {
	return func(x *graph.Value) *graph.Value { return ops.CumSum(x, axis, c) }
}

func chosen(f func(x *graph.Value, k, axis int) (y, indices *graph.Value), k, axis int) func(values) values {
	return func(in values) values {
		y, indices := f(in[0], k, axis)
		return values{y, indices}
	}
}

// twoOf is an op of two or more operands as one of two.
func twoOf(f func(a, b *graph.Value, more ...*graph.Value) *graph.Value) func(a, b *graph.Value) *graph.Value {
	return func(a, b *graph.Value) *graph.Value { return f(a, b) }
}

// spreadInts draws integers from −2 to 2.
func spreadInts(rng *rand.Rand, _ int, t graph.Type) []float64 {
	v := make([]float64, t.Shape.Size())
	for i := range v {
		v[i] = float64(rng.IntN(5) - 2)
	}
	return v
}

// coins draws the booleans.
func coins(rng *rand.Rand, _ int, t graph.Type) []float64 {
	if t.DType != graph.Bool {
		return nil
	}
	v := make([]float64, t.Shape.Size())
	for i := range v {
		v[i] = float64(rng.IntN(2))
	}
	return v
}

// choice is Where with a condition and operands of these shapes.
func choice(s shapes) opstest.Op {
	return opstest.Op{
		Types: []graph.Type{graph.Of(graph.Bool, s[0]...), graph.Of(graph.Float64, s[1]...), graph.Of(graph.Float64, s[2]...)},
		Draw:  coins,
		Wrap:  one(func(in values) *graph.Value { return ops.Where(in[0], in[1], in[2]) }),
	}
}

// composite is what is made of several ops: of these, values and gradients are checked.
var composite = map[string]opstest.Op{
	"PReLU":         {In: shapes{{2, 3, 4}, {3, 1}}, Wrap: binary(ops.PReLU)},
	"ELU":           {In: shapes{{2, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.ELU(x, 1.5) })},
	"SELU":          {In: shapes{{2, 3}}, Wrap: unary(ops.SELU)},
	"CELU":          {In: shapes{{2, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.CELU(x, 0.5) })},
	"GELUTanh":      {In: shapes{{2, 3}}, Wrap: unary(ops.GELUTanh)},
	"SiLU":          {In: shapes{{2, 3}}, Wrap: unary(ops.SiLU)},
	"Mish":          {In: shapes{{2, 3}}, Wrap: unary(ops.Mish)},
	"HardSigmoid":   {In: shapes{{2, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.HardSigmoid(x, 0.2, 0.5) })},
	"HardSwish":     {In: shapes{{2, 3}}, Wrap: unary(ops.HardSwish)},
	"Softsign":      {In: shapes{{2, 3}}, Wrap: unary(ops.Softsign)},
	"Reciprocal":    {In: shapes{{2, 3}}, Wrap: unary(ops.Reciprocal)},
	"Min":           {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.MinKeep, 1))},
	"Prod":          {In: shapes{{2, 5, 2}}, Wrap: unary(over(ops.ProdKeep, 1))},
	"Prod/all":      {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.Prod))},
	"Prod/ends":     {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.Prod, 0, -1))},
	"SumSquare":     {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.SumSquareKeep, 0, 2))},
	"NormL1":        {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.NormL1Keep, 0, 2))},
	"NormL2":        {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.NormL2Keep, 0, 2))},
	"LogSumExp":     {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.LogSumExpKeep, 0, 2))},
	"LogSum":        {In: shapes{{2, 3, 2}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.LogSumKeep(ops.Exp(x), 0, 2) })},
	"LayerNorm":     {In: shapes{{2, 3, 4}, {3, 4}, {3, 4}}, Wrap: one(func(in values) *graph.Value { return ops.LayerNorm(in[0], in[1], in[2], 0.1) })},
	"InstanceNorm":  {In: shapes{{2, 3, 4}, {3}, {3}}, Wrap: one(func(in values) *graph.Value { return ops.InstanceNorm(in[0], in[1], in[2], 0.1) })},
	"GroupNorm":     {In: shapes{{2, 4, 2, 2}, {4}, {4}}, Wrap: one(func(in values) *graph.Value { return ops.GroupNorm(in[0], 2, in[1], in[2], 0.1) })},
	"RMSNorm":       {In: shapes{{2, 3, 4}, {4}}, Wrap: one(func(in values) *graph.Value { return ops.RMSNorm(in[0], in[1], 0.1) })},
	"MSE":           {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(ops.MSE)},
	"Huber":         {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(func(x, t *graph.Value) *graph.Value { return ops.Huber(x, t, 0.7) })},
	"BCE":           {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(func(x, t *graph.Value) *graph.Value { return ops.BCE(ops.Sigmoid(x), ops.Sigmoid(t)) })},
	"BCEWithLogits": {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(ops.BCEWithLogits)},
	"Hinge":         {In: shapes{{2, 3}, {2, 3}}, Wrap: binary(ops.Hinge)},
	"NLLLoss":       {In: shapes{{4, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.NLLLoss(ops.LogSoftmax(x, 1), fourLabels(x), ops.NLL{}) })},
	"NLLLoss/weights": {In: shapes{{4, 3}, {3}}, Wrap: binary(func(x, w *graph.Value) *graph.Value {
		return ops.NLLLoss(ops.LogSoftmax(x, 1), fourLabels(x), ops.NLL{Weights: ops.Exp(w), Ignore: []int{0}})
	})},
	"MulticlassSVM": {In: shapes{{4, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.MulticlassSVM(x, fourLabels(x), 1) })},
	"Greatest":      {In: shapes{{2, 3}, {3}, {2, 1}}, Wrap: one(func(in values) *graph.Value { return ops.Maximum(in[0], in[1], in[2]) })},
	"Gemm":          {In: shapes{{4, 3}, {4, 5}, {3, 1}}, Wrap: one(func(in values) *graph.Value { return ops.Gemm(in[0], in[1], in[2], ops.Trans{A: true}) })},
	"Linear":        {In: shapes{{3, 4}, {5, 4}, {5}}, Wrap: one(func(in values) *graph.Value { return ops.Linear(in[0], in[1], in[2]) })},
	"Squeeze":       {In: shapes{{2, 1, 3}}, Wrap: unary(over(ops.Squeeze, 1))},
	"Unsqueeze":     {In: shapes{{2, 3}}, Wrap: unary(over(ops.Unsqueeze, 1, -1))},
	"Tile":          {In: shapes{{2, 1, 3}}, Wrap: unary(over(ops.Tile, 2, 3, 2))},
	"Split":         {In: shapes{{2, 5}}, Wrap: func(in values) values { return ops.Split(in[0], 1, 2, 0, 3) }},
	"DepthToSpace":  {In: shapes{{2, 8, 1, 3}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.DepthToSpace(x, 2, ops.DCR) })},
	"SpaceToDepth":  {In: shapes{{2, 1, 4, 2}}, Wrap: unary(func(x *graph.Value) *graph.Value { return ops.SpaceToDepth(x, 2, ops.CRD) })},
	"ConvTranspose": {In: shapes{{2, 2, 3, 3}, {2, 3, 2, 3}}, Wrap: binary(func(x, w *graph.Value) *graph.Value {
		return ops.ConvTranspose2D(x, w, ops.ConvTranspose{Stride: [2]int{2, 2}, Pad: [4]int{0, 1, 1, 0}, OutputPad: [2]int{0, 1}})
	})},
	"MaxKeep":  {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.MaxKeep, 1))},
	"MeanKeep": {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.MeanKeep, 2))},
	"Square":   {In: shapes{{2, 3}}, Wrap: unary(ops.Square)},
	"SumKeep":  {In: shapes{{2, 3, 2}}, Wrap: unary(over(ops.SumKeep, 1))},
}

func TestComposite(t *testing.T) {
	for name, op := range composite {
		t.Run(name, func(t *testing.T) { checkGradient(t, op) })
	}
}

// checkGradient checks the first and second derivatives of the sum of the squares of
// the results: a function none of whose second derivatives vanish for a reason of its own.
func checkGradient(t *testing.T, op opstest.Op) {
	t.Helper()
	rng := rand.New(rand.NewPCG(op.Seed, 7))
	var at []*tensor.Dense
	for _, s := range op.In {
		typ := graph.Of(graph.Float64, s...)
		v := make([]float64, typ.Shape.Size())
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		at = append(at, opstest.Dense(typ, v))
	}
	rep, err := autodiff.Check(func(in values) *graph.Value {
		var sum *graph.Value
		for _, y := range op.Wrap(in) {
			if sum == nil {
				sum = ops.Sum(ops.Square(y))
			} else {
				sum = ops.Add(sum, ops.Sum(ops.Square(y)))
			}
		}
		return sum
	}, at, autodiff.Config{Order: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := rep.Err(); err != nil {
		t.Error(err)
	}
	if rep.Checked == 0 {
		t.Error("nothing was checked")
	}
}

func TestConformance(t *testing.T) {
	for _, table := range []map[string]opstest.Op{conformance, elementwise, picking} {
		for name, op := range table {
			t.Run(name, func(t *testing.T) { opstest.Run(t, op) })
		}
	}
}

func joined(axis int) func(values) values {
	return one(func(in values) *graph.Value { return ops.Concat(axis, in...) })
}

func maxima(axes ...int) func(values) values {
	return func(in values) values { return ops.MaxAndIndex(in[0], axes...) }
}

// responses is LRN with both results of the op.
func responses(r ops.LocalResponse) func(values) values {
	return func(in values) values { return ops.LRNAndSum(in[0], r) }
}

// responseGrad is the gradient op of LRN; its s is positive, and of no particular x.
func responseGrad(r ops.LocalResponse, shape ...int) opstest.Op {
	return opstest.Op{
		In: shapes{shape, shape, shape},
		Draw: func(rng *rand.Rand, i int, t graph.Type) []float64 {
			if i != 1 {
				return nil
			}
			v := make([]float64, t.Shape.Size())
			for k := range v {
				v[k] = 0.5 + 2*rng.Float64()
			}
			return v
		},
		Wrap: one(func(in values) *graph.Value { return ops.LRNGrad(in, r) }),
	}
}

func over(f func(*graph.Value, ...int) *graph.Value, axes ...int) func(*graph.Value) *graph.Value {
	return func(x *graph.Value) *graph.Value { return f(x, axes...) }
}

func along(f func(*graph.Value, int) *graph.Value, axis int) func(*graph.Value) *graph.Value {
	return func(x *graph.Value) *graph.Value { return f(x, axis) }
}

func matMul(a, b bool) func(values) values {
	return binary(func(x, y *graph.Value) *graph.Value { return ops.MatMulTrans(x, y, ops.Trans{A: a, B: b}) })
}

func crossEntropy(labels graph.Type, smoothing float64) opstest.Op {
	return opstest.Op{
		Types: []graph.Type{graph.Of(graph.Float64, 4, 3), labels}, Low: 0.1, High: 2,
		Draw: intClasses(1, 3),
		Wrap: func(in values) values {
			return ops.CrossEntropyLossAndP(in[0], in[1], ops.CrossEntropy{Smoothing: smoothing})
		},
	}
}

func crossEntropyGrad(labels graph.Type, smoothing float64) opstest.Op {
	return opstest.Op{
		Types: []graph.Type{graph.Of(graph.Float64, 4, 3), labels, graph.Of(graph.Float64)}, Low: 0.1, High: 2,
		Draw: intClasses(1, 3),
		Wrap: one(func(in values) *graph.Value {
			return ops.CrossEntropyGrad(in[0], in[1], in[2], ops.CrossEntropy{Smoothing: smoothing})
		}),
	}
}

// intClasses is classes where input i is integer.
func intClasses(i, n int) func(*rand.Rand, int, graph.Type) []float64 {
	draw := classes(i, n)
	return func(rng *rand.Rand, j int, t graph.Type) []float64 {
		if !t.DType.IsInt() {
			return nil
		}
		return draw(rng, j, t)
	}
}
