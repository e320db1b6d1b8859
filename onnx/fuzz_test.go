package onnx

import (
	"context"
	"errors"
	"testing"

	"neocog/graph"
	"neocog/onnx/internal/onnxpb"
)

// seeds are sound models with ops that read constants, shapes and attributes, and the
// hostile files that are short.
func seeds(f *testing.F) {
	f.Add(onnxpb.Marshal(small()))
	g := graph.New("seed")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 4, 4))
	for _, build := range seedNetworks {
		data, err := Export(g, []*graph.Value{build(g, x)}, nil, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, h := range corpus() {
		if len(h.data) < 1<<12 {
			f.Add(h.data)
		}
	}
}

// What Decode and Import do with any bytes: a typed error, or a graph that is sound and
// can be exported.
func FuzzImport(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		m.Info()
		for _, o := range []Options{{}, {Batch: 2}} {
			net, err := m.Import(o)
			var internal *InternalError
			if errors.As(err, &internal) {
				t.Fatalf("%v\n%s", err, internal.Stack)
			}
			if err != nil {
				continue
			}
			if err := net.Graph.Check(); err != nil {
				t.Fatalf("the imported graph is faulty: %v", err)
			}
			if isSmall(net.Graph) { // an export has the masks and weights that larger graphs only speak of
				if _, err := net.Export(); err != nil {
					t.Logf("it cannot be exported: %v", err)
				}
			}
		}
	})
}

func isSmall(g *graph.Graph) bool {
	for _, n := range g.Nodes() {
		for _, v := range n.Outs() {
			if v.Shape().Bind(1).Size() > 1<<12 {
				return false
			}
		}
	}
	return true
}

func FuzzDecodeTensor(f *testing.F) {
	for _, d := range []onnxpb.DataType{onnxpb.Float, onnxpb.Double, onnxpb.Int32, onnxpb.Int64, onnxpb.Bool} {
		f.Add(onnxpb.Marshal(&onnxpb.Tensor{Dims: []int64{2, 1}, DataType: d, RawData: make([]byte, 2*dtypes[d].Size())}))
	}
	f.Add(onnxpb.Marshal(&onnxpb.Tensor{Dims: []int64{3}, DataType: onnxpb.Float, FloatData: []float32{1, 2, 3}}))
	f.Add(onnxpb.Marshal(&onnxpb.Tensor{DataType: onnxpb.Int64, Int64Data: []int64{7}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeTensor(data)
		if err != nil {
			return
		}
		again, err := EncodeTensor("t", d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeTensor(again)
		if err != nil {
			t.Fatal(err)
		}
		if err := compare(back, d); err != nil {
			t.Fatalf("written and read: %v", err)
		}
	})
}

// The seeds do what the fuzzer's models should: those that import also run.
func TestSeedsRun(t *testing.T) {
	g := graph.New("seed")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 4, 4))
	for i, build := range seedNetworks {
		net := &Network{Graph: g, Outputs: []*graph.Value{build(g, x)}, OutputNames: []string{"y"}}
		again := roundTrip(t, "seed", net, Options{})
		want, err := again.Run(context.Background(), feedsFor(g, 2))
		if err != nil || want[0].Size() == 0 {
			t.Errorf("seed %d: %v", i, err)
		}
	}
}
