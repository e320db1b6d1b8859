package models_test

import (
	"context"
	"flag"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"neocog/data"
	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops/opstest"
	"neocog/train"
	"neocog/vm"
)

var long = flag.Bool("long", false, "check the models that are like others too, and train those of 224 pixels for a step: a minute and 5 GiB")

// reduced is the size of the images on which a model is checked where its own
// would take long: small, but with more than one place in the last maps, which
// batch norm needs. Models that are not here are checked at their own size, or
// the smallest.
var reduced = map[string]int{
	"resnet18": 48, "resnet34": 48, "resnet50": 48, "resnet101": 48, "resnet152": 48,
	"resnet20-cifar10": 16, "resnet32-cifar10": 16, "resnet44-cifar10": 16, "resnet56-cifar10": 16, "resnet110-cifar10": 16,
	"alphago-128": 5, "alphago-192": 5, "alphago-256": 5, "alphago-384": 5, "nin": 8, "compact": 16,
}

// seldom are the models which are like another one that is always checked.
var seldom = map[string]bool{
	"alexnet": true, "alexnet-owt": true, "zfnet": true, "vgg-a": true, "vgg-b": true, "vgg-c": true, "vgg-d": true, "vgg-e": true,
	"googlenet-torchvision": true, "resnet34": true, "resnet101": true, "resnet152": true,
	"resnet32-cifar10": true, "resnet44-cifar10": true, "resnet56-cifar10": true, "resnet110-cifar10": true,
	"alphago-192": true, "alphago-256": true, "alphago-384": true, "squeezenet": true,
}

// shrunk returns the model for reduced images.
func shrunk(t *testing.T, m models.Model, train bool) models.Model {
	t.Helper()
	n, ok := reduced[m.Name]
	if !ok {
		n = smallest[m.Name][0]
		if train {
			n = smallest[m.Name][1]
		}
	}
	if n == 1 {
		return m // images of one pixel would show little
	}
	m, err := m.At(n, n, train)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The tape agrees with the interpreter on the logits of whole networks.
//
// They agree to 10⁻⁶ or so in a layer, in which errors are averaged over hundreds
// of terms; over a hundred layers they add up.
func TestZooAgreesWithInterpreter(t *testing.T) {
	for _, m := range models.All() {
		t.Run(m.Name, func(t *testing.T) {
			if slices.Contains(printed, m.Name) {
				t.Skip("TestTapeAgreesWithInterpreter")
			}
			if seldom[m.Name] && !*long {
				t.Skip("a model like it is checked; -long checks all")
			}
			m := shrunk(t, m, false)
			g, x, logits := m.Graph(&layers.Builder{})
			feeds, state := vm.Feeds{x: image(m, graph.Float32, 1)}, vm.NewState(5)
			p, err := vm.Compile(g, []*graph.Value{logits})
			if err != nil {
				t.Fatal(err)
			}
			machine, err := p.NewMachine(state)
			if err != nil {
				t.Fatal(err)
			}
			defer machine.Close()
			got, err := machine.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			want, err := vm.Interpret(g, []*graph.Value{logits}, state, feeds)
			if err != nil {
				t.Fatal(err)
			}
			if err := opstest.Near(got[0], want[0], 1e-4); err != nil {
				t.Error(err)
			}
		})
	}
}

// A step of the trainer in float32 on two images, and their evaluation after it:
// loss and parameters are finite.
func TestOneStep(t *testing.T) {
	for _, m := range models.All() {
		t.Run(m.Name, func(t *testing.T) {
			if (m.Input[1] > 32 || seldom[m.Name]) && !*long {
				t.Skip("it takes up to ten seconds and 4.2 GiB; -long does it")
			}
			cfg := train.DefaultConfig(m.Name)
			cfg.Batch = 2
			trainer, err := train.New(m, cfg, data.Normalizer{})
			if err != nil {
				t.Fatal(err)
			}
			defer trainer.Close()
			begin := time.Now()
			pixels := image(m, graph.Float32, 2).Float32s()
			loss, _, err := trainer.Step(context.Background(), 1e-4, data.Batch{X: pixels, Y: []int32{3, 1}, N: 2})
			if err != nil {
				t.Fatal(err)
			}
			if math.IsNaN(loss) || math.IsInf(loss, 0) || loss <= 0 {
				t.Errorf("the loss is %v", loss)
			}
			again, _, err := trainer.Step(context.Background(), 1e-4, data.Batch{X: pixels, Y: []int32{3, 1}, N: 2})
			if err != nil {
				t.Fatal(err)
			}
			if math.IsNaN(again) || math.IsInf(again, 0) || again == loss {
				t.Errorf("the loss is %v after a step, %v before it", again, loss)
			}
			t.Logf("loss %.4f, then %.4f; %v for two steps; peak memory so far %s", loss, again, time.Since(begin).Round(time.Millisecond), peak())
		})
	}
}

// peak returns the most memory that this process has held, where the system
// tells.
func peak() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(kib)
		}
	}
	return "unknown"
}
