package onnx

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/vm"
)

var long = flag.Bool("long", false, "export, check and run every model of the zoo, and classify all test images")

// onnxRuntime returns a function that runs a file in ONNX Runtime and returns the outputs. The test
// is skipped where that is not installed.
func onnxRuntime(t *testing.T) func(t *testing.T, model []byte, in map[string]*tensor.Dense, outputs []string) ([]*tensor.Dense, error) {
	t.Helper()
	const how = "it is installed by npm install --ignore-scripts onnxruntime-node@1.30.0, and found through NODE_PATH"
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("there is no node, which ONNX Runtime runs in; %s", how)
	}
	if out, err := exec.Command(node, "-e", "require('onnxruntime-node')").CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		t.Skipf("node does not find onnxruntime-node (%v, %s); %s", err, first, how)
	}
	return func(t *testing.T, model []byte, in map[string]*tensor.Dense, outputs []string) ([]*tensor.Dense, error) {
		t.Helper()
		return runInORT(t, node, model, in, outputs)
	}
}

var ortTypes = map[graph.DType]string{graph.Float32: "float32", graph.Float64: "float64", graph.Int32: "int32", graph.Int64: "int64", graph.Bool: "bool"}

func runInORT(t *testing.T, node string, model []byte, in map[string]*tensor.Dense, outputs []string) ([]*tensor.Dense, error) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	type entry struct {
		Name string `json:"name"`
		Type string `json:"type,omitempty"`
		Dims []int  `json:"dims"`
		File string `json:"file"`
	}
	var manifest struct {
		Inputs  []entry `json:"inputs"`
		Outputs []entry `json:"outputs"`
	}
	for i, name := range sortedKeys(in) {
		k, err := constantOf(in[name])
		if err != nil {
			t.Fatal(err)
		}
		manifest.Inputs = append(manifest.Inputs, entry{name, ortTypes[k.typ.DType], append([]int{}, k.typ.Shape...), write(fmt.Sprintf("in%d", i), []byte(k.data))})
	}
	for i, name := range outputs {
		manifest.Outputs = append(manifest.Outputs, entry{Name: name, File: filepath.Join(dir, fmt.Sprintf("out%d", i))})
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "testdata/run.cjs", write("model.onnx", model), write("manifest.json", text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ONNX Runtime: %s", strings.TrimSpace(stderr.String()))
	}
	var list []*tensor.Dense
	lines := bufio.NewScanner(bytes.NewReader(out))
	for _, o := range manifest.Outputs {
		var got entry
		if !lines.Scan() {
			return nil, fmt.Errorf("ONNX Runtime gave %d outputs, want %d", len(list), len(outputs))
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(o.File)
		if err != nil {
			return nil, err
		}
		k := constant{data: string(data)}
		k.typ.Shape = append(graph.Shape{}, got.Dims...)
		for d, name := range ortTypes {
			if name == got.Type {
				k.typ.DType = d
			}
		}
		list = append(list, k.dense())
	}
	return list, nil
}

// checker returns the Python that has ONNX's own checker. The test is skipped where there
// is none.
func checker(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import onnx").Run() == nil {
			return python
		}
	}
	t.Skip("there is no Python with the package onnx, such as Debian's python3-onnx")
	return ""
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// quick are the models that are looked at without -long: one of each family, small.
var quick = []string{"lenet5", "twolayer", "convnetjs-cifar10", "nin", "resnet20-cifar10", "alphago-128", "fullyconnected"}

// eachModel calls f for models of the zoo as they predict and as they train.
func eachModel(t *testing.T, f func(t *testing.T, net *Network, train bool)) {
	t.Helper()
	for _, m := range models.All() {
		if !*long && !contains(quick, m.Name) {
			continue
		}
		for _, train := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/train=%v", m.Name, train), func(t *testing.T) {
				f(t, zooNetwork(t, smaller(m, train), train), train)
			})
		}
	}
}

// smaller returns a model of large images for smaller ones that fit; not for the smallest,
// where batch norm of a few values makes much of rounding.
func smaller(m models.Model, train bool) models.Model {
	if m.Input[1] < 100 {
		return m
	}
	for n := 65; n < m.Input[1]; n++ {
		at := m
		at.Input = graph.Shape{m.Input[0], n, n}
		if g, _, _ := at.Graph(&layers.Builder{Train: train}); g.Err() == nil {
			return at
		}
	}
	return m
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func TestCheckerAcceptsZoo(t *testing.T) {
	python, dir := checker(t), t.TempDir()
	args := []string{"testdata/check.py"}
	eachModel(t, func(t *testing.T, net *Network, _ bool) {
		data, err := net.Export()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+".onnx")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	})
	if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
		t.Errorf("ONNX's checker: %s", lastLines(string(out), 5))
	}
}

// Logits and losses are within 1e-5 of ONNX Runtime's, relative to their size; gradients, which are long sums in other
// orders, within 1e-3 of their norm, or as near as ours are to what float64 gives: rounding moves the gradients of
// ResNet-50 by percents, since its batch norms are of few values here. Where a rectifier or a maximum is nearer to its
// kink than that rounding, one of the two takes the other branch, and every gradient behind it is another. So a
// gradient that is far off is looked at for other images: what is wrong is wrong for all.
func TestONNXRuntimeAgreesOnZoo(t *testing.T) {
	run := onnxRuntime(t)
	eachModel(t, func(t *testing.T, net *Network, train bool) {
		data, err := net.Export()
		if err != nil {
			t.Fatal(err)
		}
		if hasDropout(net.Graph) { // it runs; its random numbers are others
			if _, err := run(t, data, feedsFor(net.Graph, 2), net.OutputNames); err != nil {
				t.Fatal(err)
			}
			net = withoutDropout(net)
			if data, err = net.Export(); err != nil {
				t.Fatal(err)
			}
		}
		const images = 3
		for seed := uint64(1); ; seed++ {
			feeds := drawnFeeds(net.Graph, 2, seed)
			got, err := run(t, data, feeds, net.OutputNames)
			if err != nil {
				t.Fatal(err)
			}
			far := farOutputs(t, net, train, feeds, got)
			if len(far) == 0 {
				return
			}
			if seed == images || far[0].index == 0 {
				t.Fatalf("seed %d: %v", seed, far)
			}
			t.Logf("seed %d: %d gradients are far off, first %v; trying other images", seed, len(far), far[0])
		}
	})
}

// An offOutput is an output that is not near enough.
type offOutput struct {
	index    int
	name     string
	distance float64
	most     float64
}

// farOutputs returns the outputs of ONNX Runtime that are not near enough to ours, in order.
func farOutputs(t *testing.T, net *Network, train bool, feeds map[string]*tensor.Dense, got []*tensor.Dense) []offOutput {
	t.Helper()
	want, err := net.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	var far []offOutput
	var exact []*tensor.Dense
	for i := range want {
		gradient := train && i > 0 // behind the loss
		d, most := closeTo(want[i], got[i]), 1e-5
		if gradient {
			most = 1e-3
		}
		if d > most && gradient {
			if exact == nil {
				exact = interpretExactly(t, net, feeds)
			}
			most = 4 * closeTo(want[i], exact[i])
		}
		if !(d <= most) {
			far = append(far, offOutput{i, net.OutputNames[i], d, most})
		}
	}
	return far
}

// interpretExactly returns the outputs by the interpreter in float64, in float32.
func interpretExactly(t *testing.T, net *Network, feeds map[string]*tensor.Dense) []*tensor.Dense {
	t.Helper()
	in := vm.Feeds{}
	for name, d := range feeds {
		in[net.Graph.Lookup(name)] = d
	}
	out, err := vm.Interpret(net.Graph, net.Outputs, net.State, in, vm.As(graph.Float64), vm.NoUpdates())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What ops without counterpart are made of is what they are, in ONNX Runtime too.
func TestONNXRuntimeAgreesOnLowered(t *testing.T) {
	run := onnxRuntime(t)
	for name, f := range lowered {
		t.Run(name, func(t *testing.T) {
			net := loweredNetwork(t, f)
			data, err := net.Export()
			if err != nil {
				t.Fatal(err)
			}
			feeds := feedsFor(net.Graph, 2)
			got, err := run(t, data, feeds, net.OutputNames)
			if err != nil {
				t.Fatal(err)
			}
			want, err := net.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if d := closeTo(want[i], got[i]); !(d <= 1e-4) {
					t.Errorf("%s: distance %.2g", net.OutputNames[i], d)
				}
			}
		})
	}
}

func withoutDropout(net *Network) *Network {
	g, images := net.Graph.Rebuild(net.Outputs, false, func(_ *graph.Graph, n *graph.Node, in []*graph.Value) []*graph.Value {
		if n.Op.Name() == "Dropout" {
			return in[:1]
		}
		return nil
	})
	without := &Network{Graph: g, OutputNames: net.OutputNames, State: net.State}
	for _, v := range net.Outputs {
		without.Outputs = append(without.Outputs, images[v])
	}
	return without
}

func hasDropout(g *graph.Graph) bool {
	for _, n := range g.Nodes() {
		if n.Op.Name() == "Dropout" {
			return true
		}
	}
	return false
}
