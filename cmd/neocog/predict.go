package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"neocog/data"
	"neocog/train"
)

// predictOptions say what happens to an image before the network sees it.
type predictOptions struct {
	fit, invert, show *choice
	conv              convFlags
}

func (a *app) predictCommand() *cobra.Command {
	var o predictOptions
	cmd := &cobra.Command{
		Use:   "predict RUN... IMAGE...",
		Short: "Say what is in images",
		Long: `Say what is in PNG or JPEG images of any size, by the network in a run folder: the class and the three most probable.

An image of the size that the network wants is taken as it is. For a network of digits others are prepared as MNIST
was: cut out, scaled and centred. Otherwise they are resized. A grey image with a light border, such as ink on
paper, is inverted.

Several run folders before the images are an ensemble, whose probabilities are averaged.`,
		Example: `neocog predict runs/20260102-150405-lenet5 seven.png
neocog predict runs/20260102-150405-lenet5 --json scans/*.jpg`,
		Args: wants(2, -1, "RUN, a run folder, and at least one IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			runs, images := runsFirst(args)
			return a.predict(cmd, runs, images, o)
		},
	}
	o.fit = chooses(cmd, cmd.Flags(), "fit", "how an image comes to the network's size: auto is as above", "auto", "digit", "stretch", "crop", "pad")
	o.invert = chooses(cmd, cmd.Flags(), "invert", "swap light and dark: auto is by the border of grey images", "auto", "always", "never")
	o.show = chooses(cmd, cmd.Flags(), "show", "draw what the network sees: auto is on a terminal", "auto", "always", "never")
	o.conv.add(cmd, cmd.Flags())
	return cmd
}

// A prediction is the object of predict --json.
type prediction struct {
	Image       string  `json:"image"`
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
	Top         []score `json:"top"` // the most probable, at most three
}

type score struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
}

// runsFirst separates the runs, which are folders, from the images after them: the first argument is a run, the last
// an image, whatever they are.
func runsFirst(args []string) (runs, images []string) {
	n := 1
	for n < len(args)-1 {
		if info, err := os.Stat(args[n]); err != nil || !info.IsDir() {
			break
		}
		n++
	}
	return args[:n], args[n:]
}

func (a *app) predict(cmd *cobra.Command, runs, files []string, o predictOptions) error {
	ctx := cmd.Context()
	e, err := openEnsemble(runs, false, false)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := o.conv.change(cmd, e); err != nil {
		return err
	}
	t := e[0]
	show := o.show.value == "always" || o.show.value == "auto" && isTerminal(a.stdout)
	width := 0
	for _, f := range files {
		width = max(width, len([]rune(f)))
	}
	var faults []error
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		pixels, p, err := predictFile(ctx, e, file, o)
		switch {
		case err != nil:
			faults = append(faults, err)
		case a.json:
			if err := a.emit(p); err != nil {
				return err
			}
		default:
			fmt.Fprintf(a.stdout, "%-*s  %s\n", width, file, p.text(a.out))
			if in := t.Model().Input; show && in[0] == 1 {
				fmt.Fprint(a.stdout, drawing(pixels, in[1], in[2]))
			}
		}
	}
	return joined(faults)
}

// joined is errors.Join with the prefix of the program before each but the first, which is added later.
func joined(faults []error) error {
	if len(faults) < 2 {
		return errors.Join(faults...)
	}
	var lines []string
	for _, f := range faults {
		lines = append(lines, f.Error())
	}
	return errors.New(strings.Join(lines, "\nneocog: "))
}

// predictFile returns what the network saw and what it makes of that.
func predictFile(ctx context.Context, e train.Ensemble, file string, o predictOptions) ([]byte, prediction, error) {
	img, err := readImage(file)
	if err != nil {
		return nil, prediction{}, err
	}
	t := e[0]
	in := t.Model().Input
	pixels, err := data.FitImage(img, in[0], in[1], in[2], fitOptions(img, in, t.Classes(), o))
	if err != nil {
		return nil, prediction{}, fmt.Errorf("%s: %w", file, err)
	}
	probs, err := e.Predict(ctx, pixels, 1)
	if err != nil {
		return nil, prediction{}, err
	}
	p := prediction{Image: file}
	for i, v := range probs {
		if v != v {
			return nil, prediction{}, fmt.Errorf("%s: the network returns NaN: its weights are damaged or its training diverged", file)
		}
		p.Top = append(p.Top, score{t.Classes()[i], v})
	}
	slices.SortStableFunc(p.Top, func(x, y score) int { return cmp.Compare(y.Probability, x.Probability) })
	p.Top = p.Top[:min(3, len(p.Top))]
	p.Class, p.Probability = p.Top[0].Class, p.Top[0].Probability
	return pixels, p, nil
}

func readImage(file string) (image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := data.DecodeImage(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return img, nil
}

// fitOptions returns how img becomes an input of shape in [C,H,W].
func fitOptions(img image.Image, in []int, classes []string, o predictOptions) data.FitOptions {
	digits := in[0] == 1 && slices.Equal(classes, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})
	var f data.FitOptions
	switch o.fit.value {
	case "auto":
		f.CentreInk = digits && img.Bounds().Size() != image.Pt(in[2], in[1])
	case "digit":
		f.CentreInk = true
	case "crop":
		f.Aspect = data.Crop
	case "pad":
		f.Aspect = data.Pad
	}
	switch {
	case o.invert.value == "always":
		f.Invert = data.InvertAlways
	case o.invert.value == "auto" && in[0] == 1:
		f.Invert = data.InvertAuto
	}
	return f
}

// text is the prediction for people: class and probability, then the others.
func (p prediction) text(c paint) string {
	var rest []string
	for _, s := range p.Top[1:] {
		rest = append(rest, fmt.Sprintf("%s %s", s.Class, percent(float64(s.Probability))))
	}
	s := fmt.Sprintf("%s  %8s", c.bold(p.Class), percent(float64(p.Probability)))
	if len(rest) > 0 {
		s += c.dim("  then " + strings.Join(rest, ", "))
	}
	return s
}
