package onnx

import (
	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
	"neocog/ops"
)

// losses compare with labels.
var losses = []rule{
	{op: "NegativeLogLikelihoodLoss", from: 12, in: [2]int{2, 3}, attributes: []string{"ignore_index", "reduction"}, build: func(c *call) []*graph.Value {
		return one(c.logLikelihood(c.rank(0, 2)))
	}},
	{op: "SoftmaxCrossEntropyLoss", from: 12, in: [2]int{2, 3}, attributes: []string{"ignore_index", "reduction"}, build: func(c *call) []*graph.Value {
		logits := c.rank(0, 2)
		if plain := c.attrString("reduction", "mean") == "mean" && !c.has(2) && c.attribute("ignore_index", onnxpb.TypeInt, always) == nil; plain &&
			logits.Shape().Rank() == 2 && c.in(1).DType().IsInt() && c.in(1).Shape().Equal(logits.Shape()[:1]) && logits.Shape()[1] != 0 {
			return []*graph.Value{ops.SoftmaxCrossEntropy(logits, c.in(1), ops.CrossEntropy{}), ops.LogSoftmax(logits, 1)}
		}
		logp := ops.LogSoftmax(logits, 1)
		return []*graph.Value{c.logLikelihood(logp), logp}
	}},
}

// logLikelihood is minus the weighted logarithm of the probability of each label,
// as it is, as a sum, or as a mean weighted like it. What is ignored counts 0, be it NaN. It is
// ops.NLLLoss with indices as fromStart makes them, which a file holds and gives again.
func (c *call) logLikelihood(logp *graph.Value) *graph.Value {
	labels := c.in(1)
	if !logp.IsValid() || !labels.DType().IsInt() {
		c.refuse("the labels are %v, want integers", labels.Type())
	}
	s := logp.Shape()
	at := append(graph.Shape{s[0], 1}, s[2:]...)
	if !labels.Shape().Equal(append(graph.Shape{s[0]}, s[2:]...)) {
		c.refuse("the labels are %v, the scores %v", labels.Type(), logp.Type())
	}
	d := logp.DType()
	var weight, counts *graph.Value // of each label; nil: 1, and all
	index := labels
	if a := c.attribute("ignore_index", onnxpb.TypeInt, always); a != nil {
		ignored := ops.Equal(labels, c.g.Scalar(labels.DType(), float64(c.attrInt("ignore_index", 0))))
		index = ops.Where(ignored, c.g.Scalar(labels.DType(), 0), labels)
		counts = ops.Not(ignored)
		weight = ops.Cast(counts, d)
	}
	if c.has(2) {
		w := c.float(2)
		if w.Shape().Rank() != 1 || w.Shape()[0] != s[1] {
			c.refuse("the weights are %v, want one for each of %d classes", w.Type(), s[1])
		}
		own := ops.Gather(w, c.fromStart(index, w, 0), 0)
		if counts != nil {
			own = ops.Where(counts, own, c.g.Scalar(d, 0))
		}
		weight = own
	}
	loss := ops.Neg(ops.Reshape(ops.GatherElements(logp, c.fromStart(ops.Reshape(index, at...), logp, 1), 1), labels.Shape()...))
	if weight != nil {
		loss = ops.Mul(loss, weight)
	}
	if counts != nil {
		loss = ops.Where(counts, loss, c.g.Scalar(d, 0))
	}
	switch how := c.attrString("reduction", "mean"); how {
	case "none":
		return loss
	case "sum":
		return ops.Sum(loss)
	case "mean":
		if weight == nil {
			return ops.Mean(loss)
		}
		return ops.Div(ops.Sum(loss), ops.Sum(weight))
	default:
		c.refuse("the reduction %s is not known", quoted(how))
		return nil
	}
}
