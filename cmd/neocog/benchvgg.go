package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"neocog/bench"
	"neocog/ops/conv"
)

// vggBatches are those of table 5 of Lavin and Gray.
var vggBatches = []int{1, 2, 4, 8, 16, 32, 64}

func (a *app) benchVGGCommand() *cobra.Command {
	var f vggFlags
	cmd := &cobra.Command{
		Use:   "vgg",
		Short: "Measure direct and Winograd convolution on the layers of VGG",
		Long: `Measure the convolutions of VGG E, direct and by Winograd, run in turn. --table adds them up for each batch size, as in Lavin and
Gray, “Fast Algorithms for Convolutional Neural Networks”, 2015, which compares F(2x2,3x3) with the direct convolution
of a GPU. GFLOP/s are effective: the multiplications and additions of the definition, divided by the time. --accuracy says
which Winograd: exact is F(2x2,3x3). Filters are transformed in every run, unless --prepared.`,
		Example: `neocog bench vgg --table
neocog bench vgg --table --accuracy exact --batch 1,8
neocog bench vgg --pass dgrad --batch 8 --json`,
		Args: wants(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, n := range f.batches {
				if n < 1 || n > maxBatch {
					return usagef("--batch: got %d, want 1 to %d", n, maxBatch)
				}
			}
			if f.threads < 1 || f.threads > maxThreads {
				return usagef("--threads: got %d, want 1 to %d", f.threads, maxThreads)
			}
			return a.interruptible(cmd.Context(), func() error { return a.benchVGG(cmd.Context(), &f) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.table, "table", false, "one row for each batch size: all layers together")
	flags.IntSliceVar(&f.batches, "batch", vggBatches, "images in a batch, or several such `NUMBERS`")
	flags.StringSliceVar(&f.layers, "layer", []string{"vgg19-*"}, "these layers: `NAME`s or patterns")
	f.pass = chooses(cmd, flags, "pass", "pass", bench.Passes[:]...)
	f.accuracy = choosesAccuracy(cmd, flags)
	flags.BoolVar(&f.prepared, "prepared", false, "forward: filters are prepared before, as in a network whose weights stay the same")
	flags.IntVar(&f.threads, "threads", runtime.GOMAXPROCS(0), "threads")
	return cmd
}

type vggFlags struct {
	table, prepared bool
	batches         []int
	layers          []string
	pass, accuracy  *choice
	threads         int
}

// A vggRow compares two algorithms on a layer, or on all layers. In JSON it is one flat object.
type vggRow struct {
	Name           string  `json:"name"`
	Batch          int     `json:"batch"`
	Pass           string  `json:"pass"`
	Direct         string  `json:"direct"`
	Winograd       string  `json:"winograd"`
	DirectMS       float64 `json:"direct_ms"`
	WinogradMS     float64 `json:"winograd_ms"`
	DirectGFLOPS   float64 `json:"direct_gflops"`
	WinogradGFLOPS float64 `json:"winograd_gflops"`
	SpeedUp        float64 `json:"speed_up"`

	flops float64
}

// rates fills in what follows from the times.
func (r *vggRow) rates() {
	r.DirectGFLOPS, r.WinogradGFLOPS, r.SpeedUp = r.flops/r.DirectMS/1e6, r.flops/r.WinogradMS/1e6, r.DirectMS/r.WinogradMS
}

func (a *app) benchVGG(ctx context.Context, f *vggFlags) error {
	class, err := conv.ParseAccuracy(f.accuracy.value)
	if err != nil {
		return asUsage(err)
	}
	layers, err := bench.Select("layer", bench.Layers(), layerName, f.layers)
	if err != nil {
		return asUsage(err)
	}
	t := table{a.stdout, a.out, []column{
		{"layer", 13, false}, {"batch", 5, true}, {"direct ms", 10, true}, {"GFLOP/s", 7, true}, {"winograd ms", 11, true}, {"GFLOP/s", 7, true}, {"speed-up", 8, true}, {"", 0, false},
	}}
	if f.table {
		t.columns = append(t.columns[1:7:7], column{})
	}
	if !a.json {
		t.head()
	}
	for _, n := range f.batches {
		sum := vggRow{Name: "vgg19", Batch: n, Pass: f.pass.value}
		known := map[conv.Problem]vggRow{} // some layers are alike
		for _, l := range layers {
			p := l.At(n)
			for i, name := range bench.Passes {
				if name == f.pass.value {
					p.Pass = conv.Pass(i)
				}
			}
			r, ok := known[p]
			if !ok {
				a.progressLine(fmt.Sprintf("%s batch %d", l.Name, n))
				if r, err = versus(p, class, f); err != nil {
					return err
				}
				a.progressLine("")
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			known[p] = r
			r.Name = l.Name
			sum.add(r)
			if !f.table {
				if err := a.vggRow(t, r, r.Name, r.Direct+", "+r.Winograd); err != nil {
					return err
				}
			}
		}
		if f.table {
			sum.rates()
			if err := a.vggRow(t, sum); err != nil {
				return err
			}
		}
	}
	return nil
}

// versus measures direct and Winograd convolution.
func versus(p conv.Problem, class conv.Accuracy, f *vggFlags) (vggRow, error) {
	r := vggRow{Batch: p.N, Pass: f.pass.value, flops: float64(p.FLOPs())}
	var algorithms []conv.Algorithm
	for _, name := range []string{"sums", "winograd"} {
		algorithm, err := conv.Find(name)
		if err != nil {
			return r, err
		}
		algorithms = append(algorithms, algorithm)
	}
	racers, err := bench.Race(p, algorithms, f.threads, class, true)
	if err != nil {
		return r, err
	}
	took := func(i int) float64 {
		d := racers[i].Time
		if f.prepared {
			d = racers[i].Kept
		}
		return float64(d) / float64(time.Millisecond)
	}
	for _, x := range racers {
		if x.Refused != "" {
			return r, fmt.Errorf("%s cannot do %v: %s", x.Algo, p, x.Refused)
		}
	}
	r.Direct, r.Winograd, r.DirectMS, r.WinogradMS = racers[0].Algo, racers[1].Algo, took(0), took(1)
	r.rates()
	return r, nil
}

// add counts a layer; algorithms that are not the same for all layers are listed.
func (r *vggRow) add(l vggRow) {
	r.DirectMS, r.WinogradMS, r.flops = r.DirectMS+l.DirectMS, r.WinogradMS+l.WinogradMS, r.flops+l.flops
	list := func(names *string, name string) {
		if !strings.Contains(*names, name) {
			*names = strings.TrimPrefix(*names+", "+name, ", ")
		}
	}
	list(&r.Direct, l.Direct)
	list(&r.Winograd, l.Winograd)
}

// vggRow writes r; name and what stand before and after the numbers.
func (a *app) vggRow(t table, r vggRow, around ...string) error {
	if a.json {
		return a.emit(r)
	}
	number := func(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	cells := []string{
		strconv.Itoa(r.Batch), number(r.DirectMS, 2), number(r.DirectGFLOPS, 1), number(r.WinogradMS, 2), number(r.WinogradGFLOPS, 1), number(r.SpeedUp, 2), "",
	}
	if len(around) == 2 {
		cells[6] = a.out.dim(around[1])
		cells = append(around[:1:1], cells...)
	}
	t.row(nil, cells...)
	return nil
}
