package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"neocog/bench"
	"neocog/inspect"
	"neocog/models"
)

func (a *app) summaryCommand() *cobra.Command {
	var batch int
	var gradient, program bool
	var input string
	var format *choice
	cmd := &cobra.Command{
		Use:   "summary MODEL",
		Short: "List the layers of a model with parameters, multiply-adds and receptive fields",
		Long: `List the layers of a model: output shape, parameters, multiply-adds of convolutions and matrix products, the memory
of the results, how many pixels of the image one place of the output sees (its receptive field), and by how many
pixels the fields of neighbouring places are apart. Multiply-adds and memory are those of the whole batch. With
--grad the model is as it trains, and the gradient's multiply-adds and memory are listed too.

--program lists instead what the compiled program takes for a run, before it runs: arithmetic, memory, the moment at which most of it is in
use, and the time that a formula predicts for all cores of this machine; with --grad for a step of training. "neocog profile" measures.`,
		Example: `neocog summary vgg-d
neocog summary convnetjs-cifar10 --batch 64 --grad
neocog summary resnet50 --input 512x384
neocog summary vgg-d --program --grad --batch 4
neocog summary googlenet --format markdown > googlenet.md
neocog summary lenet5 --json | tail -n 1`,
		Args:              wants(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkBatch(batch); err != nil {
				return err
			}
			if a.json && cmd.Flags().Changed("format") && format.value != "json" {
				return usagef("--json and --format %s ask for two forms; leave one of them out", format.value)
			}
			m, err := modelAt(args[0], input, gradient)
			if err != nil {
				return err
			}
			if program {
				return a.programCost(m, batch, gradient, format.value)
			}
			return a.summary(m, batch, gradient, format.value)
		},
	}
	cmd.Flags().IntVar(&batch, "batch", 1, "images in a batch")
	cmd.Flags().StringVar(&input, "input", "", "images of this `HxW` in pixels; the model's own by default")
	cmd.Flags().BoolVar(&gradient, "grad", false, "count the gradient too")
	cmd.Flags().BoolVar(&program, "program", false, "what the compiled program takes, instead of the layers")
	format = chooses(cmd, cmd.Flags(), "format", "text, markdown or json, one object; --json gives one a line", "text", "markdown", "json")
	return cmd
}

// modelAt returns the model of this name, for images of another size if input names one.
func modelAt(name, input string, training bool) (models.Model, error) {
	m, err := findModel(name)
	if err != nil || input == "" {
		return m, err
	}
	h, w, err := parseInput(input)
	if err != nil {
		return m, err
	}
	if m, err = m.At(h, w, training); err != nil {
		return m, asUsage(err)
	}
	return m, nil
}

// programCost writes what the compiled network takes.
func (a *app) programCost(m models.Model, batch int, training bool, format string) error {
	p, err := bench.ModelCase{Model: m, Train: training, Batch: batch, Threads: runtime.GOMAXPROCS(0)}.Program()
	if err != nil {
		return err
	}
	c, err := inspect.NewProgramCost(p, batch)
	if err != nil {
		return err
	}
	switch {
	case a.json:
		return a.emit(c)
	case format == "json":
		text, err := json.MarshalIndent(c, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(a.stdout, "%s\n", text)
		}
		return err
	case format == "markdown":
		_, err := io.WriteString(a.stdout, c.Markdown())
		return err
	}
	_, err = fmt.Fprint(a.stdout, c)
	return err
}

func (a *app) summary(m models.Model, batch int, gradient bool, format string) error {
	g, err := modelGraph(m, gradient)
	if err != nil {
		return err
	}
	s, err := inspect.Summarise(g, batch)
	if err != nil {
		return err
	}
	switch {
	case format == "json":
		text, err := s.JSON()
		if err == nil {
			_, err = a.stdout.Write(text)
		}
		return err
	case format == "markdown":
		_, err := fmt.Fprintf(a.stdout, "%s, batch %d. %s.\n\n%s", m.Doc, batch, m.Source, s.Markdown())
		return err
	case !a.json:
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
		Gradients    int64  `json:"gradient_bytes"`
	}{m.Name, batch, s.Total.Params, s.Total.Buffers, s.Total.MACs, s.Total.GradientMACs, s.Total.Activations, s.Total.Gradients})
}

// checkBatch returns an error if there is no such batch size.
func checkBatch(batch int) error {
	if batch < 1 || batch > inspect.MaxBatch {
		return usagef("--batch: got %d, want 1 to %d", batch, inspect.MaxBatch)
	}
	return nil
}

// parseInput reads the height and width of images, as 224x224.
func parseInput(s string) (h, w int, err error) {
	rows, columns, ok := strings.Cut(strings.ToLower(s), "x")
	if ok {
		var errH, errW error
		h, errH = strconv.Atoi(rows)
		w, errW = strconv.Atoi(columns)
		ok = errH == nil && errW == nil
	}
	if !ok {
		return 0, 0, usagef("--input: got %q, want height and width in pixels, such as 224x224", s)
	}
	return h, w, nil
}
