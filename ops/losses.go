package ops

import (
	"fmt"
	"math"

	"neocog/graph"
)

// This file holds losses which are made of other ops. Each is a scalar: the mean
// over all elements, or over the examples, of what its formula gives; NaN for
// nothing. Operands must have the same type: shapes that would only broadcast, such
// as [N] and [N,1], are refused, since their mean is hardly ever meant. See
// SoftmaxCrossEntropy for the loss of most classifiers.

// MSE returns the mean squared error, 1/n Σ (x − t)².
//
//	x, t  float [...]
//	dx    = dloss·2(x − t)/n,  dt = −dx
func MSE(x, t *graph.Value) *graph.Value {
	if y, ok := sameTypes("MSE", "x", x, "t", t); !ok {
		return y
	}
	return Mean(Square(Sub(x, t)))
}

// Huber returns the mean of what is quadratic near 0 and linear beyond delta:
//
//	x, t   float [...],  d = x − t
//	delta  above 0 and finite
//	loss   = 1/n Σ ½d² where |d| ≤ delta, else delta·(|d| − ½delta)
//	dx     = dloss·d kept between −delta and delta, /n;  dt = −dx
//
// Huber, “Robust Estimation of a Location Parameter”, 1964. PyTorch's HuberLoss; with delta 1
// also its SmoothL1Loss.
func Huber(x, t *graph.Value, delta float64) *graph.Value {
	if y, ok := sameTypes("Huber", "x", x, "t", t); !ok {
		return y
	}
	if !(delta > 0 && !math.IsInf(delta, 0)) {
		x.Graph().Errorf("Huber", "delta is %v, want a finite number above 0", delta)
		return x.Graph().Invalid()
	}
	d := Sub(x, t)
	near := Clip(d, -delta, delta)
	return Mean(Mul(near, Sub(d, Scale(near, 0.5))))
}

// BCE returns the binary cross-entropy −1/n Σ t·log p + (1 − t)·log(1 − p).
//
//	p   float [...]: probabilities
//	t   the type of p: targets, 0 to 1
//	dp  = dloss·((1 − t)/(1 − p) − t/p)/n
//
// Logarithms are taken of at least 1e-12, so that the loss of an element is at most
// 27.7, without gradient beyond. BCEWithLogits loses nothing and is what to train with.
func BCE(p, t *graph.Value) *graph.Value {
	if y, ok := sameTypes("BCE", "p", p, "t", t); !ok {
		return y
	}
	logOf := func(v *graph.Value) *graph.Value { return Log(Clip(v, 1e-12, math.Inf(1))) }
	return Neg(Mean(Add(Mul(t, logOf(p)), Mul(OneMinus(t), logOf(OneMinus(p))))))
}

// BCEWithLogits is BCE of Sigmoid(x), computed from x.
//
//	x   float [...]: log p/(1 − p)
//	t   the type of x: targets, 0 to 1
//	dx  = dloss·(σ(x) − t)/n
//
// It is the mean of t·Softplus(−x) + (1 − t)·Softplus(x), in which nothing cancels. An infinite x makes it NaN, be the target its own.
func BCEWithLogits(x, t *graph.Value) *graph.Value {
	if y, ok := sameTypes("BCEWithLogits", "x", x, "t", t); !ok {
		return y
	}
	return Mean(Add(Mul(t, Softplus(Neg(x))), Mul(OneMinus(t), Softplus(x))))
}

// NLL are the choices of NLLLoss. The zero value is the mean over all examples.
type NLL struct {
	// Weights, float [C], is how much examples of each class count; nil stands for ones.
	Weights *graph.Value
	// Ignore lists labels, which need be no classes, of examples that do not count, be their logp NaN.
	Ignore []int
	// Reduction says what is made of the losses of the examples.
	Reduction Reduction
}

// Reduction says what is made of the losses of examples.
type Reduction uint8

// The reductions of NLLLoss.
const (
	MeanOfLosses Reduction = iota // their mean; with weights, their sum over that of their weights
	SumOfLosses                   // their sum
	EachLoss                      // nothing: one loss for each example
)

// NLLLoss returns the negative log-likelihood of classes, −1/n Σ logp at the label.
//
//	logp    float [N, C, ...]: logarithms of probabilities, as LogSoftmax gives along axis 1
//	labels  int [N, ...]: a class from 0 to C−1 for each
//	loss    a scalar; with EachLoss the shape of labels
//	dlogp   = −dloss/n at the label, 0 elsewhere; dloss·weight of the label over the sum of weights,
//	        or as c says
//
// A label out of range that is not ignored stops the run with an error. Where nothing counts the mean is
// NaN, the sum 0. SoftmaxCrossEntropy is this with LogSoftmax, in one go. ONNX
// NegativeLogLikelihoodLoss; with LogSoftmax its SoftmaxCrossEntropyLoss.
func NLLLoss(logp, labels *graph.Value, c NLL) *graph.Value {
	counts, safe := counting(labels, c.Ignore)
	own, y := ofClass("NLLLoss", "logp", logp, safe)
	if own == nil {
		return y
	}
	s := logp.Shape()
	losses := Neg(Reshape(own, labels.Shape()...))
	var weights *graph.Value // of the examples, nil where they are all alike
	switch {
	case c.Reduction > EachLoss:
		return mistake(logp, "NLLLoss", fmt.Errorf("there is no Reduction(%d), want ops.MeanOfLosses, ops.SumOfLosses or ops.EachLoss", c.Reduction))
	case c.Weights != nil && (!c.Weights.IsValid() || c.Weights.Graph() != logp.Graph()):
		return Mul(c.Weights, logp)
	case c.Weights != nil && !c.Weights.Type().Equal(graph.Of(logp.DType(), s[1])):
		return mistake(logp, "NLLLoss", fmt.Errorf("weights are %v, want %v: one for each class", c.Weights.Type(), graph.Of(logp.DType(), s[1])))
	case c.Weights != nil:
		weights = Gather(c.Weights, safe, 0)
		losses = Mul(losses, weights)
	case counts != nil:
		weights = Ones(logp.Graph(), losses.Type())
	}
	if counts != nil {
		losses = Where(counts, losses, scalarLike(losses, 0))
		weights = Where(counts, weights, scalarLike(losses, 0))
	}
	switch {
	case c.Reduction == EachLoss:
		return losses
	case c.Reduction == SumOfLosses:
		return Sum(losses)
	case weights != nil:
		return Div(Sum(losses), Sum(weights))
	}
	return Mean(losses)
}

// counting returns which labels are not among those to ignore, and labels with a 0 for those that are; nil and
// labels themselves where none is ignored.
func counting(labels *graph.Value, ignore []int) (counts, safe *graph.Value) {
	if len(ignore) == 0 || !labels.IsValid() || !labels.DType().IsInt() {
		return nil, labels
	}
	for _, l := range ignore {
		differ := Not(Equal(labels, scalarLike(labels, float64(l))))
		if counts == nil {
			counts = differ
		} else {
			counts = And(counts, differ)
		}
	}
	return counts, Where(counts, labels, scalarLike(labels, 0))
}

// Hinge returns the hinge loss of two classes, 1/n Σ max(0, 1 − t·x).
//
//	x   float [...]: scores
//	t   the type of x: −1 or 1
//	dx  = −dloss·t/n where t·x < 1, else 0
func Hinge(x, t *graph.Value) *graph.Value {
	if y, ok := sameTypes("Hinge", "x", x, "t", t); !ok {
		return y
	}
	return Mean(ReLU(OneMinus(Mul(t, x))))
}

// MulticlassSVM returns the support-vector loss of classes: every other class's score
// is to be lower by a margin than that of the label, and what it lacks is added up.
//
//	scores   float [N, C]
//	labels   int [N]: classes from 0 to C−1
//	margin   above 0 and finite; 1 is usual
//	loss     = 1/N Σ_n Σ_{c ≠ label} max(0, s_nc − s_n,label + margin)
//	dscores  = dloss/N where a term is above 0; at the label minus the number of these
//
// A label out of range stops the run with an error. Weston and Watkins, “Support Vector
// Machines for Multi-Class Pattern Recognition”, ESANN 1999; CS231n, “Linear
// Classification”.
func MulticlassSVM(scores, labels *graph.Value, margin float64) *graph.Value {
	own, y := ofClass("MulticlassSVM", "scores", scores, labels)
	if own == nil {
		return y
	}
	g := scores.Graph()
	switch {
	case scores.Shape().Rank() != 2:
		g.Errorf("MulticlassSVM", "%w", rank("scores", scores.Type(), 2, "[N, C]"))
		return g.Invalid()
	case !(margin > 0 && !math.IsInf(margin, 0)):
		g.Errorf("MulticlassSVM", "the margin is %v, want a finite number above 0", margin)
		return g.Invalid()
	}
	// The label's own term is the margin, whatever the scores are.
	terms := ReLU(AddScalar(Sub(scores, own), margin))
	return AddScalar(Mean(Sum(terms, 1)), -margin)
}

// sameTypes reports whether a and b are valid floats of one type; if not, y is invalid
// and the graph knows why.
func sameTypes(op, nameA string, a *graph.Value, nameB string, b *graph.Value) (y *graph.Value, ok bool) {
	if !a.IsValid() || !b.IsValid() || a.Graph() != b.Graph() {
		return Sub(a, b), false
	}
	g := a.Graph()
	if err := isFloat(a.Type()); err != nil {
		g.Errorf(op, "%s: %w", nameA, err)
		return g.Invalid(), false
	}
	if !a.Type().Equal(b.Type()) {
		g.Errorf(op, "%s is %v, %s is %v, want the same type", nameA, a.Type(), nameB, b.Type())
		return g.Invalid(), false
	}
	return nil, true
}

// ofClass returns the elements of x [N, C, ...] at the labels [N, ...], as [N, 1, ...]; nil and an
// invalid value where the operands do not fit, which the graph then knows.
func ofClass(op, name string, x, labels *graph.Value) (own, y *graph.Value) {
	if !x.IsValid() || !labels.IsValid() || x.Graph() != labels.Graph() {
		return nil, GatherElements(x, labels, 1)
	}
	g := x.Graph()
	s := x.Shape()
	if len(s) < 2 || !x.DType().IsFloat() {
		g.Errorf(op, "%s is %v, want floats [N, C, ...]", name, x.Type())
		return nil, g.Invalid()
	}
	want := append(s[:1].Clone(), s[2:]...)
	if !labels.DType().IsInt() || !labels.Shape().Equal(want) {
		g.Errorf(op, "labels are %v, want classes i32%v or i64%v, for %s %v", labels.Type(), want, want, name, x.Type())
		return nil, g.Invalid()
	}
	column := s.Clone()
	column[1] = 1
	return GatherElements(x, Reshape(labels, column...), 1), nil
}
