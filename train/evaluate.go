package train

import (
	"context"
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/data"
)

// Metrics are the figures of a model on a data set.
type Metrics struct {
	N        int     // images
	Loss     float64 // mean cross-entropy, nats
	Accuracy float64 // share classified right, 0 … 1
	// Confusion[i][j] counts the images of class i that were taken for class j.
	// Images for which the network returns NaN are in none.
	Confusion [][]int
}

// SetViews makes Evaluate and Predict average over these views, in the place of those
// of Config.Views; without any they take images as they are.
func (t *Trainer) SetViews(v data.Views) { t.views = v }

// evalBatch is how many images are evaluated or predicted at a time.
const evalBatch = 256

// Evaluate runs the model over a set. With Config.Views the probabilities of each image
// are the means over its views, and its loss is that of these. The result does not
// depend on the number of threads.
func (t *Trainer) Evaluate(ctx context.Context, set *data.Set) (Metrics, error) {
	if err := t.check(set, t.views...); err != nil {
		return Metrics{}, err
	}
	if err := t.average(); err != nil {
		return Metrics{}, err
	}
	m := Metrics{Confusion: make([][]int, t.model.Classes)}
	for i := range m.Confusion {
		m.Confusion[i] = make([]int, t.model.Classes)
	}
	var loss float64
	var correct int
	var err error
	if len(t.views) > 0 {
		loss, correct, err = t.evaluateViews(ctx, set, m.Confusion)
	} else {
		loss, correct, err = t.evaluate(ctx, set, nil, func(b data.Batch, out []*tensor.Dense) (float64, int) {
			return float64(out[0].Float32s()[0]) * float64(b.N), count(out[1].Float32s(), b.Y, t.model.Classes, m.Confusion)
		})
	}
	if err != nil {
		return Metrics{}, err
	}
	m.N = set.Len()
	m.Loss, m.Accuracy = loss/float64(m.N), float64(correct)/float64(m.N)
	return m, nil
}

// evaluate runs over a set in one view and adds up what each makes of a batch and its
// loss and probabilities.
func (t *Trainer) evaluate(ctx context.Context, set *data.Set, view data.Augment, each func(b data.Batch, out []*tensor.Dense) (float64, int)) (loss float64, correct int, err error) {
	loader := data.Loader{Set: set, Batch: evalBatch, Norm: t.norm, Augment: view, Workers: t.cfg.Workers}
	for b := range loader.Epoch(0) {
		out, err := t.eval.run(ctx, b)
		if err != nil {
			return 0, 0, errors.WithMessagef(err, "evaluation of %s", set.Name)
		}
		l, c := each(b, out)
		loss, correct = loss+l, correct+c
	}
	return loss, correct, loader.Err()
}

func (t *Trainer) evaluateViews(ctx context.Context, set *data.Set, confusion [][]int) (loss float64, correct int, err error) {
	classes := t.model.Classes
	probs := make([]float32, set.Len()*classes)
	for _, view := range t.views {
		_, _, err := t.evaluate(ctx, set, view, func(b data.Batch, out []*tensor.Dense) (float64, int) {
			for j, i := range b.Index {
				addTo(probs[i*classes:(i+1)*classes], out[1].Float32s()[j*classes:(j+1)*classes], len(t.views))
			}
			return 0, 0
		})
		if err != nil {
			return 0, 0, err
		}
	}
	for i, y := range set.Labels {
		loss += nats(probs[i*classes+int(y)])
	}
	return loss, count(probs, set.Labels, classes, confusion), nil
}

// nats is the cross-entropy of an image whose label has a mean probability of p. Means are float32: one that has become 0 in
// it counts as the least that is not, 103 nats, for no network that gives numbers is infinitely wrong.
func nats(p float32) float64 {
	return -math.Log(max(float64(p), math.SmallestNonzeroFloat32))
}

// addTo adds the n-th part of each number.
func addTo(sum, p []float32, n int) {
	for k, v := range p {
		sum[k] += v / float32(n)
	}
}

// Predict returns the probability of each class for n images: pixels holds n·C·H·W
// bytes, in planes as in a data.Set, and the result n·Classes numbers, which with
// Config.Views are means over the views of each image.
func (t *Trainer) Predict(ctx context.Context, pixels []byte, n int) ([]float32, error) {
	in, classes := t.model.Input, t.model.Classes
	if dim := in.Size(); n < 0 || len(pixels) != n*dim {
		return nil, errors.Errorf("%d images for model %q are %d×%d bytes (%s each), got %d", n, t.model.Name, n, dim, size(in), len(pixels))
	}
	if err := t.average(); err != nil {
		return nil, err
	}
	views := t.views
	if len(views) == 0 {
		views = data.Views{nil}
	}
	probs := make([]float32, n*classes)
	set := &data.Set{Name: "images", C: in[0], H: in[1], W: in[2], Classes: make([]string, classes), Pixels: pixels, Labels: make([]int32, n)}
	for _, view := range views {
		loader := data.Loader{Set: set, Batch: evalBatch, Norm: t.norm, Augment: view}
		for b := range loader.Epoch(0) {
			out, err := t.predict.run(ctx, b)
			if err != nil {
				return nil, err
			}
			from := b.Index[0] * classes
			addTo(probs[from:from+b.N*classes], out[0].Float32s(), len(views))
		}
		if err := loader.Err(); err != nil {
			return nil, err
		}
	}
	return probs, nil
}
