package train

import (
	"neocog/autodiff"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops"
)

// A Learning is a model's graph as it trains: the loss and its derivative by every parameter, and
// nothing that these do not need.
type Learning struct {
	Graph         *graph.Graph
	X, Labels     *graph.Value // inputs: images [N,C,H,W], and N classes
	Loss, Logits  *graph.Value
	Params, Grads []*graph.Value
}

// NewLearning returns the graph of m with gradients and without any optimiser. Mistakes in the model
// come back with the user's line.
func NewLearning(m models.Model) (*Learning, error) {
	b := &layers.Builder{Train: true}
	g, x, logits := m.Graph(b)
	if err := g.Err(); err != nil {
		return nil, err
	}
	labels := g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	loss := b.Loss(logits, labels, ops.CrossEntropy{})
	roots := append([]*graph.Value{loss, logits, x, labels}, autodiff.Gradients(loss, g.Params()...)...)
	if err := g.Err(); err != nil {
		return nil, err
	}
	needed, image := g.Rebuild(roots, true, nil)
	l := &Learning{Graph: needed, X: image[x], Labels: image[labels], Loss: image[loss], Logits: image[logits], Params: needed.Params()}
	for _, v := range roots[4:] {
		l.Grads = append(l.Grads, image[v])
	}
	return l, nil
}

// Step declares the updates of one step of rule at a constant learning rate.
func (l *Learning) Step(rule Optimizer, rate float64) error {
	rule.Apply(l.Graph.Scalar(l.Loss.DType(), rate), l.Params, l.Grads)
	return l.Graph.Err()
}
