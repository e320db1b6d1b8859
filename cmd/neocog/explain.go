package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"neocog/bench"
	"neocog/graph"
	"neocog/ops/conv"
	"neocog/vm"
)

func (a *app) explainCommand() *cobra.Command {
	var f modelFlags
	var measure bool
	var patterns []string
	cmd := &cobra.Command{
		Use:   "explain MODEL",
		Short: "Say how convolutions are computed, and why so",
		Long: `Say for every convolution of a network, and every pass of it, which algorithm computes it, and what the others would take:
the time that a formula predicts, scratch memory, the relative error that the algorithm stands for, or why it is
refused. Of the direct algorithms, the first that accepts counts; they refuse what a later one does faster. --measure runs
all candidates, on the network's own buffers. Convolutions that are alike are shown once.

The choice is the one with the lowest prediction among those that the accuracy allows, if that is clearly below the
direct algorithms' and no --conv or --tune says otherwise.`,
		Example: `neocog explain lenet5
neocog explain vgg-e --batch 8 --measure
neocog explain resnet50 --mode train --layer 'conv2_1/*' --accuracy exact
neocog explain googlenet --workspace-limit 4MiB --json`,
		Args:              wants(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := f.cases(args)
			if err != nil {
				return err
			}
			return a.interruptible(cmd.Context(), func() error {
				found, err := convolutions(cmd.Context(), cases[0], measure)
				if err != nil {
					return err
				}
				kinds, err := bench.Select("convolution", alike(found), func(k *convKind) string { return k.name }, patterns)
				if err != nil {
					return asUsage(err)
				}
				return a.explain(kinds, measure)
			})
		},
	}
	f.add(cmd, false)
	cmd.Flags().Lookup("reps").Hidden = true
	cmd.Flags().BoolVar(&measure, "measure", false, "measure the candidates, too")
	cmd.Flags().StringSliceVar(&patterns, "layer", nil, "only these: `NAME`s or patterns such as 'conv1*'")
	return cmd
}

// convolutions returns those of a network, measured or not.
func convolutions(ctx context.Context, c bench.ModelCase, measure bool) ([]vm.Convolution, error) {
	if !measure {
		p, err := c.Program()
		if err != nil {
			return nil, err
		}
		return p.Convolutions(c.Batch)
	}
	r, err := c.Start()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Compare(ctx)
}

// A convKind is convolutions which are alike: one problem, one choice.
type convKind struct {
	name string // of the first
	vm.Convolution
	n int
}

// alike merges convolutions.
func alike(found []vm.Convolution) (kinds []*convKind) {
	for _, c := range found {
		same := func(k *convKind) bool { return k.Problem == c.Problem && k.Kept == c.Kept && k.Algo == c.Algo }
		if i := slices.IndexFunc(kinds, same); i >= 0 {
			kinds[i].n++
			continue
		}
		kinds = append(kinds, &convKind{convolutionName(c), c, 1})
	}
	return kinds
}

// convolutionName is the scope, for people.
func convolutionName(c vm.Convolution) string {
	n := c.Node
	for _, o := range c.Of {
		if strings.HasPrefix(o.Op.Name(), "Conv") {
			n = o
			break
		}
	}
	if n.Scope == "" {
		return n.Op.Name()
	}
	return n.Scope
}

// An explained is a candidate as an object of explain --json.
type explained struct {
	Node      string      `json:"node"`
	Alike     int         `json:"alike"` // convolutions of this kind
	Problem   string      `json:"problem"`
	Pass      string      `json:"pass"`
	DType     graph.DType `json:"dtype"`
	Kept      bool        `json:"kept"` // the prepared filter is kept from run to run
	Algo      string      `json:"algo"`
	Chosen    bool        `json:"chosen"`
	Refused   string      `json:"refused,omitempty"`
	Predicted float64     `json:"predicted_ms,omitempty"`
	Measured  float64     `json:"measured_ms,omitempty"`
	Workspace int         `json:"workspace_bytes"`
	Bound     float64     `json:"rel_l2_bound,omitempty"`
}

// explain writes a row for each candidate.
func (a *app) explain(kinds []*convKind, measured bool) error {
	t := table{a.stdout, a.out, []column{
		{"algorithm", 2 + widest(conv.All().Names()), false}, {"predicted ms", 12, true}, {"measured ms", 11, true}, {"workspace", 11, true}, {"rel L2", 7, true}, {"", 0, false},
	}}
	if !measured {
		t.columns = slices.Delete(t.columns, 2, 3)
	}
	for i, k := range kinds {
		if !a.json {
			if i > 0 {
				fmt.Fprintln(a.stdout)
			}
			fmt.Fprintf(a.stdout, "%s%s  %s\n", a.out.bold(k.name), more(k.n), a.out.dim(k.Problem.String()+kept(k.Kept)))
			t.head()
		}
		candidates := slices.Clone(k.Candidates)
		slices.SortStableFunc(candidates, func(x, y vm.Candidate) int { return order(k.Algo, x) - order(k.Algo, y) })
		for _, c := range candidates {
			if a.json {
				err := a.emit(explained{
					k.name, k.n, bench.FormatConv(k.Problem), bench.Passes[k.Problem.Pass], k.Problem.DType, k.Kept,
					c.Algo, c.Algo == k.Algo, c.Refused, ms(c.Predicted), ms(c.Measured), c.Workspace, c.Bound,
				})
				if err != nil {
					return err
				}
				continue
			}
			a.candidate(t, k, c, measured)
		}
	}
	if !a.json && len(kinds) == 0 {
		fmt.Fprintln(a.stdout, "it has no convolutions")
	}
	return nil
}

// order puts the choice first, then those that may be taken, then what is refused.
func order(chosen string, c vm.Candidate) int {
	switch {
	case c.Algo == chosen:
		return 0
	case c.Refused == "":
		return 1
	case c.Workspace > 0:
		return 2
	}
	return 3
}

func (a *app) candidate(t table, k *convKind, c vm.Candidate, measured bool) {
	mark, workspace := "  ", byteSize(c.Workspace)
	if c.Algo == k.Algo {
		mark = "→ "
	}
	number := func(d time.Duration) string {
		if d == 0 || c.Refused != "" && c.Measured == 0 && c.Workspace == 0 {
			return "-"
		}
		return strconv.FormatFloat(ms(d), 'f', 3, 64)
	}
	if c.Refused != "" && c.Predicted == 0 {
		workspace = "-"
	}
	cells := []string{mark + c.Algo, number(c.Predicted), number(c.Measured), workspace, strconv.FormatFloat(c.Bound, 'e', 0, 64), ""}
	if c.Refused != "" {
		cells[5] = "refused: " + c.Refused
	}
	if !measured {
		cells = slices.Delete(cells, 2, 3)
	}
	t.row(func(i int, cell string) string {
		switch {
		case c.Algo == k.Algo:
			return a.out.green(cell)
		case c.Refused != "":
			return a.out.dim(cell)
		}
		return cell
	}, cells...)
}

// ms is d in milliseconds, with the digits that it has.
func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func more(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n-1)
}

func kept(yes bool) string {
	if yes {
		return ", prepared filter kept"
	}
	return ""
}
