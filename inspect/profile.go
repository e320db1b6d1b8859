package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"neocog/graph"
)

// A Profile is what was measured of a graph while it ran. Its JSON form is this struct's:
//
//	{"graph": "lenet5", "batch": 32, "runs": 100, "nodes": [
//	  {"node": 3, "op": "Conv2D", "nanoseconds": 81234.5, "bytes": 602112, "algorithm": "blocked"},
//	  {"node": 4, "op": "ReLU", "nanoseconds": 2310, "bytes": 0}
//	]}
type Profile struct {
	Graph string        `json:"graph"` // its name
	Batch int           `json:"batch"`
	Runs  int           `json:"runs"` // over which times are means
	Nodes []ProfileNode `json:"nodes"`
}

// A ProfileNode is what was measured of one node. Nodes that did not run, since the compiler had removed or merged
// them, have none.
type ProfileNode struct {
	// Node is the place in the list of nodes: the id in the JSON form of the graph.
	Node        int     `json:"node"`
	Op          string  `json:"op"`
	Nanoseconds float64 `json:"nanoseconds"` // for one run
	// Bytes is the memory that its results and its scratch space took, nothing where it ran in place.
	Bytes     int64  `json:"bytes"`
	Algorithm string `json:"algorithm,omitempty"`
}

// ReadProfile reads a profile of g. A profile of another graph, one which names a node twice, and numbers that cannot
// be are errors, and so are fields that it does not know.
func ReadProfile(r io.Reader, g *graph.Graph) (*Profile, error) {
	var p Profile
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("the profile is no JSON of the form that it should have: %w", err)
	}
	if p.Graph != g.Name() {
		return nil, fmt.Errorf("the profile is of graph %q, not of %q", p.Graph, g.Name())
	}
	if p.Batch < 1 || p.Runs < 1 {
		return nil, fmt.Errorf("the profile says batch %d and %d runs, want at least 1 of each", p.Batch, p.Runs)
	}
	seen := make([]bool, len(g.Nodes()))
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
	return &p, nil
}
