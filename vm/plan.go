package vm

import (
	"fmt"
	"slices"

	"neocog/graph"
	"neocog/vm/kernel"
)

// A tape is a program planned for one batch size: flat instructions, and the
// place of every value.
type tape struct {
	batch   int
	types   []graph.Type // by value ID
	home    []int        // by value ID: index into stores
	stores  []store
	code    []instr
	commit  int    // index of the first instruction which may change a parameter
	staged  []move // copies of parameters that others will become
	updates []move
	results []move // outputs which lie elsewhere than in the arena
	outputs []int  // by output: index into stores
	kept    []kept // what is made of parameters that the program does not change
	own     int    // bytes of the stores that outlive a run
	arena   int    // bytes
	local   int    // bytes for each worker
}

// A store is memory which one value, or several in turn, occupy.
type store struct {
	kind  storeKind
	value int // ID of the source, where it is not in the arena
	span      // in the arena, or the memory that outlives a run; last is meaningful for all kinds
}

type storeKind uint8

const (
	inArena storeKind = iota
	inInput
	inParam
	inConst
	inOwn // memory of the binding, which outlives a run
)

// kept is what depends on parameters alone that the program does not change, or on none: the results of an
// instruction, or what a plan prepares of them, which then takes so many bytes. It outlives the run, and is made anew when
// a parameter has changed.
type kept struct {
	params []int // IDs of the sources
	bytes  int
}

// A move copies bytes from one store to another.
type move struct{ to, from, bytes int }

type instr struct {
	node      *graph.Node
	at        int // place in the schedule, which counts views too
	plan      kernel.Plan
	ins, outs []int32 // value IDs
	scratch   int     // store of the shared scratch memory, -1 for none
	prepared  int     // store of what the plan prepares, -1 for none
	kept      int     // index in kept of what the plan prepares, -1 for none
	once      int     // index in kept of the results, -1 where they are computed in every run
	keptIns   []bool  // kernel.Env.Kept
}

// never is a time after the last instruction.
const never = int(^uint(0) >> 1)

// plan decides order, algorithms and memory.
func plan(p *Program, batch int) (*tape, error) {
	t := &tape{batch: batch, types: make([]graph.Type, p.g.NumValues()), home: make([]int, p.g.NumValues())}
	for _, n := range p.g.Nodes() {
		for _, v := range n.Outs() {
			t.types[v.ID()] = v.Type().Bind(batch)
			if err := allocatable(t.types[v.ID()]); err != nil {
				return nil, &RunError{Node: n, Err: fmt.Errorf("at batch size %d: %w", batch, err)}
			}
		}
	}
	order, commit := schedule(p)
	last := lastUses(p, order)
	next := map[*graph.Value]*graph.Value{} // new value → parameter, the first if several
	for _, u := range p.g.Updates() {
		if next[u.Next] == nil {
			next[u.Next] = u.Param
		}
	}
	direct := map[*graph.Value]bool{} // parameters whose new value is written in place
	changing := map[int]bool{}        // IDs of all parameters with a new value
	for _, u := range p.g.Updates() {
		changing[u.Param.ID()] = true
	}
	for _, n := range p.g.Nodes() {
		if n.IsSource() {
			t.source(n.Out(0), last)
		}
	}
	env := p.opts.env()
	frozen := frozenBy(p, changing)
	t.commit = -1
	for now, n := range order {
		if now == commit {
			t.commit = len(t.code)
		}
		in, out := t.typesOf(n.Ins()), t.typesOf(n.Outs())
		env.Kept = keptIns(n, frozen)
		kp, err := planNode(env, n, in, out)
		if err != nil {
			return nil, err
		}
		if kp.View {
			v := n.Out(0)
			t.home[v.ID()] = t.home[n.In(0).ID()]
			t.extend(v, last[v.ID()], next[v] != nil)
			continue
		}
		once := -1
		if params, ok := frozen[n]; ok {
			once, t.kept = len(t.kept), append(t.kept, kept{params: params})
		}
		for i, v := range n.Outs() {
			s := -1
			if once >= 0 {
				s = t.add(store{kind: inOwn, value: v.ID(), span: span{bytes: out[i].Bytes(), offset: t.own}})
				t.own += roundUp(out[i].Bytes())
			}
			param := next[v]
			// A program that watches for bad values looks at all results first.
			if s < 0 && param != nil && p.opts.watch == 0 {
				s = t.overwrite(n, kp, i, t.home[param.ID()], now)
				direct[param] = s >= 0
			}
			if s < 0 && i < len(kp.InPlace) && kp.InPlace[i] > 0 {
				if home := t.home[n.In(kp.InPlace[i]-1).ID()]; t.stores[home].kind == inArena {
					s = t.overwrite(n, kp, i, home, now)
				}
			}
			if s < 0 {
				s = t.add(store{span: span{bytes: out[i].Bytes(), first: now}})
			}
			t.home[v.ID()] = s
			t.extend(v, max(last[v.ID()], now), param != nil && !direct[param])
		}
		t.emit(n, kp, now, once, frozen)
	}
	if t.commit < 0 {
		t.commit = len(t.code)
	}
	t.finish(p, direct)
	spans := make([]*span, 0, len(t.stores))
	for i := range t.stores {
		if t.stores[i].kind == inArena {
			spans = append(spans, &t.stores[i].span)
		}
	}
	t.arena = pack(spans)
	return t, nil
}

// frozenBy returns the nodes whose results depend on constants and on parameters alone that the program does not change, with the IDs of these
// parameters. What the program returns is not among them: its memory is the caller's.
func frozenBy(p *Program, changing map[int]bool) map[*graph.Node][]int {
	frozen := map[*graph.Node][]int{}
	returned := map[*graph.Node]bool{}
	for _, v := range p.outputs {
		returned[v.Node()] = true
	}
	for _, u := range p.g.Updates() {
		returned[u.Next.Node()] = true
	}
	for _, n := range p.g.Nodes() {
		switch n.Op.(type) {
		case graph.ConstOp:
			frozen[n] = nil
			continue
		case graph.ParamOp:
			if id := n.Out(0).ID(); !changing[id] {
				frozen[n] = []int{id}
			}
			continue
		}
		all := len(n.Ins()) > 0 && !returned[n]
		var params []int
		for _, v := range n.Ins() {
			more, ok := frozen[v.Node()]
			all = all && ok
			for _, id := range more {
				if !slices.Contains(params, id) {
					params = append(params, id)
				}
			}
		}
		if all {
			frozen[n] = params
		}
	}
	return frozen
}

// keptIns says by input of n whether it is frozen.
func keptIns(n *graph.Node, frozen map[*graph.Node][]int) []bool {
	kept := make([]bool, len(n.Ins()))
	for i, v := range n.Ins() {
		_, kept[i] = frozen[v.Node()]
	}
	return kept
}

// schedule returns the nodes in the order in which they run and the place of the first one which may change a parameter.
// Nodes that compute the new value of a parameter, or depend on one, are late: they wait for all that the program returns, so that
// a run which fails on the way there has changed nothing. Then each runs as soon as its operands are there and
// nobody else is left to read the old value: gradients need no memory for long. A program that watches for bad values
// has all of them in the end, since it looks at everything else first.
func schedule(p *Program) (order []*graph.Node, commit int) {
	nodes, late := p.g.Nodes(), lateNodes(p)
	early := make([]*graph.Node, 0, len(nodes))
	for i, n := range nodes {
		if !late[i] && !n.IsSource() {
			early = append(early, n)
		}
	}
	waits := make([]int, len(nodes))             // by node: runs of others that it waits for
	waiting := make([][]*graph.Node, len(nodes)) // by node: who waits for it
	wait := func(n, first *graph.Node) {
		waits[n.Index()]++
		waiting[first.Index()] = append(waiting[first.Index()], n)
	}
	changes := map[*graph.Value]*graph.Node{} // by parameter: the node that computes its new value
	for _, u := range p.g.Updates() {
		if n := u.Next.Node(); late[n.Index()] {
			changes[u.Param] = n
		}
	}
	returned := -1 // the last of the early nodes that is one of the results
	for i, n := range early {
		for _, v := range p.outputs {
			if v.Node() == n {
				returned = i
			}
		}
		for _, v := range n.Ins() {
			if u := changes[v]; u != nil {
				wait(u, n)
			}
		}
	}
	for i, n := range nodes {
		for _, v := range n.Ins() {
			if late[i] && !v.Node().IsSource() {
				wait(n, v.Node())
			}
		}
	}
	var ready []*graph.Node // late ones
	run := func(n *graph.Node) {
		order = append(order, n)
		for _, w := range waiting[n.Index()] {
			if waits[w.Index()]--; waits[w.Index()] == 0 {
				ready = append(ready, w)
			}
		}
	}
	for i, n := range nodes {
		if late[i] && waits[i] == 0 {
			ready = append(ready, n)
		}
	}
	commit = len(early)
	for i, n := range early {
		run(n)
		if i < returned || p.opts.watch != 0 {
			continue
		}
		commit = min(commit, len(order))
		for len(ready) > 0 {
			n, ready = ready[0], ready[1:]
			run(n)
		}
	}
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		run(n)
	}
	return order, commit
}

// lateNodes says by index which nodes compute the new value of a parameter, or depend on one.
func lateNodes(p *Program) []bool {
	late := make([]bool, len(p.g.Nodes()))
	for _, u := range p.g.Updates() {
		if n := u.Next.Node(); !n.IsSource() {
			late[n.Index()] = true
		}
	}
	for i, n := range p.g.Nodes() {
		for _, v := range n.Ins() {
			late[i] = late[i] || late[v.Node().Index()]
		}
	}
	return late
}

// lastUses returns by value ID when each value is read for the last time.
func lastUses(p *Program, order []*graph.Node) []int {
	last := make([]int, p.g.NumValues())
	for i := range last {
		last[i] = -1
	}
	for now, n := range order {
		for _, v := range n.Ins() {
			last[v.ID()] = now
		}
	}
	for _, v := range p.outputs {
		last[v.ID()] = never
	}
	for _, u := range p.g.Updates() {
		if u.Next.Node().IsSource() { // it is copied in the end
			last[u.Next.ID()] = never
		}
	}
	return last
}

// extend says that the store of v is needed until last, or until after the last
// instruction if v is copied to a parameter then.
func (t *tape) extend(v *graph.Value, last int, copied bool) {
	s := &t.stores[t.home[v.ID()]]
	if copied {
		last = never
	}
	s.last = max(s.last, last)
}

func (t *tape) typesOf(vs []*graph.Value) []graph.Type {
	out := make([]graph.Type, len(vs))
	for i, v := range vs {
		out[i] = t.types[v.ID()]
	}
	return out
}

func (t *tape) add(s store) int {
	t.stores = append(t.stores, s)
	return len(t.stores) - 1
}

func (t *tape) source(v *graph.Value, last []int) {
	s := store{value: v.ID(), span: span{bytes: t.types[v.ID()].Bytes(), last: last[v.ID()]}}
	switch v.Node().Op.(type) {
	case graph.InputOp:
		s.kind = inInput
	case graph.ParamOp:
		s.kind = inParam
	case graph.ConstOp:
		s.kind = inConst
	}
	t.home[v.ID()] = t.add(s)
}

// overwrite returns store s if output i of n may be written to it at time now:
// if nobody reads s later, and n itself reads it only in the way that the plan
// allows to be in place. Otherwise it returns -1.
func (t *tape) overwrite(n *graph.Node, kp kernel.Plan, i, s, now int) int {
	st := &t.stores[s]
	if st.last > now || st.bytes != t.types[n.Out(i).ID()].Bytes() {
		return -1
	}
	for j, v := range n.Ins() {
		if t.home[v.ID()] == s && !(i < len(kp.InPlace) && kp.InPlace[i] == j+1) {
			return -1
		}
	}
	for _, v := range n.Outs()[:i] {
		if t.home[v.ID()] == s {
			return -1
		}
	}
	return s
}

func (t *tape) emit(n *graph.Node, kp kernel.Plan, now, once int, frozen map[*graph.Node][]int) {
	in := instr{node: n, at: now, plan: kp, scratch: -1, prepared: -1, kept: -1, once: once, keptIns: keptIns(n, frozen)}
	for _, v := range n.Ins() {
		in.ins = append(in.ins, int32(v.ID()))
	}
	for _, v := range n.Outs() {
		in.outs = append(in.outs, int32(v.ID()))
	}
	if kp.Shared > 0 {
		in.scratch = t.add(store{span: span{bytes: kp.Shared, first: now, last: now}})
	}
	if prepare := kp.Prepare; prepare.Bytes > 0 {
		if params, ok := frozen[n.In(prepare.Input).Node()]; ok {
			in.kept, t.kept = len(t.kept), append(t.kept, kept{params, prepare.Bytes})
		} else {
			in.prepared = t.add(store{span: span{bytes: prepare.Bytes, first: now, last: now}})
		}
	}
	t.local = max(t.local, roundUp(kp.Local))
	t.code = append(t.code, in)
}

// finish plans what happens after the last instruction: parameters take their
// new values where these were not written in place, and outputs which lie in a
// feed, a parameter or a constant are copied into the arena, since a user may
// neither hold nor change those.
func (t *tape) finish(p *Program, direct map[*graph.Value]bool) {
	for _, v := range p.outputs {
		s := t.home[v.ID()]
		if t.stores[s].kind != inArena {
			own := t.add(store{span: span{bytes: t.stores[s].bytes, first: 0, last: never}})
			t.results = append(t.results, move{own, s, t.stores[s].bytes})
			s = own
		}
		t.outputs = append(t.outputs, s)
	}
	for _, u := range p.g.Updates() {
		if direct[u.Param] {
			continue
		}
		from := t.home[u.Next.ID()]
		bytes := t.stores[from].bytes
		if t.stores[from].kind == inParam {
			own := t.add(store{span: span{bytes: bytes, first: 0, last: never}})
			t.staged = append(t.staged, move{own, from, bytes})
			from = own
		}
		t.updates = append(t.updates, move{t.home[u.Param.ID()], from, bytes})
	}
}

// place returns where a value lies, for dumps.
func (t *tape) place(id int) string {
	s := t.stores[t.home[id]]
	switch s.kind {
	case inArena:
		return fmt.Sprintf("@%d", s.offset)
	case inParam:
		return fmt.Sprintf("param %%%d", s.value)
	case inOwn:
		return fmt.Sprintf("own @%d", s.offset)
	}
	return fmt.Sprintf("%%%d", s.value)
}
