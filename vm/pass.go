package vm

import (
	"fmt"
	"reflect"

	"neocog/graph"
)

// A Pass is what one pass of the compiler did to a graph, for looking at.
type Pass struct {
	Name, Why     string
	Before, After *graph.Graph
	// Images are the values of After that stand for those of Before. What a pass leaves out, and what it
	// has put inside of another node, has none.
	Images map[*graph.Value]*graph.Value
}

// Passes runs the passes again and returns what each of them did, in their order; the graph after the last is equal to Program.Graph,
// node by node. A memory budget which changes the program is the last pass.
func (p *Program) Passes() []Pass {
	var all []Pass
	optimise(p.user, p.roots, &p.opts, func(done Pass) { all = append(all, done) })
	if p.budget != nil {
		all = append(all, *p.budget)
	}
	return all
}

// String returns a line: the name, the number of nodes before and after, and what the pass is for.
func (p Pass) String() string {
	return fmt.Sprintf("%-6s %4d → %4d nodes: %s", p.Name, len(p.Before.Nodes()), len(p.After.Nodes()), p.Why)
}

// Changes returns the nodes of Before that are not in After as they were, and those of After that were not in Before: a node stays as it was
// if its op is the same and reads the images of what it read.
func (p Pass) Changes() (gone, made []*graph.Node) {
	stays := make([]bool, len(p.After.Nodes()))
	for _, n := range p.Before.Nodes() {
		image := p.imageOf(n)
		if image == nil || stays[image.Index()] || !p.same(n, image) {
			gone = append(gone, n)
			continue
		}
		stays[image.Index()] = true
	}
	for i, n := range p.After.Nodes() {
		if !stays[i] {
			made = append(made, n)
		}
	}
	return gone, made
}

// imageOf returns the node whose results stand for those of n, nil if there is none.
func (p Pass) imageOf(n *graph.Node) *graph.Node {
	for _, v := range n.Outs() {
		if image := p.Images[v]; image != nil {
			return image.Node()
		}
	}
	return nil
}

// same reports whether the image of n does what n did.
func (p Pass) same(n, image *graph.Node) bool {
	if reflect.TypeOf(n.Op) != reflect.TypeOf(image.Op) || len(n.Outs()) != len(image.Outs()) || len(n.Ins()) != len(image.Ins()) ||
		graph.Attributes(n.Op) != graph.Attributes(image.Op) {
		return false
	}
	for i, v := range n.Ins() {
		if p.Images[v] != image.In(i) {
			return false
		}
	}
	c, ok := n.Op.(graph.ConstOp)
	return !ok || c == image.Op
}
