package conv

import (
	"math"

	"neocog/internal/cpu"
)

// An Estimator is an Algorithm that predicts its time, so that Choose can compare it.
type Estimator interface {
	Algorithm
	// Cost returns about how many microseconds p takes on two cores of the processor that the constants were measured on. Only comparison
	// matters: it depends on p and the instruction set, never on the number of workers, on load or on what ran before. kept says that what
	// is prepared of the filter is kept from run to run. Of a problem that Plan refuses it may return anything.
	Cost(p Problem, kept bool) float64
}

// rates are the microseconds that the parts of a convolution take for a million of each: multiply-adds, elements of the images
// as they are read, transformed and written, and elements of the filter likewise; and for a call.
type rates struct{ products, images, filters, call float64 }

func (r rates) cost(products, images, filters float64) float64 {
	return (r.products*products*slower()+r.images*images+r.filters*filters)/1e6 + r.call
}

// slower is how much longer products take than with AVX-512. Memory is the same.
func slower() float64 {
	switch cpu.Current() {
	case cpu.AVX512:
		return 1
	case cpu.AVX2:
		return 2
	}
	return 32
}

// Those of testdata/times.txt, measured on two cores of a Xeon of family 6, model 207, with AVX-512: least squares of relative errors; but for filters,
// whose times vary most, what makes the choice best.
var (
	directRates = [...]rates{
		Forward:    {6.65, 87.8, 700, 5.75},
		InputGrad:  {6.41, 392, 750, 6.56},
		FilterGrad: {7.09, 276, 400, 28.1},
	}
	winogradRates = [...]rates{
		Forward:    {8.48, 63.8, 400, 5.72},
		InputGrad:  {8.23, 96.7, 410, 10.6},
		FilterGrad: {8.86, 74.9, 260, 2.46},
	}
)

// cachedFilters takes the place of the rate of filters where Winograd transforms them in the second cache: measured as processor time of a thread, on
// 512 filters of as many channels.
const cachedFilters = 110

// fftCall is what the steps of FFT take besides.
const fftCall = 15

// directCost is about how many microseconds the first algorithm of Default takes which accepts p. Which one it is their refusals
// decide; how many lanes of its vectors are empty is what makes them differ from each other.
func directCost(p Problem, kept bool) float64 {
	return directRates[p.Pass].cost(directWork(p))
}

func directWork(p Problem) (products, images, filters float64) {
	x, w, y := p.Lens()
	lanes := p.K / p.Groups
	if p.Pass == InputGrad {
		lanes = p.C / p.Groups
	}
	full := 1.0
	if lanes >= fewLanes { // Planar fills its vectors with pixels
		full = float64(blocksOf(lanes)*blockC) / float64(lanes)
	}
	return float64(p.FLOPs()) / 2 * full, float64(x + y), float64(w)
}

// Cost counts the products of transformed tiles, the elements of these, and those of the transformed filter.
func (a Winograd) Cost(p Problem, kept bool) float64 {
	if p.R != a.R[0] || p.S != a.R[1] || p.Stride != [2]int{1, 1} {
		return math.Inf(1)
	}
	r := winogradRates[p.Pass]
	if !kept && a.inCache(p) {
		r.filters = cachedFilters
	}
	return r.cost(a.work(p))
}

// inCache reports whether the transformed filter, or its gradient, is large and yet never in memory as a whole: see winogradImage and winogradFilter.
func (a Winograd) inCache(p Problem) bool {
	_, images, filters := a.work(p)
	size := float64(p.DType.Size())
	if p.Pass == FilterGrad {
		return filters*size > float64(winogradCaches.sums) && images*size <= float64(winogradCaches.pairStaged) && blocksOf(p.K/p.Groups) >= 2*winogradCaches.panels
	}
	ci, co := float64(blocksOf(p.C/p.Groups)*winogradLanes), float64(blocksOf(p.K/p.Groups)*winogradLanes)
	if p.Pass == InputGrad {
		ci, co = co, ci
	}
	tile := images / float64(p.Groups) / (ci + co) * size // bytes of a transformed channel or filter
	width := float64(2 * winogradLanes)
	return filters/float64(p.Groups)*size > float64(winogradCaches.filter) && co >= width*float64(winogradCaches.panels) &&
		tile*ci <= float64(winogradCaches.staged/2) && tile*width <= float64(winogradCaches.panel)
}

func (a Winograd) work(p Problem) (products, images, filters float64) {
	P, Q := p.Out()
	if p.Pass == InputGrad {
		P, Q = p.H, p.W
	}
	tiles := p.N
	for i, extent := range [...]int{P, Q} {
		d := min(p.Dilation[i], extent)
		tiles *= d * ceilDiv(extent, a.M[i]*d)
	}
	cg, kg := blocksOf(p.C/p.Groups)*winogradLanes, blocksOf(p.K/p.Groups)*winogradLanes
	points := (a.M[0] + a.R[0] - 1) * (a.M[1] + a.R[1] - 1)
	each := float64(points * p.Groups)
	return each * float64(tiles) * float64(cg*kg), each * float64(tiles) * float64(cg+kg), each * float64(cg*kg)
}

// Cost is that of the tiles which Plan takes; infinite for fewer taps than 5×5, for which its constants were not measured.
func (a FFT) Cost(p Problem, kept bool) float64 {
	axes, err := a.cut(p)
	if err != nil || p.R*p.S < 25 {
		return math.Inf(1)
	}
	p.C, p.K = p.Groups*blocksOf(p.C/p.Groups)*winogradLanes, p.Groups*blocksOf(p.K/p.Groups)*winogradLanes // lanes that are empty cost as much
	return cost(p, axes[0], axes[1]) + fftCall
}
