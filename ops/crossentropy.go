package ops

import (
	"fmt"
	"math"

	"neocog/graph"
	"neocog/internal/simd"
	"neocog/vm/kernel"
)

// CrossEntropy configures SoftmaxCrossEntropy.
type CrossEntropy struct {
	// Smoothing is ε of label smoothing, at least 0 and below 1: the target of a
	// class is (1−ε)·t + ε/C. Szegedy et al., “Rethinking the Inception
	// Architecture for Computer Vision”, CVPR 2016, section 7.
	Smoothing float64
}

// SoftmaxCrossEntropy returns the mean cross-entropy between the softmax of
// logits and labels, a scalar: the loss of a classifier.
//
//	logits  float [N, C], C ≥ 1
//	labels  int [N]: a class from 0 to C−1 for each row; or
//	        float [N, C], elements as logits': a probability t for each class
//	loss    scalar:  1/N Σ_n Σ_c −t_nc·log p_nc,  p = softmax(logits)
//	dlogits = dloss·(p·Σ_c t_c − t)/N       (Σ_c t_c is 1 for probabilities)
//	dlabels = −dloss·log p/N                where they are probabilities
//
// With Smoothing, t is the smoothed target. A class label out of range stops
// the run with an error which names its row. Probabilities are not checked;
// where t is 0 the term is 0, be p 0 too. The loss of no rows is NaN. The terms
// are log Σ e^x − x, so that a vanishing p costs no digits.
// ONNX SoftmaxCrossEntropyLoss.
func SoftmaxCrossEntropy(logits, labels *graph.Value, cfg CrossEntropy) *graph.Value {
	return graph.ApplyN(2, crossEntropy{cfg}, logits, labels)[0]
}

// crossEntropy has two results: the loss, and the probabilities p, which its
// gradient reads.
type crossEntropy struct{ CrossEntropy }

func (crossEntropy) Name() string { return "SoftmaxCrossEntropy" }

func (crossEntropy) Operands() []string { return []string{"logits", "labels"} }

func (o crossEntropy) Infer(in []graph.Type) ([]graph.Type, error) {
	if err := arity(in, 2); err != nil {
		return nil, err
	}
	if err := o.check("logits", in[0], in[1]); err != nil {
		return nil, err
	}
	return []graph.Type{graph.Of(in[0].DType), in[0]}, nil
}

// check returns an error unless x, named so, and labels are as they should.
func (o CrossEntropy) check(name string, x, labels graph.Type) error {
	if !(o.Smoothing >= 0 && o.Smoothing < 1) {
		return fmt.Errorf("the label smoothing is %v, want at least 0 and less than 1", o.Smoothing)
	}
	if err := isFloat(x); err != nil {
		return err
	}
	if err := rank(name, x, 2, "[N, C]"); err != nil {
		return err
	}
	if x.Shape[1] == 0 {
		return fmt.Errorf("%s %v has no classes", name, x)
	}
	return checkLabels(name, x, labels)
}

// checkLabels returns an error unless labels are classes or probabilities for x [N, C].
func checkLabels(name string, x, labels graph.Type) error {
	switch {
	case labels.DType.IsInt() && labels.Shape.Equal(x.Shape[:1]):
	case labels.Equal(x):
	default:
		return fmt.Errorf("labels are %v, want classes i32%v or i64%v, or probabilities %v, for %s %v", labels, x.Shape[:1], x.Shape[:1], x, name, x)
	}
	return nil
}

func (o crossEntropy) Plan(_ *kernel.Env, in, _ []graph.Type) (kernel.Plan, error) {
	n, classes := in[0].Shape[0], in[0].Shape[1]
	rows, err := pickLabels(in[0].DType, in[1].DType,
		crossEntropyRun[float32, int32](o, classes), crossEntropyRun[float32, int64](o, classes), crossEntropyRun[float32, float32](o, classes),
		crossEntropyRun[float64, int32](o, classes), crossEntropyRun[float64, int64](o, classes), crossEntropyRun[float64, float64](o, classes))
	if err != nil {
		return kernel.Plan{}, err
	}
	combine, err := kernel.Pick(in[0].DType, rowMeanRun[float32](n), rowMeanRun[float64](n))
	return kernel.Plan{
		Steps:  []kernel.Step{{N: n, Grain: grainOf(8 * classes), Run: rows}, {N: 1, Run: combine}},
		Shared: kernel.SizeOf(graph.Float64, n),
		// p may lie where the logits were: row by row, after the loss of the row.
		InPlace: []int{0, 1},
	}, err
}

// pickLabels returns the kernel for the element types of logits and labels.
func pickLabels(x, labels graph.DType, f32i32, f32i64, f32f32, f64i32, f64i64, f64f64 kernel.Kernel) (kernel.Kernel, error) {
	switch labels {
	case graph.Int32:
		return kernel.Pick(x, f32i32, f64i32)
	case graph.Int64:
		return kernel.Pick(x, f32i64, f64i64)
	}
	return kernel.Pick(x, f32f32, f64f64)
}

func (o crossEntropy) VJP(n *graph.Node, d []*graph.Value) []*graph.Value {
	logits, labels, p := n.In(0), n.In(1), n.Out(1)
	var dlogits, dlabels *graph.Value
	if d[0] != nil {
		dlogits = graph.Apply(crossEntropyGrad(o), p, labels, d[0])
		if labels.DType().IsFloat() {
			dlabels = Scale(Mul(shareOfRows(d[0], p), LogSoftmax(logits, 1)), o.Smoothing-1)
		}
	}
	if d[1] != nil {
		dx := softmaxGrad(p, d[1], 1)
		if dlogits != nil {
			dx = Add(dlogits, dx)
		}
		dlogits = dx
	}
	return []*graph.Value{dlogits, dlabels}
}

// shareOfRows returns d/N for each of the N rows of p, as [N, 1].
func shareOfRows(d, p *graph.Value) *graph.Value {
	return graph.Apply(spreadMean{graph.MakeDims(p.Shape()[0], 1)}, d)
}

// rowMeanRun is the mean of the rows' losses, pairwise.
func rowMeanRun[T kernel.Float](n int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		if lo >= hi {
			return
		}
		loss := math.NaN()
		if n > 0 {
			loss = pairwise(kernel.Shared[float64](c, 0, n)) / float64(n)
		}
		kernel.Out[T](c, 0)[0] = T(loss)
	}
}

func crossEntropyRun[T kernel.Float, L kernel.Number](o crossEntropy, classes int) kernel.Kernel {
	return func(c *kernel.Call, lo, hi int) {
		logits, labels, p := kernel.In[T](c, 0), kernel.In[L](c, 1), kernel.Out[T](c, 1)
		loss := kernel.Shared[float64](c, 0, hi)
		for n := lo; n < hi; n++ {
			x := logits[n*classes : (n+1)*classes]
			t := targetOf(c, o.CrossEntropy, labels, n, classes)
			top, sum := logSumExp(x)
			loss[n] = crossEntropyOf(&t, x, top, math.Log(sum))
			simd.ExpScale(p[n*classes:(n+1)*classes], x, top, 1/sum)
		}
	}
}

// crossEntropyOf returns Σ −t·(x − top − log).
func crossEntropyOf[T kernel.Float, L kernel.Number](t *target[L], x []T, top, log float64) float64 {
	if t.class >= 0 && t.floor == 0 {
		return -t.keep * (float64(x[t.class]) - top - log)
	}
	loss := 0.0
	for j, v := range x {
		if w := t.of(j); w != 0 {
			loss -= w * (float64(v) - top - log)
		}
	}
	return loss
}

// A target is the smoothed target of one row.
type target[L kernel.Number] struct {
	class int // or -1, and then
	t     []L // probabilities
	keep  float64
	floor float64
}

// targetOf returns the target of row n. A class out of range is a fault, and class 0.
func targetOf[L kernel.Number](c *kernel.Call, o CrossEntropy, labels []L, n, classes int) target[L] {
	t := target[L]{class: -1, keep: 1 - o.Smoothing, floor: o.Smoothing / float64(classes)}
	switch graph.DTypeOf[L]() {
	case graph.Int32, graph.Int64:
		t.class = classOf(c, labels, n, classes)
	default:
		t.t = labels[n*classes : (n+1)*classes]
	}
	return t
}

// classOf returns the label of row n. One out of range is a fault, and class 0.
func classOf[L kernel.Number](c *kernel.Call, labels []L, n, classes int) int {
	k := int64(labels[n])
	if k < 0 || k >= int64(classes) {
		c.Fault.Set(n, "label %d at row %d: want 0 to %d", k, n, classes-1)
		return 0
	}
	return int(k)
}

// of returns the target of class j.
func (t *target[L]) of(j int) float64 {
	switch {
	case t.class < 0:
		return t.keep*float64(t.t[j]) + t.floor
	case t.class == j:
		return t.keep + t.floor
	}
	return t.floor
}

// sum returns the sum of the targets of all classes, which are probabilities.
func (t *target[L]) sum(classes int) float64 {
	s := 0.0
	for j := range classes {
		s += t.of(j)
	}
	return s
}
