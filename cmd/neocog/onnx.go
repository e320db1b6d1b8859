package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"gorgonia.org/tensor"

	"neocog/internal/wholefile"
	"neocog/onnx"
	"neocog/train"
	"neocog/vm"
	"neocog/weights"
)

func (a *app) onnxCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "onnx",
		Short: "Take models in and out as ONNX files",
		Example: `neocog onnx info resnet20.onnx
neocog onnx run mnist.onnx --input Input3=seven.png
neocog onnx export lenet5 -o lenet5.onnx
neocog onnx test node-tests/`,
		Args: wants(0, 0, "a command: info, run, export or test"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.onnxInfoCommand(), a.onnxRunCommand(), a.onnxExportCommand(), a.onnxTestCommand())
	return cmd
}

func (a *app) onnxInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info FILE",
		Short: "Say what a model holds, and whether it can be imported",
		Args:  wants(1, 1, "FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := onnx.ReadFile(args[0])
			if err != nil {
				return err
			}
			return a.onnxInfo(m)
		},
	}
}

func (a *app) onnxInfo(m *onnx.Model) error {
	i := m.Info()
	_, err := m.Import(onnx.Options{})
	if a.json {
		why := ""
		if err != nil {
			why = err.Error()
		}
		return a.emit(map[string]any{
			"ir": i.IR, "opset": i.Opset, "producer": i.Producer, "graph": i.Graph, "inputs": i.Inputs, "outputs": i.Outputs,
			"nodes": i.Nodes, "ops": i.Ops, "initialisers": i.Initialisers, "elements": i.Elements, "imports": err == nil, "why": why,
		})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "graph\t%s\n", i.Graph)
	fmt.Fprintf(w, "written by\t%s, operator set %d, IR version %d\n", orUnknown(i.Producer), i.Opset, i.IR)
	for _, p := range i.Inputs {
		fmt.Fprintf(w, "input\t%s  %s\n", p.Name, p.Type)
	}
	for _, p := range i.Outputs {
		fmt.Fprintf(w, "output\t%s  %s\n", p.Name, p.Type)
	}
	fmt.Fprintf(w, "initialisers\t%d, of %d elements\n", i.Initialisers, i.Elements)
	var ops []string
	for _, o := range i.Ops {
		name := fmt.Sprintf("%d %s", o.Count, o.Name)
		if !o.Known {
			name += " (not known)"
		}
		ops = append(ops, name)
	}
	fmt.Fprintf(w, "nodes\t%d: %s\n", i.Nodes, strings.Join(ops, ", "))
	if err == nil {
		fmt.Fprintf(w, "import\tyes\n")
	} else {
		fmt.Fprintf(w, "import\tno: %v\n", err)
	}
	return w.Flush()
}

func orUnknown(s string) string {
	if s == "" {
		return "an unknown program"
	}
	return s
}

// onnxRun is one call of onnx run.
type onnxRun struct {
	*app
	inputs, dims []string // NAME=FILE, NAME=N
	batch        int
	out          string
	pixels       pixelOptions
}

func (a *app) onnxRunCommand() *cobra.Command {
	r := &onnxRun{app: a}
	cmd := &cobra.Command{
		Use:   "run MODEL",
		Short: "Run a model once, on arrays and pictures",
		Long: `Run a model once. Inputs are .npy (NumPy), .pb (ONNX's TensorProto), or .png and .jpg pictures, which are fitted to the
size of the input and become (pixel/DIVIDE − MEAN)/STD, pixels being 0 to 255 and MEAN and STD given for each channel.

Shapes that the model computes with, such as that of a Reshape, may be inputs too. Axes which the model leaves open take
their extents from --dim, the first one from the arrays.`,
		Example: `neocog onnx run mnist.onnx --input Input3=seven.png
neocog onnx run resnet20-cifar10.onnx --input input=frog.png --divide 255 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
neocog onnx run model.onnx --input x=x.npy --input y=y.npy -o results/`,
		Args: wants(1, 1, "MODEL, an ONNX file"),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&r.inputs, "input", nil, "`NAME=FILE`: .npy, .pb, .png or .jpg; once for each input")
	f.StringArrayVar(&r.dims, "dim", nil, "`NAME=N`: the extent that the model calls NAME")
	f.IntVar(&r.batch, "batch", 0, "make the graph for this batch size; 0 leaves it open")
	f.StringVarP(&r.out, "output", "o", "", "write the results to this `FOLDER`, as NAME.npy")
	f.Float64Var(&r.pixels.divide, "divide", 1, "divide pixels by this")
	f.Float64SliceVar(&r.pixels.mean, "mean", nil, "then subtract this, for each channel")
	f.Float64SliceVar(&r.pixels.std, "std", nil, "then divide by this, for each channel")
	return cmd
}

func (r *onnxRun) run(ctx context.Context, file string) error {
	m, err := onnx.ReadFile(file)
	if err != nil {
		return err
	}
	o := onnx.Options{Batch: r.batch, Dims: map[string]int{}, Known: map[string]*tensor.Dense{}}
	for _, d := range r.dims {
		name, n, _ := strings.Cut(d, "=")
		if o.Dims[name], err = strconv.Atoi(n); err != nil || o.Dims[name] < 0 {
			return usagef("--dim: got %q, want NAME=N, N a whole number from 0", d)
		}
	}
	ports := m.Info().Inputs
	for _, in := range r.inputs {
		name, path, ok := strings.Cut(in, "=")
		if !ok {
			return usagef("--input: got %q, want NAME=FILE", in)
		}
		i := slices.IndexFunc(ports, func(p onnx.Port) bool { return p.Name == name })
		if i < 0 {
			return usagef("--input: the model has no input %q; it has %s", name, portNames(ports))
		}
		t, err := readTensor(path, ports[i], r.pixels)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		o.Known[name] = t
	}
	for _, p := range ports {
		if o.Known[p.Name] == nil {
			return usagef("the input %s %s is missing: --input %s=FILE", p.Name, p.Type, p.Name)
		}
	}
	net, err := m.Import(o)
	if err != nil {
		return err
	}
	got, err := net.Run(ctx, o.Known)
	if err != nil {
		return err
	}
	files := fileNames(net.OutputNames)
	for i, t := range got {
		if err := r.result(net.OutputNames[i], files[i], t); err != nil {
			return err
		}
	}
	return nil
}

func portNames(ports []onnx.Port) string {
	var names []string
	for _, p := range ports {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// shownElements is how many elements of a result are printed.
const shownElements = 1000

// result prints a result and, if a folder is given, writes it there to that file.
func (r *onnxRun) result(name, file string, t *tensor.Dense) error {
	typ, err := vm.TypeOf(t)
	if err != nil {
		return err
	}
	if r.out != "" {
		if err := os.MkdirAll(r.out, 0o755); err != nil {
			return err
		}
		path := filepath.Join(r.out, file+".npy")
		if err := wholefile.Write(path, func(w io.Writer) error { return weights.WriteNPY(w, t) }); err != nil {
			return err
		}
		fmt.Fprintf(r.stderr, "%s: %v\n", path, typ)
	}
	values := elements(t)
	if r.json {
		line := map[string]any{"output": name, "type": typ.String()}
		if len(values) <= shownElements {
			line["data"] = values
		}
		return r.emit(line)
	}
	text := fmt.Sprint(values[:min(len(values), shownElements)])
	if len(values) > shownElements {
		text = strings.TrimSuffix(text, "]") + fmt.Sprintf(" …] (%d of %d)", shownElements, len(values))
	}
	fmt.Fprintf(r.stdout, "%s %v %s\n", name, typ, text)
	return nil
}

// fileNames makes names of files of those of values, all different.
func fileNames(names []string) []string {
	files := make([]string, len(names))
	for i, name := range names {
		stem := fileName(name)
		if stem == "" {
			stem = "output"
		}
		files[i] = stem
		taken := func(f string) bool { return strings.EqualFold(f, files[i]) }
		for k := 2; slices.ContainsFunc(files[:i], taken); k++ {
			files[i] = fmt.Sprintf("%s_%d", stem, k)
		}
	}
	return files
}

// fileName makes a file's name of a value's.
func fileName(name string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, c) || c < ' ' {
			return '_'
		}
		return c
	}, strings.TrimLeft(name, "."))
}

func (a *app) onnxExportCommand() *cobra.Command {
	var file string
	var gradient bool
	cmd := &cobra.Command{
		Use:   "export MODEL|RUN",
		Short: "Write a model, or what a run has learned, as an ONNX file",
		Long: `Write a model with its starting weights, or the network of a run folder with what it has learned, as an ONNX file:
from normalised images to logits; with --grad the graph to train with.`,
		Example: `neocog onnx export runs/20260102-150405-lenet5 -o lenet5.onnx
neocog onnx export resnet18 --grad -o resnet18-training.onnx`,
		Args:              wants(1, 1, "MODEL or RUN"),
		ValidArgsFunction: completeModel,
		RunE: func(_ *cobra.Command, args []string) error {
			if file == "" {
				return usagef("-o FILE says where to write")
			}
			return a.onnxExport(args[0], file, gradient)
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "the `FILE` to write")
	cmd.Flags().BoolVar(&gradient, "grad", false, "with loss and gradient")
	return cmd
}

func (a *app) onnxExport(what, file string, gradient bool) error {
	var state *vm.State
	var o *modelOutputs
	if info, err := os.Stat(what); err == nil && info.IsDir() {
		t, err := train.Open(what)
		if err != nil {
			return err
		}
		defer t.Close()
		state = t.State()
		if o, err = outputsOf(t.Model(), gradient); err != nil {
			return err
		}
	} else {
		m, err := findModel(what)
		if err != nil {
			return err
		}
		if o, err = outputsOf(m, gradient); err != nil {
			return err
		}
	}
	if err := wholefile.Write(file, func(w io.Writer) error { return o.writeONNX(w, state) }); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s: %s as ONNX\n", file, plural(len(o.graph.Nodes()), "node"))
	if a.json {
		return a.emit(map[string]any{"model": what, "file": file, "nodes": len(o.graph.Nodes()), "outputs": o.names})
	}
	return nil
}

// writeONNX writes the graph with the weights in state, or their starting values.
func (o *modelOutputs) writeONNX(w io.Writer, state *vm.State) error {
	data, err := onnx.Export(o.graph, o.values, o.names, state)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

func (a *app) onnxTestCommand() *cobra.Command {
	var refused bool
	cmd := &cobra.Command{
		Use:   "test DIR...",
		Short: "Run ONNX's test cases",
		Long: `Run the test cases in folders and below: each a folder with model.onnx and test_data_set_0/input_0.pb, output_0.pb and so
on, as in ONNX's backend tests (onnx/backend/test/data/node). Results pass if floats are within 1e-7 + 1e-3 of their size, and
integers and booleans equal. A model with something that Neocog does not have is refused, which is no failure.`,
		Example: `neocog onnx test onnx/backend/test/data/node
neocog onnx test node/test_conv_with_strides_padding --refused`,
		Args: wants(1, -1, "at least one DIR"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.onnxTest(cmd.Context(), args, refused) },
	}
	cmd.Flags().BoolVar(&refused, "refused", false, "say why models are refused")
	return cmd
}

// totals are the verdicts on models with an op.
type totals struct{ Passed, Failed, Refused int }

func (t *totals) add(v onnx.Verdict) {
	switch v {
	case onnx.Passed:
		t.Passed++
	case onnx.Failed:
		t.Failed++
	default:
		t.Refused++
	}
}

func (a *app) onnxTest(ctx context.Context, dirs []string, refused bool) error {
	var all totals
	byOp := map[string]*totals{}
	for _, dir := range dirs {
		fsys := os.DirFS(dir)
		cases, err := onnx.FindCases(fsys, ".")
		if err != nil {
			return fmt.Errorf("%s: %w", dir, errors.Unwrap(err))
		}
		if len(cases) == 0 {
			return fmt.Errorf("%s: there is no test case: no folder with a file model.onnx", dir)
		}
		for _, c := range cases {
			if err := ctx.Err(); err != nil {
				return err
			}
			o := onnx.RunCase(ctx, fsys, c)
			if o.Name == "." {
				o.Name = filepath.Base(dir)
			}
			all.add(o.Verdict)
			for _, op := range o.Ops {
				if byOp[op] == nil {
					byOp[op] = &totals{}
				}
				byOp[op].add(o.Verdict)
			}
			switch {
			case a.json:
				line := map[string]any{"case": o.Name, "verdict": o.Verdict, "ops": o.Ops}
				if o.Err != nil {
					line["why"] = o.Err.Error()
				}
				if err := a.emit(line); err != nil {
					return err
				}
			case o.Verdict == onnx.Failed, refused && o.Verdict == onnx.Refused:
				fmt.Fprintf(a.stdout, "%s %s: %v\n", o.Verdict, o.Name, o.Err)
			}
		}
	}
	if err := a.onnxTotals(all, byOp); err != nil {
		return err
	}
	if all.Failed > 0 {
		return errSilent
	}
	return nil
}

// onnxTotals prints the totals of each op and of all.
func (a *app) onnxTotals(all totals, byOp map[string]*totals) error {
	var names []string
	for op := range byOp {
		names = append(names, op)
	}
	slices.Sort(names)
	if a.json {
		for _, op := range names {
			t := byOp[op]
			if err := a.emit(map[string]any{"op": op, "passed": t.Passed, "failed": t.Failed, "refused": t.Refused}); err != nil {
				return err
			}
		}
		return a.emit(map[string]any{"passed": all.Passed, "failed": all.Failed, "refused": all.Refused})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "op\tpassed\tfailed\trefused\t\n")
	for _, op := range names {
		t := byOp[op]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", op, t.Passed, t.Failed, t.Refused)
	}
	fmt.Fprintf(w, "all cases\t%d\t%d\t%d\t\n", all.Passed, all.Failed, all.Refused)
	return w.Flush()
}
