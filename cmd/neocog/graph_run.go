package main

import (
	"fmt"

	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
	"neocog/inspect/page"
	"neocog/models"
	"neocog/train"
	"neocog/vm"
)

// shownImages are fed to the network for its activations, of which the first image's are shown: some more than one, since
// batch normalisation while training wants a batch.
const shownImages = 8

// openRun opens the run folder, whose network may have another head than the model m that it was made of.
func (r *graphRequest) openRun(m models.Model) (*train.Trainer, error) {
	config, err := train.ReadConfig(r.run)
	if err != nil {
		return nil, err
	}
	if of, err := models.Find(config.Model); err != nil || of.Name != m.Name {
		return nil, usagef("--run: %s is a run of model %q, not of %q", r.run, config.Model, m.Name)
	}
	return train.Open(r.run)
}

// addRun adds to a page the weights of the run, and what the network makes of its first test images, where these
// can be read.
func (r *graphRequest) addRun(g *graph.Graph, t *train.Trainer, o *page.Options) error {
	o.State = t.State()
	cfg := t.Config()
	cfg.TrainImages, cfg.TestImages = 1, shownImages
	_, test, err := train.Load(cfg)
	if err == nil {
		o.Feeds, err = feedsOf(g, t, test)
	}
	if err != nil {
		fmt.Fprintf(r.stderr, "no activations are shown: %v\n", err)
	}
	return nil
}

// feedsOf returns what graph g is fed for the images of a set.
func feedsOf(g *graph.Graph, t *train.Trainer, set *data.Set) (vm.Feeds, error) {
	loader := data.Loader{Set: set, Batch: set.Len(), Norm: t.Normalizer()}
	if err := loader.Validate(); err != nil {
		return nil, err
	}
	feeds := vm.Feeds{}
	for b := range loader.Epoch(0) {
		if x := g.Lookup("x"); x != nil {
			feeds[x] = tensor.New(tensor.WithShape(b.N, set.C, set.H, set.W), tensor.WithBacking(b.X))
		}
		if y := g.Lookup("labels"); y != nil {
			feeds[y] = tensor.New(tensor.WithShape(b.N), tensor.WithBacking(b.Y))
		}
	}
	return feeds, nil
}
