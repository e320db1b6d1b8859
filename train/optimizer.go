package train

import (
	"github.com/pkg/errors"

	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/ops"
)

// An Optimizer is a rule by which parameters follow their gradients, declared
// as updates of the graph: printable and exportable like everything else.
//
// In the formulas w is a parameter, g its gradient, lr the learning rate, and
// ' marks the value after the step.
type Optimizer interface {
	// Name returns the name by which FindOptimizer finds the rule.
	Name() string
	// Apply declares g.Update of every parameter, and of the rule's own slots,
	// which are buffers called "opt/<parameter>/<slot>" whatever the scope.
	// lr is a scalar of the parameters' element type; grads[i] has the type of
	// params[i]. Mistakes are recorded in the graph.
	Apply(lr *graph.Value, params, grads []*graph.Value)
	// Next returns what the parameter w becomes, w', and declares the updates of
	// its slots, but not that of w: for rules made of other rules.
	Next(lr, w, dw *graph.Value) *graph.Value
}

// Optimizers returns every rule with its usual constants, in the order of their age.
func Optimizers() []Optimizer {
	return []Optimizer{SGD{}, Momentum{}, Nesterov{}, AdaGrad{}, RMSProp{}, AdaDelta{}, Adam{}, LARS{}, AdamW{}}
}

// FindOptimizer returns the rule of that name with its usual constants: sgd,
// momentum, nesterov, adagrad, rmsprop, adadelta, adam, lars or adamw. L-BFGS is
// not among them: see LBFGS.
func FindOptimizer(name string) (Optimizer, error) {
	if name == "lbfgs" {
		return nil, errors.New("lbfgs is no rule for steps on batches: its line search compares losses of all data, to more digits than float32 has; " +
			"'neocog transfer' fits linear classifiers with it, and train.LBFGS any graph")
	}
	var known []string
	for _, o := range Optimizers() {
		if o.Name() == name {
			return o, nil
		}
		known = append(known, o.Name())
	}
	return nil, nearest.Unknown("optimizer", name, known)
}

// L2 returns the gradients of the loss plus ½·λ·Σ w² over the values in decay:
// g + λ·w for those of params that are in decay, g for all others. This is weight
// decay coupled with the gradient, so that momentum and the scaling of RMSProp and
// Adam act on it too; AdamW has the other kind.
func L2(lambda float64, params, grads, decay []*graph.Value) []*graph.Value {
	out := append([]*graph.Value(nil), grads...)
	if lambda == 0 {
		return out
	}
	decays := map[*graph.Value]bool{}
	for _, w := range decay {
		decays[w] = true
	}
	for i, w := range params {
		if decays[w] {
			out[i] = ops.Add(out[i], ops.Scale(w, lambda))
		}
	}
	return out
}

// apply declares the update of every parameter which is valid, at the root of the
// graph's scopes, after it has checked that there is a gradient for each.
func apply(o Optimizer, lr *graph.Value, params, grads []*graph.Value) {
	if len(params) == 0 {
		return
	}
	g := graphOf(params)
	if g == nil {
		return
	}
	if len(params) != len(grads) {
		g.Errorf(o.Name(), "got %d parameters and %d gradients, want a gradient for each", len(params), len(grads))
		return
	}
	g.AtRoot(func() {
		for i, w := range params {
			if !w.IsValid() {
				continue // reported where it was made
			}
			if _, ok := w.Node().Op.(graph.ParamOp); !ok {
				g.Errorf(o.Name(), "%v is no parameter: %v", w, w.Node())
				continue
			}
			g.Update(w, o.Next(lr, w, grads[i]))
		}
	})
}

func graphOf(values []*graph.Value) *graph.Graph {
	for _, v := range values {
		if v.IsValid() {
			return v.Graph()
		}
	}
	return nil
}

// slot returns a buffer of the type of w, zero at first, for what a rule
// remembers of w.
func slot(w *graph.Value, name string) *graph.Value {
	return w.Graph().Buffer("opt/"+label(w)+"/"+name, w.Type(), graph.Zeros())
}

// fraction returns v, or usual where v is 0, and reports one that is outside 0 … 1.
func fraction(w *graph.Value, o Optimizer, name string, v, usual float64) float64 {
	if v == 0 {
		v = usual
	}
	if !(v > 0 && v < 1) {
		w.Graph().Errorf(o.Name(), "%s is %v, want a number between 0 and 1", name, v)
	}
	return v
}

// positive returns v, or usual where v is 0, and reports one that is negative.
func positive(w *graph.Value, o Optimizer, name string, v, usual float64) float64 {
	if v == 0 {
		v = usual
	}
	if !(v > 0) {
		w.Graph().Errorf(o.Name(), "%s is %v, want a positive number", name, v)
	}
	return v
}

// notNegative returns v, and reports one that is negative or no number.
func notNegative(w *graph.Value, o Optimizer, name string, v float64) float64 {
	if !(v >= 0) {
		w.Graph().Errorf(o.Name(), "%s is %v, want at least 0", name, v)
	}
	return v
}
