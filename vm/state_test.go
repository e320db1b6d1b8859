package vm_test

import (
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm"
)

// Init gives what a machine would give, keeps what is there, and refuses what is no parameter or has another type.
func TestStateInit(t *testing.T) {
	g := graph.New("init")
	x := g.Input("x", graph.Of(graph.Float32, 3))
	w := g.Param("w", graph.Of(graph.Float32, 3), graph.Normal(0, 1))
	b := g.Buffer("b", graph.Of(graph.Int64, 2), graph.Constant(4))
	p, err := vm.Compile(g, []*graph.Value{w, b})
	if err != nil {
		t.Fatal(err)
	}
	byMachine, byInit := vm.NewState(3), vm.NewState(3)
	m, err := p.NewMachine(byMachine)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if typ, ok := byInit.Type("w"); ok {
		t.Errorf("an empty state has w, %v", typ)
	}
	if err := byInit.Init(w, b); err != nil {
		t.Fatal(err)
	}
	want, _ := byMachine.Get("w")
	if got, err := byInit.Get("w"); err != nil || !slices.Equal(got.Float32s(), want.Float32s()) {
		t.Errorf("w is %v (%v), want %v", got, err, want)
	}
	if typ, ok := byInit.Type("b"); !ok || !typ.Equal(b.Type()) {
		t.Errorf("b is %v, want %v", typ, b.Type())
	}
	if err := byInit.Set("w", tensor.New(tensor.WithShape(3), tensor.WithBacking([]float32{1, 2, 3}))); err != nil {
		t.Fatal(err)
	}
	if err := byInit.Init(w, b); err != nil {
		t.Fatal(err)
	}
	if got, _ := byInit.Get("w"); !slices.Equal(got.Float32s(), []float32{1, 2, 3}) {
		t.Errorf("w is %v, want what it was set to", got)
	}
	for _, v := range []*graph.Value{x, nil} {
		if err := byInit.Init(v); err == nil || !strings.Contains(err.Error(), "is no parameter and no buffer") {
			t.Errorf("error %v", err)
		}
	}
	other := graph.New("other").Param("w", graph.Of(graph.Float32, 4), graph.Zeros())
	if err := byInit.Init(other); err == nil || !strings.Contains(err.Error(), `"w" is f32[4] in the graph, f32[3] in the state`) {
		t.Errorf("error %v", err)
	}
}
