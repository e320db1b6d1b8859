package inspect

import (
	"fmt"
	"math"
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

// A Row is one layer: all nodes of one scope, or one node without scope; with
// what happens to its result in place, such as ReLU and Flatten, in an enclosing scope or
// in none.
type Row struct {
	// Layer is the scope, such as "block1/conv2", or the name of an input; "" for
	// nodes without scope.
	Layer string `json:"layer"`
	// Ops are the kinds of its nodes that depend on an input, in order, each once;
	// those of the gradient are not among them.
	Ops []string `json:"ops,omitempty"`
	// Output is the shape of its last result, -1 standing for the batch. Flatten and
	// Reshape leave it as it was.
	Output graph.Shape `json:"output"`
	// Field is the receptive field: how many pixels high and wide that part of the
	// input is on which one place of the output depends, counting those beyond the
	// edges; for outputs that are no images, all pixels that they depend on. Stride is
	// by how many pixels the fields of neighbouring places are apart. Both are nil where
	// no image is seen. An op of one's own says what it sees by Windows, see ops.Window.
	Field  graph.Shape `json:"field,omitempty"`
	Stride graph.Shape `json:"stride,omitempty"`
	// Params is the number of learned parameters; Formula shows how it comes about:
	// (R*S*C)*K+K for a convolution.
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
	// again, a node of the gradient for instance. Second results, such as the places of
	// a maximum, count where the gradient reads them; gradients do not, nor what depends
	// on no input. It is what must be kept where there is
	// a gradient; a program without one reuses most of it.
	Activations int64 `json:"activation_bytes"`
	// Gradients is the size in bytes of the gradients of results, for the whole batch,
	// counted as Activations are; those of parameters are as large as these.
	Gradients int64 `json:"gradient_bytes,omitempty"`
}

// products are the ops whose FLOPs are multiply-adds, two each.
var products = map[string]bool{"Conv2D": true, "Conv2DInputGrad": true, "Conv2DFilterGrad": true, "MatMul": true}

// MaxBatch is the largest batch size of a summary and of costs.
const MaxBatch = 1 << 24

// Summarise returns the table of g at a batch size from 1 to 2²⁴. Rows stand in the
// order in which the layers begin. Only what depends on an input, and what
// stands in a scope, is listed; nodes which derive from a gradient, an optimiser's
// among them, are counted with the layer that they come from.
//
// Where outputs are given, only what they and the updates of g need is counted,
// which is what a program runs: not the gradient of the input, for instance.
//
// An error is one of the graph, of the batch size, of an output, of a node
// which cannot be planned, or of counts which an int64 cannot hold.
func Summarise(g *graph.Graph, batch int, outputs ...*graph.Value) (*Summary, error) {
	if g == nil {
		return nil, fmt.Errorf("the graph is nil")
	}
	if err := g.Err(); err != nil {
		return nil, err
	}
	if batch < 1 || batch > MaxBatch {
		return nil, fmt.Errorf("the batch size is %d, want 1 to %d", batch, MaxBatch)
	}
	needed, err := need(g, outputs)
	if err != nil {
		return nil, err
	}
	if err := checkCounts(g, needed, batch); err != nil {
		return nil, err
	}
	s := &summariser{
		Summary: Summary{Graph: g.Name(), Batch: batch},
		rows:    make([]int, len(g.Nodes())), byScope: map[string]int{},
		fed: make([]bool, len(g.Nodes())), derived: make([]bool, len(g.Nodes())),
		plans: make([]kernel.Plan, len(g.Nodes())), inputs: flattened(g),
		fields: fields{of: make([]field, len(g.Nodes()))},
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

// checkCounts returns an error if what needed nodes compute or store, added up, passes what an int64 holds. Planning at batch size 1 is cheap, and
// counts grow with the batch.
func checkCounts(g *graph.Graph, needed []bool, batch int) error {
	sum := 0.0
	for i, n := range g.Nodes() {
		if !needed[i] || n.IsSource() {
			continue
		}
		p, err := planOf(n, 1)
		if err != nil {
			return nil // which the batch size itself will show
		}
		sum += float64(p.FLOPs)
		for _, v := range n.Outs() {
			sum += float64(v.Type().Bind(1).Bytes())
		}
		if p.FLOPs < 0 || float64(batch)*sum > math.MaxInt64/2 {
			return fmt.Errorf("graph %q at batch size %d: its operations and bytes are more than can be counted, 2⁶²; a smaller batch or image can be", g.Name(), batch)
		}
	}
	return nil
}

// add adds the counts of o.
func (r *Row) add(o Row) {
	r.Params += o.Params
	r.Buffers += o.Buffers
	r.MACs += o.MACs
	r.GradientMACs += o.GradientMACs
	r.Activations += o.Activations
	r.Gradients += o.Gradients
}

type summariser struct {
	Summary
	rows    []int          // by node: its row, or -1
	byScope map[string]int // row of a scope
	fed     []bool         // by node: it depends on an input
	derived []bool         // by node: it depends on a gradient
	plans   []kernel.Plan  // by node
	memory  memory
	inputs  map[*graph.Value]graph.Shape // of a matrix that multiplies flattened images: their shape
	fields  fields
}

func (s *summariser) node(n *graph.Node) {
	i := n.Index()
	s.derived[i] = n.Origin != nil
	for _, v := range n.Ins() {
		from := v.Node().Index()
		s.fed[i] = s.fed[i] || s.fed[from]
		s.derived[i] = s.derived[i] || s.derived[from]
	}
	if !s.derived[i] {
		s.fields.of[i] = s.fields.node(n)
	}
	switch op := n.Op.(type) {
	case graph.InputOp:
		s.fed[i] = true
		s.rows[i] = s.row(op.Label)
		r := &s.Rows[s.rows[i]]
		r.Ops, r.Activations = append(r.Ops, op.Name()), s.bytes(n.Out(0))
		s.output(r, n)
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
	case n.Scope != "" && from != nil && s.inside(n, from):
		s.rows[i] = s.rows[from.Node().Index()]
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
	if !s.fed[i] {
		return
	}
	if !slices.Contains(r.Ops, n.Op.Name()) {
		r.Ops = append(r.Ops, n.Op.Name())
	}
	if !s.plans[i].View {
		s.output(r, n)
	}
	if !s.memory.shared(n, s.plans[i]) {
		r.Activations += s.bytes(n.Out(0))
	}
	for _, v := range n.Outs()[1:] {
		if s.memory.derives(v) {
			r.Activations += s.bytes(v)
		}
	}
}

// inside reports whether n, an activation say, belongs to the layer that made its
// one operand v: one within its own scope.
func (s *summariser) inside(n *graph.Node, v *graph.Value) bool {
	operands := 0
	for _, v := range n.Ins() {
		if s.fed[v.Node().Index()] {
			operands++
		}
	}
	row := s.rows[v.Node().Index()]
	return operands == 1 && row >= 0 && strings.HasPrefix(s.Rows[row].Layer, n.Scope+"/")
}

// output notes in r what the result of n is.
func (s *summariser) output(r *Row, n *graph.Node) {
	f := s.fields.of[n.Index()]
	r.Output, r.Field, r.Stride = n.Out(0).Shape(), f.size(), f.stride()
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
	r.Formula += product(shape, s.inputs[n.Out(0)])
	r.Params += int64(shape.Size())
}

// product returns the shape of a parameter as the lecture writes it: (R*S*C)*K for a
// filter [K,C,R,S], in*out for a matrix [out,in], (H*W*C)*out where it multiplies
// flattened images [N,C,H,W].
func product(s, image graph.Shape) string {
	switch {
	case len(s) == 4:
		return fmt.Sprintf("(%d*%d*%d)*%d", s[2], s[3], s[1], s[0])
	case len(image) == 4:
		return fmt.Sprintf("(%d*%d*%d)*%d", image[2], image[3], image[1], s[0])
	case len(s) == 0:
		return "1"
	}
	f := make([]string, len(s))
	for i, n := range s {
		f[len(s)-1-i] = strconv.Itoa(n)
	}
	return strings.Join(f, "*")
}

// flattened returns the shapes of the images which, flattened, are multiplied by a
// matrix [out,in].
func flattened(g *graph.Graph) map[*graph.Value]graph.Shape {
	shapes := map[*graph.Value]graph.Shape{}
	for _, n := range g.Nodes() {
		if n.Op.Name() != "MatMul" || n.In(0).Node().Op.Name() != "Flatten" {
			continue
		}
		image, w := n.In(0).Node().In(0).Shape(), n.In(1).Shape()
		if len(image) == 4 && image[2:].Size() > 1 && w[1] == n.In(0).Shape()[1] {
			shapes[n.In(1)] = image
		}
	}
	return shapes
}

// gradient counts a node which derives from a gradient.
func (s *summariser) gradient(n *graph.Node, macs int64) {
	i := n.Index()
	if n.Origin != nil {
		s.rows[i] = s.rows[n.Origin.Index()]
	}
	if macs > 0 && s.rows[i] < 0 {
		s.rows[i] = s.row(n.Scope)
	}
	if s.rows[i] < 0 {
		return
	}
	r := &s.Rows[s.rows[i]]
	r.GradientMACs += macs
	// Gradients of results have their symbolic batch, those of parameters have none.
	if v := n.Out(0); v.Shape().Rank() > 0 && v.Shape()[0] == graph.Batch && !s.memory.shared(n, s.plans[i]) {
		r.Gradients += s.bytes(v)
	}
}

func (s *summariser) bytes(v *graph.Value) int64 { return int64(v.Type().Bind(s.Batch).Bytes()) }
