package models

import (
	"errors"
	"fmt"

	"neocog/graph"
	"neocog/models/layers"
)

// At returns the model for images of h×w pixels; train says whether it must also
// fit the parts which it only has while it trains.
//
// Where such images do not fit, because a window of some layer is larger than its
// map, or no whole number of windows lies in it, the error names the layer, what
// it got, the smallest images that fit, and the nearest.
func (m Model) At(h, w int, train bool) (Model, error) {
	const most = 1 << 14
	if h < 1 || w < 1 || h > most || w > most {
		return m, fmt.Errorf("%s: images of %d×%d, want 1 to %d pixels each way", m.Name, h, w, most)
	}
	at, err := m.at(h, w, train)
	if err == nil {
		return at, nil
	}
	text := "no square ones up to its own size fit"
	least := m.smallest(train)
	if least > 0 {
		text = fmt.Sprintf("the smallest square ones that fit are %d×%d", least, least)
	}
	if least > 0 && h >= least && w >= least {
		rows := func(n int) bool { _, err := m.at(n, m.Input[2], train); return err == nil }
		columns := func(n int) bool { _, err := m.at(m.Input[1], n, train); return err == nil }
		text += fmt.Sprintf(", those next to it %d×%d and %d×%d", next(h, -1, rows), next(w, -1, columns), next(h, +1, rows), next(w, +1, columns))
	}
	return m, fmt.Errorf("%s: images of %d×%d do not fit; %s\n%w", m.Name, h, w, text, err)
}

// at returns the model for images of h×w pixels, or its first mistake.
func (m Model) at(h, w int, train bool) (Model, error) {
	m.Input = graph.Shape{m.Input[0], h, w}
	g, _, logits := m.Graph(&layers.Builder{Train: train})
	if err := g.Err(); err != nil {
		var list *graph.Errors
		if errors.As(err, &list) {
			err = list.List[0]
		}
		return m, err
	}
	m.Classes = logits.Shape()[1]
	return m, nil
}

// smallest returns the least n for which images of n×n fit, up to the model's own
// size; 0 if there is none.
func (m Model) smallest(train bool) int {
	for n := 1; n <= max(m.Input[1], m.Input[2]); n++ {
		if _, err := m.at(n, n, train); err == nil {
			return n
		}
	}
	return 0
}

// next returns the extent nearest to n, in steps, that fits: n itself if it does,
// and if none within reach does.
func next(n, step int, fit func(n int) bool) int {
	for i := range 256 {
		if at := n + i*step; at > 0 && fit(at) {
			return at
		}
	}
	return n
}
