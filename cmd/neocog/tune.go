package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"neocog/internal/wholefile"
	"neocog/tune"
)

func (a *app) tuneCommand() *cobra.Command {
	var f modelFlags
	var file string
	var pin bool
	cmd := &cobra.Command{
		Use:   "tune MODEL -o FILE",
		Short: "Measure convolution algorithms, and keep their times in a file",
		Long: `Measure all algorithms that can compute the convolutions of a network, on its own buffers, and write their times to a
file. With --tune FILE other commands choose the fastest algorithm of those that the accuracy allows; problems that are not
in the file are left to the formula. The same file makes the same choices, and so results that repeat to
the last bit. A file that exists is added to.

The times hold for one kind of processor, which the file names; elsewhere it is refused, unless --pin says that the choices
are to be the same everywhere.`,
		Example: `neocog tune resnet50 --batch 8 -o times.json
neocog tune lenet5 --mode train --batch 64 -o times.json
neocog train lenet5 --batch 64 --tune times.json
neocog explain resnet50 --batch 8 --tune times.json`,
		Args:              wants(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return usagef("--output is missing: the FILE that keeps the times")
			}
			cases, err := f.cases(args)
			if err != nil {
				return err
			}
			table, err := tune.Open(file)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				table = tune.New(f.threads)
			case err != nil:
				return err
			}
			table.Pinned = table.Pinned || pin
			return a.interruptible(cmd.Context(), func() error {
				for _, c := range cases {
					found, err := convolutions(cmd.Context(), c, true)
					if err != nil {
						return err
					}
					table.Add(found)
				}
				if err := wholefile.Write(file, func(w io.Writer) error { return table.Write(w) }); err != nil {
					return err
				}
				if a.json {
					return a.emit(struct {
						File         string `json:"file"`
						Convolutions int    `json:"convolutions"`
						Pinned       bool   `json:"pinned"`
					}{file, table.Len(), table.Pinned})
				}
				fmt.Fprintf(a.stdout, "%s has the times of %s\n", a.out.bold(file), plural(table.Len(), "convolution"))
				return nil
			})
		},
	}
	f.add(cmd, true)
	cmd.Flags().Lookup("reps").Hidden = true
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to this `FILE`, or add to it")
	cmd.Flags().BoolVar(&pin, "pin", false, "let the choices hold on every processor")
	return cmd
}
