package report

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"

	"neocog/data"
	"neocog/inspect/page"
	"neocog/train"
)

// A Run is what a report is made of. Everything but Name and Records may be missing.
type Run struct {
	Name    string // of the folder
	Model   string
	Records []train.Record
	Config  string // as YAML
	// Test is what the network makes of the test images; Classes are its names for them, Mistakes the worst of them, of Images.
	Test     *train.Metrics
	Classes  []string
	Mistakes []train.Mistake
	Images   *data.Set
	Filters  *page.Picture // of the first convolution
	Notes    []string      // what is missing, and why
}

var errNothing = errors.New("there are no figures of any epoch")

//go:embed report.html
var source string

var layout = template.Must(template.New("report").Parse(source))

// Write writes the report.
func Write(w io.Writer, r *Run) error {
	all := panels(r.Records)
	if len(all) == 0 {
		return errNothing
	}
	v := struct {
		*Run
		Curves    []template.HTML
		Facts     [][2]string
		Confusion []row
		Worst     []mistake
		Picture   template.URL
		Scale     int
	}{Run: r}
	for _, p := range all {
		svg, err := p.svg()
		if err != nil {
			return fmt.Errorf("the curve of %s: %w", p.title, err)
		}
		v.Curves = append(v.Curves, template.HTML(svg)) // of our own making, from numbers
	}
	v.Facts = r.facts()
	if r.Test != nil {
		v.Confusion = confusion(r.Test.Confusion, r.Classes)
	}
	if r.Images != nil {
		for _, m := range r.Mistakes {
			url, err := imageURL(r.Images, m.Index)
			if err != nil {
				return err
			}
			v.Worst = append(v.Worst, mistake{url, r.class(m.Label), r.class(m.Taken), percent(m.Probability), percent(m.Sure)})
		}
	}
	if f := r.Filters; f != nil {
		v.Picture, v.Scale = template.URL("data:image/png;base64,"+f.Data), min(max(1, 640/f.W), 8)*f.W
	}
	return layout.Execute(w, v)
}

// facts are the figures at the top.
func (r *Run) facts() [][2]string {
	last := r.Records[len(r.Records)-1]
	facts := [][2]string{{"model", r.Model}, {"epochs", fmt.Sprint(last.Epoch)}, {"steps", fmt.Sprint(last.Step)}, {"time", fmt.Sprintf("%.1f s", last.Seconds)}}
	if last.TestAccuracy == last.TestAccuracy {
		facts = append(facts, [2]string{"test accuracy", percent(last.TestAccuracy)}, [2]string{"test loss", fmt.Sprintf("%.4f", last.TestLoss)})
	}
	return append(facts, [2]string{"training accuracy", percent(last.Accuracy)}, [2]string{"training loss", fmt.Sprintf("%.4f", last.Loss)})
}

func percent(share float64) string { return fmt.Sprintf("%.2f\u00a0%%", 100*share) }

func (r *Run) class(i int) string {
	if i >= 0 && i < len(r.Classes) {
		return r.Classes[i]
	}
	return fmt.Sprint(i)
}

type row struct {
	Class string
	Cells []cell
}

type cell struct {
	N        int
	Right    bool
	Strength string // 0 … 1: share of the class
}

func confusion(counts [][]int, classes []string) []row {
	rows := make([]row, len(counts))
	for i, list := range counts {
		rows[i].Class = fmt.Sprint(i)
		if i < len(classes) {
			rows[i].Class = classes[i]
		}
		total := 0
		for _, n := range list {
			total += n
		}
		for j, n := range list {
			rows[i].Cells = append(rows[i].Cells, cell{n, i == j, fmt.Sprintf("%.3f", float64(n)/float64(max(total, 1)))})
		}
	}
	return rows
}

type mistake struct {
	Image             template.URL
	Label, Taken      string
	Probability, Sure string
}

// imageURL returns an image of a set as a PNG in a URL.
func imageURL(s *data.Set, i int) (template.URL, error) {
	planes, size := s.Image(i), s.H*s.W
	img := image.NewRGBA(image.Rect(0, 0, s.W, s.H))
	for p := range size {
		at := func(c int) uint8 { return planes[min(c, s.C-1)*size+p] }
		c := color.RGBA{at(0), at(1), at(2), 255}
		if s.C != 3 {
			c.G, c.B = c.R, c.R
		}
		img.SetRGBA(p%s.W, p/s.W, c)
	}
	var b strings.Builder
	enc := base64.NewEncoder(base64.StdEncoding, &b)
	if err := png.Encode(enc, img); err != nil {
		return "", err
	}
	enc.Close() // a builder takes everything
	return template.URL("data:image/png;base64," + b.String()), nil
}
