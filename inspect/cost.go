package inspect

import (
	"fmt"

	"neocog/graph"
)

// A Cost is what one node costs at one batch size, by its definition: whatever algorithm computes it.
type Cost struct {
	MACs  int64 `json:"macs,omitempty"`  // multiply-adds, of convolutions and matrix products alone
	FLOPs int64 `json:"flops,omitempty"` // multiplications and additions, as far as the op counts them
	Bytes int64 `json:"bytes"`           // of its results
}

// Costs returns the cost of each node of g, by index. Sources have no cost but their bytes. The errors are those of
// Summarise.
func Costs(g *graph.Graph, batch int) ([]Cost, error) {
	if g == nil {
		return nil, fmt.Errorf("the graph is nil")
	}
	if err := g.Err(); err != nil {
		return nil, err
	}
	if batch < 1 || batch > MaxBatch {
		return nil, fmt.Errorf("the batch size is %d, want 1 to %d", batch, MaxBatch)
	}
	needed, err := need(g, nil)
	if err != nil {
		return nil, err
	}
	if err := checkCounts(g, needed, batch); err != nil {
		return nil, err
	}
	costs := make([]Cost, len(g.Nodes()))
	for i, n := range g.Nodes() {
		c := &costs[i]
		for _, v := range n.Outs() {
			c.Bytes += int64(v.Type().Bind(batch).Bytes())
		}
		if n.IsSource() {
			continue
		}
		p, err := planOf(n, batch)
		if err != nil {
			return nil, err
		}
		if c.FLOPs = p.FLOPs; products[n.Op.Name()] {
			c.MACs = p.FLOPs / 2
		}
		if p.View {
			c.Bytes = 0
		}
	}
	return costs, nil
}
