package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"neocog/graph"
	"neocog/graph/view"
	"neocog/vm"
)

// A Profile is what was measured of a graph while it ran. Its JSON form is this struct's:
//
//	{"graph": "lenet5", "batch": 32, "runs": 100, "threads": 2, "nanoseconds": 412000, "arena_bytes": 1048576, "nodes": [
//	  {"node": 3, "op": "Conv2D", "phase": "forward", "nanoseconds": 81234.5, "flops": 15052800, "moved": 702112, "bytes": 602112, "algorithm": "blocked"},
//	  {"node": 4, "op": "ReLU", "phase": "forward", "nanoseconds": 2310, "moved": 1204224, "bytes": 0}
//	]}
type Profile struct {
	Graph       string        `json:"graph"` // its name
	Batch       int           `json:"batch"`
	Runs        int           `json:"runs"` // over which times are means
	Threads     int           `json:"threads,omitempty"`
	Nanoseconds float64       `json:"nanoseconds,omitempty"` // of one run, all nodes
	Predicted   float64       `json:"predicted,omitempty"`   // nanoseconds: see vm.Cost
	Arena       int64         `json:"arena_bytes,omitempty"` // memory of results and scratch space
	Nodes       []ProfileNode `json:"nodes"`
}

// A ProfileNode is what was measured of one node. Nodes that did not run, since the compiler had removed, merged or
// fused them, have none.
type ProfileNode struct {
	// Node is the place in the list of nodes: the id in the JSON form of the graph.
	Node int    `json:"node"`
	Op   string `json:"op"`
	// Name is for people: scope and op.
	Name string `json:"name,omitempty"`
	// Phase is forward, gradient or update, as graph/view tells them apart.
	Phase       string  `json:"phase,omitempty"`
	Nanoseconds float64 `json:"nanoseconds"`         // for one run
	Predicted   float64 `json:"predicted,omitempty"` // nanoseconds, before it ran
	// FLOPs are the multiplications and additions of one run, as far as the op counts them.
	FLOPs int64 `json:"flops,omitempty"`
	// Moved is the size of operands and results.
	Moved int64 `json:"moved,omitempty"`
	// Bytes is the memory that its results and its scratch space took, nothing where it ran in place.
	Bytes     int64  `json:"bytes"`
	Algorithm string `json:"algorithm,omitempty"`
	// Fused are the ops of other nodes which were computed with this one.
	Fused []string `json:"fused,omitempty"`
}

// NewProfile returns what a machine measured of g, which its program was compiled from. A node that ran several times, since its result
// had no room until it was needed (vm.WithMemoryBudget), has one entry with the sums.
func NewProfile(g *graph.Graph, m *vm.Profile) *Profile {
	kinds, runs := view.Kinds(g), float64(m.Runs)
	p := &Profile{
		Graph: g.Name(), Batch: max(m.Batch, 1), Runs: m.Runs, Threads: m.Workers,
		Nanoseconds: float64(m.Total) / runs, Arena: int64(m.Arena),
	}
	entries := map[*graph.Node]int{} // places in p.Nodes
	for _, t := range m.Instructions {
		p.Predicted += float64(t.Predicted)
		if len(t.Of) == 0 {
			continue
		}
		n := Main(t.Instruction)
		if i, ok := entries[n]; ok {
			e := &p.Nodes[i]
			e.Nanoseconds += float64(t.Time) / runs
			e.Predicted += float64(t.Predicted)
			e.FLOPs += t.FLOPs
			e.Moved += t.Moved
			e.Bytes = max(e.Bytes, t.Memory)
			continue
		}
		entries[n] = len(p.Nodes)
		entry := ProfileNode{
			Node: n.Index(), Op: n.Op.Name(), Name: name(n), Phase: kinds[n.Index()].String(),
			Nanoseconds: float64(t.Time) / runs, Predicted: float64(t.Predicted), FLOPs: t.FLOPs, Moved: t.Moved, Bytes: t.Memory, Algorithm: t.Algo,
		}
		for _, o := range t.Of {
			if o != n && o.Op.Name() != n.Op.Name() {
				entry.Fused = append(entry.Fused, o.Op.Name())
			}
		}
		p.Nodes = append(p.Nodes, entry)
	}
	return p
}

// Main returns the node of the compiled graph that an instruction is known by: of those which it computes the last that reads like it, or the last, whose result
// it is. It is nil for what a pass has made of none.
func Main(in vm.Instruction) *graph.Node {
	var main *graph.Node
	for _, n := range in.Of {
		if main == nil || n.Op.Name() == in.Node.Op.Name() || main.Op.Name() != in.Node.Op.Name() {
			main = n
		}
	}
	return main
}

// name returns scope and op.
func name(n *graph.Node) string {
	return strings.TrimPrefix(n.Scope+"/"+n.Op.Name(), "/")
}

// ReadProfile reads a profile of g. A profile of another graph, one which names a node twice, and numbers that cannot
// be are errors, and so are fields that it does not know. Entries of updates beyond the nodes of g
// are left out: they are of the same graph with an optimiser.
func ReadProfile(r io.Reader, g *graph.Graph) (*Profile, error) {
	var p Profile
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("the profile is no JSON of the form that it should have: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("the profile goes on after its JSON object")
	}
	if p.Graph != g.Name() {
		return nil, fmt.Errorf("the profile is of graph %q, not of %q", p.Graph, g.Name())
	}
	if p.Batch < 1 || p.Runs < 1 {
		return nil, fmt.Errorf("the profile says batch %d and %d runs, want at least 1 of each", p.Batch, p.Runs)
	}
	seen := make([]bool, len(g.Nodes()))
	p.Nodes = slices.DeleteFunc(p.Nodes, func(n ProfileNode) bool {
		return n.Node >= len(seen) && n.Phase == view.Update.String()
	})
	for i, n := range p.Nodes {
		switch {
		case n.Node < 0 || n.Node >= len(seen):
			return nil, fmt.Errorf("entry %d of the profile is of node %d, the graph has nodes 0 to %d; was it measured with or without the gradient?", i, n.Node, len(seen)-1)
		case n.Op != g.Nodes()[n.Node].Op.Name():
			return nil, fmt.Errorf("entry %d of the profile says that node %d is %s, in the graph it is %s; was it measured with or without the gradient?", i, n.Node, n.Op, g.Nodes()[n.Node].Op.Name())
		case seen[n.Node]:
			return nil, fmt.Errorf("entry %d of the profile is of node %d, of which there is one already", i, n.Node)
		case !(n.Nanoseconds >= 0) || math.IsInf(n.Nanoseconds, 1) || n.Bytes < 0:
			return nil, fmt.Errorf("entry %d of the profile says %v ns and %d bytes, want numbers from 0 on", i, n.Nanoseconds, n.Bytes)
		}
		seen[n.Node] = true
	}
	if gradient := view.Gradient.String(); slices.ContainsFunc(view.Kinds(g), func(k view.Kind) bool { return k == view.Gradient }) &&
		slices.ContainsFunc(p.Nodes, func(n ProfileNode) bool { return n.Phase != "" }) &&
		!slices.ContainsFunc(p.Nodes, func(n ProfileNode) bool { return n.Phase == gradient }) {
		return nil, fmt.Errorf("the profile is of predicting, and the graph has a gradient; measure a step of training")
	}
	return &p, nil
}
