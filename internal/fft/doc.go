// Package fft holds discrete Fourier transforms of real planes, of some neighbouring channels at a time.
//
//	p := fft.NewPlane[float32](32, 32, lanes)
//	p.Rows(half, 0, 32, in, …)        // rows of the plane become rows of the half spectrum
//	p.Columns(out, …, half, 32, …)    // its columns become frequencies
//	p.ColumnsBack(half, out, …)
//	p.RowsBack(rows, half, y, n, …)
//
// A plane is H×W vectors of so many lanes: the same pixel of neighbouring channels, images or filters. All arithmetic is
// between whole vectors, so nothing is ever shuffled. The transform is
//
//	X[v,u] = Σ_{y,x} x[y,x] · ω_H^{v·y} · ω_W^{u·x}      ω_N = exp(−2πi/N)
//
// of which u ≤ W/2 suffice: X[−v,−u] is the conjugate of X[v,u]. Back is the sum with the conjugate roots, without the
// factor 1/(H·W), which Rows applies where it is asked to.
//
//	| concept | meaning |
//	|---------|---------|
//	| Line    | the complex transform of one length, 2^a·3^b·5^c, of many lines |
//	| Place   | where the elements of lines lie in a slice: real and imaginary parts apart, any stride |
//	| Plane   | the real transform of two dimensions |
//	| Half    | the spectrum between rows and columns: [H, W/2+1] complex vectors |
//
// A Line is passes of radix 8, 6, 5, 4, 3 or 2 (Cooley and Tukey 1965), by decimation in time, each from one buffer to another, in the order of
// Stockham: the result needs no reordering. Two real rows are transformed as the real and the imaginary part of one complex row, and told apart by
// symmetry. Elements at the end that are known to be zero cost nothing: neither are they read, nor is
// anything added to them.
//
// The plain Go form of each pass is the specification and what runs for float64; for float32 the passes
// are assembly, written by fft/gen, with 16 lanes at level AVX-512 and 8 at level AVX2.
package fft
