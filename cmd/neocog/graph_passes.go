package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"

	"neocog/bench"
	"neocog/graph"
	"neocog/inspect"
	"neocog/inspect/program"
	"neocog/vm"
)

// passFormats are the forms in which a compiled program can be written.
var passFormats = map[string]func(r *graphRequest, w io.Writer, _ *graph.Graph) error{
	"text": func(r *graphRequest, w io.Writer, _ *graph.Graph) error {
		p, err := r.program()
		if err != nil {
			return err
		}
		return program.Text(w, p)
	},
	"html": (*graphRequest).programPage,
	"json": func(r *graphRequest, w io.Writer, _ *graph.Graph) error {
		p, err := r.program()
		if err != nil {
			return err
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, change := range program.Changes(p) {
			if err := enc.Encode(change); err != nil {
				return err
			}
		}
		return nil
	},
}

// showPasses makes the request one for the compiled program instead of the graph.
func (r *graphRequest) showPasses() error {
	write := passFormats[r.format.name]
	switch {
	case write == nil:
		return usagef("--passes: what the compiler did is shown as text, html or json, not %s", r.format.name)
	case r.run != "":
		return usagef("--run: the page of passes shows no weights; leave --run or --passes out")
	case r.most != 0:
		return usagef("--most: the page of passes draws no scopes; leave --most or --passes out")
	}
	r.format.write = write
	return nil
}

// program returns the network as "neocog bench model" runs it: predicting or, with the gradient, a step of training.
func (r *graphRequest) program() (*vm.Program, error) {
	m, err := findModel(r.model)
	if err != nil {
		return nil, err
	}
	return bench.ModelCase{Model: m, Train: r.gradient, Batch: max(r.batch, 1), Threads: runtime.GOMAXPROCS(0)}.Program()
}

func (r *graphRequest) programPage(w io.Writer, _ *graph.Graph) error {
	p, err := r.program()
	if err != nil {
		return err
	}
	o := program.Options{Batch: r.batch}
	if r.profile != "" {
		f, err := os.Open(r.profile)
		if err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
		defer f.Close()
		if o.Profile, err = inspect.ReadProfile(f, p.Passes()[0].Before); err != nil {
			return fmt.Errorf("%s: %w", r.profile, err)
		}
	}
	return program.Write(w, p, o)
}
