package vm

import (
	"cmp"
	"fmt"
	"slices"

	"neocog/graph"
	"neocog/vm/kernel"
)

// WithMemoryBudget makes a run at this batch size need at most so many bytes, as Program.ArenaBytes counts them: parameters, constants
// and feeds apart. Where all results do not fit, some are forgotten and computed again when they are needed, those first that
// free most memory for the time they cost (Jain et al., “Checkmate”, 2020, solve the same problem exactly). Results do not change, to the last bit.
// Compile returns a *BudgetError where not even that fits. batch is 0 where no shape depends on it; at other batch sizes
// the same results are computed again.
func WithMemoryBudget(bytes, batch int) Option {
	return func(o *options) { o.budget, o.budgetBatch = bytes, batch }
}

// A BudgetError says that a program cannot run within its memory budget.
type BudgetError struct {
	Budget, Batch int
	Least         int // bytes that were reached
	All           int // bytes where nothing is computed again
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("the memory budget is %d bytes, but a run at batch %d needs %d even when results are computed again, and %d without that; a smaller batch needs less", e.Budget, e.Batch, e.Least, e.All)
}

// keepWithinBudget computes results again where the program has a budget that it does not keep.
func (p *Program) keepWithinBudget() error {
	if p.opts.budget <= 0 {
		return nil
	}
	order, err := recompute(p)
	if err != nil || order == nil {
		return err
	}
	to, first, again := p.g.Replay(order)
	p.budget = &Pass{Name: "again", Why: "what the memory budget has no room for is computed again", Before: p.g, After: to, Images: first}
	p.log = append(p.log, p.budget.String())
	for v, image := range p.images {
		p.images[v] = first[image]
	}
	for i, v := range p.outputs {
		p.outputs[i] = first[v]
	}
	p.g, p.again = to, again
	return nil
}

// recompute returns the order in which a program keeps within its budget, nil where it does so as it is.
func recompute(p *Program) ([]*graph.Node, error) {
	budget, batch := p.opts.budget, p.opts.budgetBatch
	all, err := p.needs(batch)
	if err != nil || all <= budget {
		return nil, err
	}
	s, err := newReplanner(p, batch)
	if err != nil {
		return nil, err
	}
	// What the planner packs takes more than what is alive, and less where it works in place: aim, look, and aim again.
	least := all
	for aim := budget; ; {
		progress, alive := s.reduce(aim)
		to, first, _ := p.g.Replay(s.nodes())
		q := &Program{g: to, opts: p.opts}
		for _, v := range p.outputs {
			q.outputs = append(q.outputs, first[v])
		}
		bytes, err := q.needs(batch)
		if err != nil {
			return nil, err
		}
		if least = min(least, bytes); bytes <= budget {
			return s.nodes(), nil
		}
		if !progress {
			return nil, &BudgetError{budget, batch, least, all}
		}
		aim = min(aim, alive) - max(1, min(aim, alive)/32)
	}
}

// needs is the memory of a run.
func (p *Program) needs(batch int) (int, error) {
	t, err := plan(p, batch)
	if err != nil {
		return 0, err
	}
	return t.arena + p.opts.threads*t.local, nil
}

// A replanner holds a schedule in which nodes may occur several times; whoever reads a value reads the
// result of the last time before.
type replanner struct {
	order    []int  // of nodes
	late     []bool // by node: what changes parameters, which happens once
	info     []nodeInfo
	buffers  []buffer // by buffer
	bufferOf []int    // by value ID; -1 for what lies outside of the arena
	by       []int    // by value ID: the node
	g        *graph.Graph
	fixed    int // bytes of scratch memory of all workers
}

type nodeInfo struct {
	ins, outs []int   // value IDs
	extra     int     // bytes of scratch memory while it runs
	cost      float64 // nanoseconds, roughly
	view      bool
}

// A buffer is the memory of a value and of its views.
type buffer struct {
	bytes  int
	values []int // IDs
	keep   bool  // it is returned, or becomes a parameter
}

// A life is the time in which a buffer holds a result: places in the order, both included. A buffer that is computed several times has several.
type life struct {
	buffer      int
	first, last int
	uses        []int // places where it is read
}

// What a processor does in a nanosecond: only ratios count.
const (
	flopsPerNs = 150
	bytesPerNs = 10
)

func newReplanner(p *Program, batch int) (*replanner, error) {
	s := &replanner{g: p.g, info: make([]nodeInfo, len(p.g.Nodes())), bufferOf: make([]int, p.g.NumValues()), by: make([]int, p.g.NumValues())}
	for i := range s.bufferOf {
		s.bufferOf[i] = -1
	}
	changing := map[int]bool{}
	for _, u := range p.g.Updates() {
		changing[u.Param.ID()] = true
	}
	frozen := frozenBy(p, changing)
	env := p.opts.env()
	bind := func(vs []*graph.Value) []graph.Type {
		types := typesOf(vs)
		for i := range types {
			types[i] = types[i].Bind(batch)
		}
		return types
	}
	for _, n := range p.g.Nodes() {
		if n.IsSource() {
			continue
		}
		in, out := bind(n.Ins()), bind(n.Outs())
		kp, err := planNode(env, n, in, out)
		if err != nil {
			return nil, err
		}
		s.fixed = max(s.fixed, p.opts.threads*roundUp(kp.Local))
		s.add(n, kp, in, out, frozen)
	}
	for _, v := range p.outputs {
		s.keep(v)
	}
	for _, u := range p.g.Updates() {
		s.keep(u.Next)
	}
	s.late = lateNodes(p)
	nodes, _ := schedule(p)
	for _, n := range nodes {
		s.order = append(s.order, n.Index())
	}
	return s, nil
}

func (s *replanner) add(n *graph.Node, kp kernel.Plan, in, out []graph.Type, frozen map[*graph.Node][]int) {
	f := &s.info[n.Index()]
	f.view = kp.View
	moved := 0
	for i, v := range n.Ins() {
		f.ins = append(f.ins, v.ID())
		moved += in[i].Bytes()
	}
	_, once := frozen[n]
	for i, v := range n.Outs() {
		f.outs = append(f.outs, v.ID())
		s.by[v.ID()] = n.Index()
		moved += out[i].Bytes()
		switch {
		case once:
		case kp.View:
			b := s.bufferOf[n.In(0).ID()]
			if s.bufferOf[v.ID()] = b; b >= 0 {
				s.buffers[b].values = append(s.buffers[b].values, v.ID())
			}
		default:
			s.bufferOf[v.ID()] = len(s.buffers)
			s.buffers = append(s.buffers, buffer{bytes: roundUp(out[i].Bytes()), values: []int{v.ID()}})
		}
	}
	if !kp.View {
		f.extra = roundUp(kp.Shared)
		f.cost = 200 + float64(kp.FLOPs)/flopsPerNs + float64(moved)/bytesPerNs
	}
	if prepare := kp.Prepare; prepare.Bytes > 0 {
		if _, ok := frozen[n.In(prepare.Input).Node()]; !ok {
			f.extra += roundUp(prepare.Bytes)
		}
	}
}

func (s *replanner) keep(v *graph.Value) {
	if b := s.bufferOf[v.ID()]; b >= 0 {
		s.buffers[b].keep = true
	}
}

func (s *replanner) nodes() []*graph.Node {
	all := s.g.Nodes()
	out := make([]*graph.Node, len(s.order))
	for i, n := range s.order {
		out[i] = all[n]
	}
	return out
}

// lives returns the lives of all buffers, and by value ID which of them its results belong to, in their order.
func (s *replanner) lives() (all []life, of [][]int) {
	of = make([][]int, len(s.bufferOf))
	now := make([]int, len(s.bufferOf)) // by value ID: the life of its last result, or -1
	for i := range now {
		now[i] = -1
	}
	for at, n := range s.order {
		f := &s.info[n]
		for _, v := range f.ins {
			if l := now[v]; l >= 0 {
				all[l].last = at
				all[l].uses = append(all[l].uses, at)
			}
		}
		for _, v := range f.outs {
			b := s.bufferOf[v]
			if b < 0 {
				continue
			}
			if f.view {
				now[v] = now[f.ins[0]]
			} else {
				now[v] = len(all)
				all = append(all, life{buffer: b, first: at, last: at})
			}
			of[v] = append(of[v], now[v])
		}
	}
	for v, l := range now {
		if l >= 0 && s.buffers[s.bufferOf[v]].keep {
			all[l].last = len(s.order)
		}
	}
	return all, of
}

// peak returns when most memory is alive, and how much.
func (s *replanner) peak(lives []life) (at, bytes int) {
	change := make([]int, len(s.order)+2)
	for _, l := range lives {
		change[l.first] += s.buffers[l.buffer].bytes
		change[l.last+1] -= s.buffers[l.buffer].bytes
	}
	sum := 0
	for i, n := range s.order {
		sum += change[i]
		if now := sum + s.info[n].extra; now > bytes {
			at, bytes = i, now
		}
	}
	return at, bytes + s.fixed
}

// reduce computes results again until no more than aim bytes are alive at any time, or nothing helps, and reports whether it
// changed anything, and the bytes.
func (s *replanner) reduce(aim int) (changed bool, bytes int) {
	for range 8 * len(s.info) {
		lives, of := s.lives()
		at, bytes := s.peak(lives)
		if bytes <= aim || !s.forget(lives, of, at, bytes) {
			return changed, bytes
		}
		changed = true
	}
	return false, 0
}

// A victim is a buffer that might be forgotten: what computes it again, and where.
type victim struct {
	chain []int // nodes
	at    int
	value float64 // bytes it frees for a nanosecond that it costs
}

// forget looks for the buffer that is alive at a time, not in use, and frees most memory for the time that it
// takes to compute it again, and puts that into the order. It returns false where no buffer lowers the peak.
func (s *replanner) forget(lives []life, of [][]int, at, bytes int) bool {
	var victims []victim
	last := s.lasts()
	for i, l := range lives {
		j, used := slices.BinarySearch(l.uses, at)
		if l.first >= at || l.last <= at || used || s.buffers[l.buffer].keep || s.late[s.order[l.first]] || s.late[s.order[l.uses[j]]] {
			continue
		}
		v := victim{at: l.uses[j]}
		cost := 0.0
		v.chain, cost = s.chain(lives, of, last, i, at, v.at)
		v.value = float64(s.buffers[l.buffer].bytes) / cost
		victims = append(victims, v)
	}
	slices.SortStableFunc(victims, func(a, b victim) int { return cmp.Compare(b.value, a.value) })
	before := s.order
	for _, v := range victims[:min(len(victims), 16)] {
		s.insert(v.chain, v.at)
		now, _ := s.lives()
		// What the chain reads must live until then, which may be another peak.
		if _, peak := s.peak(now); peak <= bytes {
			return true
		}
		s.order = before
	}
	return false
}

// chain returns the nodes that compute a life again at a place of the order, from what is alive at the peak or after it, and
// what they cost.
func (s *replanner) chain(lives []life, of [][]int, last lasts, gone, peak, at int) (nodes []int, cost float64) {
	available := func(v int) bool {
		if s.bufferOf[v] < 0 {
			return true
		}
		now := -1 // of the lives of v the last that begins before
		for _, l := range of[v] {
			if lives[l].first < at {
				now = l
			}
		}
		return now != gone && lives[now].last >= peak
	}
	seen := map[int]bool{}
	cost = 1
	var visit func(n int)
	visit = func(n int) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, v := range s.info[n].ins {
			if !available(v) {
				visit(s.by[v])
			}
		}
		nodes = append(nodes, n)
		if last.run[n] < at { // else the next time that it is computed again is not necessary
			cost += s.info[n].cost
		}
	}
	for _, v := range s.buffers[lives[gone].buffer].values {
		if last.read[v] >= at {
			visit(s.by[v])
		}
	}
	return nodes, cost
}

// lasts are the last places in the order at which a node runs, and a value is read.
type lasts struct{ run, read []int }

func (s *replanner) lasts() lasts {
	l := lasts{run: make([]int, len(s.info)), read: make([]int, len(s.bufferOf))}
	for at, n := range s.order {
		l.run[n] = at
		for _, v := range s.info[n].ins {
			l.read[v] = at
		}
	}
	return l
}

// insert computes nodes again at a place of the order. Later times at which they are computed again are left out.
func (s *replanner) insert(chain []int, at int) {
	rest := slices.DeleteFunc(slices.Clone(s.order[at:]), func(n int) bool { return slices.Contains(chain, n) })
	s.order = slices.Concat(s.order[:at], chain, rest)
}
