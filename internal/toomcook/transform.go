package toomcook

import "fmt"

// A Role is what a transform is for.
type Role uint8

// The roles, with their matrices.
const (
	Input      Role = iota // Bᵀ: tiles of an image
	Output                 // Aᵀ: products to tiles of outputs, and the bias
	Filter                 // G
	OutputGrad             // A: tiles of the output's gradient
	FilterGrad             // Gᵀ: sums of products to the filter's gradient
)

// A Transform is a matrix of the algorithm for a Form, applied to columns and rows, or with Line to columns alone.
type Transform struct {
	Form
	Role
	Line bool
}

// Forms2D and Forms1D are those which Neocog has kernels for.
var (
	Forms2D = []Form{{2, 3}, {4, 3}, {6, 3}, {2, 5}, {4, 5}}
	Forms1D = []Form{{4, 3}, {4, 5}}
)

// Transforms returns the transforms of these forms. Forms with tiles alike share that of their input.
func Transforms() []Transform {
	var all []Transform
	known := map[string]bool{}
	for i, forms := range [][]Form{Forms2D, Forms1D} {
		for _, f := range forms {
			for role := range FilterGrad + 1 {
				if t := (Transform{f, role, i == 1}); !known[t.Name()] {
					known[t.Name()] = true
					all = append(all, t)
				}
			}
		}
	}
	return all
}

// Name returns the name of t's kernel, such as input6 or lineOutput6to4: same programs have the same name.
func (t Transform) Name() string {
	n := t.Tile()
	name := ""
	switch t.Role {
	case Input:
		name = fmt.Sprintf("nput%d", n)
	case Output:
		name = fmt.Sprintf("utput%dto%d", n, t.M)
	case Filter:
		name = fmt.Sprintf("ilter%dto%d", t.R, n)
	case OutputGrad:
		name = fmt.Sprintf("utputGrad%dto%d", t.M, n)
	case FilterGrad:
		name = fmt.Sprintf("ilterGrad%dto%d", n, t.R)
	}
	first := "iofof"[t.Role]
	if t.Line {
		return "line" + string(first-'a'+'A') + name
	}
	return string(first) + name
}

// Program returns the program of t, with Neocog's points.
func (t Transform) Program() *Program {
	m := t.Matrices(t.Points())
	l := [...]Matrix{Input: m.BT, Output: m.AT, Filter: m.G, OutputGrad: m.AT.Transpose(), FilterGrad: m.G.Transpose()}[t.Role]
	if t.Line {
		return Line(l, t.Role == Output)
	}
	return Nest(l, t.Role == Output)
}
