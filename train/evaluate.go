package train

import (
	"context"

	"github.com/pkg/errors"

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

// evalBatch is how many images are evaluated or predicted at a time.
const evalBatch = 256

// Evaluate runs the model over a set. The result does not depend on the number
// of threads.
func (t *Trainer) Evaluate(ctx context.Context, set *data.Set) (Metrics, error) {
	if err := t.check(set); err != nil {
		return Metrics{}, err
	}
	loader := data.Loader{Set: set, Batch: evalBatch, Norm: t.norm}
	if err := loader.Validate(); err != nil {
		return Metrics{}, err
	}
	m := Metrics{Confusion: make([][]int, t.model.Classes)}
	for i := range m.Confusion {
		m.Confusion[i] = make([]int, t.model.Classes)
	}
	if err := t.average(); err != nil {
		return Metrics{}, err
	}
	loss, correct := 0.0, 0
	for b := range loader.Epoch(0) {
		out, err := t.eval.run(ctx, b.X, b.Y, b.N)
		if err != nil {
			return Metrics{}, errors.WithMessagef(err, "evaluation of %s", set.Name)
		}
		loss += float64(out[0].Float32s()[0]) * float64(b.N)
		correct += count(out[1].Float32s(), b.Y, t.model.Classes, m.Confusion)
		m.N += b.N
	}
	m.Loss, m.Accuracy = loss/float64(m.N), float64(correct)/float64(m.N)
	return m, nil
}

// Predict returns the probability of each class for n images: pixels holds n·C·H·W
// bytes, in planes as in a data.Set, and the result n·Classes numbers.
func (t *Trainer) Predict(ctx context.Context, pixels []byte, n int) ([]float32, error) {
	dim := t.model.Input.Size()
	if n < 0 || len(pixels) != n*dim {
		return nil, errors.Errorf("%d images for model %q are %d×%d bytes (%s each), got %d", n, t.model.Name, n, dim, size(t.model.Input), len(pixels))
	}
	if err := t.average(); err != nil {
		return nil, err
	}
	probs := make([]float32, 0, n*t.model.Classes)
	x := make([]float32, min(n, evalBatch)*dim)
	for from := 0; from < n; from += evalBatch {
		k := min(evalBatch, n-from)
		for i := range k {
			if err := t.norm.Apply(x[i*dim:(i+1)*dim], pixels[(from+i)*dim:(from+i+1)*dim]); err != nil {
				return nil, err
			}
		}
		out, err := t.predict.run(ctx, x[:k*dim], nil, k)
		if err != nil {
			return nil, err
		}
		probs = append(probs, out[0].Float32s()...)
	}
	return probs, nil
}
