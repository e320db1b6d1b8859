package toomcook

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
)

// forms are those with points.
func forms() []Form {
	var all []Form
	for _, tile := range []int{4, 6, 8} {
		for r := 2; r <= tile; r++ {
			all = append(all, Form{tile + 1 - r, r})
		}
	}
	return all
}

// The bilinear identity holds for every basis filter and every basis input, in exact numbers: that is a proof.
func TestAlgorithmsAreCorrelations(t *testing.T) {
	for _, f := range forms() {
		if err := f.Check(f.Matrices(f.Points())); err != nil {
			t.Error(err)
		}
	}
}

// And for other points and sizes.
func TestAnyPointsWillDo(t *testing.T) {
	for _, f := range []Form{{1, 2}, {3, 2}, {5, 3}, {4, 7}, {8, 3}} {
		var points []*big.Rat
		for i := range f.Tile() - 1 {
			points = append(points, rat(int64(7*i-20), int64(3+i)))
		}
		if err := f.Check(f.Matrices(points)); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	f := Form{4, 3}
	m := f.Matrices(f.Points())
	m.BT[2][1].Add(m.BT[2][1], rat(1, 1<<40))
	if f.Check(m) == nil {
		t.Error("an element that is wrong by 2^-40 is not found")
	}
	if (Form{3, 3}).Points() != nil || (Form{0, 5}).Points() != nil {
		t.Error("there are points for tiles of 5, or for no outputs")
	}
}

// Only G is rounded.
func TestElementsAreFloats(t *testing.T) {
	for _, f := range forms() {
		m := f.Matrices(f.Points())
		if !m.AT.Exact() || !m.BT.Exact() {
			t.Errorf("%v: Aᵀ or Bᵀ has elements that are no float32 numbers", f)
		}
	}
}

// Programs compute what the matrices say, in exact numbers.
func TestProgramsAreTheMatrices(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, f := range forms() {
		m := f.Matrices(f.Points())
		for name, l := range map[string]Matrix{
			"Bᵀ": m.BT, "Aᵀ": m.AT, "G": m.G, "A": m.AT.Transpose(), "Gᵀ": m.G.Transpose(),
		} {
			for _, bias := range []bool{false, true} {
				for _, p := range []*Program{Nest(l, bias), Line(l, bias)} {
					in := newMatrix(p.In[0], p.In[1])
					for i := range in {
						for j := range in[i] {
							in[i][j].SetInt64(rnd.Int64N(200) - 100)
						}
					}
					add := new(big.Rat)
					if bias {
						add.SetInt64(12345)
					}
					want := times(l, in)
					if p.In[1] == 1 {
						want = want.Transpose()
					} else {
						want = times(want, l.Transpose())
					}
					got := p.run(in, add)
					for i := range want {
						for j := range want[i] {
							want[i][j].Add(want[i][j], add)
							if got[i][j].Cmp(want[i][j]) != 0 {
								t.Fatalf("%v %s: output %d,%d is %v, want %v", f, name, i, j, got[i][j], want[i][j])
							}
						}
					}
				}
			}
		}
	}
}

// The pairs ±p save half of the operations: the counts that docs/kernels.md names.
func TestOperations(t *testing.T) {
	for _, c := range []struct {
		form          Form
		input, output int
	}{{Form{2, 3}, 32, 28}, {Form{4, 3}, 144, 128}, {Form{6, 3}, 384, 316}} {
		m := c.form.Matrices(c.form.Points())
		in, out := Nest(m.BT, false).Count(), Nest(m.AT, true).Count()
		if in != c.input || out != c.output {
			t.Errorf("%v: %d operations for the input and %d for the output, want %d and %d", c.form, in, out, c.input, c.output)
		}
	}
}

func times(a, b Matrix) Matrix {
	c := newMatrix(len(a), len(b[0]))
	for i := range a {
		for j := range b[0] {
			for k := range b {
				c[i][j].Add(c[i][j], new(big.Rat).Mul(a[i][k], b[k][j]))
			}
		}
	}
	return c
}

// run is the meaning of a program.
func (p *Program) run(in Matrix, bias *big.Rat) Matrix {
	out := newMatrix(p.Out[0], p.Out[1])
	v := make([]*big.Rat, len(p.Ops))
	for i, op := range p.Ops {
		v[i] = new(big.Rat)
		switch op.Kind {
		case Load:
			v[i].Set(in[op.I][op.J])
		case Bias:
			v[i].Set(bias)
		case Add:
			v[i].Add(v[op.A], v[op.B])
		case Sub:
			v[i].Sub(v[op.A], v[op.B])
		case Mul:
			v[i].Mul(p.Constants[op.C], v[op.A])
		case MAdd:
			v[i].Mul(p.Constants[op.C], v[op.A])
			v[i].Add(v[i], v[op.B])
		case MSub:
			v[i].Mul(p.Constants[op.C], v[op.A])
			v[i].Sub(v[i], v[op.B])
		case NMAdd:
			v[i].Mul(p.Constants[op.C], v[op.A])
			v[i].Sub(v[op.B], v[i])
		case Store:
			out[op.I][op.J].Set(v[op.A])
		}
	}
	return out
}

// F(2,3) takes four multiplications for two outputs of three taps, which are six by definition:
//
//	m1 = (d0−d2)·g0   m2 = (d1+d2)·(g0+g1+g2)/2   m3 = (d2−d1)·(g0−g1+g2)/2   m4 = (d1−d3)·g2
//	y0 = m1+m2+m3     y1 = m2−m3−m4
func ExampleForm_Matrices() {
	f := Form{M: 2, R: 3}
	m := f.Matrices(f.Points()) // 0, 1, −1 and infinity
	fmt.Printf("Bᵀ\n%vG\n%vAᵀ\n%v", m.BT, m.G, m.AT)
	// Output:
	// Bᵀ
	// 1 0 -1 0
	// 0 1 1 0
	// 0 -1 1 0
	// 0 1 0 -1
	// G
	// 1 0 0
	// 1/2 1/2 1/2
	// 1/2 -1/2 1/2
	// 0 0 1
	// Aᵀ
	// 1 1 1 0
	// 0 1 -1 -1
}
