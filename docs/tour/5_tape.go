package main

import "slices"

// Chapter 5. The tape.
//
// Now we run. A graph has steps that nobody asked for (how the loss feels the picture, say), and
// each result would need memory of its own. A tape is the graph made ready: only the steps that are
// needed, in order, and each result at a fixed place in one long slice. A place may be taken again
// once its last reader is through. That is known before the first run, so that no run allocates
// anything.

// An Update says that a source becomes another value after each run. Learning is no more than that.
type Update struct{ Source, Next *Value }

// A Tape is a graph that is ready to run.
type Tape struct {
	steps     []instruction
	updates   []Update
	at        map[*Value]Tensor
	Planned   int // numbers of memory
	Unplanned int // the same, if no place were taken twice
}

type instruction struct {
	op  Op
	in  []Tensor
	out Tensor
}

// A block is a stretch of memory that is taken until step last.
type block struct{ from, to, last int }

// Compile makes a tape that computes the wanted values and makes the updates.
func Compile(g *Graph, wanted []*Value, updates ...Update) (*Tape, error) {
	if g.Err != nil {
		return nil, g.Err
	}
	// Who reads a value last? Backwards, the first reader that we meet. Who is never met is not
	// needed. What people look at, and sources, must last.
	const forever = 1 << 62
	last := make([]int, len(g.Values))
	for _, v := range wanted {
		last[v.ID] = forever
	}
	for _, u := range updates {
		last[u.Source.ID], last[u.Next.ID] = forever, forever
	}
	for id := len(g.Values) - 1; id >= 0; id-- {
		for _, in := range g.Values[id].In {
			if last[id] > 0 {
				last[in.ID] = max(last[in.ID], id)
			}
		}
	}
	var sources, others []*Value
	for _, v := range g.Values {
		if _, is := v.Op.(source); is && last[v.ID] > 0 {
			last[v.ID] = forever
			sources = append(sources, v)
		} else if last[v.ID] > 0 {
			others = append(others, v)
		}
	}
	// Who moves in takes the first gap that is large enough. Sources come first: what is put into
	// them from outside must not be overwritten before it is read.
	t := &Tape{updates: updates, at: map[*Value]Tensor{}}
	var taken []block // by place
	from := make([]int, len(g.Values))
	for _, v := range append(sources, others...) {
		taken = slices.DeleteFunc(taken, func(b block) bool { return b.last < v.ID })
		i, at, size := 0, 0, v.Shape.Size()
		for ; i < len(taken) && taken[i].from-at < size; i++ {
			at = taken[i].to
		}
		taken = slices.Insert(taken, i, block{at, at + size, last[v.ID]})
		from[v.ID] = at
		t.Planned, t.Unplanned = max(t.Planned, at+size), t.Unplanned+size
	}
	memory := make([]float64, t.Planned)
	for _, v := range append(sources, others...) {
		t.at[v] = Tensor{v.Shape, memory[from[v.ID]:][:v.Shape.Size()]}
	}
	for _, v := range others {
		s := instruction{op: v.Op, out: t.at[v]}
		for _, in := range v.In {
			s.in = append(s.in, t.at[in])
		}
		t.steps = append(t.steps, s)
	}
	return t, nil
}

// Of returns the numbers of a source, to be written before a run, or of a wanted value, to be read
// after it.
func (t *Tape) Of(v *Value) []float64 { return t.at[v].Data }

// Run runs each step once, then makes the updates.
func (t *Tape) Run() {
	for _, s := range t.steps {
		s.op.Run(s.in, s.out)
	}
	for _, u := range t.updates {
		copy(t.Of(u.Source), t.Of(u.Next))
	}
}

// Grown up: vm/passes.go leaves out and merges steps, vm/arena.go plans the memory, vm/machine.go
// runs on all processors, and stops when it is told to. vm/interpret.go computes the slow, obvious
// way, and the tests compare. docs/howto/read-a-graph.md shows a tape.
