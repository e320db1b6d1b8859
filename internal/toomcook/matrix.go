package toomcook

import (
	"math/big"
	"strings"
)

// A Matrix is rows of numbers.
type Matrix [][]*big.Rat

func newMatrix(rows, cols int) Matrix {
	m := make(Matrix, rows)
	for i := range m {
		m[i] = make([]*big.Rat, cols)
		for j := range m[i] {
			m[i][j] = new(big.Rat)
		}
	}
	return m
}

// Transpose returns the transpose.
func (m Matrix) Transpose() Matrix {
	t := newMatrix(len(m[0]), len(m))
	for i, row := range m {
		for j, v := range row {
			t[j][i].Set(v)
		}
	}
	return t
}

// String returns a line for each row.
func (m Matrix) String() string {
	var b strings.Builder
	for _, row := range m {
		for j, v := range row {
			if j > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(v.RatString())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Exact reports whether every element is a float32 number.
func (m Matrix) Exact() bool {
	for _, row := range m {
		for _, v := range row {
			if _, exact := v.Float32(); !exact {
				return false
			}
		}
	}
	return true
}
