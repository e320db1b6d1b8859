package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"neocog/data"
	"neocog/graph"
	"neocog/inspect/page"
	"neocog/inspect/report"
	"neocog/internal/wholefile"
	"neocog/train"
)

// mostMistakes is how many images a report shows.
const mostMistakes = 24

// A viewRequest is one call of the command view.
type viewRequest struct {
	*app
	run, data    string
	images       int
	format, file string
	open         bool
	notes        []string // what is missing, and why
}

// note says what is missing, on the terminal and in the report.
func (r *viewRequest) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
	fmt.Fprintln(r.stderr, r.notes[len(r.notes)-1])
}

func (a *app) viewCommand() *cobra.Command {
	r := &viewRequest{app: a}
	var format *choice
	cmd := &cobra.Command{
		Use:   "view RUN",
		Short: "Show what training looked like",
		Long: `Show the curves of a run in the terminal, and write a report: curves of loss, accuracy, learning rate and the ratio of
updates to weights, which classes are taken for which, the images that the network is most wrong about, its first
filters, and the configuration. The report is one file of HTML that needs no network; where no file is named it is
report.html in the run folder. With --format png or svg only the curves are written, as a picture.`,
		Example: `neocog view runs/20260102-150405-lenet5
neocog view runs/20260102-150405-lenet5 --open
neocog view runs/20260102-150405-lenet5 -o curves.png`,
		Args: wants(1, 1, "RUN, a run folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.images < 0 {
				return usagef("--test-images: got %d, want at least 0", r.images)
			}
			r.run, r.format = args[0], format.value
			if !cmd.Flags().Changed("format") && r.file != "" {
				r.format = strings.TrimPrefix(strings.ToLower(filepath.Ext(r.file)), ".")
				switch r.format {
				case "html", "png", "svg":
				case "htm":
					r.format = "html"
				default:
					return usagef("--output: got %q, want a name that ends with .html, .png or .svg, or --format", r.file)
				}
			}
			for _, flag := range []string{"data", "test-images"} {
				if cmd.Flags().Changed(flag) && r.format != "html" {
					return usagef("--%s: only a report looks at images; add --format html", flag)
				}
			}
			for _, flag := range []string{"output", "open"} {
				if cmd.Flags().Changed(flag) && r.format == "text" {
					return usagef("--%s: --format text writes no file; html, png and svg do", flag)
				}
			}
			return r.do(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	format = chooses(cmd, flags, "format", "html, png, svg, or text, which writes no file; by default what --output ends with", "html", "png", "svg", "text")
	flags.StringVarP(&r.file, "output", "o", "", "write to this `FILE`")
	flags.BoolVar(&r.open, "open", false, "show the file in the browser")
	flags.StringVar(&r.data, "data", "", "`FOLDER` with the data; by default that of the run")
	flags.IntVar(&r.images, "test-images", 0, "use so many images only; 0 is as many as the run did")
	return cmd
}

// viewed is the object of view --json.
type viewed struct {
	Run    string         `json:"run"`
	File   string         `json:"file,omitempty"`
	Epochs []train.Record `json:"epochs"`
	Notes  []string       `json:"notes,omitempty"`
}

func (r *viewRequest) do(ctx context.Context) error {
	records, err := train.Records(r.run)
	if err != nil {
		if len(records) == 0 {
			return err
		}
		r.note("%v; shown is what stands before it", err)
	}
	if len(records) == 0 {
		return fmt.Errorf("run folder %s has no figures yet: not one epoch has ended", r.run)
	}
	out := viewed{Run: r.run, Epochs: records, Notes: r.notes}
	if !r.json {
		fmt.Fprint(r.stdout, report.Text(records, 80, bool(r.out)))
	}
	if r.format != "text" {
		if out.File = r.file; out.File == "" {
			out.File = filepath.Join(r.run, map[string]string{"html": "report.html", "png": "curves.png", "svg": "curves.svg"}[r.format])
		}
		var write func(w io.Writer) error
		switch r.format {
		case "png":
			write = func(w io.Writer) error { return report.PNG(w, records) }
		case "svg":
			write = func(w io.Writer) error { return report.SVG(w, records) }
		default:
			run, err := r.report(ctx, records)
			if err != nil {
				return err
			}
			out.Notes = r.notes
			write = func(w io.Writer) error { return report.Write(w, run) }
		}
		if err := wholefile.Write(out.File, write); err != nil {
			return err
		}
	}
	if r.json {
		return r.emit(out)
	}
	if out.File == "" {
		return nil
	}
	fmt.Fprintf(r.stderr, "%s: %s of %s\n", out.File, map[bool]string{true: "report", false: "curves"}[r.format == "html"], plural(len(records), "epoch"))
	if r.open {
		if err := browse(out.File); err != nil {
			return fmt.Errorf("no browser could be started (%w); open %s yourself", err, out.File)
		}
	}
	return nil
}

// report collects what the page shows. What needs the data is left out, with a note, where that cannot be read.
func (r *viewRequest) report(ctx context.Context, records []train.Record) (*report.Run, error) {
	cfg, err := train.ReadConfig(r.run)
	if err != nil {
		return nil, err
	}
	config, err := os.ReadFile(filepath.Join(r.run, train.ConfigFile))
	if err != nil {
		return nil, err
	}
	run := &report.Run{Name: filepath.Base(filepath.Clean(r.run)), Model: cfg.Model, Records: records, Config: string(config)}
	defer func() { run.Notes = r.notes }()
	t, err := train.Open(r.run)
	if errors.Is(err, fs.ErrNotExist) {
		r.note("no filters, no confusion matrix and no images: %v", err)
		return run, nil
	}
	if err != nil {
		return nil, err
	}
	defer t.Close()
	run.Classes = t.Classes()
	if run.Filters, err = firstFilters(t); err != nil {
		return nil, err
	}
	cfg.TrainImages, cfg.Validation = 1, 0 // they are not used
	if r.images > 0 {
		cfg.TestImages = r.images
	}
	if r.data != "" {
		cfg.Data = r.data
	}
	_, test, err := train.Load(cfg)
	if err != nil {
		hint := ""
		if r.data == "" && errors.Is(err, fs.ErrNotExist) {
			hint = "; --data says where it is now"
		}
		r.note("no confusion matrix and no images: the data cannot be read: %v%s", err, hint)
		return run, nil
	}
	return run, r.judge(ctx, run, t, test)
}

// judge adds what the network makes of the test images.
func (r *viewRequest) judge(ctx context.Context, run *report.Run, t *train.Trainer, test *data.Set) error {
	m, err := t.Evaluate(ctx, test)
	if err != nil {
		return err
	}
	run.Test, run.Images = &m, test
	run.Mistakes, err = t.Mistakes(ctx, test, mostMistakes)
	return err
}

// firstFilters returns the picture of the first filters of a network, nil where there are none of more than one tap.
func firstFilters(t *train.Trainer) (*page.Picture, error) {
	for _, v := range t.Graph().Params() {
		s := v.Shape()
		if len(s) != 4 || s[2]*s[3] == 1 {
			continue
		}
		w, err := t.State().Get(v.Node().Op.(graph.ParamOp).Label)
		if err != nil {
			return nil, err
		}
		x := make([]float64, 0, s.Size())
		for _, v := range w.Float32s() {
			x = append(x, float64(v))
		}
		return page.Filters(x, s)
	}
	return nil, nil
}
