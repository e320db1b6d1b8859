package report

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/guptarohit/asciigraph"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"neocog/train"
)

// A panel is one diagram: what some columns of the records did over the epochs.
type panel struct {
	title  string
	log    bool // the axis is logarithmic
	series []series
}

type series struct {
	name   string
	points plotter.XYs // epoch, value; what was not measured is left out
}

// panels returns the diagrams for which there is anything to show.
func panels(records []train.Record) []panel {
	column := func(name string, log bool, get func(train.Record) float64) series {
		s := series{name: name}
		for _, r := range records {
			if v := get(r); math.Abs(v) <= 1e300 && (!log || v >= 1e-300) { // an axis has room around what it shows
				s.points = append(s.points, plotter.XY{X: float64(r.Epoch), Y: v})
			}
		}
		return s
	}
	var out []panel
	for _, p := range []panel{
		{"loss", false, []series{
			column("training", false, func(r train.Record) float64 { return r.Loss }),
			column("test", false, func(r train.Record) float64 { return r.TestLoss })}},
		{"accuracy, %", false, []series{
			column("training", false, func(r train.Record) float64 { return 100 * r.Accuracy }),
			column("test", false, func(r train.Record) float64 { return 100 * r.TestAccuracy })}},
		{"learning rate", true, []series{column("learning rate", true, func(r train.Record) float64 { return r.LR })}},
		{"update / weights", true, []series{column("update / weights", true, func(r train.Record) float64 { return r.UpdateRatio })}},
	} {
		var some []series
		for _, s := range p.series {
			if len(s.points) > 0 {
				some = append(some, s)
			}
		}
		if p.series = some; len(some) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// lines are the colours of the series of a panel; they read on light and on dark ground.
var lines = []color.RGBA{{0x1f, 0x77, 0xd0, 255}, {0xe0, 0x6c, 0x1c, 255}}

// ink stands for the colour of text in SVG until the page's own takes its place.
var ink = color.RGBA{1, 2, 3, 255}

// plot draws the panel with text in a colour.
func (p panel) plot(text color.Color) (*plot.Plot, error) {
	d := plot.New()
	d.BackgroundColor = color.Transparent
	d.Title.Text, d.X.Label.Text = p.title, "epoch"
	for _, f := range []*font.Font{&d.Title.TextStyle.Font, &d.X.Label.TextStyle.Font, &d.X.Tick.Label.Font, &d.Y.Tick.Label.Font, &d.Legend.TextStyle.Font} {
		f.Variant = "Sans"
	}
	d.Title.TextStyle.Color, d.X.Label.TextStyle.Color, d.Legend.TextStyle.Color = text, text, text
	for _, a := range []*plot.Axis{&d.X, &d.Y} {
		a.Color, a.Tick.Color, a.Tick.Label.Color = text, text, text
	}
	d.X.Tick.Marker, d.Y.Tick.Marker = ticks(1), apart(ticks(1e-9))
	if p.log {
		d.Y.Scale, d.Y.Tick.Marker = plot.LogScale{}, apart(decades)
	}
	grid := plotter.NewGrid()
	faint := color.NRGBA{128, 128, 128, 60}
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	d.Add(grid)
	for i, s := range p.series {
		line, points, err := plotter.NewLinePoints(s.points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = lines[i%len(lines)], vg.Points(1.5)
		points.Color, points.Shape, points.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2)
		d.Add(line, points)
		if len(p.series) > 1 {
			d.Legend.Add(s.name+"\u00a0\u00a0", line) // as in apart
		}
	}
	d.Legend.Padding = vg.Points(10)
	d.Legend.Top = !strings.HasPrefix(p.title, "accuracy")
	if low, high := p.bounds(); low == high { // a straight line: gonum would divide by nothing
		d.Y.Min, d.Y.Max = low/2-0.5, high*2+0.5
		if p.log {
			d.Y.Min, d.Y.Max = low/10, high*10
		}
	}
	if d.X.Min == d.X.Max {
		d.X.Min, d.X.Max = d.X.Min-1, d.X.Max+1
	}
	return d, nil
}

func (p panel) bounds() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range p.series {
		for _, v := range s.points {
			low, high = min(low, v.Y), max(high, v.Y)
		}
	}
	return low, high
}

// stepOf returns the least step of 1, 2 or 5 times a power of ten, from the least one on, of which at most eight fit into length.
func stepOf(length, least float64) float64 {
	for step := least; ; step *= 10 {
		for _, times := range []float64{1, 2, 5} {
			if length/(step*times) <= 8 {
				return step * times
			}
		}
	}
}

// ticks marks multiples of a step; those of the epochs are whole numbers.
func ticks(least float64) plot.TickerFunc {
	return func(low, high float64) []plot.Tick {
		step := stepOf(high-low, max(least, 1e-12*max(-low, high))) // which makes a difference at low and high
		var out []plot.Tick
		for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9; i++ {
			v := i * step
			out = append(out, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 6, 64)})
		}
		return out
	}
}

// apart keeps labels off the axis: browsers have wider letters than gonum thinks.
func apart(t plot.TickerFunc) plot.TickerFunc {
	return func(low, high float64) []plot.Tick {
		marks := t(low, high)
		for i := range marks {
			if marks[i].Label != "" {
				marks[i].Label += "\u00a0\u00a0"
			}
		}
		return marks
	}
}

// decades marks powers of ten, every so many of them, and between them, without a number, the rest.
func decades(low, high float64) []plot.Tick {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	step := max(1, math.Ceil((last-first)/7))
	var out []plot.Tick
	for i := first; i <= last; i++ {
		for k := range 9 {
			v := float64(k+1) * math.Pow(10, i)
			t := plot.Tick{Value: v}
			if k == 0 && math.Mod(i-first, step) == 0 || last-first <= 1 && (k == 1 || k == 4) {
				t.Label = strconv.FormatFloat(v, 'g', 3, 64)
			}
			if v >= low*(1-1e-9) && v <= high*(1+1e-9) {
				out = append(out, t)
			}
		}
	}
	return out
}

// svg returns the panel as SVG whose text has the colour of the page's.
func (p panel) svg() (string, error) {
	d, err := p.plot(ink)
	if err != nil {
		return "", err
	}
	c := vgsvg.New(12*vg.Centimeter, 7.5*vg.Centimeter)
	d.Draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", err
	}
	text := b.String()
	text = text[strings.Index(text, "<svg"):]
	return strings.ReplaceAll(text, "#010203", "currentColor"), nil
}

// PNG writes the curves as one picture, on white.
func PNG(w io.Writer, records []train.Record) error {
	return sheet(w, records, func(width, height vg.Length) (draw.Canvas, io.WriterTo) {
		img := vgimg.New(width, height)
		c := draw.New(img)
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
		return c, vgimg.PngCanvas{Canvas: img}
	})
}

// SVG writes the curves as one picture, in black on transparent ground.
func SVG(w io.Writer, records []train.Record) error {
	return sheet(w, records, func(width, height vg.Length) (draw.Canvas, io.WriterTo) {
		canvas := vgsvg.New(width, height)
		return draw.New(canvas), canvas
	})
}

// sheet writes all panels beside and below each other, on a canvas of the size that they want.
func sheet(w io.Writer, records []train.Record, on func(width, height vg.Length) (draw.Canvas, io.WriterTo)) error {
	all := panels(records)
	if len(all) == 0 {
		return errNothing
	}
	columns := min(2, len(all))
	rows := (len(all) + columns - 1) / columns
	c, out := on(vg.Length(columns)*14*vg.Centimeter, vg.Length(rows)*9*vg.Centimeter)
	const pad = vg.Centimeter / 2
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: pad, PadY: pad, PadTop: pad, PadBottom: pad, PadLeft: pad, PadRight: pad}
	for i, p := range all {
		d, err := p.plot(color.Black)
		if err != nil {
			return err
		}
		d.Draw(tiles.At(c, i%columns, i/columns))
	}
	_, err := out.WriteTo(w)
	return err
}

// Text returns the curves for a terminal of so many columns; coloured or not. Without colour the second line of a diagram
// is dotted.
func Text(records []train.Record, width int, colour bool) string {
	var b strings.Builder
	for _, p := range panels(records) {
		var values [][]float64
		var names []string
		for i, s := range p.series {
			along := s.along(records)
			if p.log {
				for k := range along {
					along[k] = math.Log10(along[k])
				}
			}
			name := s.name
			if !colour {
				name += " " + []string{"─", "•"}[i]
			}
			values, names = append(values, along), append(names, name)
		}
		title := p.title + ": " + strings.Join(names, " and ")
		options := []asciigraph.Option{asciigraph.Height(8), asciigraph.Width(max(20, width-12)), asciigraph.Precision(3)}
		if len(records) == 1 {
			options[1] = asciigraph.Width(0)
		}
		if p.log {
			last := p.series[0].points[len(p.series[0].points)-1]
			title = fmt.Sprintf("%s: %.3g after epoch %.0f", p.title, last.Y, last.X)
			options[0] = asciigraph.Height(4)
			options = append(options, asciigraph.YAxisValueFormatter(func(v float64) string { return strconv.FormatFloat(math.Pow(10, v), 'g', 2, 64) }))
		}
		if colour {
			options = append(options, asciigraph.SeriesColors(asciigraph.Blue, asciigraph.Orange))
			if !p.log {
				title = p.title
				options = append(options, asciigraph.SeriesLegends(names...))
			}
		} else {
			options = append(options, asciigraph.SeriesChars(asciigraph.DefaultCharSet, asciigraph.CreateCharSet("•")))
		}
		fmt.Fprintf(&b, "%s\n%s\n\n", title, asciigraph.PlotMany(values, options...))
	}
	return b.String()
}

// along returns a value for each record, NaN where there is none.
func (s series) along(records []train.Record) []float64 {
	at := map[float64]float64{}
	for _, v := range s.points {
		at[v.X] = v.Y
	}
	out := make([]float64, len(records))
	for i, r := range records {
		v, ok := at[float64(r.Epoch)]
		if !ok {
			v = math.NaN()
		}
		out[i] = v
	}
	return out
}
