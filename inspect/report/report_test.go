package report_test

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"strings"
	"testing"

	"neocog/data"
	"neocog/inspect/page"
	"neocog/inspect/report"
	"neocog/train"
)

// records are of n epochs; those of a run without test images lack their figures.
func records(n int, test bool) []train.Record {
	var list []train.Record
	for i := range n {
		r := train.Record{Epoch: i + 1, Step: 10 * (i + 1), Loss: 1 / float64(i+1), Accuracy: 1 - 0.5/float64(i+1),
			TestLoss: math.NaN(), TestAccuracy: math.NaN(), LR: 0.1 / float64(i+1), Seconds: float64(i), UpdateRatio: 1e-3}
		if test {
			r.TestLoss, r.TestAccuracy = 1.1*r.Loss, 0.9*r.Accuracy
		}
		list = append(list, r)
	}
	return list
}

func run() *report.Run {
	return &report.Run{
		Name: "my-run", Model: "lenet5", Records: records(5, true), Config: "model: lenet5\nlr: <0.1>\n",
		Test:     &train.Metrics{N: 5, Confusion: [][]int{{2, 1}, {0, 2}}},
		Classes:  []string{"cat", "dog & fox"},
		Mistakes: []train.Mistake{{Index: 1, Label: 0, Taken: 1, Probability: 0.0123, Sure: 0.9}},
		Images:   &data.Set{C: 1, H: 2, W: 2, Classes: []string{"cat", "dog & fox"}, Pixels: make([]byte, 8), Labels: []int32{0, 0}},
		Filters:  &page.Picture{Title: "6 filters 5×5", W: 35, H: 5, Data: "iVBORw0KGgo="},
	}
}

func TestReport(t *testing.T) {
	var b bytes.Buffer
	if err := report.Write(&b, run()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<title>my-run</title>", ">loss<", ">accuracy, %<", ">learning rate<", ">update / weights<", "currentColor",
		`<th scope="row">dog &amp; fox</th>`, `<td class="right" style="--s: 0.667">2</td>`, `<td class="wrong" style="--s: 0.333">1</td>`, `<td class="wrong" style="--s: 0.000"></td>`,
		"taken for <b>dog &amp; fox</b>", "1.23\u00a0%", "data:image/png;base64,", "6 filters 5×5", "lr: &lt;0.1&gt;", "90.00\u00a0%",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"http:", "https:", "src=\"/", "ZgotmplZ", "#010203"} {
		if text := strings.ReplaceAll(b.String(), "http://www.w3.org/", ""); strings.Contains(text, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if n := strings.Count(b.String(), "<svg"); n != 4 {
		t.Errorf("the page has %d curves, want 4", n)
	}
}

func TestReportOfWhatThereIs(t *testing.T) {
	r := &report.Run{Name: "bare", Model: "lenet5", Records: records(1, false), Notes: []string{"the data is gone"}}
	r.Records[0].UpdateRatio = math.NaN() // of a former version
	var b bytes.Buffer
	if err := report.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"taken for", "First filters", "Configuration", "NaN", "test accuracy", "update / weights"} {
		if strings.Contains(b.String(), never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if !strings.Contains(b.String(), "the data is gone") {
		t.Error("the page lacks the note")
	}
}

func TestPictures(t *testing.T) {
	for n := 1; n < 200; n = 3*n + 1 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var b bytes.Buffer
			if err := report.PNG(&b, records(n, n > 1)); err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if s := img.Bounds().Size(); s.X < 800 || s.Y < 500 {
				t.Errorf("the picture is %v", s)
			}
			b.Reset()
			if err := report.SVG(&b, records(n, true)); err != nil || !strings.Contains(b.String(), "</svg>") {
				t.Errorf("%v, %d bytes of SVG", err, b.Len())
			}
		})
	}
}

// Axes once counted without end towards what no step reaches.
func TestCurvesOfExtremeFigures(t *testing.T) {
	for _, v := range [][2]float64{{1e10, 1e10 + 1.9e-6}, {1e308, -1e308}, {1e300, -1e300}, {5e-324, 1}, {1e-300, 2e-300}, {0, 1e-300}} {
		list := records(2, true)
		for i := range list {
			list[i].Loss, list[i].TestLoss, list[i].LR, list[i].UpdateRatio = v[i], v[1-i], v[i], v[1-i]
		}
		var b bytes.Buffer
		if err := report.SVG(&b, list); err != nil {
			t.Errorf("%v: %v", v, err)
		}
		if text := report.Text(list, 80, false); !strings.Contains(text, "accuracy") {
			t.Errorf("%v:\n%s", v, text)
		}
	}
}

// What is constant, zero, or not finite has no place on an axis of its own.
func TestCurvesOfOddFigures(t *testing.T) {
	odd := records(3, true)
	for i := range odd {
		odd[i].Loss, odd[i].LR, odd[i].UpdateRatio, odd[i].TestLoss = 0.5, 0, math.Inf(1), math.Inf(1)
	}
	var b bytes.Buffer
	if err := report.SVG(&b, odd); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "learning rate") {
		t.Errorf("the picture shows what cannot be shown:\n%.2000s", text)
	}
}

func TestText(t *testing.T) {
	text := report.Text(records(5, true), 60, false)
	// The accuracies of the last epoch, 90 and 81, are where the two lines end: the highest label and one that the other line reaches.
	if _, accuracy, _ := strings.Cut(text, "accuracy"); !strings.Contains(accuracy, "90.000") || !strings.Contains(accuracy, "45.000") {
		t.Errorf("the axis of the accuracies does not reach from the test's first to the training's last:\n%s", text)
	}
	for _, want := range []string{"loss: training ─ and test •", "accuracy, %: training ─ and test •", "learning rate: 0.02 after epoch 5\n", "update / weights: 0.001 after epoch 5\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(line)); n > 62 {
			t.Errorf("a line has %d characters: %s", n, line)
		}
	}
	if strings.Contains(text, "\x1b") || !strings.Contains(report.Text(records(5, true), 60, true), "\x1b") {
		t.Error("colours are there if and only if they are asked for")
	}
	if got := report.Text(records(1, false), 60, false); !strings.Contains(got, "loss: training") {
		t.Errorf("one epoch:\n%s", got)
	}
}

func TestNothingToShow(t *testing.T) {
	var b bytes.Buffer
	for name, err := range map[string]error{"html": report.Write(&b, &report.Run{}), "png": report.PNG(&b, nil), "svg": report.SVG(&b, nil)} {
		if err == nil || !strings.Contains(err.Error(), "no figures") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The curves of a run for a terminal.
func Example() {
	fmt.Print(strings.Join(strings.Split(report.Text(records(3, false), 30, false), "\n")[:4], "\n"))
	// Output:
	// loss: training ─
	//  1.000 ┼╮
	//  0.917 ┤╰─╮
	//  0.833 ┤  ╰╮
}
