// The command bench measures a step of training, forward, backward and update by momentum, of LeNet-5 with ReLU and max pooling:
//
//	go run ./bench                 # in interop/gorgonia
//	go run ./bench -batch 128 -threads 1 -rounds 9
//
//	Gorgonia              its tape machine and its solver
//	Gorgonia, our Conv2d  the same with convolutions of Neocog's
//	our machine           the same program on the machine of package neocog/interop/gorgonia, with Gorgonia's solver
//	Neocog                neocog train lenet5: biases and the optimiser are in the graph
//
// In a round each of them takes steps for a while, so that nothing which slows the machine down for some seconds falls on one of them
// alone. Times are the median and the least of all steps; ratios say how often a step of the row fits into one of Gorgonia's. Memory is what
// a step allocates. Before anything is timed the costs of the first three are compared.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"time"

	G "gorgonia.org/gorgonia"

	"neocog/bench"
	"neocog/internal/cpu"
	neocog "neocog/interop/gorgonia"
	"neocog/models"
)

func main() {
	batch := flag.Int("batch", 64, "images in a batch")
	threads := flag.Int("threads", runtime.GOMAXPROCS(0), "threads, for all of them")
	rounds := flag.Int("rounds", 5, "rounds of steps")
	flag.Parse()
	if *batch < 1 || *threads < 1 || *rounds < 1 || flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bench: got -batch %d, -threads %d, -rounds %d and arguments %q; want numbers of at least 1, and nothing else\n", *batch, *threads, *rounds, flag.Args())
		os.Exit(2)
	}
	runtime.GOMAXPROCS(*threads)
	if err := compare(os.Stdout, *batch, *threads, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A contender takes steps.
type contender struct {
	name  string
	step  func() error
	cost  func() float64 // of the last step; nil where the network is another one
	times []time.Duration
	bytes uint64 // allocated in all steps
}

func compare(w io.Writer, batch, threads, rounds int) error {
	list, closeAll, err := contenders(batch, threads)
	if err != nil {
		return err
	}
	defer closeAll()
	for range 3 {
		for _, c := range list {
			if err := c.step(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			// Three steps of float32 and sums of up to batch·784 terms.
			if want := list[0].cost(); c.cost != nil && math.Abs(c.cost()-want) > 3*math.Sqrt(float64(batch*784))*0x1p-23*want {
				return fmt.Errorf("%s has cost %v, Gorgonia %v", c.name, c.cost(), want)
			}
		}
	}
	for range rounds {
		for _, c := range list {
			if err := c.measure(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	fmt.Fprintf(w, "LeNet-5, a step of training, batch %d, %d threads, %s, %s\n\n", batch, threads, cpu.Current(), runtime.Version())
	fmt.Fprintf(w, "%-22s %9s %8s %9s %8s %6s %12s\n", "", "median ms", "ratio", "least ms", "ratio", "steps", "MB allocated")
	theirMedian, theirLeast := ms(median(list[0].times)), ms(slices.Min(list[0].times))
	for _, c := range list {
		m, l := ms(median(c.times)), ms(slices.Min(c.times))
		fmt.Fprintf(w, "%-22s %9.3f %7.1f× %9.3f %7.1f× %6d %12.3f\n", c.name, m, theirMedian/m, l, theirLeast/l, len(c.times),
			float64(c.bytes)/float64(len(c.times))/1e6)
	}
	return nil
}

// measure takes at least 5 steps, and more until 200 ms are over.
func (c *contender) measure() error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for n := 0; n < 5 || time.Since(begin) < 200*time.Millisecond; n++ {
		start := time.Now()
		if err := c.step(); err != nil {
			return err
		}
		c.times = append(c.times, time.Since(start))
	}
	runtime.ReadMemStats(&after)
	c.bytes += after.TotalAlloc - before.TotalAlloc
	return nil
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func contenders(batch, threads int) (list []*contender, closeAll func(), err error) {
	var closers []func() error
	closeAll = func() {
		for _, c := range closers {
			c()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	add := func(name string, convolve convolution, machine func(n *lenet) (G.VM, error)) error {
		n, err := newLeNet(batch, convolve)
		if err != nil {
			return err
		}
		vm, err := machine(n)
		if err != nil {
			return err
		}
		closers = append(closers, vm.Close)
		list = append(list, &contender{name: name, step: n.stepper(vm), cost: func() float64 { return float64(n.costVal.Data().(float32)) }})
		return nil
	}
	tape := func(n *lenet) (G.VM, error) {
		return G.NewTapeMachine(n.g, G.BindDualValues(n.learnables...)), nil
	}
	ours := func(n *lenet) (G.VM, error) { return neocog.NewMachine(n.cost, n.learnables...) }
	if err := errors.Join(add("Gorgonia", G.Conv2d, tape), add("Gorgonia, our Conv2d", neocog.Conv2d, tape), add("our machine", G.Conv2d, ours)); err != nil {
		return nil, nil, err
	}
	model, err := models.Find("lenet5")
	if err != nil {
		return nil, nil, err
	}
	r, err := bench.ModelCase{Model: model, Train: true, Batch: batch, Threads: threads}.Start()
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, func() error { r.Close(); return nil })
	list = append(list, &contender{name: "Neocog", step: func() error { return r.Run(1) }})
	return list, closeAll, nil
}
