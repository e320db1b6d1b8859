package vm

import (
	"runtime"

	"neocog/graph"
	"neocog/ops/conv"
)

// An Option changes how Compile or Interpret works.
type Option func(*options)

type options struct {
	threads     int
	conv        []conv.Algorithm
	accuracy    conv.Accuracy
	watch       Watch
	noUpdates   bool
	noPasses    bool
	profile     bool
	as          graph.DType
	budget      int // bytes, 0 for no limit
	budgetBatch int // the batch size that the budget is for
}

func collect(opts []Option) options {
	o := options{threads: runtime.GOMAXPROCS(0)}
	for _, opt := range opts {
		opt(&o)
	}
	o.threads = max(o.threads, 1)
	return o
}

// Threads sets the number of workers of each machine; the default is
// GOMAXPROCS. Results do not depend on it, to the last bit.
func Threads(n int) Option { return func(o *options) { o.threads = n } }

// WithConv puts algorithms before the default ones for every convolution of the
// program; each is used where it accepts the problem. A node's own choice,
// ops.Conv{Algo: …}, goes first.
func WithConv(algs ...conv.Algorithm) Option {
	return func(o *options) { o.conv = append(o.conv, algs...) }
}

// WithAccuracy sets the class of rounding errors within which the program's convolutions in float32 are Winograd or Fourier
// convolutions where these promise to be faster than direct sums; without it that is conv.DefaultAccuracy. Algorithms of WithConv and of nodes are
// not asked for theirs: WithConv(conv.Default()...) has direct sums alone. Interpret ignores it.
func WithAccuracy(a conv.Accuracy) Option { return func(o *options) { o.accuracy = a } }

// Watch says which values stop a run. They may be combined with |.
type Watch uint8

// What a program may watch for. A run stops at the first node which makes such
// a value, in the order of the tape, and the error names that node.
const (
	NaN Watch = 1 << iota
	Inf
)

// WithWatch makes every run look at every result. Parameters then change only
// after all of their new values have been looked at.
func WithWatch(w Watch) Option { return func(o *options) { o.watch |= w } }

// NoUpdates leaves out the graph's updates: parameters and buffers stay as they
// are.
func NoUpdates() Option { return func(o *options) { o.noUpdates = true } }

// NoPasses compiles the graph as it is, without folding or merging nodes: for
// comparisons.
func NoPasses() Option { return func(o *options) { o.noPasses = true } }

// As makes Interpret compute every float in d, Float64 above all, whatever the
// graph says. Compile ignores it.
func As(d graph.DType) Option { return func(o *options) { o.as = d } }
