package dot_test

import (
	"fmt"
	"strings"

	"neocog/graph"
	"neocog/graph/dot"
	"neocog/ops"
)

func ExampleWrite() {
	g, err := graph.Parse(`
		graph "square"
		%0 = Input "x"  f32[N]
		%1 = Mul %0 %0  f32[N]  mine.go:3
	`, ops.All()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	var text strings.Builder
	if err := dot.Write(&text, g, dot.Options{}); err != nil {
		fmt.Println(err)
	}
	for _, line := range strings.Split(text.String(), "\n")[2:4] {
		fmt.Println(strings.TrimSpace(line))
	}
	// Output:
	// n1[color="#1a56b0",fillcolor="#e8f0fe",fontname="Helvetica",fontsize="10",label="x\nf32[N]",shape="invhouse",style="filled",tooltip="Input"];
	// n2[color="#1e7e34",fillcolor="#e6f4ea",fontname="Helvetica",fontsize="10",label="Mul",shape="box",style="filled",tooltip="Mul mine.go:3"];
}
