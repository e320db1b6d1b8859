package modelexplorer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"testing"

	"neocog/graph"
	"neocog/graph/modelexplorer"
	"neocog/ops"
)

// Every node, every input, every result of the graph is in the file, in the form that Model Explorer's documentation
// gives: https://github.com/google-ai-edge/model-explorer/wiki/4.-API-Guide.
func TestWrite(t *testing.T) {
	text, err := os.ReadFile("../view/testdata/small.txt")
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Parse(string(text), ops.All()...)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := modelexplorer.Write(&b, g); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	d.DisallowUnknownFields()
	var graphs []modelexplorer.Graph
	if err := d.Decode(&graphs); err != nil {
		t.Fatal(err)
	}
	if len(graphs) != 1 || graphs[0].ID != "small" || len(graphs[0].Nodes) != len(g.Nodes()) {
		t.Fatalf("%d graphs, %+v", len(graphs), graphs)
	}
	for i, n := range g.Nodes() {
		got := graphs[0].Nodes[i]
		if got.ID != strconv.Itoa(i) || len(got.Incoming) != len(n.Ins()) || len(got.Outputs) != len(n.Outs()) {
			t.Errorf("%v is %+v", n, got)
		}
		for k, in := range n.Ins() {
			want := modelexplorer.Edge{Source: strconv.Itoa(in.Node().Index()), SourceOutput: strconv.Itoa(in.Index()), TargetInput: strconv.Itoa(k)}
			if got.Incoming[k] != want {
				t.Errorf("input %d of %v is %+v, want %+v", k, n, got.Incoming[k], want)
			}
		}
	}
	conv := graphs[0].Nodes[g.Lookup("conv1/b").Node().Index()+1]
	if conv.Label != "Conv2D" || conv.Namespace != "forward/conv1" ||
		!slices.Contains(conv.Attrs, modelexplorer.KeyValue{Key: "attributes", Value: "Pad:[1 1 1 1]"}) ||
		!slices.Contains(conv.Outputs[0].Attrs, modelexplorer.KeyValue{Key: "tensor_shape", Value: "f32[N,4,8,8]"}) {
		t.Errorf("the convolution is %+v", conv)
	}
	if got := graphs[0].GroupAttributes["update/head/fc/w"]["contents"]; got != "5 nodes" {
		t.Errorf("the box says %q", got)
	}
}

func TestErrors(t *testing.T) {
	if err := modelexplorer.Write(io.Discard, nil); err == nil {
		t.Error("a nil graph is no error")
	}
}

func ExampleWrite() {
	g := graph.New("half")
	ops.Scale(g.Input("x", graph.Of(graph.Float32, graph.Batch, 3)), 0.5)
	var b bytes.Buffer
	err := modelexplorer.Write(&b, g)
	fmt.Println(bytes.Count(b.Bytes(), []byte("tensor_shape")), err)
	// Output: 2 <nil>
}
