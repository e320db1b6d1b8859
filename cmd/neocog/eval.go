package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"neocog/data"
	"neocog/train"
)

func (a *app) evalCommand() *cobra.Command {
	var dir, views string
	var images int
	cmd := &cobra.Command{
		Use:   "eval RUN",
		Short: "Measure the accuracy of a run on its test images",
		Long: `Measure loss and accuracy of the network in a run folder, on the test images of the data that it was trained on, or of
other data. The table shows which classes are taken for which.`,
		Example: `neocog eval runs/20260102-150405-lenet5
neocog eval runs/20260102-150405-lenet5 --data mnist
neocog eval runs/20260102-150405-lenet5 --views ten-crops:28,32`,
		Args: wants(1, 1, "RUN, a run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if images < 0 {
				return usagef("--test-images: got %d, want at least 0", images)
			}
			v, err := data.ParseViews(views)
			if err != nil {
				return asUsage(err)
			}
			return a.eval(cmd.Context(), args[0], dir, images, v, cmd.Flags().Changed("views"))
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "`FOLDER` with MNIST, Fashion-MNIST or CIFAR-10, or digits; by default that of the run")
	cmd.Flags().StringVar(&views, "views", "", "average predictions over `VIEWS` of each image: mirror, ten-crops:SIZE[,SIDE],\nfive-scales:SIZE; by default as the run did")
	cmd.Flags().IntVar(&images, "test-images", 0, "use so many images only; 0 is as many as the run did")
	return cmd
}

// evaluation is the object of eval --json.
type evaluation struct {
	Run       string   `json:"run"`
	Data      string   `json:"data"`
	Images    int      `json:"images"`
	Accuracy  float64  `json:"accuracy"`
	Loss      float64  `json:"loss"`
	Classes   []string `json:"classes"`
	Confusion [][]int  `json:"confusion"` // [i][j]: images of class i taken for class j
}

func (a *app) eval(ctx context.Context, run, dir string, images int, views data.Views, other bool) error {
	t, err := train.Open(run)
	if err != nil {
		return err
	}
	defer t.Close()
	if other {
		t.SetViews(views)
	}
	cfg := t.Config()
	cfg.TrainImages, cfg.Validation = 1, 0 // they are not used
	if images > 0 {
		cfg.TestImages = images
	}
	if dir != "" {
		cfg.Data = dir
	}
	_, test, err := train.Load(cfg)
	if err != nil {
		if dir == "" && errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the run's %w; --data says where it is now", err)
		}
		return err
	}
	m, err := t.Evaluate(ctx, test)
	if err != nil {
		return err
	}
	if a.json {
		return a.emit(evaluation{run, dataName(test), m.N, m.Accuracy, m.Loss, t.Classes(), m.Confusion})
	}
	fields(a.stdout, a.out,
		[2]string{"accuracy", a.out.green(percent(m.Accuracy)) + fmt.Sprintf(" of %s, loss %.4f", plural(m.N, "test image"), m.Loss)},
		[2]string{"model", fmt.Sprintf("%s, %s trained", t.Model().Name, plural(t.Epoch(), "epoch"))},
		[2]string{"data", dataName(test)})
	fmt.Fprintln(a.stdout)
	a.confusion(t.Classes(), m.Confusion)
	return nil
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
