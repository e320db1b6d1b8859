package mermaid_test

import (
	"fmt"
	"os"

	"neocog/graph"
	"neocog/graph/mermaid"
	"neocog/models/layers"
)

// A layer, for a README.
func Example() {
	g := graph.New("example")
	var b layers.Builder
	b.Linear("fc", g.Input("x", graph.Of(graph.Float32, graph.Batch, 8)), 4)
	if err := mermaid.Write(os.Stdout, g, mermaid.Options{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// flowchart TD
	//   i0(["x"])
	//   subgraph i1["fc"]
	//     i2(["w"])
	//     i3(["b"])
	//     i4["MatMul<br>TransB:true"]
	//     i5["Add"]
	//   end
	//   i0 -->|"N×8"| i4
	//   i2 -->|"4×8"| i4
	//   i4 -->|"N×4"| i5
	//   i3 -->|"4"| i5
	//   classDef input fill:#dbeafe,stroke:#1d5fbf,color:#111
	//   class i0 input
	//   classDef param fill:#fff3cd,stroke:#a87400,color:#111
	//   class i2,i3 param
	//   classDef forward fill:#e3f5e8,stroke:#1f8a3d,color:#111
	//   class i4,i5 forward
}
