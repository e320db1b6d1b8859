package vm

import (
	"github.com/pkg/errors"

	"neocog/graph"
)

// An input is an input of the user's graph and its image in the program, nil
// where nothing that is computed needs it.
type input struct {
	user, image *graph.Value
	name        string
}

func inputsOf(g *graph.Graph, images map[*graph.Value]*graph.Value) []input {
	var list []input
	for _, v := range g.Inputs() {
		list = append(list, input{v, images[v], v.Node().Op.(graph.InputOp).Label})
	}
	return list
}

// batchOf checks the feeds of a run against the inputs of graph g and returns
// the batch size, 0 if no needed input has a symbolic dimension.
func batchOf(g *graph.Graph, inputs []input, feeds Feeds) (int, error) {
	for v := range feeds {
		if v == nil || v.Graph() != g {
			return 0, errors.Errorf("a feed names a value which does not belong to graph %q", g.Name())
		}
		if _, ok := v.Node().Op.(graph.InputOp); !ok {
			return 0, errors.Errorf("a feed names %v, which is no input of the graph", v.Node())
		}
	}
	batch, first := -1, ""
	for _, in := range inputs {
		if in.image == nil {
			continue
		}
		t, ok := feeds[in.user]
		if !ok {
			return 0, errors.Errorf("no feed for input %q %v", in.name, in.user.Type())
		}
		typ, err := TypeOf(t)
		if err != nil {
			return 0, errors.Wrapf(err, "input %q", in.name)
		}
		if want := in.user.Type(); typ.DType != want.DType || len(typ.Shape) != len(want.Shape) {
			return 0, errors.Errorf("input %q wants %v, the feed is %v", in.name, want, typ)
		}
		for i, d := range in.user.Shape() {
			n := typ.Shape[i]
			switch {
			case d != graph.Batch && d != n:
				return 0, errors.Errorf("input %q wants %v, the feed is %v", in.name, in.user.Type(), typ)
			case d == graph.Batch && batch < 0:
				batch, first = n, in.name
			case d == graph.Batch && batch != n:
				return 0, errors.Errorf("input %q has batch size %d, input %q has %d", in.name, n, first, batch)
			}
		}
	}
	return max(batch, 0), nil
}
