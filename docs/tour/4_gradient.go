package main

// Chapter 4. Derivatives.
//
// The loss is one number that says how wrong the network is. We want to know how it feels each
// parameter (by how much it changes if that is nudged), and there may be millions. The trick is to
// go backwards. The loss feels itself once: that is the constant 1. And if we know how it feels the
// result y of a step, call that dy, then the step's own rule tells how it feels the step's inputs.
// That rule is VJP. (The name stands for vector-Jacobian product; Jacobian is the table of how
// every output feels every input, which nobody ever needs to write down.) One walk from the end to
// the start serves all parameters at once, for about twice the work of running the network
// forwards.
//
// The rules do not compute, they append to the graph. When we are done the gradient is more of the
// same graph, which can be printed, run, and differentiated.

// Gradients returns, for each of wrt, how much the loss changes with it.
func Gradients(loss *Value, wrt ...*Value) []*Value {
	g := loss.Graph
	feels := map[*Value]*Value{loss: g.Constant(1, loss.Shape)}
	for id := loss.ID; id >= 0; id-- {
		v := g.Values[id]
		dv := feels[v]
		if dv == nil {
			continue // the loss does not depend on v
		}
		for i, d := range v.Op.VJP(v, dv) {
			if from := v.In[i]; feels[from] == nil {
				feels[from] = d
			} else {
				feels[from] = Add(feels[from], d) // used more than once: influences add up
			}
		}
	}
	grads := make([]*Value, len(wrt))
	for i, v := range wrt {
		if grads[i] = feels[v]; grads[i] == nil {
			grads[i] = g.Constant(0, v.Shape)
		}
	}
	return grads
}

// Grown up: autodiff/gradients.go, hardly longer. It also notes for each new step which step it is
// the derivative of, and refuses ops that have no gradient by naming both ends of the way.
