package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"neocog/bench"
	"neocog/graph"
	"neocog/internal/cpu"
	"neocog/internal/nearest"
	"neocog/ops/conv"
)

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure convolutions, matrix products, ops and networks",
		Long: `Measure convolutions, matrix products, ops and networks on this machine: the median time, the rate beside the processor's own
limit, which is measured just before, and the error against a computation in float64. docs/performance.md says how.`,
		Example: `neocog bench conv                         the layers of well-known networks
neocog bench gemm --threads 1             matrix products on one thread
neocog bench op --layer relu --json       one op, as JSON`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return asUsage(nearest.Unknown("measurement", args[0], commandNames(cmd)))
		},
	}
	cmd.AddCommand(a.benchGemmCommand(), a.benchConvCommand(), a.benchErrorsCommand(), a.benchVGGCommand(), a.benchOpCommand(), a.benchModelCommand(), a.benchConvnetCommand())
	return cmd
}

// benchFlags are the flags that all measurements have.
type benchFlags struct {
	shapes, layers []string
	threads, reps  int
	batch          int
	dtype, isa     *choice
	pass, trans    *choice
	algo           string // conv
	prepared       bool   // conv
}

// add adds the flags to a command which measures what is called names, such as like, and shapes of that syntax.
func (f *benchFlags) add(cmd *cobra.Command, syntax, like string, names []string) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.shapes, "shape", nil, "measure this `SHAPE` instead: "+syntax+"; may be repeated")
	flags.StringSliceVar(&f.layers, "layer", nil, "measure these only: `NAME`s or patterns such as "+like)
	flags.IntVar(&f.threads, "threads", runtime.GOMAXPROCS(0), "threads")
	flags.IntVar(&f.reps, "reps", 0, "timed runs; 0 is as many as fit half a second, at least 5")
	f.dtype = chooses(cmd, flags, "dtype", "element type", "f32", "f64")
	f.isa = chooses(cmd, flags, "isa", "instructions; best is the most that the processor has", "best", "portable", "avx2", "avx512")
	err := cmd.RegisterFlagCompletionFunc("layer", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag is given twice: a mistake in this program
	}
}

func (f *benchFlags) addBatch(cmd *cobra.Command, usage string) {
	cmd.Flags().IntVar(&f.batch, "batch", 0, usage)
}

// More than these no machine has use for.
const (
	maxThreads = 1024
	maxBatch   = 1 << 16
	maxReps    = 1_000_000
)

func (f *benchFlags) check() error {
	switch {
	case f.threads < 1 || f.threads > maxThreads:
		return usagef("--threads: got %d, want 1 to %d", f.threads, maxThreads)
	case f.reps < 0 || f.reps > maxReps:
		return usagef("--reps: got %d, want 0 to %d", f.reps, maxReps)
	case f.batch < 0 || f.batch > maxBatch:
		return usagef("--batch: got %d, want 1 to %d", f.batch, maxBatch)
	}
	return nil
}

func (f *benchFlags) elements() graph.DType {
	if f.dtype.value == "f64" {
		return graph.Float64
	}
	return graph.Float32
}

// level is the instruction set that the flag asks for.
func (f *benchFlags) level() (cpu.Level, error) {
	for l := cpu.Portable; l <= cpu.Best(); l++ {
		if l.String() == f.isa.value {
			return l, nil
		}
	}
	if f.isa.value == "best" {
		return cpu.Best(), nil
	}
	return 0, usagef("--isa: %s is more than this processor has, which is %v", f.isa.value, cpu.Best())
}

func (a *app) benchGemmCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "gemm",
		Short: "Measure matrix products",
		Long: `Measure matrix products C = A*B, where C is MxN and the sum has K terms: square ones, and those that
convolutions lead to. --transpose nt means that A lies as it is and B transposed.`,
		Example: `neocog bench gemm
neocog bench gemm --shape 1000x1000x1000 --transpose all
neocog bench gemm --layer '64x*' --threads 1 --isa avx2`,
		Args: wants(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bench(cmd.Context(), &f, f.gemms)
		},
	}
	f.add(cmd, "MxNxK", "'512x*'", namesOf(bench.Gemms(), bench.Product.String))
	f.trans = chooses(cmd, cmd.Flags(), "transpose", "operands that lie transposed, A first", "nn", "tn", "nt", "tt", "all")
	return cmd
}

func (f *benchFlags) gemms() ([]bench.Case, error) {
	products, err := bench.Select("matrix product", bench.Gemms(), bench.Product.String, f.layers)
	if err != nil {
		return nil, err
	}
	if len(f.shapes) > 0 {
		products = nil
	}
	for _, s := range f.shapes {
		p, err := bench.ParseGemm(s)
		if err != nil {
			return nil, err
		}
		products = append(products, p)
	}
	var cases []bench.Case
	for _, p := range products {
		for _, t := range chosen(f.trans) {
			p.Trans.A, p.Trans.B = t[0] == 't', t[1] == 't'
			cases = append(cases, bench.Gemm(p, f.elements()))
		}
	}
	return cases, nil
}

func (a *app) benchConvCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "conv",
		Short: "Measure convolutions",
		Long: `Measure convolutions: the layers of VGG-19, AlexNet, ResNet-50, GoogLeNet, LeNet-5 and AlphaGo and some with large
filters, at small batch sizes. Passes are fwd, dgrad, the gradient of the image, and wgrad, the gradient of
the filter. The algorithm auto is the one that a network takes, unless it names one.

A shape is ` + bench.ConvSyntax + `:
images, channels, height, width, then filters, their height and width. pad is top, left, bottom, right. One number
stands for all directions, two stand for vertical and horizontal.`,
		Example: `neocog bench conv
neocog bench conv --layer 'vgg19-*' --pass all --algo all
neocog bench conv --layer resnet50-3x3-64-56 --batch 32 --threads 1
neocog bench conv --shape 8x64x56x56,128x3x3,stride=2,pad=1 --json`,
		Args: wants(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bench(cmd.Context(), &f, f.convs)
		},
	}
	f.add(cmd, "see above", "'vgg19-*'", namesOf(bench.Layers(), layerName))
	f.addBatch(cmd, "images in a batch; 0 is what the shape says, of layers the usual sizes")
	f.pass = chooses(cmd, cmd.Flags(), "pass", "pass", append(bench.Passes[:], "all")...)
	cmd.Flags().BoolVar(&f.prepared, "prepared", false, "time runs whose filter was prepared before, as in a network whose weights stay the same")
	addsConv(cmd, cmd.Flags(), &f.algo, "algo", "auto", "all, ")
	return cmd
}

func layerName(l bench.Layer) string { return l.Name }

func (f *benchFlags) convs() ([]bench.Case, error) {
	problems, names, err := f.problems()
	if err != nil {
		return nil, err
	}
	algos := conv.All().Names()
	if f.algo != "all" {
		if _, err := algorithm("algo", f.algo); err != nil {
			return nil, err
		}
		algos = []string{strings.TrimPrefix(f.algo, "auto")}
	}
	var cases []bench.Case
	for i, p := range problems {
		for _, pass := range chosen(f.pass) {
			p.Pass, p.DType = conv.Pass(slices.Index(bench.Passes[:], pass)), f.elements()
			for _, algo := range algos {
				c := bench.Conv(names[i], p, algo)
				c.Prepared = f.prepared
				cases = append(cases, c)
			}
		}
	}
	return cases, nil
}

// problems returns the convolutions of shapes, or of layers at their batch sizes, and their names.
func (f *benchFlags) problems() (problems []conv.Problem, names []string, err error) {
	for _, s := range f.shapes {
		p, err := bench.ParseConv(s)
		if err != nil {
			return nil, nil, err
		}
		if f.batch > 0 {
			p.N = f.batch
		}
		problems, names = append(problems, p), append(names, bench.FormatConv(p))
	}
	if len(f.shapes) > 0 {
		return problems, names, nil
	}
	layers, err := bench.Select("layer", bench.Layers(), layerName, f.layers)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range layers {
		batches := l.Batches
		if f.batch > 0 {
			batches = []int{f.batch}
		}
		for _, n := range batches {
			// VGG-19 has layers that are alike.
			if p := l.At(n); !slices.Contains(problems, p) {
				problems, names = append(problems, p), append(names, l.Name)
			}
		}
	}
	return problems, names, nil
}

func (a *app) benchOpCommand() *cobra.Command {
	var f benchFlags
	names := namesOf(bench.Ops(), opName)
	cmd := &cobra.Command{
		Use:   "op",
		Short: "Measure ops and steps of optimisers",
		Long: `Measure ops and steps of optimisers, forward or for the gradient alone:
` + strings.Join(names, ", ") + `.
The rate counts each operand and each result once. A shape is that of the first operand.`,
		Example: `neocog bench op
neocog bench op --layer 'relu,*pool2d' --pass all
neocog bench op --layer softmax --shape 64x10`,
		Args: wants(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.bench(cmd.Context(), &f, f.ops)
		},
	}
	f.add(cmd, "extents such as 8x64x112x112", "'*pool2d'", names)
	f.addBatch(cmd, "first extent of the shape; 0 leaves it as it is")
	f.pass = chooses(cmd, cmd.Flags(), "pass", "pass", "fwd", "grad", "all")
	return cmd
}

func opName(l bench.OpLayer) string { return l.Name }

func (f *benchFlags) ops() ([]bench.Case, error) {
	layers, err := bench.Select("op", bench.Ops(), opName, f.layers)
	if err != nil {
		return nil, err
	}
	var shapes []graph.Shape
	for _, s := range f.shapes {
		shape, err := bench.ParseShape(s)
		if err != nil {
			return nil, err
		}
		shapes = append(shapes, shape)
	}
	var cases []bench.Case
	for _, l := range layers {
		at := shapes
		if len(at) == 0 {
			at = []graph.Shape{l.Shape}
		}
		for _, shape := range at {
			if f.batch > 0 {
				shape = append(graph.Shape{f.batch}, shape[1:]...)
			}
			for _, pass := range chosen(f.pass) {
				if pass == "fwd" || l.Gradient {
					cases = append(cases, bench.Op(l, shape, f.elements(), pass == "grad"))
				}
			}
		}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("--pass grad: %s has no gradient", strings.Join(f.layers, ", "))
	}
	return cases, nil
}

// chosen returns the words that a choice stands for, where the last known one, all, stands for all others.
func chosen(c *choice) []string {
	if c.value == "all" {
		return c.known[:len(c.known)-1]
	}
	return []string{c.value}
}

func namesOf[T any](list []T, name func(T) string) []string {
	var names []string
	for _, v := range list {
		names = append(names, name(v))
	}
	return names
}
