package onnx

import (
	"context"
	"testing"

	"gorgonia.org/tensor"

	"neocog/data"
	"neocog/graph"
	"neocog/vm"
)

// accuracy counts the images of a test set which the network, batch images at a time,
// puts into the class of their label. number is what a pixel of a channel becomes.
func accuracy(t *testing.T, net *Network, set *data.Set, images, batch int, number func(channel int, pixel byte) float32) int {
	t.Helper()
	p, err := vm.Compile(net.Graph, net.Outputs)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.NewMachine(net.State)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	x := make([]float32, batch*set.Dim())
	plane, right := set.H*set.W, 0
	for i := 0; i < images; i += batch {
		for j, v := range set.Pixels[i*set.Dim() : (i+batch)*set.Dim()] {
			x[j] = number(j/plane%set.C, v)
		}
		feed := tensor.New(tensor.WithShape(batch, set.C, set.H, set.W), tensor.WithBacking(x))
		got, err := m.Run(context.Background(), vm.Feeds{net.Graph.Inputs()[0]: feed})
		if err != nil {
			t.Fatal(err)
		}
		logits := got[0].Float32s()
		classes := len(logits) / batch
		for j := range batch {
			best := 0
			for k, v := range logits[j*classes : (j+1)*classes] {
				if v > logits[j*classes+best] {
					best = k
				}
			}
			if int32(best) == set.Labels[i+j] {
				right++
			}
		}
	}
	return right
}

// testSet opens the test images of a data set beside the repository.
func testSet(t *testing.T, folder string) *data.Set {
	t.Helper()
	_, test, err := data.Open(shared(t, "data/"+folder))
	if err != nil {
		t.Fatal(err)
	}
	return test
}

func imported(t *testing.T, file string) *Network {
	t.Helper()
	m, err := ReadFile(shared(t, "models/"+file))
	if err != nil {
		t.Fatal(err)
	}
	net, err := m.Import(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// The published accuracies of two pretrained networks, to the image. Without -long
// the first 200 test images are looked at, of which a run of all 10,000 had so many right.
func TestPretrainedNetworks(t *testing.T) {
	mean, std := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	for _, c := range []struct {
		file, set  string
		all, first int
		batch      int
		number     func(channel int, pixel byte) float32
	}{
		{"mnist.onnx", "mnist", 9891, 199, 1, func(_ int, v byte) float32 { return float32(v) }},
		{"resnet20-cifar10.onnx", "cifar-10", 9173, 182, 100, func(ch int, v byte) float32 { return (float32(v)/255 - mean[ch]) / std[ch] }},
	} {
		t.Run(c.file, func(t *testing.T) {
			net, set := imported(t, c.file), testSet(t, c.set)
			images, want := 200, c.first
			if *long {
				images, want = set.Len(), c.all
			}
			if got := accuracy(t, net, set, images, c.batch, c.number); got != want {
				t.Errorf("%d of the first %d test images are right, want %d", got, images, want)
			}
		})
	}
}

// The logits that come with the network, to the digits given there.
func TestPretrainedLogits(t *testing.T) {
	net, set := imported(t, "resnet20-cifar10.onnx"), testSet(t, "cifar-10")
	mean, std := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	x := make([]float32, set.Dim())
	for i, v := range set.Image(0) {
		ch := i / (set.H * set.W)
		x[i] = (float32(v)/255 - mean[ch]) / std[ch]
	}
	in := net.Graph.Inputs()[0].Node().Op.(graph.InputOp).Label
	got, err := net.Run(context.Background(), map[string]*tensor.Dense{in: tensor.New(tensor.WithShape(1, 3, 32, 32), tensor.WithBacking(x))})
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{-5.30968, -0.49577, 0.87725, 23.73052, -4.10504, 4.46373, -0.23435, -5.41793, -3.71179, -9.88218}
	for i, v := range got[0].Float32s() {
		if d := v - want[i]; d > 1e-4 || d < -1e-4 {
			t.Errorf("logit %d is %v, want %v", i, v, want[i])
		}
	}
}

// Both networks come back from an export as they are.
func TestPretrainedRoundTrip(t *testing.T) {
	for _, file := range []string{"mnist.onnx", "resnet20-cifar10.onnx"} {
		net := imported(t, file)
		again := roundTrip(t, file, net, Options{})
		if a, b := net.Graph.String(), again.Graph.String(); a != b {
			t.Errorf("%s: import, export, import differ:\n%s", file, firstDifference(a, b))
		}
	}
}
