// Package toomcook derives fast algorithms for short correlations, in exact arithmetic, and turns them into
// straight-line programs.
//
// F(M, R) computes M outputs of a filter of R taps with M+R−1 multiplications, where the definition
// takes M·R (Winograd, Arithmetic Complexity of Computations, 1980):
//
//	y[j] = Σ_a g[a]·d[j+a]        j < M, a < R
//	y    = Aᵀ [(G g) ∘ (Bᵀ d)]
//
// The matrices come from the algorithm of Toom and Cook: a product of polynomials is found by
// its values at M+R−2 points and at infinity, and the transpose of that, by Tellegen's principle,
// is a correlation. In two dimensions the algorithm is nested, F(M×M, R×R):
//
//	Y = Aᵀ [(G g Gᵀ) ∘ (Bᵀ d B)] A
//
// The same three matrices give both gradients, since the form Σ y·dy is trilinear: that of the filter is
// dg = Gᵀ [(A dY Aᵀ) ∘ (Bᵀ d B)] G.
//
// Numbers are of type big.Rat: nothing here is rounded, and Check proves the identity of an algorithm rather
// than tries it.
//
//	| concept  | meaning |
//	|----------|---------|
//	| Form     | F(M, R) |
//	| Points   | where the polynomials are evaluated; they decide how large rounding errors become |
//	| Matrices | Aᵀ, G and Bᵀ |
//	| Program  | additions and multiplications that apply a matrix to rows and columns |
package toomcook
