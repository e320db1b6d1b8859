package inspect_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/inspect"
	"neocog/ops"
)

func document(t *testing.T, g *graph.Graph) (doc inspect.Graph, text []byte) {
	t.Helper()
	text, err := inspect.GraphJSON(g)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc, text
}

// Everything that the text form says stands in the document too.
func TestGraphJSONHoldsTheGraph(t *testing.T) {
	g, outputs := lenet(t)
	g.Update(g.Params()[0], outputs[0])
	doc, text := document(t, g)
	if doc.Name != "lenet5" || len(doc.Nodes) != len(g.Nodes()) {
		t.Fatalf("graph %q of %d nodes, want %q of %d", doc.Name, len(doc.Nodes), g.Name(), len(g.Nodes()))
	}
	if _, again := document(t, g); !bytes.Equal(again, text) {
		t.Error("the same graph gives other bytes")
	}
	for i, n := range g.Nodes() {
		d := doc.Nodes[i]
		if d.ID != i || d.Op != n.Op.Name() || d.Scope != n.Scope || d.Position != n.Pos.String() {
			t.Errorf("node %+v, want %v", d, n)
		}
		if (d.Origin == nil) != (n.Origin == nil) || d.Origin != nil && *d.Origin != n.Origin.Index() {
			t.Errorf("node %d derives from %v, want %v", i, d.Origin, n.Origin)
		}
		for j, v := range n.Ins() {
			if d.Inputs[j] != v.ID() {
				t.Errorf("node %d reads %v, want %v", i, d.Inputs, n.Ins())
			}
		}
		for j, v := range n.Outs() {
			o := d.Outputs[j]
			if o.ID != v.ID() || o.DType != v.DType().String() || !graph.Shape(o.Shape).Equal(v.Shape()) {
				t.Errorf("result %+v of node %d, want %v %v", o, i, v, v.Type())
			}
		}
	}
	if len(doc.Inputs) != 2 || len(doc.Params) != 10 || len(doc.Buffers) != 0 {
		t.Errorf("inputs %v, parameters %v, buffers %v; want 2, 10, 0", doc.Inputs, doc.Params, doc.Buffers)
	}
	if want := []inspect.Update{{Param: g.Params()[0].ID(), Next: outputs[0].ID()}}; !reflect.DeepEqual(doc.Updates, want) {
		t.Errorf("updates %v, want %v", doc.Updates, want)
	}
	if lines := strings.Count(string(text), "\n"); lines != len(g.Nodes())+6 {
		t.Errorf("%d lines, want one for each of %d nodes and 6 more", lines, len(g.Nodes()))
	}
}

func TestGraphJSONAttributes(t *testing.T) {
	g := graph.New("g")
	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 2, 8, 8))
	w := g.Param("w", graph.Of(graph.Float32, 4, 1, 3, 3), graph.Normal(0, 0.5))
	long := make([]float32, 17)
	long[1] = 1
	for _, c := range []struct {
		name string
		node *graph.Node
		want string
	}{
		{"input", x.Node(), `{"name":"x"}`},
		{"parameter", w.Node(), `{"init":"normal(0,0.5)","name":"w"}`},
		{"buffer", g.Buffer("k", graph.Of(graph.Int64, 2), graph.Key()).Node(), `{"init":"key()","name":"k"}`},
		{"embedded struct", ops.Conv2D(x, w, ops.Conv{Groups: 2, Stride: [2]int{2, 2}, Round: ops.Floor}).Node(), `{"Groups":2,"Round":"floor","Stride":[2,2]}`},
		{"list", ops.Sum(x, 2, 3).Node(), `{"Axes":[2,3]}`},
		{"number", ops.Scale(x, 0.25).Node(), `{"S":0.25}`},
		{"infinite number", ops.AddScalar(x, math.Inf(-1)).Node(), `{"S":"-Inf"}`},
		{"floats", graph.Const(g, graph.Shape{3}, 1.5, math.NaN(), math.Inf(1)).Node(), `{"values":[1.5,"NaN","+Inf"]}`},
		{"large integers", graph.Const(g, graph.Shape{2}, int64(math.MaxInt64), int64(math.MinInt64)).Node(), `{"values":[9223372036854775807,-9223372036854775808]}`},
		{"bools", graph.Const(g, graph.Shape{2}, true, false).Node(), `{"values":[true,false]}`},
		{"many", graph.Const(g, graph.Shape{17}, long...).Node(), fmt.Sprintf(`{"base64":%q}`, base64.StdEncoding.EncodeToString(append([]byte{0, 0, 0, 0, 0, 0, 0x80, 0x3f}, make([]byte, 60)...)))},
		{"none", ops.ReLU(x).Node(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := g.Err(); err != nil {
				t.Fatal(err)
			}
			_, text := document(t, g)
			line := strings.Split(string(text), "\n")[1+c.node.Index()]
			want := fmt.Sprintf(`{"id":%d,"op":%q,`, c.node.Index(), c.node.Op.Name())
			if c.want != "" {
				want += `"attributes":` + c.want + ","
			}
			if want += `"inputs":`; !strings.HasPrefix(line, want) {
				t.Errorf("got  %s\nwant %s…", line, want)
			}
		})
	}
}

type channel struct{ C chan int }

func (channel) Name() string                                { return "test.Channel" }
func (channel) Infer(in []graph.Type) ([]graph.Type, error) { return in[:1], nil }

func TestGraphJSONErrors(t *testing.T) {
	if _, err := inspect.GraphJSON(nil); err == nil {
		t.Error("a nil graph is no error")
	}
	g := graph.New("g")
	x := g.Input("x", graph.Of(graph.Float32, 3))
	graph.Apply(channel{make(chan int)}, x)
	if _, err := inspect.GraphJSON(g); err == nil || !strings.Contains(err.Error(), "test.Channel") {
		t.Errorf("an attribute which JSON cannot hold gives %v, want an error that names the op", err)
	}
	ops.Transpose(x, 1)
	if _, err := inspect.GraphJSON(g); err == nil || !strings.Contains(err.Error(), "json_test.go:") {
		t.Errorf("a faulty graph gives %v, want its mistake", err)
	}
}

func TestGraphJSONOfAnEmptyGraph(t *testing.T) {
	doc, _ := document(t, graph.New(`a "quoted" name`))
	if doc.Name != `a "quoted" name` || len(doc.Nodes) != 0 {
		t.Errorf("got %+v", doc)
	}
}
