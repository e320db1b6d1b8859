package inspect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"neocog/graph/view"
	"neocog/vm"
)

// A ProgramCost is what a compiled program takes for a run, before it runs: vm.Cost, by phases and with names. Its JSON form is this struct's.
type ProgramCost struct {
	Graph        string `json:"graph"` // its name
	Batch        int    `json:"batch"`
	Threads      int    `json:"threads"`
	Instructions int    `json:"instructions"`
	Params       int64  `json:"params"`
	FLOPs        int64  `json:"flops"` // of convolutions and matrix products, by their definition
	Moved        int64  `json:"moved_bytes"`
	// Arena is the memory of results and scratch space: see vm.Program.ArenaBytes.
	Arena int `json:"arena_bytes"`
	Peak  struct {
		Bytes       int    `json:"bytes"`
		Instruction int    `json:"instruction"`
		Node        string `json:"node"`
		Phase       string `json:"phase"`
	} `json:"peak"`
	PredictedMS float64     `json:"predicted_ms"`
	Phases      []PhaseCost `json:"phases"`
}

// A PhaseCost is the part of forward, gradient or update.
type PhaseCost struct {
	Phase        string  `json:"phase"`
	Instructions int     `json:"instructions"` // that run each time
	FLOPs        int64   `json:"flops"`
	Moved        int64   `json:"moved_bytes"`
	PredictedMS  float64 `json:"predicted_ms"`
}

// NewProgramCost returns what p takes at a batch size. An instruction that does the work of two phases, such as the gradient of dense weights and the
// step of the optimiser, counts for the first.
func NewProgramCost(p *vm.Program, batch int) (*ProgramCost, error) {
	c, err := p.Cost(batch)
	if err != nil {
		return nil, err
	}
	out := &ProgramCost{Graph: p.Graph().Name(), Batch: max(batch, 1), Threads: c.Workers, Instructions: len(c.Instructions), Params: c.Params,
		FLOPs: c.FLOPs, Moved: c.Moved, Arena: c.Arena, PredictedMS: float64(c.Predicted) / 1e6}
	phases := Phases(c.Instructions)
	for pc, in := range c.Instructions {
		if in.Once {
			continue
		}
		phase := phases[pc].String()
		i := slices.IndexFunc(out.Phases, func(p PhaseCost) bool { return p.Phase == phase })
		if i < 0 {
			i, out.Phases = len(out.Phases), append(out.Phases, PhaseCost{Phase: phase})
		}
		f := &out.Phases[i]
		f.Instructions++
		f.FLOPs += in.FLOPs
		f.Moved += in.Moved
		f.PredictedMS += float64(in.Predicted) / 1e6
	}
	order := []string{view.Forward.String(), view.Gradient.String(), view.Update.String()}
	slices.SortStableFunc(out.Phases, func(a, b PhaseCost) int { return slices.Index(order, a.Phase) - slices.Index(order, b.Phase) })
	if out.Peak.Bytes, out.Peak.Instruction = c.PeakBytes, c.Peak; c.Peak >= 0 {
		n := c.Instructions[c.Peak].Node
		if main := Main(c.Instructions[c.Peak]); main != nil {
			n = main
		}
		out.Peak.Node, out.Peak.Phase = name(n), phases[c.Peak].String()
	}
	return out, nil
}

// Phases says of each instruction whether it belongs to the forward pass, the gradient or the update, as its Main node does; what passes make of parameters
// belongs to the forward pass.
func Phases(instructions []vm.Instruction) []view.Kind {
	var kinds []view.Kind // by node of the compiled graph
	phases := make([]view.Kind, len(instructions))
	for pc, in := range instructions {
		n := Main(in)
		if n == nil {
			phases[pc] = view.Forward
			continue
		}
		if kinds == nil {
			kinds = view.Kinds(n.Graph())
		}
		phases[pc] = kinds[n.Index()]
	}
	return phases
}

// table returns two columns of facts, and a table of the phases.
func (c *ProgramCost) table() (facts, phases [][]string) {
	facts = [][]string{
		{"instructions", number(int64(c.Instructions))},
		{"parameters", number(c.Params)},
		{"arithmetic", gflop(c.FLOPs) + " GFLOP"},
		{"moved", size(c.Moved)},
		{"memory of a run", size(int64(c.Arena))},
	}
	if c.Peak.Instruction >= 0 {
		facts = append(facts, []string{"fullest", fmt.Sprintf("%s at instruction %d, %s of the %s pass", size(int64(c.Peak.Bytes)), c.Peak.Instruction, c.Peak.Node, c.Peak.Phase)})
	}
	facts = append(facts, []string{"predicted time", fmt.Sprintf("%.3f ms", c.PredictedMS)})
	phases = [][]string{{"phase", "instructions", "GFLOP", "moved", "predicted ms"}}
	for _, p := range c.Phases {
		phases = append(phases, []string{p.Phase, number(int64(p.Instructions)), gflop(p.FLOPs), size(p.Moved), fmt.Sprintf("%.3f", p.PredictedMS)})
	}
	return facts, phases
}

// String returns the cost as text.
func (c *ProgramCost) String() string {
	facts, phases := c.table()
	var b strings.Builder
	fmt.Fprintf(&b, "%s, batch %d, %d threads\n", c.Graph, c.Batch, c.Threads)
	align(&b, facts, 2)
	b.WriteString("\n")
	align(&b, phases, 1)
	return b.String()
}

// Markdown returns the cost for a document.
func (c *ProgramCost) Markdown() string {
	facts, phases := c.table()
	var b strings.Builder
	row := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	fmt.Fprintf(&b, "| %s, batch %d, %d threads | |\n|---|---|\n", c.Graph, c.Batch, c.Threads)
	for _, f := range facts {
		row(f)
	}
	b.WriteString("\n")
	for i, p := range phases {
		row(p)
		if i == 0 {
			b.WriteString("|---|---:|---:|---:|---:|\n")
		}
	}
	return b.String()
}

func gflop(flops int64) string { return strconv.FormatFloat(float64(flops)/1e9, 'f', 3, 64) }
