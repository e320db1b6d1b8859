package inspect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"neocog/graph/view"
	"neocog/vm"
)

// JSON returns the profile in the form that ReadProfile reads, with one node a line.
func (p *Profile) JSON() ([]byte, error) {
	head := *p
	head.Nodes = nil
	text, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	text = append(text[:len(text)-len("null}")], '[')
	for i, n := range p.Nodes {
		line, err := json.Marshal(n)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, '\n'), line...)
	}
	return append(text, "\n]}\n"...), nil
}

// Phases returns the time of one run by phase, in nanoseconds, in the order of view.Forward, Gradient, Update.
func (p *Profile) Phases() (ns [3]float64) {
	for _, n := range p.Nodes {
		for k := view.Forward; k <= view.Update; k++ {
			if n.Phase == k.String() {
				ns[k-view.Forward] += n.Nanoseconds
			}
		}
	}
	return ns
}

// String returns a table of the nodes with the time, its share of a run, the rate of arithmetic and of memory; and then the
// times by phase and by op.
func (p *Profile) String() string { return p.Table(0) }

// Table is String with only the slowest top nodes, in descending order of their time; unless top is 0.
func (p *Profile) Table(top int) string {
	nodes := p.Nodes
	if top > 0 {
		nodes = slices.SortedStableFunc(slices.Values(nodes), func(a, b ProfileNode) int {
			return cmp.Compare(b.Nanoseconds, a.Nanoseconds)
		})
		nodes = nodes[:min(top, len(nodes))]
	}
	cells := [][]string{{"node", "phase", "algorithm", "ms", "predicted", "share", "GFLOP/s", "GB/s", "memory"}}
	for _, n := range nodes {
		cells = append(cells, []string{n.label(), n.Phase, n.Algorithm, p.ms(n.Nanoseconds), p.prediction(n.Predicted), p.share(n.Nanoseconds), rate(n.FLOPs, n.Nanoseconds), rate(n.Moved, n.Nanoseconds), size(n.Bytes)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, batch %d: %s ms a run on %d threads, mean of %d", p.Graph, p.Batch, p.ms(p.Nanoseconds), p.Threads, p.Runs)
	if p.Predicted > 0 {
		fmt.Fprintf(&b, "; predicted %s ms", p.ms(p.Predicted))
	}
	b.WriteString("\n")
	align(&b, cells, 3)

	b.WriteString("\n")
	cells = [][]string{{"phase", "ms", "share"}}
	for k, ns := range p.Phases() {
		if ns > 0 {
			cells = append(cells, []string{(view.Forward + view.Kind(k)).String(), p.ms(ns), p.share(ns)})
		}
	}
	align(&b, cells, 1)

	b.WriteString("\n")
	cells = [][]string{{"op", "nodes", "ms", "predicted", "share", "GFLOP/s", "GB/s"}}
	for _, o := range p.ops() {
		cells = append(cells, []string{o.Op, strconv.Itoa(o.Node), p.ms(o.Nanoseconds), p.prediction(o.Predicted), p.share(o.Nanoseconds), rate(o.FLOPs, o.Nanoseconds), rate(o.Moved, o.Nanoseconds)})
	}
	align(&b, cells, 1)
	return b.String()
}

// label is the name with what was fused with it.
func (n ProfileNode) label() string {
	return strings.Join(append([]string{cmp.Or(n.Name, n.Op)}, n.Fused...), "+")
}

// ops returns the sums over the nodes of each op, the slowest first; Node is their number.
func (p *Profile) ops() []ProfileNode {
	var sums []ProfileNode
	for _, n := range p.Nodes {
		i := slices.IndexFunc(sums, func(s ProfileNode) bool { return s.Op == n.Op })
		if i < 0 {
			i, sums = len(sums), append(sums, ProfileNode{Op: n.Op})
		}
		s := &sums[i]
		s.Node++
		s.Nanoseconds += n.Nanoseconds
		s.Predicted += n.Predicted
		s.FLOPs += n.FLOPs
		s.Moved += n.Moved
	}
	slices.SortStableFunc(sums, func(a, b ProfileNode) int { return cmp.Compare(b.Nanoseconds, a.Nanoseconds) })
	return sums
}

func (p *Profile) ms(ns float64) string { return strconv.FormatFloat(ns/1e6, 'f', 3, 64) }

// prediction is "-" where there is none.
func (p *Profile) prediction(ns float64) string {
	if ns <= 0 {
		return "-"
	}
	return p.ms(ns)
}

func (p *Profile) share(ns float64) string {
	if p.Nanoseconds <= 0 {
		return "-"
	}
	return strconv.FormatFloat(100*ns/p.Nanoseconds, 'f', 1, 64) + " %"
}

// rate returns n a nanosecond, which is 10⁹ a second, "-" for nothing.
func rate(n int64, ns float64) string {
	if n == 0 || ns <= 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(n)/ns, 'f', 1, 64)
}

func size(bytes int64) string {
	switch {
	case bytes == 0:
		return "in place"
	case bytes < 1<<20:
		return strconv.FormatFloat(float64(bytes)/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 1, 64) + " MiB"
}

// An event is one of the Chrome trace format: a span of time on a line of its own for each thread.
type event struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	At    float64        `json:"ts"` // microseconds
	For   float64        `json:"dur,omitempty"`
	Proc  int            `json:"pid"`
	Line  int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
	Class string         `json:"cat,omitempty"`
}

// Trace writes the last run of m, of which p is the profile, in the trace event format that chrome://tracing and ui.perfetto.dev show: a line
// for each worker, on which the gaps are waits for others.
func (p *Profile) Trace(w io.Writer, m *vm.Profile) error {
	events := []event{{Name: "process_name", Phase: "M", Args: map[string]any{"name": p.Graph}}}
	for i := range m.Workers {
		events = append(events, event{Name: "thread_name", Phase: "M", Line: i, Args: map[string]any{"name": fmt.Sprintf("worker %d", i)}})
	}
	of := map[int]ProfileNode{}
	for _, n := range p.Nodes {
		of[n.Node] = n
	}
	for _, t := range m.Instructions {
		e := event{Name: t.Node.Op.Name(), Phase: "X", Args: map[string]any{"algorithm": t.Algo}}
		if len(t.Of) > 0 {
			n := of[Main(t.Instruction).Index()]
			e.Name, e.Class = n.label(), n.Phase
			e.Args["node"], e.Args["flops"], e.Args["moved"] = n.Node, t.FLOPs, t.Moved
		}
		for _, s := range t.Spans {
			e.Line, e.At, e.For = s.Worker, micro(s.Begin), micro(s.Time)
			events = append(events, e)
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"traceEvents": events, "displayTimeUnit": "ms"})
}

func micro(d time.Duration) float64 { return float64(d) / 1e3 }
