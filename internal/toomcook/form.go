package toomcook

import (
	"fmt"
	"math/big"
	"slices"
)

// A Form is F(M, R): M outputs of a filter with R taps.
type Form struct{ M, R int }

// String returns, for instance, F(4,3).
func (f Form) String() string { return fmt.Sprintf("F(%d,%d)", f.M, f.R) }

// Tile is the number of inputs and of multiplications, M+R−1.
func (f Form) Tile() int { return f.M + f.R - 1 }

// points are those of tiles of 4, 6 and 8 inputs, besides infinity. They come in pairs ±p, for which even and odd
// powers are computed once, and are fractions of powers of two, so that the elements of Aᵀ and Bᵀ are float32 numbers.
//
// With six inputs ±5/8 and ±3/2 make half the error of the usual ±1 and ±2. With eight, no others of this kind are better than
// ±1/2, ±1 and ±2. See Barabasz et al., “Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural
// Networks”, 2020, and docs/numerics.md.
var points = map[int][]*big.Rat{
	4: {rat(0, 1), rat(1, 1), rat(-1, 1)},
	6: {rat(0, 1), rat(5, 8), rat(-5, 8), rat(3, 2), rat(-3, 2)},
	8: {rat(0, 1), rat(1, 1), rat(-1, 1), rat(2, 1), rat(-2, 1), rat(1, 2), rat(-1, 2)},
}

func rat(a, b int64) *big.Rat { return big.NewRat(a, b) }

// Points returns the points for f besides infinity: those that Neocog computes with. Other tiles than 4, 6 and 8 have none.
func (f Form) Points() []*big.Rat {
	if f.M < 1 || f.R < 2 {
		return nil
	}
	return points[f.Tile()]
}

// Matrices are an algorithm for a Form.
type Matrices struct {
	AT Matrix // M × tile
	G  Matrix // tile × R
	BT Matrix // tile × tile
}

// Matrices returns the algorithm that evaluates at the given points, all different and M+R−2 in number, and at infinity.
//
// Row i of Aᵀ's columns and of G's rows has the powers of point p_i; those of G are divided by N_i = Π_{k≠i} (p_i − p_k). Row i of
// Bᵀ has the coefficients of Π_{k≠i} (x − p_k), and its last row, for infinity, those of the product of all. Signs are such that N_i is positive,
// and that the last row of Bᵀ begins with a positive number.
func (f Form) Matrices(points []*big.Rat) Matrices {
	n := f.Tile()
	if len(points) != n-1 {
		panic(fmt.Sprintf("toomcook: %v takes %d points besides infinity, not %d", f, n-1, len(points)))
	}
	m := Matrices{newMatrix(f.M, n), newMatrix(n, f.R), newMatrix(n, n)}
	for i, p := range points {
		others := slices.Delete(slices.Clone(points), i, i+1)
		norm := rat(1, 1)
		for _, q := range others {
			norm.Mul(norm, new(big.Rat).Sub(p, q))
		}
		sign := rat(int64(norm.Sign()), 1)
		norm.Abs(norm)
		for j, power := range powers(p, max(f.M, f.R)) {
			if j < f.M {
				m.AT[j][i].Set(power)
			}
			if j < f.R {
				m.G[i][j].Quo(power, norm)
			}
		}
		for j, c := range product(others) {
			m.BT[i][j].Mul(c, sign)
		}
	}
	all := product(points)
	first := slices.IndexFunc(all, func(c *big.Rat) bool { return c.Sign() != 0 })
	sign := rat(int64(all[first].Sign()), 1)
	for j, c := range all {
		m.BT[n-1][j].Mul(c, sign)
	}
	m.AT[f.M-1][n-1].Set(sign)
	m.G[n-1][f.R-1].SetInt64(1)
	return m
}

// Check returns an error unless m computes f: for every output j, tap a and input b, Σ_i Aᵀ[j][i]·G[i][a]·Bᵀ[i][b] must be 1 where
// b = j+a, and 0 elsewhere.
func (f Form) Check(m Matrices) error {
	for j := range f.M {
		for a := range f.R {
			for b := range f.Tile() {
				sum, want := new(big.Rat), int64(0)
				for i := range f.Tile() {
					t := new(big.Rat).Mul(m.AT[j][i], m.G[i][a])
					sum.Add(sum, t.Mul(t, m.BT[i][b]))
				}
				if b == j+a {
					want = 1
				}
				if sum.Cmp(rat(want, 1)) != 0 {
					return fmt.Errorf("%v: output %d has %v times tap %d of input %d, want %d", f, j, sum.RatString(), a, b, want)
				}
			}
		}
	}
	return nil
}

// powers returns the first n powers of p, from 1 on.
func powers(p *big.Rat, n int) []*big.Rat {
	all := []*big.Rat{rat(1, 1)}
	for len(all) < n {
		all = append(all, new(big.Rat).Mul(all[len(all)-1], p))
	}
	return all
}

// product returns the coefficients of Π (x − p), the constant first.
func product(points []*big.Rat) []*big.Rat {
	coefs := []*big.Rat{rat(1, 1)}
	for _, p := range points {
		next := newMatrix(1, len(coefs)+1)[0]
		for i, c := range coefs {
			next[i+1].Add(next[i+1], c)
			next[i].Sub(next[i], new(big.Rat).Mul(c, p))
		}
		coefs = next
	}
	return coefs
}
