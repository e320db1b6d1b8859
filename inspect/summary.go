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
	// Activations is the size in bytes of the results, for the whole batch: the input's
	// own for an input. A result which may overwrite or views what it is made of, as
	// that of ReLU, counts nothing, nor do second results and gradients. It is what must be kept for
	// a gradient; a program without one reuses most of it.
	Activations int64 `json:"activation_bytes"`
}

// products are the ops whose FLOPs are multiply-adds, two each.
var products = map[string]bool{"Conv2D": true, "Conv2DInputGrad": true, "Conv2DFilterGrad": true, "MatMul": true}

// Summarise returns the table of g at a batch size, at least 1. Rows stand in the
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
	if batch < 1 {
		return nil, fmt.Errorf("the batch size is %d, want at least 1", batch)
	}
	needed, err := need(g, outputs)
	if err != nil {
		return nil, err
	}
	s := &summariser{
		Summary: Summary{Graph: g.Name(), Batch: batch},
		rows:    make([]int, len(g.Nodes())), byScope: map[string]int{},
		fed: make([]bool, len(g.Nodes())), derived: make([]bool, len(g.Nodes())),
		env: &kernel.Env{Reference: true},
	}
	for i, n := range g.Nodes() {
		s.rows[i] = -1
		if needed[i] {
			if err := s.node(n); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range s.Rows {
		s.Total.add(r)
	}
	return &s.Summary, nil
}

// need returns for each node whether outputs or updates need it; without
// outputs all are needed.
func need(g *graph.Graph, outputs []*graph.Value) ([]bool, error) {
	needed := make([]bool, len(g.Nodes()))
	for i, v := range outputs {
		if !v.IsValid() || v.Graph() != g {
			return nil, fmt.Errorf("output %d, %v, is no value of graph %q", i, v, g.Name())
		}
		needed[v.Node().Index()] = true
	}
	for _, u := range g.Updates() {
		needed[u.Param.Node().Index()], needed[u.Next.Node().Index()] = true, true
	}
	for i := len(needed) - 1; i >= 0; i-- {
		needed[i] = needed[i] || len(outputs) == 0
		for _, v := range g.Nodes()[i].Ins() {
			needed[v.Node().Index()] = needed[v.Node().Index()] || needed[i]
		}
	}
	return needed, nil
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
	env     *kernel.Env
}

func (s *summariser) node(n *graph.Node) error {
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
		return nil
	case graph.ParamOp:
		s.stored(n, op)
		return nil
	case graph.ConstOp:
		return nil
	}
	plan, err := s.plan(n)
	if err != nil {
		return err
	}
	macs := int64(0)
	if products[n.Op.Name()] {
		macs = plan.FLOPs / 2
	}
	if s.derived[i] {
		s.gradient(n, macs)
		return nil
	}
	reused := reuse(plan)
	switch {
	case n.Scope != "":
		s.rows[i] = s.row(n.Scope)
	case !s.fed[i] && macs == 0:
		return nil // of parameters alone, such as a penalty on weights
	case reused >= 0:
		s.rows[i] = s.rows[n.In(reused).Node().Index()]
	}
	if s.rows[i] < 0 {
		s.rows[i] = s.row("")
	}
	r := &s.Rows[s.rows[i]]
	r.MACs += macs
	if !slices.Contains(r.Ops, n.Op.Name()) {
		r.Ops = append(r.Ops, n.Op.Name())
	}
	if !plan.View {
		r.Output = n.Out(0).Shape()
	}
	if reused < 0 {
		r.Activations += s.bytes(n.Out(0))
	}
	return nil
}

// reuse returns the input in whose memory the first result may lie, or -1.
func reuse(p kernel.Plan) int {
	switch {
	case p.View:
		return 0
	case len(p.InPlace) > 0:
		return p.InPlace[0] - 1
	}
	return -1
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

// plan asks the op of n for its plan by the reference algorithm, whose FLOPs
// are those of the definition.
func (s *summariser) plan(n *graph.Node) (p kernel.Plan, err error) {
	fault := func(err error) error {
		return fmt.Errorf("%v: %w", n, err)
	}
	op, ok := n.Op.(kernel.Op)
	if !ok {
		return p, fault(fmt.Errorf("the op cannot run: it has no method Plan"))
	}
	defer func() {
		if r := recover(); r != nil { // the op may be a user's
			err = fault(fmt.Errorf("its Plan panicked: %v", r))
		}
	}()
	bind := func(vs []*graph.Value) []graph.Type {
		types := make([]graph.Type, len(vs))
		for i, v := range vs {
			types[i] = v.Type().Bind(s.Batch)
		}
		return types
	}
	if p, err = op.Plan(s.env, bind(n.Ins()), bind(n.Outs())); err != nil {
		return p, fault(err)
	}
	return p, nil
}
