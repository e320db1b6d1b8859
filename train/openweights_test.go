package train_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"

	"neocog/data"
	"neocog/onnx"
	"neocog/train"
)

// foreign writes the tensors of a run as another program would: without metadata, those that keep says, and one more.
func foreign(t *testing.T, dir string, keep func(name string) bool, more safetensors.DType) string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, train.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	st, err := safetensors.Deserialize(file)
	if err != nil {
		t.Fatal(err)
	}
	views := map[string]safetensors.TensorView{}
	for _, v := range st.Tensors() {
		if keep(v.Name) {
			views[v.Name] = v.TensorView
		}
	}
	if views["more"], err = safetensors.NewTensorView(more, []uint64{1}, make([]byte, more.Size())); err != nil {
		t.Fatal(err)
	}
	out, err := safetensors.Serialize(views, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "foreign.safetensors")
	if err := os.WriteFile(path, out, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Weights of another program, under the model's names, are the same start as the run: the last layer need not be among them.
func TestOpenWeights(t *testing.T) {
	dir := trained(t)
	run, err := train.OpenBase(dir)
	if err != nil {
		t.Fatal(err)
	}
	last := func(name string) bool { return !strings.HasPrefix(name, "fc2") }
	base, err := train.OpenWeights(foreign(t, dir, last, safetensors.F32), "compact")
	if err != nil {
		t.Fatal(err)
	}
	base.Norm = run.Norm
	set := parity(300, 5)
	var losses []float64
	for _, b := range []*train.Base{run, base} {
		tr := transferred(t, b, nil)
		fit, err := tr.FitHead(context.Background(), set, train.Logistic, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, fit.Loss)
	}
	if losses[0] != losses[1] {
		t.Errorf("losses %v, want the same", losses)
	}
}

func TestOpenWeightsMistakes(t *testing.T) {
	dir := trained(t)
	all := func(string) bool { return true }
	damaged := filepath.Join(t.TempDir(), "damaged.safetensors")
	file, err := os.ReadFile(filepath.Join(dir, train.WeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)-1] ^= 1
	if err := os.WriteFile(damaged, file, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, model, want string }{
		{foreign(t, dir, all, safetensors.F32), "", "foreign.safetensors does not say which model it has the weights of"},
		{foreign(t, dir, all, safetensors.F32), "compakt", `foreign.safetensors: unknown model "compakt", did you mean compact`},
		{foreign(t, dir, all, safetensors.U8), "compact", `its "more" has elements U8, want F32, F64, F16, BF16`},
		{damaged, "", "damaged.safetensors: it is damaged: the SHA-256 of its content is "},
		{filepath.Join(dir, "missing"), "", "missing: no such file or directory"},
	} {
		if _, err := train.OpenWeights(c.path, c.model); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	base, err := train.OpenWeights(foreign(t, dir, func(name string) bool { return name != "conv2/w" }, safetensors.F32), "compact")
	if err != nil {
		t.Fatal(err)
	}
	cfg := train.DefaultConfig("")
	cfg.Classes = 2
	if _, err := base.From(cfg); err == nil || !strings.Contains(err.Error(), `the weights of model "compact" are not in what it starts from: it has no "conv2/w"`) {
		t.Errorf("error %v, want one that names conv2/w", err)
	}
}

// The features of a published ResNet-20 for CIFAR-10 tell garments apart, at the end of the network and in its middle.
func TestTransferFromAnONNXFile(t *testing.T) {
	path := shared(t, "../models/resnet20-cifar10.onnx")
	m, err := onnx.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	net, err := m.Import(onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, test, err := data.Open(shared(t, "fashion-mnist"))
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.Take(1000).As(3, 32, 32); err != nil {
		t.Fatal(err)
	}
	if test, err = test.Take(500).As(3, 32, 32); err != nil {
		t.Fatal(err)
	}
	imagenet := train.DefaultConfig("")
	imagenet.Normalize = train.ImageNet
	norm, err := train.Normalize(imagenet, set)
	if err != nil {
		t.Fatal(err)
	}
	for at, least := range map[string]float64{"": 0.7, "layer2.2.relu2": 0.7} {
		base, err := train.NewBase("resnet20", net.Outputs[0], net.State, norm)
		if err != nil {
			t.Fatal(err)
		}
		tr := transferred(t, base, func(c *train.Config) { c.Classes, c.Head = 10, at })
		if _, err := tr.FitHead(context.Background(), set, train.Logistic, 1e-2); err != nil {
			t.Fatal(err)
		}
		got, err := tr.Evaluate(context.Background(), test)
		if err != nil {
			t.Fatal(err)
		}
		if got.Accuracy < least {
			t.Errorf("at %q: accuracy %v, want at least %v", at, got.Accuracy, least)
		}
		t.Logf("at %q: accuracy %v", at, got.Accuracy)
	}
}
