package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/inspect"
	"neocog/internal/cpu"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops/conv"
	"neocog/train"
	"neocog/vm"
)

// Modes are what a model can be measured at: predicting, and a step of training with momentum.
var Modes = [...]string{"infer", "train"}

// A ModelCase is a whole network to measure.
type ModelCase struct {
	Model   models.Model
	Train   bool // a step, forward, backward and update; otherwise from images to logits
	Batch   int
	Threads int
	Options []vm.Option
}

// A ModelRow is a measured ModelCase. In JSON it is one flat object.
type ModelRow struct {
	Name     string  `json:"name"`
	Mode     string  `json:"mode"`
	Batch    int     `json:"batch"`
	ISA      string  `json:"isa"`
	Threads  int     `json:"threads"`
	Reps     int     `json:"reps"`
	MedianMS float64 `json:"median_ms"`
	MinMS    float64 `json:"min_ms"`
	// GFLOPS counts two for each multiply-add of convolutions and matrix products, by their definition.
	GFLOPS float64 `json:"gflops"`
	// PeakRSSBytes is the most memory that the process held while this model was built and run, 0 where the system does not say.
	PeakRSSBytes int64 `json:"peak_rss_bytes"`
	// ArenaBytes is the memory of results and scratch space: see vm.Program.ArenaBytes.
	ArenaBytes int `json:"arena_bytes"`
	// AllocsPerStep is how many objects a run allocates.
	AllocsPerStep float64 `json:"allocs_per_step"`
}

// A Running is a ModelCase in memory.
type Running struct {
	Graph   *graph.Graph
	Program *vm.Program
	Machine *vm.Machine
	feeds   vm.Feeds
	flops   int64
	arena   int
}

// Start builds the network and a machine for it, with images from a normal distribution and labels of chance, and runs it once, so that
// everything has its memory. Close the result.
func (c ModelCase) Start() (*Running, error) {
	r := &Running{feeds: vm.Feeds{}}
	g, outputs, x, err := c.build(r)
	if err != nil {
		return nil, err
	}
	r.Graph = g
	costs, err := inspect.Costs(g, c.Batch)
	if err != nil {
		return nil, err
	}
	for _, cost := range costs {
		r.flops += 2 * cost.MACs
	}
	opts := append([]vm.Option{vm.Threads(c.Threads)}, c.Options...)
	if r.Program, err = vm.Compile(g, outputs, opts...); err != nil {
		return nil, err
	}
	if r.arena, err = r.Program.ArenaBytes(c.Batch); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	images := make([]float32, x.Type().Bind(c.Batch).Shape.Size())
	for i := range images {
		images[i] = float32(random.NormFloat64())
	}
	r.feeds[x] = tensor.New(tensor.WithShape(x.Type().Bind(c.Batch).Shape...), tensor.WithBacking(images))
	if r.Machine, err = r.Program.NewMachine(vm.NewState(1)); err != nil {
		return nil, err
	}
	if err := r.Run(1); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// ArenaBytes returns what the case needs for results and scratch space, without running it.
func (c ModelCase) ArenaBytes() (int, error) {
	p, err := c.Program()
	if err != nil {
		return 0, err
	}
	return p.ArenaBytes(c.Batch)
}

// Program returns the compiled network.
func (c ModelCase) Program() (*vm.Program, error) {
	g, outputs, _, err := c.build(&Running{feeds: vm.Feeds{}})
	if err != nil {
		return nil, err
	}
	return vm.Compile(g, outputs, append([]vm.Option{vm.Threads(c.Threads)}, c.Options...)...)
}

// Compare measures the algorithms of all convolutions: see vm.Machine.Compare.
func (r *Running) Compare(ctx context.Context) ([]vm.Convolution, error) {
	return r.Machine.Compare(ctx, r.feeds)
}

// build returns the graph, its outputs and its images.
func (c ModelCase) build(r *Running) (*graph.Graph, []*graph.Value, *graph.Value, error) {
	if c.Batch < 1 {
		return nil, nil, nil, fmt.Errorf("the batch size is %d, want at least 1", c.Batch)
	}
	if !c.Train {
		g, x, logits := c.Model.Graph(&layers.Builder{})
		return g, []*graph.Value{logits}, x, g.Err()
	}
	l, err := train.NewLearning(c.Model)
	if err != nil {
		return nil, nil, nil, err
	}
	// So small a rate that random images never make the weights grow without bounds.
	if err := l.Step(train.Momentum{Mu: 0.9}, 1e-6); err != nil {
		return nil, nil, nil, err
	}
	random := rand.New(rand.NewPCG(3, 4))
	labels := make([]int32, c.Batch)
	for i := range labels {
		labels[i] = random.Int32N(int32(c.Model.Classes))
	}
	r.feeds[l.Labels] = tensor.New(tensor.WithShape(c.Batch), tensor.WithBacking(labels))
	return l.Graph, []*graph.Value{l.Loss}, l.X, nil
}

// Run runs the network n times.
func (r *Running) Run(n int) error {
	for range n {
		if _, err := r.Machine.Run(context.Background(), r.feeds); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the machine.
func (r *Running) Close() { r.Machine.Close() }

// Measure runs the network reps times or, if that is 0, as often as fits half a second, at least 5 times.
func (c ModelCase) Measure(reps int) (ModelRow, error) {
	row := ModelRow{Name: c.Model.Name, Mode: Modes[0], Batch: c.Batch, ISA: cpu.Current().String(), Threads: c.Threads}
	if c.Train {
		row.Mode = Modes[1]
	}
	resetPeak()
	r, err := c.Start()
	if no, ok := errors.AsType[*conv.Unsupported](err); ok {
		return row, fmt.Errorf("%s cannot run: %w", c.Model.Name, no)
	}
	if err != nil {
		return row, fmt.Errorf("%s: %w", c.Model.Name, err)
	}
	defer r.Close()
	begin := time.Now()
	if err := r.Run(1); err != nil {
		return row, err
	}
	if row.Reps = reps; reps == 0 {
		row.Reps = repsFor(time.Since(begin))
	}
	times := make([]time.Duration, row.Reps)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range times {
		begin := time.Now()
		if err := r.Run(1); err != nil {
			return row, err
		}
		times[i] = time.Since(begin)
	}
	runtime.ReadMemStats(&after)
	row.AllocsPerStep = float64((after.Mallocs - before.Mallocs) / uint64(row.Reps))
	row.MedianMS, row.MinMS = medianOf(times)/1e6, float64(slices.Min(times))/1e6
	row.GFLOPS = float64(r.flops) / (row.MedianMS * 1e6)
	row.PeakRSSBytes, row.ArenaBytes = peakRSS(), r.arena
	return row, nil
}
