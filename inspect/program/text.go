package program

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"neocog/graph"
	"neocog/vm"
)

// A Change is what a pass did, in the form that JSON has: numbers of nodes, and of nodes by op.
type Change struct {
	Pass    string         `json:"pass"`
	Why     string         `json:"why"`
	Before  int            `json:"nodes_before"`
	After   int            `json:"nodes_after"`
	Removed map[string]int `json:"removed,omitempty"` // nodes that are not there any more, or do something else
	Made    map[string]int `json:"made,omitempty"`
}

// Changes returns what each pass of the program did.
func Changes(p *vm.Program) []Change {
	var all []Change
	for _, pass := range p.Passes() {
		gone, made := pass.Changes()
		all = append(all, Change{pass.Name, pass.Why, len(pass.Before.Nodes()), len(pass.After.Nodes()), byOp(gone), byOp(made)})
	}
	return all
}

// mostLines is how many changed nodes of a pass the text lists one by one.
const mostLines = 24

// Text writes a line for each pass, with the number of nodes before and after, and below it what it removed (−) and made (+): node by node, or
// where these are more than 24, how many of each op.
func Text(w io.Writer, p *vm.Program) error {
	var b strings.Builder
	for _, pass := range p.Passes() {
		gone, made := pass.Changes()
		fmt.Fprintf(&b, "%v\n", pass)
		whole := len(gone)+len(made) <= mostLines
		list(&b, "−", gone, whole)
		list(&b, "+", made, whole)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func list(b *strings.Builder, sign string, nodes []*graph.Node, whole bool) {
	if len(nodes) == 0 {
		return
	}
	if !whole {
		fmt.Fprintf(b, "  %s %s\n", sign, counts(byOp(nodes)))
		return
	}
	for _, n := range nodes {
		fmt.Fprintf(b, "  %s %v\n", sign, n)
	}
}

func byOp(nodes []*graph.Node) map[string]int {
	if len(nodes) == 0 {
		return nil
	}
	n := map[string]int{}
	for _, node := range nodes {
		n[node.Op.Name()]++
	}
	return n
}

// counts lists ops with their numbers, the most frequent first.
func counts(n map[string]int) string {
	var ops []string
	for op := range n {
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b string) int { return cmp.Or(n[b]-n[a], strings.Compare(a, b)) })
	for i, op := range ops {
		ops[i] = fmt.Sprintf("%d %s", n[op], op)
	}
	return strings.Join(ops, ", ")
}
