package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"neocog/data"
	"neocog/train"
)

func (a *app) evalCommand() *cobra.Command {
	var dir, views string
	var images int
	var snapshots, best bool
	var c convFlags
	cmd := &cobra.Command{
		Use:   "eval RUN...",
		Short: "Measure the accuracy of a run on its test images",
		Long: `Measure loss and accuracy of the network in a run folder, on the test images of the data that it was trained on, or of
other data. The table shows which classes are taken for which.

Several runs are an ensemble: their probabilities are averaged. --snapshots averages those that the schedule
restarts:CYCLES leaves in a run.`,
		Example: `neocog eval runs/20260102-150405-lenet5
neocog eval runs/20260102-150405-lenet5 --data mnist
neocog eval runs/20260102-150405-lenet5 --views ten-crops:28,32
neocog eval runs/first runs/second runs/third       the mean of three
neocog eval runs/cycles --snapshots`,
		Args: wants(1, -1, "at least one RUN, a run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if images < 0 {
				return usagef("--test-images: got %d, want at least 0", images)
			}
			v, err := data.ParseViews(views)
			if err != nil {
				return asUsage(err)
			}
			if snapshots && best {
				return usagef("--snapshots and --best ask for different weights; want one of them")
			}
			e, err := openEnsemble(args, snapshots, best)
			if err != nil {
				return err
			}
			defer e.Close()
			if err := c.change(cmd, e); err != nil {
				return err
			}
			if cmd.Flags().Changed("views") {
				for _, t := range e {
					t.SetViews(v)
				}
			}
			return a.eval(cmd.Context(), e, args, dir, images)
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "`FOLDER` with MNIST, Fashion-MNIST or CIFAR-10, or digits; by default that of the run")
	cmd.Flags().StringVar(&views, "views", "", "average predictions over `VIEWS` of each image: mirror, ten-crops:SIZE[,SIDE],\nfive-scales:SIZE; by default as the run did")
	c.add(cmd, cmd.Flags())
	cmd.Flags().BoolVar(&snapshots, "snapshots", false, "average the snapshots of each RUN instead of taking its last weights")
	cmd.Flags().BoolVar(&best, "best", false, "take the weights of each RUN's best epoch instead of its last")
	cmd.Flags().IntVar(&images, "test-images", 0, "use so many images only; 0 is as many as the run did")
	return cmd
}

// evaluation is the object of eval --json.
type evaluation struct {
	Run       string   `json:"run"`
	Members   int      `json:"members,omitempty"` // of an ensemble, of which Run is the first
	Data      string   `json:"data"`
	Images    int      `json:"images"`
	Accuracy  float64  `json:"accuracy"`
	Loss      float64  `json:"loss"`
	Classes   []string `json:"classes"`
	Confusion [][]int  `json:"confusion"` // [i][j]: images of class i taken for class j
}

// openEnsemble opens runs with their last or best weights, or the snapshots in them.
func openEnsemble(runs []string, snapshots, best bool) (e train.Ensemble, err error) {
	open := train.Open
	if best {
		open = train.OpenBest
	}
	for _, run := range runs {
		var more train.Ensemble
		if snapshots {
			more, err = train.OpenSnapshots(run)
		} else {
			var t *train.Trainer
			t, err = open(run)
			more = train.Ensemble{t}
		}
		if err != nil {
			e.Close()
			return nil, err
		}
		e = append(e, more...)
	}
	return e, nil
}

func (a *app) eval(ctx context.Context, e train.Ensemble, runs []string, dir string, images int) error {
	t := e[0]
	cfg := t.Config()
	cfg.TrainImages, cfg.Validation = 1, 0 // they are not used
	if images > 0 {
		cfg.TestImages = images
	}
	if dir != "" {
		cfg.Data = dir
	}
	evaluate, members := t.Evaluate, 0
	model := fmt.Sprintf("%s, %s trained", t.Model().Name, plural(t.Epoch(), "epoch"))
	if len(e) > 1 {
		evaluate, members = e.Evaluate, len(e)
		model = fmt.Sprintf("the mean of %s, %s", plural(len(e), "network"), names(e))
		if !data.IsImages(cfg.Data) && dir == "" {
			cfg.Shape = "" // each member has its own
		}
	}
	_, test, err := train.Load(cfg)
	if err != nil {
		if dir == "" && errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the run's %w; --data says where it is now", err)
		}
		return err
	}
	m, err := evaluate(ctx, test)
	if err != nil {
		return err
	}
	if a.json {
		return a.emit(evaluation{runs[0], members, dataName(test), m.N, m.Accuracy, m.Loss, t.Classes(), m.Confusion})
	}
	fields(a.stdout, a.out,
		[2]string{"accuracy", a.out.green(percent(m.Accuracy)) + fmt.Sprintf(" of %s, loss %.4f", plural(m.N, "test image"), m.Loss)},
		[2]string{"model", model},
		[2]string{"data", dataName(test)})
	fmt.Fprintln(a.stdout)
	a.confusion(t.Classes(), m.Confusion)
	return nil
}

// names lists the models of an ensemble, each once.
func names(e train.Ensemble) string {
	var list []string
	for _, t := range e {
		if !slices.Contains(list, t.Model().Name) {
			list = append(list, t.Model().Name)
		}
	}
	return strings.Join(list, ", ")
}

// confusion prints the table of true and found classes; zeros are left out.
func (a *app) confusion(classes []string, counts [][]int) {
	columns := []column{{"", widest(append([]string{"true"}, classes...)), false}}
	for j, c := range classes {
		width := len([]rune(c))
		for i := range counts {
			width = max(width, len(thousands(counts[i][j])))
		}
		columns = append(columns, column{c, width, true})
	}
	columns[0].head = "true"
	t := table{a.stdout, a.out, columns}
	fmt.Fprintln(a.stdout, a.out.dim(strings.Repeat(" ", columns[0].width+2)+"taken for"))
	t.head()
	for i, c := range classes {
		row := []string{c}
		for _, n := range counts[i] {
			s := ""
			if n > 0 {
				s = thousands(n)
			}
			row = append(row, s)
		}
		t.row(func(j int, cell string) string {
			switch {
			case j == 0:
				return a.out.dim(cell)
			case j-1 == i:
				return cell
			}
			return a.out.red(cell)
		}, row...)
	}
}
