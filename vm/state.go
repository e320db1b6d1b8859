package vm

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"unsafe"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/internal/arena"
)

// A State holds the values of parameters and buffers by name. It is shared by
// the machines of any number of programs – training, evaluation, prediction –
// which thereby see the same weights.
//
// A State may be used by many goroutines: runs of programs without updates go
// on side by side, a run which updates parameters excludes all others.
type State struct {
	seed uint64
	mu   sync.RWMutex // held for reading by runs, for writing by runs which update
	vars map[string]*variable
}

type variable struct {
	version uint64 // counts changes of mem, from 1; guarded by the State's mu
	typ     graph.Type
	mem     []byte
	block   *arena.Block // holds mem
}

func newVariable(typ graph.Type) (*variable, error) {
	b, err := arena.New(typ.Bytes())
	return &variable{1, typ, b.Bytes(), b}, err
}

// NewState returns an empty State. Parameters appear in it when a machine is
// made whose program has them, with starting values drawn from the seed and
// their name.
func NewState(seed uint64) *State {
	return &State{seed: seed, vars: map[string]*variable{}}
}

// Seed returns the seed given to NewState.
func (s *State) Seed() uint64 { return s.seed }

// Names returns the names of what the State holds, sorted.
func (s *State) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.vars))
}

// Type returns the type of the value called name, and whether there is one.
func (s *State) Type(name string) (graph.Type, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if v := s.vars[name]; v != nil {
		return v.typ, true
	}
	return graph.Type{}, false
}

// Init makes the parameters and buffers that s lacks, with their starting values, as NewMachine does. One that s has
// with another type is an error.
func (s *State) Init(params ...*graph.Value) error {
	for _, p := range params {
		if !isParam(p) {
			return errors.Errorf("%v is no parameter and no buffer", p)
		}
		if _, err := s.ensure(p); err != nil {
			return err
		}
	}
	return nil
}

func isParam(v *graph.Value) bool {
	if !v.IsValid() {
		return false
	}
	_, ok := v.Node().Op.(graph.ParamOp)
	return ok
}

// Get returns a copy of the value called name.
func (s *State) Get(name string) (*tensor.Dense, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v := s.vars[name]
	if v == nil {
		return nil, errors.Errorf("the state holds no %q", name)
	}
	c := alloc(len(v.mem))
	copy(c, v.mem)
	return dense(v.typ, c), nil
}

// Set copies t into the value called name, which takes its type from t if it
// does not exist yet and must have that type otherwise.
func (s *State) Set(name string, t *tensor.Dense) error {
	typ, err := TypeOf(t)
	if err != nil {
		return errors.Wrapf(err, "value %q", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.vars[name]
	if v == nil {
		if v, err = newVariable(typ); err != nil {
			return errors.Wrapf(err, "value %q", name)
		}
	}
	if !v.typ.Equal(typ) {
		return errors.Errorf("value %q is %v, cannot become %v", name, v.typ, typ)
	}
	gather(v.mem, t, typ)
	v.version++
	s.vars[name] = v
	return nil
}

// ensure makes the parameter p exist and returns its memory.
func (s *State) ensure(p *graph.Value) (*variable, error) {
	op := p.Node().Op.(graph.ParamOp)
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.vars[op.Label]
	if v == nil {
		if err := allocatable(p.Type()); err != nil {
			return nil, fmt.Errorf("%v: parameter %q: %w", p.Node().Pos, op.Label, err)
		}
		var err error
		if v, err = newVariable(p.Type()); err != nil {
			return nil, fmt.Errorf("%v: parameter %q: %w", p.Node().Pos, op.Label, err)
		}
		rest := v.mem
		for values := range op.Init.Blocks(op.Label, v.typ, s.seed) {
			fill(rest, v.typ.DType, values)
			rest = rest[len(values)*v.typ.DType.Size():]
		}
		s.vars[op.Label] = v
	}
	if !v.typ.Equal(p.Type()) {
		return nil, &RunError{Node: p.Node(), Err: fmt.Errorf("%q is %v in the graph, %v in the state", op.Label, p.Type(), v.typ)}
	}
	return v, nil
}

// align is the alignment of all tensors in bytes.
const align = arena.Align

// maxBytes is the largest tensor that a machine makes: 1 TiB, more than any has.
const maxBytes int64 = 1 << 40

// allocatable returns an error if no memory could hold t.
func allocatable(t graph.Type) error {
	if err := t.Check(); err != nil {
		return err
	}
	if n := int64(t.Bytes()); n > maxBytes {
		return fmt.Errorf("%v takes %d bytes, the most is %d", t, n, maxBytes)
	}
	return nil
}

// alloc returns n zeroed bytes, aligned, which live as long as anything points
// to them: for what users may hold.
func alloc(n int) []byte { return arena.Heap(n) }

// within reports whether p points into b.
func within(p unsafe.Pointer, b []byte) bool {
	return uintptr(p)-uintptr(pointer(b)) < uintptr(len(b))
}

func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// as returns b as a slice of T.
func as[T graph.Element](b []byte) []T {
	var z T
	return unsafe.Slice((*T)(pointer(b)), len(b)/int(unsafe.Sizeof(z)))
}

// fill converts v to d and writes it to mem.
func fill(mem []byte, d graph.DType, v []float64) {
	switch d {
	case graph.Float32:
		convert(as[float32](mem), v)
	case graph.Float64:
		copy(as[float64](mem), v)
	case graph.Int32:
		convert(as[int32](mem), v)
	case graph.Int64:
		convert(as[int64](mem), v)
	case graph.Bool:
		for i, x := range v {
			as[bool](mem)[i] = x != 0
		}
	}
}

func convert[T float32 | float64 | int32 | int64, U float32 | float64](dst []T, src []U) {
	for i, x := range src {
		dst[i] = T(x)
	}
}
