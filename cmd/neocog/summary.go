package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"neocog/inspect"
)

func (a *app) summaryCommand() *cobra.Command {
	var batch int
	var gradient bool
	cmd := &cobra.Command{
		Use:   "summary MODEL",
		Short: "List the layers of a model with parameters and multiply-adds",
		Long: `List the layers of a model: output shape, parameters, multiply-adds of convolutions and matrix products, and the
memory of the results. Multiply-adds and memory are those of the whole batch.`,
		Example: `neocog summary lenet5
neocog summary convnetjs-cifar10 --batch 64 --grad
neocog summary lenet5 --json | tail -n 1`,
		Args:              wants(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(_ *cobra.Command, args []string) error {
			if batch < 1 {
				return usagef("--batch: got %d, want at least 1", batch)
			}
			return a.summary(args[0], batch, gradient)
		},
	}
	cmd.Flags().IntVar(&batch, "batch", 1, "images in a batch")
	cmd.Flags().BoolVar(&gradient, "grad", false, "count the gradient too")
	return cmd
}

func (a *app) summary(model string, batch int, gradient bool) error {
	m, err := findModel(model)
	if err != nil {
		return err
	}
	g, err := modelGraph(m, gradient)
	if err != nil {
		return err
	}
	s, err := inspect.Summarise(g, batch)
	if err != nil {
		return err
	}
	if !a.json {
		fmt.Fprintf(a.stdout, "%s\n%s\n\n%v", a.out.bold(m.Doc), a.out.dim(m.Source), s)
		return nil
	}
	for _, r := range s.Rows {
		if err := a.emit(r); err != nil {
			return err
		}
	}
	return a.emit(struct {
		Model        string `json:"model"`
		Batch        int    `json:"batch"`
		Params       int64  `json:"params"`
		Buffers      int64  `json:"buffers"`
		MACs         int64  `json:"macs"`
		GradientMACs int64  `json:"gradient_macs"`
		Activations  int64  `json:"activation_bytes"`
	}{m.Name, batch, s.Total.Params, s.Total.Buffers, s.Total.MACs, s.Total.GradientMACs, s.Total.Activations})
}
