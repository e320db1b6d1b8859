package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/internal/nearest"
	"neocog/internal/wholefile"
	"neocog/models"
	"neocog/onnx"
	"neocog/train"
	"neocog/vm"
	"neocog/weights"
)

// weightsOptions are the flags of weights.
type weightsOptions struct {
	out, of string
	only    []string
	seed    uint64
}

func (a *app) weightsCommand() *cobra.Command {
	var o weightsOptions
	cmd := &cobra.Command{
		Use:   "weights FROM",
		Short: "List weights, and take them from one kind of file to another",
		Long: `List the weights of FROM, or write them to another kind of file: parameters, and the running statistics of batch norm. FROM is

  a run folder             what it has learned
  .safetensors, .npz, .npy tensors by name, also float16 and bfloat16, which become float32
  .onnx                    the weights in a model that can be imported
  the name of a model      its starting weights

The ending of --output says what is written: .safetensors, .npz, .npy for one tensor, .onnx; a name without one, or with a
slash behind it, is a new run folder. The last two need a network: that of FROM, or of --of, whose weights must be those of FROM by name and shape. --only takes some
tensors; with --of the others stay what they are there.`,
		Example: `neocog weights runs/lenet5                                     names, types, ranges
neocog weights runs/lenet5 -o lenet5.npz                       for NumPy
neocog weights lenet5.npz --of lenet5 -o lenet5.onnx           a model of the zoo with weights from elsewhere
neocog weights changed.safetensors --of runs/lenet5 -o runs/changed
neocog weights base.npz --of runs/lenet5 --only 'conv*' -o runs/mixed
neocog weights resnet20.onnx --only 'conv1.weight' -o w.npy`,
		Args:              wants(1, 1, "FROM, a run folder, a file of weights or a model"),
		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.of != "" && o.out == "" {
				return usagef("--of wants --output: it says which network the weights go into")
			}
			if err := notEmpty(cmd.Flags(), "output", "of"); err != nil {
				return err
			}
			if ext := unknownEnding(o.out); ext != "" {
				return usagef("--output: files ending in %q are not known, want %s or .onnx; for a run folder of that name write %s/", ext, strings.Join(weights.Extensions, ", "), o.out)
			}
			return a.weights(args[0], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.out, "output", "o", "", "`FILE` or new run folder to write")
	f.StringVar(&o.of, "of", "", "`NETWORK` that the weights go into: a run folder, .onnx file or model")
	f.StringSliceVar(&o.only, "only", nil, "`PATTERN,...` of names, such as 'conv*': these tensors alone")
	f.Uint64Var(&o.seed, "seed", 0, "decides the starting weights of a model")
	return cmd
}

// A network is a graph with its weights.
type network struct {
	graph *modelOutputs
	state *vm.State
	run   *train.Trainer // of a run folder, else nil
}

func (n *network) stored() []*graph.Value {
	return append(n.graph.graph.Params(), n.graph.graph.Buffers()...)
}

// weights returns the weights of n, and what is known of them.
func (n *network) weights() (*weights.File, error) {
	if n.run != nil {
		return n.run.Weights()
	}
	return weights.Of(n.state, n.stored())
}

// openNetwork opens a run folder, an ONNX file, or a model of the zoo with starting weights.
func openNetwork(what string, seed uint64) (*network, error) {
	info, err := os.Stat(what)
	switch {
	case err == nil && info.IsDir():
		t, err := train.Open(what)
		if err != nil {
			return nil, err
		}
		o, err := outputsOf(t.Model(), false)
		return &network{o, t.State(), t}, err
	case isONNX(what):
		m, err := onnx.ReadFile(what)
		if err != nil {
			return nil, err
		}
		net, err := m.Import(onnx.Options{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return &network{&modelOutputs{net.Graph, net.Outputs, net.OutputNames}, net.State, nil}, nil
	case err == nil:
		return nil, fmt.Errorf("%s is a file that does not end in .onnx; a network is a run folder, an .onnx file or a model", what)
	}
	m, err := models.Find(what)
	if err != nil && (strings.ContainsAny(what, `/\`) || ending.MatchString(filepath.Ext(what))) {
		return nil, fmt.Errorf("%s is missing: there is no such file or run folder", what)
	}
	if err != nil {
		return nil, asUsage(fmt.Errorf("%s is no file and no run folder: %w", what, err))
	}
	o, err := outputsOf(m, false)
	if err != nil {
		return nil, err
	}
	n := &network{o, vm.NewState(seed), nil}
	return n, n.state.Init(n.stored()...)
}

// ending matches what begins with a letter, as that of a file does; that of squeezenet-1.1 or of a run called lr-0.1 does not.
var ending = regexp.MustCompile(`^\.[a-zA-Z][a-zA-Z0-9]*$`)

// unknownEnding returns the ending of name if it looks like that of a file, and is that of none that can be written.
func unknownEnding(name string) string {
	if ext := filepath.Ext(name); ending.MatchString(ext) && !isONNX(name) && !isWeights(name) {
		return ext
	}
	return ""
}

func isONNX(name string) bool { return strings.EqualFold(filepath.Ext(name), ".onnx") }

// isWeights reports whether name ends as a file of tensors does.
func isWeights(name string) bool {
	for _, ext := range weights.Extensions {
		if strings.EqualFold(filepath.Ext(name), ext) {
			return true
		}
	}
	return false
}

func (a *app) weights(from string, o weightsOptions) error {
	var f *weights.File
	var net *network // that f goes into, nil if nothing says
	var err error
	if isWeights(from) {
		f, err = weights.Read(from)
	} else if net, err = openNetwork(from, o.seed); err == nil {
		f, err = net.weights()
	}
	if err != nil {
		return err
	}
	if err := keepOnly(f, o.only, from); err != nil {
		return err
	}
	if o.of != "" {
		if net, err = openNetwork(o.of, o.seed); err != nil {
			return err
		}
		if len(o.only) > 0 {
			rest, err := net.weights()
			if err != nil {
				return err
			}
			for name, d := range f.Tensors {
				rest.Tensors[name] = d
			}
			f = rest
		}
		if err := f.Into(net.state, net.stored()); err != nil {
			return fmt.Errorf("%s is not for %s: %w", from, o.of, err)
		}
	}
	if o.out == "" {
		return a.listWeights(f)
	}
	return a.writeWeights(f, net, o)
}

// keepOnly removes the tensors that no pattern is for.
func keepOnly(f *weights.File, only []string, from string) error {
	names := f.Names()
	kept := map[string]bool{}
	for _, p := range only {
		found := false
		for _, name := range names {
			if (train.Group{Pattern: p}).Matches(name) {
				kept[name], found = true, true
			}
		}
		if !found {
			return fmt.Errorf("%s: %w", from, nearest.Unknown("tensor", p, names))
		}
	}
	for _, name := range names {
		if len(only) > 0 && !kept[name] {
			delete(f.Tensors, name)
		}
	}
	return nil
}

// writeWeights writes f, or net, whose weights f is, as the ending of the output says.
func (a *app) writeWeights(f *weights.File, net *network, o weightsOptions) error {
	run := !isONNX(o.out) && !isWeights(o.out)
	if !isWeights(o.out) && o.of == "" && len(o.only) > 0 {
		return usagef("--only leaves no network to write to %s; --of says which one the tensors go into", o.out)
	}
	switch {
	case isWeights(o.out):
		if err := f.Write(o.out); err != nil {
			return err
		}
	case net == nil:
		return usagef("%s wants a network, and a file of weights is none; --of says which one they go into", o.out)
	case isONNX(o.out):
		if err := wholefile.Write(o.out, func(w io.Writer) error { return net.graph.writeONNX(w, net.state) }); err != nil {
			return err
		}
	case net.run == nil:
		return usagef("%s would be a run folder, as its name does not end in %s or .onnx; it wants --of RUN, which knows data and classes",
			o.out, strings.Join(weights.Extensions, ", "))
	default:
		if err := putRun(o.out, net.run, f); err != nil {
			return err
		}
	}
	elements := 0
	for _, d := range f.Tensors {
		elements += d.Shape().TotalSize()
	}
	kind := ""
	if run {
		kind = "a run with "
	}
	fmt.Fprintf(a.stderr, "%s: %s%s, %s elements\n", o.out, kind, plural(len(f.Tensors), "tensor"), thousands(elements))
	if a.json {
		return a.emit(map[string]any{"file": o.out, "tensors": len(f.Tensors), "elements": elements})
	}
	return nil
}

// putRun makes the run folder dir, with all of t but its weights.
func putRun(dir string, t *train.Trainer, f *weights.File) error {
	dir = filepath.Clean(dir)
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s is there already; a run is written to a new folder", dir)
	}
	if err := t.SetWeights(f); err != nil {
		return err
	}
	run, err := train.Create(filepath.Dir(dir), filepath.Base(dir))
	if err != nil {
		return err
	}
	if err := run.Put(t); err != nil {
		os.Remove(run.Dir) // which fails, as it should, if anything else was written
		return err
	}
	return nil
}

// ranges are what a list says of the elements of a tensor.
type ranges struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	Elements  int     `json:"elements"`
	Min       float64 `json:"min"`
	Mean      float64 `json:"mean"`
	Max       float64 `json:"max"`
	NotFinite int     `json:"not_finite"` // which do not count for the others
}

func rangesOf(name string, d *tensor.Dense) (ranges, error) {
	t, err := vm.TypeOf(d)
	r := ranges{Name: name, Type: t.String(), Elements: t.Shape.Size()}
	lo, hi, sum, n := math.Inf(1), math.Inf(-1), 0.0, 0
	for _, e := range elements(d) {
		v := asFloat(e)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.NotFinite++
			continue
		}
		lo, hi, sum, n = min(lo, v), max(hi, v), sum+v, n+1
	}
	if n > 0 {
		r.Min, r.Mean, r.Max = lo, sum/float64(n), hi
	}
	return r, err
}

func asFloat(e any) float64 {
	switch e := e.(type) {
	case float32:
		return float64(e)
	case float64:
		return e
	case int32:
		return float64(e)
	case int64:
		return float64(e)
	case bool:
		if e {
			return 1
		}
	}
	return 0
}

// listWeights prints a line for each tensor.
func (a *app) listWeights(f *weights.File) error {
	w := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "tensor\ttype\tmin\tmean\tmax\n")
	total := 0
	for _, name := range f.Names() {
		r, err := rangesOf(name, f.Tensors[name])
		if err != nil {
			return err
		}
		total += r.Elements
		if a.json {
			if err := a.emit(r); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s", r.Name, r.Type)
		if r.NotFinite < r.Elements {
			fmt.Fprintf(w, "\t%.4g\t%.4g\t%.4g", r.Min, r.Mean, r.Max)
		}
		if r.NotFinite > 0 {
			fmt.Fprintf(w, "\t%d not finite", r.NotFinite)
		}
		fmt.Fprintln(w)
	}
	if a.json {
		return a.emit(map[string]any{"tensors": len(f.Tensors), "elements": total, "meta": f.Meta})
	}
	fmt.Fprintf(w, "%s\t%s elements\n", plural(len(f.Tensors), "tensor"), thousands(total))
	return w.Flush()
}
