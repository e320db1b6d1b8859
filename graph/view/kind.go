package view

import (
	"strings"

	"neocog/graph"
)

// A Kind says what a node is there for.
type Kind uint8

// Kinds of nodes.
const (
	Input Kind = iota
	Param
	Buffer
	Const
	Forward  // computes results
	Gradient // computes derivatives
	Update   // computes new values of parameters and buffers, and nothing else
)

var kindNames = [...]string{"input", "param", "buffer", "const", "forward", "gradient", "update"}

// String returns the name of k in lower case, such as "gradient".
func (k Kind) String() string { return kindNames[k] }

// Kinds returns the kind of each node by index. Nodes that only updates need,
// and that are not of a gradient, are update nodes.
func Kinds(g *graph.Graph) []Kind {
	k := make([]Kind, len(g.Nodes()))
	next := map[*graph.Node]bool{}
	for _, u := range g.Updates() {
		next[u.Next.Node()] = true
	}
	used := map[*graph.Node]bool{} // by something which is not an update node
	for i := len(g.Nodes()) - 1; i >= 0; i-- {
		n := g.Nodes()[i]
		switch op := n.Op.(type) {
		case graph.InputOp:
			k[i] = Input
		case graph.ParamOp:
			if k[i] = Param; op.Buffer {
				k[i] = Buffer
			}
		case graph.ConstOp:
			k[i] = Const
		default:
			switch {
			case n.Origin != nil:
				k[i] = Gradient
			case next[n] && !used[n]:
				k[i] = Update
			default:
				k[i] = Forward
			}
			for _, v := range n.Ins() {
				if k[i] == Update {
					if !used[v.Node()] {
						next[v.Node()] = true
					}
				} else {
					used[v.Node()] = true
				}
			}
		}
	}
	return k
}

// ScopeOf returns the scope of n. Parameters carry theirs in their name, whatever
// graph they come from.
func ScopeOf(n *graph.Node) string {
	if op, ok := n.Op.(graph.ParamOp); ok {
		if i := strings.LastIndexByte(op.Label, '/'); i >= 0 {
			return op.Label[:i]
		}
		return ""
	}
	return n.Scope
}

// categories are the families of ops that pictures colour alike, by how the names begin; of two that fit, the one that stands first counts.
var categories = []struct{ prefix, category string }{
	{"Conv2D", "convolution"}, {"MatMul", "linear"},
	{"MaxPool", "pool"}, {"AvgPool", "pool"},
	{"BatchNorm", "norm"}, {"LRN", "norm"},
	{"ReLU", "activation"}, {"LeakyReLU", "activation"}, {"Sigmoid", "activation"}, {"Tanh", "activation"}, {"GELU", "activation"}, {"Softplus", "activation"}, {"Clip", "activation"},
	{"SoftmaxCrossEntropy", "loss"}, {"Softmax", "activation"}, {"LogSoftmax", "activation"},
	{"Dropout", "random"},
	{"Flatten", "shape"}, {"Reshape", "shape"}, {"Transpose", "shape"}, {"BroadcastTo", "shape"}, {"Concat", "shape"},
	{"Slice", "shape"}, {"Pad", "shape"},
}

// Category returns the family of an op, such as "convolution" for Conv2D and its derivatives, "" for one without.
func Category(op graph.Op) string {
	for _, c := range categories {
		if strings.HasPrefix(op.Name(), c.prefix) {
			return c.category
		}
	}
	return ""
}
