package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"neocog/graph"
	"neocog/graph/dot"
	"neocog/inspect"
)

func (a *app) graphCommand() *cobra.Command {
	var gradient bool
	var file string
	var format *choice
	cmd := &cobra.Command{
		Use:   "graph MODEL",
		Short: "Print the graph of a model, as text, DOT or JSON",
		Long: `Print the graph of a model, from images to logits; with --grad the graph to train with: the loss and its gradient
by every parameter. The text form is what graph.Parse reads; DOT is for Graphviz.`,
		Example: `neocog graph lenet5
neocog graph lenet5 --grad -o lenet5.dot && dot -Tsvg -O lenet5.dot
neocog graph lenet5 --format json`,
		Args:              wants(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if ext := strings.ToLower(filepath.Ext(file)); slices.Contains([]string{".png", ".svg", ".pdf", ".jpg", ".jpeg"}, ext) {
				return asUsage(fmt.Errorf("%s would be a picture, which Graphviz draws: neocog graph %s --format dot | dot -T%s > %s",
					file, args[0], ext[1:], file))
			}
			if !cmd.Flags().Changed("format") {
				format.value = a.formatOf(file)
			}
			return a.graph(args[0], gradient, format.value, file)
		},
	}
	format = chooses(cmd, cmd.Flags(), "format", "text, dot or json; otherwise by the ending of FILE", "text", "dot", "json")
	cmd.Flags().BoolVar(&gradient, "grad", false, "with loss and gradient")
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to this `FILE` instead of standard output")
	return cmd
}

// formatOf is the format for a file of that name, "" for standard output.
func (a *app) formatOf(file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".dot", ".gv":
		return "dot"
	case ".json":
		return "json"
	}
	if file == "" && a.json {
		return "json"
	}
	return "text"
}

func (a *app) graph(model string, gradient bool, format, file string) error {
	m, err := findModel(model)
	if err != nil {
		return err
	}
	g, err := modelGraph(m, gradient)
	if err != nil {
		return err
	}
	if file == "" {
		if err := a.writeGraph(a.stdout, g, format); err != nil {
			return err
		}
		if format == "dot" {
			flags := ""
			if gradient {
				flags = " --grad"
			}
			fmt.Fprintf(a.stderr, "to draw it with Graphviz: %s graph %s%s --format dot | dot -Tsvg > %s.svg\n", self(), model, flags, model)
		}
		return nil
	}
	if err := writeFile(file, func(w io.Writer) error { return a.writeGraph(w, g, format) }); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s: %s as %s\n", file, plural(len(g.Nodes()), "node"), format)
	if format == "dot" {
		fmt.Fprintf(a.stderr, "to draw it with Graphviz: dot -Tsvg -O %s\n", file)
	}
	if a.json {
		return a.emit(map[string]any{"model": model, "format": format, "file": file, "nodes": len(g.Nodes())})
	}
	return nil
}

// writeGraph writes g. With --json JSON is one line, otherwise one node a line.
func (a *app) writeGraph(w io.Writer, g *graph.Graph, format string) error {
	switch format {
	case "dot":
		return dot.Write(w, g, dot.Options{})
	case "json":
		text, err := inspect.GraphJSON(g)
		if err != nil {
			return err
		}
		if a.json {
			var line bytes.Buffer
			if err := json.Compact(&line, text); err != nil {
				return err
			}
			line.WriteByte('\n')
			text = line.Bytes()
		}
		_, err = w.Write(text)
		return err
	}
	return g.Print(w)
}
