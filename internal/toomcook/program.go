package toomcook

import (
	"fmt"
	"math/big"
	"slices"
)

// A Kind is what an Op does.
type Kind uint8

// The kinds of operations, by what they make of values a and b and a constant c.
const (
	Load  Kind = iota // element (I, J) of the input
	Bias              // the same number for every output
	Add               // a + b
	Sub               // a − b
	Mul               // c·a
	MAdd              // c·a + b
	MSub              // c·a − b
	NMAdd             // b − c·a
	Store             // element (I, J) of the output becomes a
)

// An Op is an operation. Its value has the op's index in the program as its name, and is never changed.
type Op struct {
	Kind Kind
	A, B int // values
	C    int // of Program.Constants; never 0, and positive but for Mul
	I, J int // of Load and Store
}

// A Program applies a matrix to the columns and then to the rows of its input,
//
//	out = L in Lᵀ (+ bias)
//
// or to the columns alone: out[j] = Σ_i L[j][i] in[i], where inputs are elements (i, 0) and outputs elements (0, j).
type Program struct {
	Ops       []Op
	Constants []*big.Rat
	In, Out   [2]int // extents of input and output
	HasBias   bool
}

// Nest returns the program of out = L in Lᵀ; Line that of out = L in. With bias a number is added to each output.
func Nest(l Matrix, bias bool) *Program {
	n := len(l[0])
	p := &Program{In: [2]int{n, n}, Out: [2]int{len(l), len(l)}, HasBias: bias}
	columns := make([][]int, n)
	for j := range n {
		columns[j] = p.apply(l, p.column(n, j))
	}
	b := 0
	if bias {
		b = p.emit(Op{Kind: Bias})
	}
	for i := range l {
		row := make([]int, n)
		for j := range n {
			row[j] = columns[j][i]
		}
		p.row(l, row, i, bias, b)
	}
	return p
}

// Line is Nest for one dimension.
func Line(l Matrix, bias bool) *Program {
	n := len(l[0])
	p := &Program{In: [2]int{n, 1}, Out: [2]int{1, len(l)}, HasBias: bias}
	b := 0
	if bias {
		b = p.emit(Op{Kind: Bias})
	}
	p.row(l, p.column(n, 0), 0, bias, b)
	return p
}

// column loads a column of the input.
func (p *Program) column(n, j int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = p.emit(Op{Kind: Load, I: i, J: j})
	}
	return x
}

// row applies l to x and stores the results as row i of the output.
func (p *Program) row(l Matrix, x []int, i int, bias bool, b int) {
	if bias {
		more := newMatrix(len(l), len(l[0])+1) // a column of ones more
		for r := range l {
			copy(more[r], l[r])
			more[r][len(x)].SetInt64(1)
		}
		l, x = more, append(x, b)
	}
	for j, y := range p.apply(l, x) {
		p.emit(Op{Kind: Store, A: y, I: i, J: j})
	}
}

func (p *Program) emit(op Op) int {
	p.Ops = append(p.Ops, op)
	return len(p.Ops) - 1
}

func (p *Program) constant(c *big.Rat) int {
	i := slices.IndexFunc(p.Constants, func(k *big.Rat) bool { return k.Cmp(c) == 0 })
	if i < 0 {
		i = len(p.Constants)
		p.Constants = append(p.Constants, new(big.Rat).Set(c))
	}
	return i
}

// apply returns the values of l·x.
//
// Columns that differ in signs only, as those of ±p in Aᵀ do, become the sum and the difference of their
// inputs. Rows that differ in signs only, as those of ±p in Bᵀ do, are the sum and the difference of their common
// and their opposite part.
func (p *Program) apply(l Matrix, x []int) []int {
	l, x = p.pairColumns(l.Transpose(), x)
	y := make([]int, len(l))
	done := make([]bool, len(l))
	for i := range l {
		if done[i] {
			continue
		}
		k := partner(l, i, done)
		if k < 0 {
			y[i] = p.sum(l[i], x)
			continue
		}
		even, odd := split(l[i], l[k])
		factor := factorOf(odd)
		e, o := p.sum(even, x), p.sum(divide(odd, factor), x)
		y[i], y[k] = p.plus(e, factor, o), p.plus(e, new(big.Rat).Neg(factor), o)
		done[k] = true
	}
	return y
}

// pairColumns takes the columns of a matrix, and returns it by rows.
func (p *Program) pairColumns(columns Matrix, x []int) (Matrix, []int) {
	var out Matrix
	var values []int
	done := make([]bool, len(columns))
	for i := range columns {
		if done[i] {
			continue
		}
		k := partner(columns, i, done)
		if k < 0 {
			out, values = append(out, columns[i]), append(values, x[i])
			continue
		}
		same, other := split(columns[i], columns[k])
		out = append(out, same, other)
		values = append(values, p.emit(Op{Kind: Add, A: x[i], B: x[k]}), p.emit(Op{Kind: Sub, A: x[i], B: x[k]}))
		done[k] = true
	}
	return out.Transpose(), values
}

// partner returns the row after row i that is its opposite and has no partner yet, or -1.
func partner(m Matrix, i int, done []bool) int {
	for k := i + 1; k < len(m); k++ {
		if !done[k] && opposite(m[i], m[k]) {
			return k
		}
	}
	return -1
}

// opposite reports whether a and b differ in some signs, but not in all, and in nothing else.
func opposite(a, b []*big.Rat) bool {
	same, other := false, false
	for i := range a {
		if new(big.Rat).Abs(a[i]).Cmp(new(big.Rat).Abs(b[i])) != 0 {
			return false
		}
		if a[i].Sign() != 0 {
			same = same || a[i].Sign() == b[i].Sign()
			other = other || a[i].Sign() != b[i].Sign()
		}
	}
	return same && other
}

// split returns a in two parts: where b is the same and where it is not.
func split(a, b []*big.Rat) (same, other []*big.Rat) {
	m := newMatrix(2, len(a))
	for i := range a {
		if a[i].Sign() == b[i].Sign() {
			m[0][i].Set(a[i])
		} else {
			m[1][i].Set(a[i])
		}
	}
	return m[0], m[1]
}

// factorOf returns the last coefficient that is not 0.
func factorOf(a []*big.Rat) *big.Rat {
	for i := len(a) - 1; i > 0; i-- {
		if a[i].Sign() != 0 {
			return a[i]
		}
	}
	return a[0]
}

func divide(a []*big.Rat, by *big.Rat) []*big.Rat {
	m := newMatrix(1, len(a))[0]
	for i := range a {
		m[i].Quo(a[i], by)
	}
	return m
}

// sum returns Σ coefs·x. It begins with a term without a multiplication, if there is one.
func (p *Program) sum(coefs []*big.Rat, x []int) int {
	one := rat(1, 1)
	var terms []int
	for i, c := range coefs {
		if c.Sign() != 0 {
			terms = append(terms, i)
		}
	}
	start := slices.IndexFunc(terms, func(i int) bool { return coefs[i].Cmp(one) == 0 })
	if start < 0 && len(terms) > 1 {
		if k := slices.IndexFunc(terms, func(i int) bool { return coefs[i].Cmp(rat(-1, 1)) == 0 }); k >= 0 {
			// −b + c·a: the first other term takes b along.
			other := terms[0]
			if k == 0 {
				other = terms[1]
			}
			if coefs[other].Sign() > 0 {
				acc := p.emit(Op{Kind: MSub, A: x[other], B: x[terms[k]], C: p.constant(coefs[other])})
				return p.addTerms(acc, coefs, x, terms, terms[k], other)
			}
		}
	}
	if start >= 0 {
		return p.addTerms(x[terms[start]], coefs, x, terms, terms[start], -1)
	}
	first := terms[0]
	acc := p.emit(Op{Kind: Mul, A: x[first], C: p.constant(coefs[first])})
	return p.addTerms(acc, coefs, x, terms, first, -1)
}

// addTerms adds all terms but two to acc.
func (p *Program) addTerms(acc int, coefs []*big.Rat, x, terms []int, but1, but2 int) int {
	for _, i := range terms {
		if i != but1 && i != but2 {
			acc = p.plus(acc, coefs[i], x[i])
		}
	}
	return acc
}

// plus returns acc + c·v.
func (p *Program) plus(acc int, c *big.Rat, v int) int {
	size := new(big.Rat).Abs(c)
	unit := size.Cmp(rat(1, 1)) == 0
	switch {
	case unit && c.Sign() > 0:
		return p.emit(Op{Kind: Add, A: acc, B: v})
	case unit:
		return p.emit(Op{Kind: Sub, A: acc, B: v})
	case c.Sign() > 0:
		return p.emit(Op{Kind: MAdd, A: v, B: acc, C: p.constant(size)})
	}
	return p.emit(Op{Kind: NMAdd, A: v, B: acc, C: p.constant(size)})
}

// Count returns the additions and multiplications of the program, a multiplication with an addition being one.
func (p *Program) Count() int {
	n := 0
	for _, op := range p.Ops {
		if op.Kind >= Add && op.Kind <= NMAdd {
			n++
		}
	}
	return n
}

// String returns a line for each operation.
func (p *Program) String() string {
	s := ""
	for i, op := range p.Ops {
		switch op.Kind {
		case Load:
			s += fmt.Sprintf("v%d = in[%d,%d]\n", i, op.I, op.J)
		case Bias:
			s += fmt.Sprintf("v%d = bias\n", i)
		case Add:
			s += fmt.Sprintf("v%d = v%d + v%d\n", i, op.A, op.B)
		case Sub:
			s += fmt.Sprintf("v%d = v%d - v%d\n", i, op.A, op.B)
		case Mul:
			s += fmt.Sprintf("v%d = %v*v%d\n", i, p.Constants[op.C].RatString(), op.A)
		case MAdd:
			s += fmt.Sprintf("v%d = %v*v%d + v%d\n", i, p.Constants[op.C].RatString(), op.A, op.B)
		case MSub:
			s += fmt.Sprintf("v%d = %v*v%d - v%d\n", i, p.Constants[op.C].RatString(), op.A, op.B)
		case NMAdd:
			s += fmt.Sprintf("v%d = v%d - %v*v%d\n", i, op.B, p.Constants[op.C].RatString(), op.A)
		case Store:
			s += fmt.Sprintf("out[%d,%d] = v%d\n", op.I, op.J, op.A)
		}
	}
	return s
}
