package weights_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm"
	"neocog/weights"
)

// Weights go out for NumPy, and come in again; what does not fit is told by name.
func Example() {
	g := graph.New("net")
	w := g.Param("fc/w", graph.Of(graph.Float32, 2, 3), graph.Constant(0.5))
	state := vm.NewState(1)
	if err := state.Init(w); err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "net.npz")
	if err := weights.Save(path, state, []*graph.Value{w}); err != nil {
		log.Fatal(err)
	}

	file, err := weights.Read(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Names(), file.Tensors["fc/w"].Float32s())

	file.Tensors["fc.w"] = tensor.New(tensor.WithShape(3, 2), tensor.WithBacking(make([]float32, 6)))
	delete(file.Tensors, "fc/w")
	fmt.Println(file.Into(state, []*graph.Value{w}))
	// Output:
	// [fc/w] [0.5 0.5 0.5 0.5 0.5 0.5]
	// it has no "fc/w", f32[2,3] (nearest: "fc.w"); its "fc.w" is not known (nearest: "fc/w")
}
