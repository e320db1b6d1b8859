package layout_test

import (
	"fmt"

	"neocog/graph/layout"
)

// A box with two nodes, and one below it.
func Example() {
	size := layout.Size{W: 60, H: 20}
	g := &layout.Graph{
		Nodes: []layout.Node{{Parent: -1, Size: size}, {Parent: 0, Size: size}, {Parent: 0, Size: size}, {Parent: -1, Size: size}},
		Wires: []layout.Wire{{From: 1, To: []int{2}}, {From: 2, To: []int{3}}},
	}
	l, err := layout.New(g)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, open := range []bool{false, true} {
		d := l.Place(func(int) bool { return open })
		fmt.Printf("%g×%g\n", d.Size.W, d.Size.H)
		for i, b := range d.Boxes {
			if b.Shown {
				fmt.Printf("node %d: %g×%g at (%g, %g)\n", i, b.W, b.H, b.X, b.Y)
			}
		}
	}
	// Output:
	// 84×98
	// node 0: 60×20 at (12, 12)
	// node 3: 60×20 at (12, 66)
	// 108×214
	// node 0: 84×136 at (12, 12)
	// node 1: 60×20 at (24, 40)
	// node 2: 60×20 at (24, 94)
	// node 3: 60×20 at (24, 182)
}
