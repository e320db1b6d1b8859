package inspect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"neocog/graph"
	"neocog/vm/kernel"
)

// A Summary is a graph's table of layers.
type Summary struct {
	Graph string `json:"graph"` // its name
	Batch int    `json:"batch"`
	Rows  []Row  `json:"rows"`
	Total Row    `json:"total"`
}

// A Row is one layer: all nodes of one scope, or one node without scope together
// with what happens to its result in place, such as ReLU and Flatten.
type Row struct {
	// Layer is the scope, such as "block1/conv2", or the name of an input; "" for
	// nodes without scope.
	Layer string `json:"layer"`
	// Ops are the kinds of its nodes, in order, each once; those of the gradient are
	// not among them.
	Ops []string `json:"ops,omitempty"`
	// Output is the shape of its last result, -1 standing for the batch. Flatten and
	// Reshape leave it as it was.
	Output graph.Shape `json:"output"`
	// Params is the number of learned parameters; Formula shows how it comes about:
	// R*S*C*K+K for a convolution.
	Params  int64  `json:"params"`
	Formula string `json:"formula,omitempty"`
	// Buffers is the number of elements that are kept but not learned, such as
	// running means.
	Buffers int64 `json:"buffers,omitempty"`
	// MACs is the number of multiply-adds of convolutions and matrix products, for
	// the whole batch; taps in the padding count, additions of a bias and everything
	// else do not. GradientMACs are those of the gradient's nodes.
	MACs         int64 `json:"macs"`
	GradientMACs int64 `json:"gradient_macs,omitempty"`
	// Activations is the size in bytes of the results, for the whole batch; of an
	// input, its own. A result counts nothing where it views what it is made of, as
	// that of Flatten, or may overwrite it, as that of ReLU, if nobody reads that
	// again, a node of the gradient for instance. Nor do second results count,
	// gradients, and what depends on no input. It is what must be kept where there is
	// a gradient; a program without one reuses most of it.
	Activations int64 `json:"activation_bytes"`
}

// products are the ops whose FLOPs are multiply-adds, two each.
var products = map[string]bool{"Conv2D": true, "Conv2DInputGrad": true, "Conv2DFilterGrad": true, "MatMul": true}

// maxBatch keeps all counts of networks of 10¹¹ multiply-adds an image within an
// int64.
const maxBatch = 1 << 24

// Summarise returns the table of g at a batch size from 1 to 2²⁴. Rows stand in the
// order in which the layers begin. Only what depends on an input, and what
// stands in a scope, is listed; nodes which derive from a gradient, an optimiser's
// among them, are counted with the layer that they come from.
//
// Where outputs are given, only what they and the updates of g need is counted,
// which is what a program runs: not the gradient of the input, for instance.
//
// An error is one of the graph, of the batch size, of an output, or of a node
// which cannot be planned.
func Summarise(g *graph.Graph, batch int, outputs ...*graph.Value) (*Summary, error) {
	if g == nil {
		return nil, fmt.Errorf("the graph is nil")
	}
	if err := g.Err(); err != nil {
		return nil, err
	}
	if batch < 1 || batch > maxBatch {
		return nil, fmt.Errorf("the batch size is %d, want 1 to %d", batch, maxBatch)
	}
	needed, err := need(g, outputs)
	if err != nil {
		return nil, err
	}
	s := &summariser{
		Summary: Summary{Graph: g.Name(), Batch: batch},
		rows:    make([]int, len(g.Nodes())), byScope: map[string]int{},
		fed: make([]bool, len(g.Nodes())), derived: make([]bool, len(g.Nodes())),
		plans: make([]kernel.Plan, len(g.Nodes())),
	}
	for i, n := range g.Nodes() {
		if s.rows[i] = -1; !needed[i] || n.IsSource() {
			continue
		}
		if s.plans[i], err = planOf(n, batch); err != nil {
			return nil, err
		}
	}
	s.memory = newMemory(g, needed, s.plans, outputs)
	for i, n := range g.Nodes() {
		if needed[i] {
			s.node(n)
		}
	}
	for _, r := range s.Rows {
		s.Total.add(r)
	}
	return &s.Summary, nil
}

// add adds the counts of o.
func (r *Row) add(o Row) {
	r.Params += o.Params
	r.Buffers += o.Buffers
	r.MACs += o.MACs
	r.GradientMACs += o.GradientMACs
	r.Activations += o.Activations
}

type summariser struct {
	Summary
	rows    []int          // by node: its row, or -1
	byScope map[string]int // row of a scope
	fed     []bool         // by node: it depends on an input
	derived []bool         // by node: it depends on a gradient
	plans   []kernel.Plan  // by node
	memory  memory
}

func (s *summariser) node(n *graph.Node) {
	i := n.Index()
	s.derived[i] = n.Origin != nil
	for _, v := range n.Ins() {
		from := v.Node().Index()
		s.fed[i] = s.fed[i] || s.fed[from]
		s.derived[i] = s.derived[i] || s.derived[from]
	}
	switch op := n.Op.(type) {
	case graph.InputOp:
		s.fed[i] = true
		s.rows[i] = s.row(op.Label)
		r := &s.Rows[s.rows[i]]
		r.Ops, r.Output, r.Activations = append(r.Ops, op.Name()), n.Out(0).Shape(), s.bytes(n.Out(0))
		return
	case graph.ParamOp:
		s.stored(n, op)
		return
	case graph.ConstOp:
		return
	}
	macs := int64(0)
	if products[n.Op.Name()] {
		macs = s.plans[i].FLOPs / 2
	}
	if s.derived[i] {
		s.gradient(n, macs)
		return
	}
	from := reuse(n, s.plans[i])
	switch {
	case n.Scope != "":
		s.rows[i] = s.row(n.Scope)
	case !s.fed[i] && macs == 0:
		return // of parameters alone, such as a penalty on weights
	case from != nil:
		s.rows[i] = s.rows[from.Node().Index()]
	}
	if s.rows[i] < 0 {
		s.rows[i] = s.row("")
	}
	r := &s.Rows[s.rows[i]]
	r.MACs += macs
	if !slices.Contains(r.Ops, n.Op.Name()) {
		r.Ops = append(r.Ops, n.Op.Name())
	}
	if !s.plans[i].View {
		r.Output = n.Out(0).Shape()
	}
	if s.fed[i] && !s.memory.shared(n, s.plans[i]) {
		r.Activations += s.bytes(n.Out(0))
	}
}

// row returns the row of a layer, new or not; "" is a new one each time.
func (s *summariser) row(layer string) int {
	if i, ok := s.byScope[layer]; ok {
		return i
	}
	s.Rows = append(s.Rows, Row{Layer: layer})
	i := len(s.Rows) - 1
	if layer != "" {
		s.byScope[layer] = i
	}
	return i
}

// stored counts a parameter or buffer.
func (s *summariser) stored(n *graph.Node, op graph.ParamOp) {
	layer := n.Scope
	if layer == "" {
		layer = op.Label
	}
	s.rows[n.Index()] = s.row(layer)
	r := &s.Rows[s.rows[n.Index()]]
	shape := n.Out(0).Shape()
	if op.Buffer {
		r.Buffers += int64(shape.Size())
		return
	}
	if r.Formula != "" {
		r.Formula += "+"
	}
	r.Formula += product(shape)
	r.Params += int64(shape.Size())
}

// product returns the shape of a parameter as the lecture writes it: R*S*C*K for a
// filter [K,C,R,S], in*out for a matrix [out,in].
func product(s graph.Shape) string {
	var f []string
	for i := 2; i < len(s); i++ {
		f = append(f, strconv.Itoa(s[i]))
	}
	for i := min(len(s), 2) - 1; i >= 0; i-- {
		f = append(f, strconv.Itoa(s[i]))
	}
	if len(f) == 0 {
		return "1"
	}
	return strings.Join(f, "*")
}

// gradient counts a node which derives from a gradient.
func (s *summariser) gradient(n *graph.Node, macs int64) {
	i := n.Index()
	if n.Origin != nil {
		s.rows[i] = s.rows[n.Origin.Index()]
	}
	if macs == 0 {
		return
	}
	if s.rows[i] < 0 {
		s.rows[i] = s.row(n.Scope)
	}
	s.Rows[s.rows[i]].GradientMACs += macs
}

func (s *summariser) bytes(v *graph.Value) int64 { return int64(v.Type().Bind(s.Batch).Bytes()) }
