package bench

import (
	"context"
	"math/rand/v2"
	"runtime"
	"time"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/graph/view"
	"neocog/inspect"
	"neocog/internal/cpu"
	"neocog/models"
	"neocog/train"
	"neocog/vm"
)

// A Convnet is a network of the tables at github.com/soumith/convnet-benchmarks, which the lecture shows, at the batch size that it has there.
type Convnet struct {
	Title string
	Model models.Model
	Batch int
}

// Convnets returns the networks of the lecture's table.
func Convnets() []Convnet {
	var all []Convnet
	for _, c := range []struct {
		title, model string
		batch        int
	}{
		{"AlexNet (One Weird Trick)", "alexnet-owt", 128}, {"VGG model A", "vgg-a", 64}, {"GoogLeNet V1", "googlenet", 128},
	} {
		m, err := models.Find(c.model)
		if err != nil {
			panic(err) // a mistake in this table
		}
		all = append(all, Convnet{c.title, m, c.batch})
	}
	return all
}

// A ConvnetRow is a measured Convnet. In JSON it is one flat object.
type ConvnetRow struct {
	Name           string  `json:"name"`
	Title          string  `json:"title"`
	Batch          int     `json:"batch"`
	LectureBatch   int     `json:"lecture_batch"`
	ISA            string  `json:"isa"`
	Threads        int     `json:"threads"`
	Reps           int     `json:"reps"`
	ForwardMS      float64 `json:"forward_ms"`
	BackwardMS     float64 `json:"backward_ms"`
	TotalMS        float64 `json:"total_ms"`
	ForwardGFLOPS  float64 `json:"forward_gflops"`
	BackwardGFLOPS float64 `json:"backward_gflops"`
	ArenaBytes     int     `json:"arena_bytes"`
}

// Measure times the loss and the gradient of it by every parameter, as the network trains, dropout and auxiliary classifiers included, without an optimiser. Forward and
// backward are the instructions of one run that belong to them, each the median of reps runs, which follow one that does not count. batch is 0 for that
// of the lecture, or, where three quarters of the memory that is free do not hold it, half of that, and so on.
func (c Convnet) Measure(batch, threads, reps int) (ConvnetRow, error) {
	row := ConvnetRow{Name: c.Model.Name, Title: c.Title, Batch: batch, LectureBatch: c.Batch, ISA: cpu.Current().String(), Threads: threads, Reps: reps}
	l, err := train.NewLearning(c.Model)
	if err != nil {
		return row, err
	}
	p, err := vm.Compile(l.Graph, append([]*graph.Value{l.Loss}, l.Grads...), vm.Threads(threads), vm.WithProfile())
	if err != nil {
		return row, err
	}
	if batch == 0 {
		if row.Batch, err = fitting(p, l, c.Batch); err != nil {
			return row, err
		}
	}
	if row.ArenaBytes, err = p.ArenaBytes(row.Batch); err != nil {
		return row, err
	}
	m, err := p.NewMachine(vm.NewState(1))
	if err != nil {
		return row, err
	}
	defer m.Close()
	feeds := c.feeds(l, row.Batch)
	run := func() (forward, backward time.Duration, flops [2]int64, err error) {
		m.ResetProfile()
		if _, err := m.Run(context.Background(), feeds); err != nil {
			return 0, 0, flops, err
		}
		got := m.Profile(row.Batch)
		instructions := make([]vm.Instruction, len(got.Instructions))
		for i, t := range got.Instructions {
			instructions[i] = t.Instruction
		}
		for i, kind := range inspect.Phases(instructions) {
			if kind == view.Gradient {
				backward += got.Instructions[i].Time
				flops[1] += instructions[i].FLOPs
			} else {
				forward += got.Instructions[i].Time
				flops[0] += instructions[i].FLOPs
			}
		}
		return forward, backward, flops, nil
	}
	if _, _, _, err := run(); err != nil {
		return row, err
	}
	runtime.GC()
	forward, backward := make([]time.Duration, reps), make([]time.Duration, reps)
	var flops [2]int64
	for i := range reps {
		if forward[i], backward[i], flops, err = run(); err != nil {
			return row, err
		}
	}
	row.ForwardMS, row.BackwardMS = medianOf(forward)/1e6, medianOf(backward)/1e6
	row.TotalMS = row.ForwardMS + row.BackwardMS
	row.ForwardGFLOPS, row.BackwardGFLOPS = float64(flops[0])/(row.ForwardMS*1e6), float64(flops[1])/(row.BackwardMS*1e6)
	return row, nil
}

// fitting returns the batch size, or half of it and so on, at which the program has room.
func fitting(p *vm.Program, l *train.Learning, batch int) (int, error) {
	free := availableMemory()
	for ; batch > 1 && free > 0; batch /= 2 {
		arena, err := p.ArenaBytes(batch)
		if err != nil {
			return 0, err
		}
		need := int64(arena) + int64(l.X.Type().Bind(batch).Bytes())
		for _, v := range l.Params { // and their gradients, which are results
			need += 2 * int64(v.Type().Bytes())
		}
		if need <= free/4*3 {
			break
		}
	}
	return batch, nil
}

// feeds returns images from a normal distribution and labels of chance.
func (c Convnet) feeds(l *train.Learning, batch int) vm.Feeds {
	random := rand.New(rand.NewPCG(1, 2))
	x := l.X.Type().Bind(batch)
	images := make([]float32, x.Shape.Size())
	for i := range images {
		images[i] = float32(random.NormFloat64())
	}
	labels := make([]int32, batch)
	for i := range labels {
		labels[i] = random.Int32N(int32(c.Model.Classes))
	}
	return vm.Feeds{
		l.X:      tensor.New(tensor.WithShape(x.Shape...), tensor.WithBacking(images)),
		l.Labels: tensor.New(tensor.WithShape(batch), tensor.WithBacking(labels)),
	}
}
