package kernel

import (
	"errors"
	"fmt"
	"unsafe"

	"neocog/graph"
)

// Elementwise is an op with one result, of floats, each element of which depends on
// the same element of the operands alone, or of what NumPy's broadcasting makes of
// them. Its plan is one step, whose items are the elements, and whose kernel reads an element of an operand
// before it writes the same one of the result. Compilers may compute it part by part, together with others.
type Elementwise interface {
	Op
	Elementwise()
}

// Producer is an op whose result 0 can go through an element-wise program while it is computed.
type Producer interface {
	Op
	// PlanThen is Plan with a kernel which is called, by any worker, for each stretch of elements of result 0
	// once these are complete, in place, for each element once; nil is none. It wants local memory of its own.
	PlanThen(env *Env, in, out []graph.Type, then Kernel) (Plan, error)
}

// Tiler is an op with one result that an element-wise program can use up part by part: the result as a whole is never in memory.
type Tiler interface {
	Op
	// PlanTiles is Plan with a kernel which hands the result to use, in stretches of elements, each element once.
	PlanTiles(env *Env, in, out []graph.Type, use TileKernel) (Plan, error)
}

// A TileKernel uses the elements lo … hi-1 of a tensor, the first of which lies at tile. It may overwrite them. It wants local memory of its own.
type TileKernel func(c *Call, tile unsafe.Pointer, lo, hi int)

// A Pointwise is a small program of element-wise ops over tensors of one shape.
// Its values are its operands, and then the result of each step.
type Pointwise struct {
	Steps []PointwiseStep
	Outs  []int // the values that are results, each of a step
}

// A PointwiseStep applies Op to values which come before it.
type PointwiseStep struct {
	Op Elementwise
	In []int
}

// blockElements is how many elements a Loop computes at a time: few enough for some
// temporary values to stay in the first cache.
const blockElements = 2048

// A Loop is a Pointwise planned for its operands: it computes any stretch of
// elements, block by block, with every step's own kernel.
type Loop struct {
	size     int // bytes of an element
	operands []operand
	steps    []loopStep
	places   []int // by value: slot of temporary memory, or -1-i where it is operand or result i
	results  int   // values from here on are those of steps
	slots    int
	row      int // elements that are computed at a time at most, from a multiple of it on
	inner    int // bytes of local memory of the steps
	// at is where its local memory begins, in bytes.
	at int
}

// An operand's element at index i of the whole is element i/inner mod count of it.
type operand struct {
	from         int  // index of the input, -1 for the tile
	inner, count int  // inner is 0 where it has one element for all, count 0 where it has an element for each
	scalar       bool // it has one element for all that are computed at a time
}

// longRow is the number of elements from which on a row is worth a call of each kernel.
const longRow = 128

type loopStep struct {
	run       Kernel
	ins, outs []int32 // values
}

// Operand says where a Loop finds an operand of a Pointwise: in an input of the
// node by index, or with −1, which is as large as the results, in the tile that it is given, or in the node's output 0, which it overwrites.
type Operand struct {
	From int
	Type graph.Type
}

// Fits reports whether a tensor of shape s can be an operand of a Pointwise over the
// shape whole: if it is as large, has one element, or is stretched along all
// axes on both sides of a block of axes, such as a bias for each channel.
func Fits(s, whole graph.Shape) bool {
	_, ok := newOperand(s, whole)
	return ok
}

func newOperand(s, whole graph.Shape) (operand, bool) {
	if len(s) > len(whole) {
		return operand{}, false
	}
	lead := len(whole) - len(s)
	first, last := -1, -1 // axes of whole along which s is not 1
	for i, n := range s {
		if n == 1 && whole[lead+i] == 1 {
			continue
		}
		if n != 1 {
			if n != whole[lead+i] {
				return operand{}, false
			}
			if first < 0 {
				first = lead + i
			}
			last = lead + i
		}
	}
	if whole.Size() == 1 {
		return operand{inner: 1}, true
	}
	if first < 0 {
		return operand{}, true
	}
	for i := first; i <= last; i++ {
		if s[i-lead] != whole[i] {
			return operand{}, false // stretched in between
		}
	}
	o := operand{inner: 1, count: 1}
	for i := first; i < len(whole); i++ {
		if i <= last {
			o.count *= whole[i]
		} else if whole[i] != graph.Batch {
			o.inner *= whole[i]
		} else {
			return operand{}, false
		}
	}
	for _, n := range whole[:first] {
		if n != 1 {
			return o, true
		}
	}
	if o.inner == 1 {
		o.count = 0 // it is the whole
	}
	return o, true
}

// Loop plans p over the shape of whole, whose element type all operands have.
func (p *Pointwise) Loop(env *Env, whole graph.Type, operands []Operand) (*Loop, error) {
	if !whole.DType.IsFloat() {
		return nil, fmt.Errorf("element-wise programs are of floats, got %v", whole)
	}
	l := &Loop{size: whole.DType.Size(), results: len(operands)}
	block := graph.Of(whole.DType, blockElements)
	types := make([]graph.Type, 0, len(operands)+len(p.Steps))
	for i, o := range operands {
		op, ok := newOperand(o.Type.Shape, whole.Shape)
		if !ok || o.Type.DType != whole.DType {
			return nil, fmt.Errorf("operand %d, %v, does not fit %v", i, o.Type, whole)
		}
		op.from, op.scalar = o.From, op.inner == 0
		l.operands = append(l.operands, op)
	}
	l.findRow()
	for _, o := range l.operands {
		if o.scalar {
			types = append(types, graph.Of(whole.DType))
		} else {
			types = append(types, block)
		}
	}
	for _, s := range p.Steps {
		in := make([]graph.Type, len(s.In))
		ins := make([]int32, len(s.In))
		for i, v := range s.In {
			in[i], ins[i] = types[v], int32(v)
		}
		plan, err := s.Op.Plan(env, in, []graph.Type{block})
		if err != nil {
			return nil, err
		}
		if len(plan.Steps) != 1 || plan.Steps[0].N != blockElements || plan.Shared > 0 || plan.Prepare.Bytes > 0 {
			return nil, fmt.Errorf("%s is not planned element by element: %w", s.Op.Name(), errNotElementwise)
		}
		l.inner = max(l.inner, plan.Local)
		l.steps = append(l.steps, loopStep{plan.Steps[0].Run, ins, []int32{int32(len(types))}})
		types = append(types, block)
	}
	l.allot(p)
	return l, nil
}

// findRow finds out whether all operands that are stretched are so along the same rows.
func (l *Loop) findRow() {
	l.row = 0
	for _, o := range l.operands {
		if o.count == 0 {
			continue
		}
		if o.inner < longRow || l.row > 0 && l.row != o.inner {
			l.row = 0
			return
		}
		l.row = o.inner
	}
	for i := range l.operands {
		if o := &l.operands[i]; l.row > 0 && o.count > 0 {
			o.scalar = true
		}
	}
}

var errNotElementwise = errors.New("this is a bug of the op")

// allot finds places for all values.
func (l *Loop) allot(p *Pointwise) {
	n := len(l.operands) + len(l.steps)
	last := make([]int, n) // step after which the value is not read
	for i, s := range l.steps {
		for _, v := range s.ins {
			last[v] = i
		}
	}
	l.places = make([]int, n)
	var free []int
	take := func() int {
		if len(free) == 0 {
			l.slots++
			return l.slots - 1
		}
		s := free[len(free)-1]
		free = free[:len(free)-1]
		return s
	}
	for v, o := range l.operands {
		l.places[v] = -1 - v
		if o.count > 0 && !o.scalar {
			l.places[v] = take() // it is filled before the first step
		}
	}
	for i := range l.steps {
		v := len(l.operands) + i
		l.places[v] = -1
		for o, r := range p.Outs {
			if r == v {
				l.places[v] = -1 - o
			}
		}
		if !isResult(p, v) {
			l.places[v] = take()
		}
		for u := range v {
			if temporary := l.places[u] >= 0; temporary && last[u] == i && (u < len(l.operands) || !isResult(p, u)) {
				free = append(free, l.places[u])
			}
		}
	}
}

func isResult(p *Pointwise, v int) bool {
	for _, r := range p.Outs {
		if r == v {
			return true
		}
	}
	return false
}

// Local returns how many bytes of local memory the loop wants behind those that the
// plan which it belongs to uses itself, and remembers where it begins.
func (l *Loop) Local(used int) int {
	l.at = (used + 63) &^ 63
	return l.at + l.slots*blockElements*l.size + l.inner
}

// Run computes the elements lo … hi-1. Operand −1 is the node's output 0.
func (l *Loop) Run(c *Call, lo, hi int) {
	l.RunTile(c, unsafe.Add(c.Bufs[c.Outs[0]].Ptr, lo*l.size), lo, hi)
}

// RunTile computes the elements lo … hi-1. Element lo of operand −1 lies at tile.
func (l *Loop) RunTile(c *Call, tile unsafe.Pointer, lo, hi int) {
	sub := c.nest(len(l.places))
	var base unsafe.Pointer
	if l.slots > 0 || l.inner > 0 {
		base = unsafe.Add(c.Local, l.at)
		sub.Local = unsafe.Add(base, l.slots*blockElements*l.size)
	}
	for n := 0; lo < hi; lo, tile = lo+n, unsafe.Add(tile, n*l.size) {
		if n = min(blockElements, hi-lo); l.row > 0 {
			n = min(n, l.row-lo%l.row)
		}
		for v, place := range l.places {
			b := Buf{Len: n}
			switch {
			case place >= 0:
				b.Ptr = unsafe.Add(base, place*blockElements*l.size)
				if v < l.results {
					l.fill(b, l.operands[v], c.Bufs[c.Ins[l.operands[v].from]].Ptr, lo)
				}
			case v >= l.results:
				b.Ptr = unsafe.Add(c.Bufs[c.Outs[-1-place]].Ptr, lo*l.size)
			case l.operands[v].from < 0:
				b.Ptr = tile
			case l.operands[v].scalar:
				o := &l.operands[v]
				b = Buf{c.Bufs[c.Ins[o.from]].Ptr, 1}
				if o.count > 0 {
					b.Ptr = unsafe.Add(b.Ptr, lo/o.inner%o.count*l.size)
				}
			default:
				b.Ptr = unsafe.Add(c.Bufs[c.Ins[l.operands[v].from]].Ptr, lo*l.size)
			}
			sub.Bufs[v] = b
		}
		for i := range l.steps {
			s := &l.steps[i]
			sub.Ins, sub.Outs = s.ins, s.outs
			s.run(sub, 0, n)
		}
	}
}

// fill stretches the operand o at address from over the elements from lo on.
func (l *Loop) fill(b Buf, o operand, from unsafe.Pointer, lo int) {
	if l.size == 4 {
		stretch(unsafe.Slice((*uint32)(b.Ptr), b.Len), unsafe.Slice((*uint32)(from), o.count), o, lo)
	} else {
		stretch(unsafe.Slice((*uint64)(b.Ptr), b.Len), unsafe.Slice((*uint64)(from), o.count), o, lo)
	}
}

func stretch[T uint32 | uint64](to, from []T, o operand, lo int) {
	if o.inner == 1 {
		for at := lo % o.count; len(to) > 0; at = 0 {
			to = to[copy(to, from[at:]):]
		}
		return
	}
	for len(to) > 0 {
		n := min(o.inner-lo%o.inner, len(to))
		v := from[lo/o.inner%o.count]
		for i := range to[:min(n, 16)] {
			to[i] = v
		}
		for done := 16; done < n; done *= 2 {
			copy(to[done:n], to[:done])
		}
		to, lo = to[n:], lo+n
	}
}

// nest returns a call for kernels that this call's kernel runs, with n buffers and the
// same Fault. It is made once: kernels do not allocate.
func (c *Call) nest(n int) *Call {
	if c.nested == nil {
		c.nested = &Call{}
	}
	if len(c.nested.Bufs) < n {
		c.nested.Bufs = make([]Buf, n)
	}
	c.nested.Fault = c.Fault
	return c.nested
}
