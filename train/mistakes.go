package train

import (
	"cmp"
	"context"
	"slices"

	"neocog/data"
)

// A Mistake is an image that was taken for what it is not.
type Mistake struct {
	Index       int     // in the set
	Label       int     // what it is
	Taken       int     // what it was taken for
	Probability float64 // of Label, as the network sees it; Sure is that of Taken
	Sure        float64
}

// Mistakes returns the images of a set that are classified wrong, n at most: those first for which the network believes least in what
// they are. Images for which it returns NaN are not among them.
func (t *Trainer) Mistakes(ctx context.Context, set *data.Set, n int) ([]Mistake, error) {
	if err := t.check(set, t.views...); err != nil {
		return nil, err
	}
	probs, err := t.Predict(ctx, set.Pixels, set.Len())
	if err != nil {
		return nil, err
	}
	var all []Mistake
	classes := t.model.Classes
	for i, y := range set.Labels {
		row := probs[i*classes : (i+1)*classes]
		if k := largest(row); k >= 0 && k != int(y) {
			all = append(all, Mistake{i, int(y), k, float64(row[y]), float64(row[k])})
		}
	}
	slices.SortStableFunc(all, func(a, b Mistake) int { return cmp.Compare(a.Probability, b.Probability) })
	return all[:min(n, len(all))], nil
}
