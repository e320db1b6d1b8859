package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"neocog/graph"
	"neocog/graph/dot"
	"neocog/graph/mermaid"
	"neocog/graph/modelexplorer"
	"neocog/graph/svg"
	"neocog/inspect"
	"neocog/inspect/page"
	"neocog/internal/wholefile"
	"neocog/train"
)

// A graphFormat is a form in which a graph can be written.
type graphFormat struct {
	name    string
	endings []string // of files
	write   func(r *graphRequest, w io.Writer, g *graph.Graph) error
}

// graphFormats are tried in this order for the ending of a file.
var graphFormats = []graphFormat{
	{"text", []string{".txt"}, func(_ *graphRequest, w io.Writer, g *graph.Graph) error { return g.Print(w) }},
	{"dot", []string{".dot", ".gv"}, func(_ *graphRequest, w io.Writer, g *graph.Graph) error { return dot.Write(w, g, dot.Options{}) }},
	{"svg", []string{".svg"}, func(r *graphRequest, w io.Writer, g *graph.Graph) error {
		return svg.Write(w, g, svg.Options{Most: r.most})
	}},
	{"html", []string{".html", ".htm"}, (*graphRequest).page},
	{"json", []string{".json"}, (*graphRequest).graphJSON},
	{"mermaid", []string{".mmd", ".mermaid"}, func(r *graphRequest, w io.Writer, g *graph.Graph) error {
		return mermaid.Write(w, g, mermaid.Options{Most: r.most})
	}},
	{"onnx", []string{".onnx"}, func(r *graphRequest, w io.Writer, _ *graph.Graph) error { return r.outputs.writeONNX(w, nil) }},
	{"model-explorer", nil, func(_ *graphRequest, w io.Writer, g *graph.Graph) error { return modelexplorer.Write(w, g) }},
}

// A graphRequest is one call of the command.
type graphRequest struct {
	*app
	ctx          context.Context
	model        string
	outputs      *modelOutputs
	gradient     bool
	format       graphFormat
	file         string
	open, passes bool
	most, batch  int
	run, profile string
	trainer      *train.Trainer // of the run
}

func (a *app) graphCommand() *cobra.Command {
	r := &graphRequest{app: a}
	var format *choice
	var names []string
	for _, f := range graphFormats {
		names = append(names, f.name)
	}
	cmd := &cobra.Command{
		Use:   "graph MODEL",
		Short: "Show the graph of a model: as text, as a picture, as a page",
		Long: `Show the graph of a model, from images to logits; with --grad the graph to train with: the loss and its gradient
by every parameter.

The text form is what graph.Parse reads. svg is a picture; html a page with everything that is known of each node, for any
browser, without a network; dot is for Graphviz, mermaid for Markdown, model-explorer for Google's
viewer of that name, onnx for Netron and all that runs ONNX.

A page shows more with --run, a folder that train made: distributions of the weights, filters, and what the network makes
of a test image; and with --profile, a file of measured times.

--passes shows the program that the compiler makes of the graph, and with --grad of a step of training, as "neocog bench model" runs it: as text
what each pass removed and made, as html the graph after each pass, the instructions, and what lies where in memory.`,
		Example: `neocog graph lenet5
neocog graph lenet5 --grad --open
neocog graph resnet20 --passes
neocog graph resnet50 --passes --grad --batch 8 -o passes.html
neocog graph lenet5 -o lenet5.svg
neocog graph lenet5 --run runs/20260102-150405-lenet5 -o lenet5.html`,
		Args:              wants(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			r.ctx, r.model = cmd.Context(), args[0]
			if err := r.check(cmd.Flags(), format); err != nil {
				return err
			}
			return r.do()
		},
	}
	format = chooses(cmd, cmd.Flags(), "format", "text, dot, svg, html, json, mermaid, onnx or model-explorer; otherwise by the ending of FILE", names...)
	flags := cmd.Flags()
	flags.BoolVar(&r.gradient, "grad", false, "with loss and gradient")
	flags.StringVarP(&r.file, "output", "o", "", "write to this `FILE` instead of standard output")
	flags.BoolVar(&r.open, "open", false, "show it in the browser")
	flags.IntVar(&r.most, "most", 0, "draw scopes as one node until about so many nodes are left; 0 draws all; by default 200 in svg, 100 in mermaid, 60 in html")
	flags.IntVar(&r.batch, "batch", 0, "images in a batch, for costs in html; by default that of the profile, or 1")
	flags.BoolVar(&r.passes, "passes", false, "show what the compiler makes of it, pass by pass; in html with the instructions and their memory")
	flags.StringVar(&r.run, "run", "", "show weights and activations of this run `FOLDER`, in html")
	flags.StringVar(&r.profile, "profile", "", "show the times in this `FILE`, in html")
	return cmd
}

// check settles the format, and refuses flags that have no meaning in it.
func (r *graphRequest) check(flags *pflag.FlagSet, format *choice) error {
	ext := strings.ToLower(filepath.Ext(r.file))
	if slices.Contains([]string{".png", ".pdf", ".jpg", ".jpeg"}, ext) {
		return asUsage(fmt.Errorf("%s would be a picture of a kind that Graphviz draws: neocog graph %s --format dot | dot -T%s > %s; without it there is svg",
			r.file, r.model, ext[1:], r.file))
	}
	if flags.Changed("batch") {
		if err := checkBatch(r.batch); err != nil {
			return err
		}
	}
	if r.most < 0 {
		return usagef("--most: got %d, want at least 0", r.most)
	}
	if !flags.Changed("format") {
		if format.value = r.usualFormat(); format.value == "" {
			return usagef("-o %s: the ending %s says no format; add --format, one of %s", r.file, ext, strings.Join(format.known, ", "))
		}
	}
	r.format = graphFormats[slices.Index(format.known, format.value)]
	if r.open && r.format.name != "html" && r.format.name != "svg" {
		return usagef("--open: a browser shows html and svg, not %s", r.format.name)
	}
	if r.json && flags.Changed("format") && r.format.name != "json" && r.file == "" {
		return usagef("--json and --format %s ask for two forms; leave one of them out", r.format.name)
	}
	if flags.Changed("most") && !slices.Contains([]string{"svg", "mermaid", "html"}, r.format.name) {
		return usagef("--most: only svg, mermaid and html draw scopes, not %s", r.format.name)
	}
	for _, flag := range []string{"batch", "run", "profile"} {
		if flags.Changed(flag) && r.format.name != "html" {
			return usagef("--%s: only a page shows it; add --format html", flag)
		}
	}
	if flags.Changed("most") && r.most == 0 {
		r.most = -1 // all
	}
	if r.passes {
		return r.showPasses()
	}
	return nil
}

// usualFormat is the format where none is asked for, "" if the file's ending is that of none.
func (r *graphRequest) usualFormat() string {
	ext := strings.ToLower(filepath.Ext(r.file))
	for _, f := range graphFormats {
		if slices.Contains(f.endings, ext) {
			return f.name
		}
	}
	switch {
	case ext != "":
		return ""
	case r.file == "" && (r.open || r.run != "" || r.profile != ""):
		return "html"
	case r.file == "" && r.json:
		return "json"
	}
	return "text"
}

func (r *graphRequest) do() error {
	m, err := findModel(r.model)
	if err != nil {
		return err
	}
	if r.run != "" {
		if r.trainer, err = r.openRun(m); err != nil {
			return err
		}
		defer r.trainer.Close()
		m = r.trainer.Model()
	}
	if r.outputs, err = outputsOf(m, r.gradient); err != nil {
		return err
	}
	g := r.outputs.graph
	if r.file == "" && r.open {
		dir, err := os.MkdirTemp("", "neocog-")
		if err != nil {
			return err
		}
		r.file = filepath.Join(dir, m.Name+r.format.endings[0])
	}
	if r.file == "" {
		if err := r.format.write(r, r.stdout, g); err != nil {
			return err
		}
		if r.format.name == "dot" {
			flags := ""
			if r.gradient {
				flags = " --grad"
			}
			fmt.Fprintf(r.stderr, "to draw it with Graphviz: %s graph %s%s --format dot | dot -Tsvg > %s.svg\n", self(), r.model, flags, r.model)
		}
		return nil
	}
	if err := wholefile.Write(r.file, func(w io.Writer) error { return r.format.write(r, w, g) }); err != nil {
		return err
	}
	fmt.Fprintf(r.stderr, "%s: %s as %s\n", r.file, plural(len(g.Nodes()), "node"), r.format.name)
	if r.format.name == "dot" {
		fmt.Fprintf(r.stderr, "to draw it with Graphviz: dot -Tsvg -O %s\n", r.file)
	}
	if r.open {
		if err := browse(r.file); err != nil {
			return fmt.Errorf("no browser could be started (%w); open %s yourself", err, r.file)
		}
	}
	if r.json {
		return r.emit(map[string]any{"model": r.model, "format": r.format.name, "file": r.file, "nodes": len(g.Nodes())})
	}
	return nil
}

// graphJSON writes one node a line; with --json everything is one line.
func (r *graphRequest) graphJSON(w io.Writer, g *graph.Graph) error {
	text, err := inspect.GraphJSON(g)
	if err != nil {
		return err
	}
	if r.json {
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

// page writes the page, with what the run and the profile add to it.
func (r *graphRequest) page(w io.Writer, g *graph.Graph) error {
	o := page.Options{Batch: r.batch, Open: r.most}
	if r.run != "" {
		if err := r.addRun(g, r.trainer, &o); err != nil {
			return err
		}
	}
	if r.profile != "" {
		f, err := os.Open(r.profile)
		if err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
		defer f.Close()
		if o.Profile, err = inspect.ReadProfile(f, g); err != nil {
			return fmt.Errorf("%s: %w", r.profile, err)
		}
	}
	var err error
	if o.Program, err = page.Compile(g); err != nil {
		return err
	}
	return page.Write(w, g, o)
}

// browse shows a file in the browser that the desktop has chosen.
func browse(file string) error {
	path, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	command := []string{"xdg-open", path}
	switch runtime.GOOS {
	case "darwin":
		command = []string{"open", path}
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", path}
	}
	return exec.Command(command[0], command[1:]...).Run()
}
