package program

import (
	"slices"

	"neocog/graph"
	"neocog/graph/view"
	"neocog/inspect"
	"neocog/vm"
)

// Options are what a page shows besides the program. The zero Options are of use.
type Options struct {
	Batch   int              // batch size of tape and arena; 0 means that of Profile, 1 without one
	Profile *inspect.Profile // what was measured of the graph that the program was compiled from
}

// A column is a graph, as compiled or after a pass.
type column struct {
	pass vm.Pass // the zero Pass for the graph as compiled
	g    *graph.Graph
	ids  [][]int // by node: what it has to do with nodes of other columns: see trace
	made []bool  // by node: by this pass
	goes []bool  // by node: the next pass that changes something does so with it
	same bool    // the pass has changed nothing
}

// columns returns the graph as it was compiled, and after each pass.
func columns(passes []vm.Pass) []*column {
	first := &column{g: passes[0].Before}
	next := 0 // number for nodes that stand for none
	for _, n := range first.g.Nodes() {
		first.ids = append(first.ids, []int{n.Index()})
		next++
	}
	all, last := []*column{first}, first
	first.mark(nil)
	for _, p := range passes {
		c := &column{pass: p, g: p.After, ids: trace(p, last.ids, &next)}
		gone, made := p.Changes()
		c.same = len(gone) == 0 && len(made) == 0
		c.mark(made)
		for _, n := range gone {
			last.goes[n.Index()] = true
		}
		all = append(all, c)
		if !c.same {
			last = c
		} else {
			last.ids = c.ids // the same graph
		}
	}
	return all
}

// mark notes the nodes that the pass has made.
func (c *column) mark(made []*graph.Node) {
	c.made, c.goes = make([]bool, len(c.g.Nodes())), make([]bool, len(c.g.Nodes()))
	for _, n := range made {
		c.made[n.Index()] = true
	}
}

// trace returns by node of p.After the numbers of the nodes of p.Before that it stands for, ids being theirs: of its image, and of what went into it, since
// the nodes that read it did. Others get a number of their own, from next on.
func trace(p vm.Pass, ids [][]int, next *int) [][]int {
	out := make([][]int, len(p.After.Nodes()))
	into := make([]*graph.Node, len(p.Before.Nodes())) // by node of Before: the node of After
	nodes := p.Before.Nodes()
	for _, n := range slices.Backward(nodes) {
		for _, v := range n.Outs() {
			if image := p.Images[v]; image != nil {
				into[n.Index()] = image.Node()
			}
		}
		to := into[n.Index()]
		if to == nil {
			continue
		}
		out[to.Index()] = append(out[to.Index()], ids[n.Index()]...)
		for _, v := range n.Ins() {
			if from := v.Node().Index(); into[from] == nil {
				into[from] = to
			}
		}
	}
	for i := range out {
		if len(out[i]) == 0 {
			out[i] = []int{*next}
			*next++
		}
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
	}
	return out
}

// A row is an instruction of the tape.
type row struct {
	vm.Instruction
	phase    view.Kind
	offsets  []int // of the results that begin with it
	measured float64
	ids      []int
}

// rows returns the tape. Times are nanoseconds of a run.
func rows(c *vm.Cost, last *column, profile *inspect.Profile) []row {
	phases := inspect.Phases(c.Instructions)
	times := map[int]float64{} // by node of the compiled graph
	if profile != nil {
		for _, n := range profile.Nodes {
			times[n.Node] += n.Nanoseconds
		}
	}
	all := make([]row, len(c.Instructions))
	for pc, in := range c.Instructions {
		r := row{Instruction: in, phase: phases[pc], ids: last.ids[in.Node.Index()]}
		for _, n := range in.Of {
			r.measured += times[n.Index()]
			delete(times, n.Index()) // an instruction that runs again, for a memory budget, has its time in the first
		}
		all[pc] = r
	}
	for _, b := range c.Buffers {
		if len(b.Values) > 0 && b.First < len(all) {
			all[b.First].offsets = append(all[b.First].offsets, b.Offset)
		}
	}
	return all
}
