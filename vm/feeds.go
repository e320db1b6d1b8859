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
// the batch size, 0 if the program is static. Where no input that is needed
// says it, one which is fed nevertheless does.
func batchOf(g *graph.Graph, inputs []input, feeds Feeds, static bool) (int, error) {
	for v := range feeds {
		if v == nil || v.Graph() != g {
			return 0, errors.Errorf("a feed names a value which does not belong to graph %q", g.Name())
		}
		if _, ok := v.Node().Op.(graph.InputOp); !ok {
			return 0, errors.Errorf("a feed names %v, which is no input of the graph", v.Node())
		}
	}
	b := batcher{size: -1}
	for _, in := range inputs {
		if in.image != nil {
			if err := b.add(in, feeds); err != nil {
				return 0, err
			}
		}
	}
	for _, in := range inputs {
		if in.image == nil && feeds[in.user] != nil && b.size < 0 && !static {
			if err := b.add(in, feeds); err != nil {
				return 0, err
			}
		}
	}
	if b.size < 0 && !static {
		return 0, errors.New("nothing says the batch size: feed an input which has the symbolic dimension")
	}
	return max(b.size, 0), nil
}

// A batcher finds the batch size on which all feeds agree.
type batcher struct {
	size  int    // -1 as long as it is unknown
	first string // the input that said so
}

func (b *batcher) add(in input, feeds Feeds) error {
	t, ok := feeds[in.user]
	if !ok {
		return errors.Errorf("no feed for input %q %v", in.name, in.user.Type())
	}
	typ, err := TypeOf(t)
	if err != nil {
		return errors.WithMessagef(err, "input %q", in.name)
	}
	want := in.user.Type()
	mismatch := typ.DType != want.DType || len(typ.Shape) != len(want.Shape)
	for i, d := range want.Shape {
		mismatch = mismatch || d != graph.Batch && d != typ.Shape[i]
	}
	if mismatch {
		return errors.Errorf("input %q wants %v, the feed is %v", in.name, want, typ)
	}
	for i, d := range want.Shape {
		switch n := typ.Shape[i]; {
		case d != graph.Batch || n == b.size:
		case b.size < 0:
			b.size, b.first = n, in.name
		case b.first == in.name:
			return errors.Errorf("input %q wants %v, all N being equal, the feed is %v", in.name, want, typ)
		default:
			return errors.Errorf("input %q has batch size %d, input %q has %d", in.name, n, b.first, b.size)
		}
	}
	return nil
}
