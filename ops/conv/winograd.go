package conv

import (
	"fmt"
	"unsafe"

	"neocog/internal/toomcook"
	"neocog/internal/winograd"
	"neocog/vm/kernel"
)

// Winograd computes tiles of M outputs at once with fewer multiplications than the definition takes: those of F(4×4,3×3) are 36 for each
// channel, where the definition has 144.
//
//	forward      Y  = Aᵀ [Σ_c (G g Gᵀ) ∘ (Bᵀ d B)] A      d a tile of x, of M+R−1 rows and columns
//	inputgrad    the same, of dy, with the filter turned around and channels and filters exchanged
//	filtergrad   dg = Gᵀ [Σ_tiles (A dY Aᵀ) ∘ (Bᵀ d B)] G  one transform back for all tiles
//
// Sums over channels, or over tiles, are a matrix product for each of the (M+R−1)² elements of a tile, on
// the kernels of package micro. Package toomcook derives the matrices.
//
// It is for filters of R taps with stride 1, any padding and any dilation: outputs that are a dilation apart form
// images of their own. Groups need 16 channels and 16 filters each. Forms are those of Winograds.
//
// Results differ from the exact ones by more than those of a plain sum where tiles are large: see docs/numerics.md. F(2×2,3×3) is as exact
// as the definition, and exact for small integers. A NaN or an infinity is never lost, but reaches all outputs
// of its tiles, for the filter's gradient all taps, rather than those alone that see it.
//
// Scratch memory is that of the transformed filter, (M+R−1)²/R² times the filter, and besides for each worker about 1 MiB, 2 MiB for the filter's gradient; or with many
// channels up to 20 MiB for all workers, in which the transformed tiles lie, and more only where a single strip of tiles is larger.
//
// Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, “Fast Algorithms for Convolutional Neural Networks”, 2015.
type Winograd struct {
	M [2]int // outputs of a tile: rows, columns
	R [2]int // taps of a filter: rows, columns
}

// Winograds returns the algorithms for the filters and tiles that there are kernels for:
//
//	F(4×4,3×3)  the fastest for 3×3 with few errors
//	F(2×2,3×3)  as exact as the definition
//	F(6×6,3×3)  the fewest multiplications, for large images
//	F(4×4,5×5)  F(2×2,5×5)
//	F(1×4,1×3)  F(4×1,3×1)  F(1×4,1×5)  F(4×1,5×1)
func Winograds() Algorithms {
	var l Algorithms
	for _, i := range []int{1, 0, 2, 4, 3} {
		f := toomcook.Forms2D[i]
		l = append(l, Winograd{[2]int{f.M, f.M}, [2]int{f.R, f.R}})
	}
	for _, f := range toomcook.Forms1D {
		l = append(l, Winograd{[2]int{1, f.M}, [2]int{1, f.R}}, Winograd{[2]int{f.M, 1}, [2]int{f.R, 1}})
	}
	return l
}

// Name returns, for instance, "winograd F(4×4,3×3)".
func (a Winograd) Name() string {
	return fmt.Sprintf("winograd F(%d×%d,%d×%d)", a.M[0], a.M[1], a.R[0], a.R[1])
}

const (
	winogradLanes = winograd.Lanes // of a vector
	fewGrouped    = 16             // channels or filters of a group: fewer fill no vector
)

// winogradRoom says how many bytes the plans of Winograd put where.
type winogradRoom struct {
	filter int // the most that a transformed filter has which is read again for each block of tiles: about the second cache
	tiles  int // transformed tiles and products of a worker, in the second cache
	staged int // those of all workers, in the third cache or memory
	panel  int // products of all tiles with a panel of filters, beside half as much of the panel itself
	panels int // number: fewer are not worth while, since each is for one worker

	sums       int // of the filter's gradient, in the second cache
	pairs      int // transformed tiles of x and dy of a worker, beside them
	pairStaged int // those of all workers
}

// winogradCaches are those of a processor with 2 MiB for each core. A variable for tests.
var winogradCaches = winogradRoom{filter: 5 << 19, tiles: 11 << 16, staged: 20 << 20, panel: 5 << 18, panels: 4, sums: 5 << 18, pairs: 3 << 18, pairStaged: 20 << 20}

// form returns the algorithm of one dimension that a nests, or with line uses as it is.
func (a Winograd) form() (f toomcook.Form, line bool, err error) {
	switch {
	case a.M[0] == 1 && a.R[0] == 1:
		f, line = toomcook.Form{M: a.M[1], R: a.R[1]}, true
	case a.M[1] == 1 && a.R[1] == 1:
		f, line = toomcook.Form{M: a.M[0], R: a.R[0]}, true
	case a.M[0] == a.M[1] && a.R[0] == a.R[1]:
		f = toomcook.Form{M: a.M[0], R: a.R[0]}
	default:
		return f, false, fmt.Errorf("tiles and filters must be square, or a single row or column")
	}
	if _, ok := winograd.For(f, line); !ok {
		return f, line, fmt.Errorf("there are no kernels for it, only for %v", Winograds().Names())
	}
	return f, line, nil
}

// Plan refuses other filters than a's, strides, small groups, images smaller than the filter, outputs that do not fill a tile, and what is
// empty.
func (a Winograd) Plan(env *kernel.Env, p Problem) (kernel.Plan, error) {
	return a.PlanThen(env, p, nil)
}

// PlanThen is Plan with something to do with the outputs.
func (a Winograd) PlanThen(env *kernel.Env, p Problem, then Then) (kernel.Plan, error) {
	if _, err := kernel.Pick(p.DType, nil, nil); err != nil {
		return kernel.Plan{}, err
	}
	if _, _, err := a.form(); err != nil {
		return kernel.Plan{}, Refuse(a, p, "%v", err)
	}
	if p.R != a.R[0] || p.S != a.R[1] {
		return kernel.Plan{}, Refuse(a, p, "the filter is %d×%d, not %d×%d", p.R, p.S, a.R[0], a.R[1])
	}
	if p.Stride != [2]int{1, 1} {
		return kernel.Plan{}, Refuse(a, p, "only stride 1: tiles are of outputs that are neighbours")
	}
	if x, w, y := p.Lens(); min(x, w, y) == 0 {
		return kernel.Plan{}, Refuse(a, p, "it is empty")
	}
	if p.H < p.R || p.W < p.S {
		return kernel.Plan{}, Refuse(a, p, "the image, %d×%d, is smaller than the filter: taps that see padding alone would add nothing but rounding errors", p.H, p.W)
	}
	P, Q := p.Out()
	if p.Pass == InputGrad {
		P, Q = p.H, p.W
	}
	if P < a.M[0] || Q < a.M[1] {
		return kernel.Plan{}, Refuse(a, p, "%d×%d outputs do not fill a tile: the rest would add nothing but rounding errors", P, Q)
	}
	if cg, kg := p.C/p.Groups, p.K/p.Groups; p.Groups > 1 && min(cg, kg) < fewGrouped {
		return kernel.Plan{}, Refuse(a, p, "groups of %d channels and %d filters do not fill vectors of %d", cg, kg, winogradLanes)
	}
	if p.DType.Size() == 4 {
		return planWinograd[float32](env, a, p, then), nil
	}
	return planWinograd[float64](env, a, p, then), nil
}

func planWinograd[T kernel.Float](env *kernel.Env, a Winograd, p Problem, then Then) kernel.Plan {
	tiles := newWinogradTiles[T](a, p)
	if p.Pass == FilterGrad {
		return planWinogradFilter(env, tiles)
	}
	return planWinogradImage(env, tiles, then)
}

// skewed returns a distance of at least n elements between the places of one tile's elements: an odd number of lines of a
// cache, so that they do not fall into a few sets of it.
func skewed[T kernel.Float](n int) int {
	line := int(64 / unsafe.Sizeof(T(0)))
	return (ceilDiv(n, line) | 1) * line
}

// blocksOf returns the number of blocks of lanes that n channels or filters take.
func blocksOf(n int) int { return ceilDiv(n, winogradLanes) }
