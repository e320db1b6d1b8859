package winograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"neocog/internal/cpu"
	"neocog/internal/guard"
	"neocog/internal/toomcook"
)

// operands are the memory of a call: tiles that overlap in the source, as those of images do, and a destination with gaps.
type operands[T Float] struct {
	src, dst, bias *guard.Buffer[T]
	call           Call
}

func makeOperands[T Float](t toomcook.Transform, lanes, tiles int, side guard.Side, element func() T) operands[T] {
	size := unsafe.Sizeof(T(0))
	p := t.Program()
	tileSrc := p.In[0] * p.In[1] * lanes
	tileDst := (p.Out[0]*p.Out[1] + 1) * lanes
	o := operands[T]{
		src:  guard.Make[T](tileSrc+(tiles-1)*lanes, side),
		dst:  guard.Make[T](tileDst*tiles-lanes, side),
		bias: guard.Make[T](lanes, side),
	}
	for _, s := range [][]T{o.src.Slice(), o.bias.Slice()} {
		for i := range s {
			s[i] = element()
		}
	}
	at := func(n int) uintptr { return uintptr(n*lanes) * size }
	o.call = Call{
		Src: unsafe.Pointer(&o.src.Slice()[0]), SrcRow: at(p.In[1]), SrcCol: at(1), SrcNext: at(1),
		Dst: unsafe.Pointer(&o.dst.Slice()[0]), DstRow: at(p.Out[1]), DstCol: at(1), DstNext: uintptr(tileDst) * size,
		Bias: unsafe.Pointer(&o.bias.Slice()[0]), N: tiles, Lanes: lanes,
	}
	return o
}

func (o operands[T]) free() { o.src.Free(); o.dst.Free(); o.bias.Free() }

// run runs kernel k in guarded memory and returns what it wrote, gaps included.
func (o operands[T]) run(t *testing.T, run func(c *Call)) []T {
	t.Helper()
	o.dst.Fill()
	call := o.call
	err := guard.Catch(func() { run(&call) })
	for _, b := range []*guard.Buffer[T]{o.src, o.dst, o.bias} {
		if err == nil {
			err = b.Check()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return append([]T(nil), o.dst.Slice()...)
}

// With small integers Bᵀ is exact, and so are all transforms of the smallest tile: every level must give the same bits.
func TestKernelsAreTheSpecification(t *testing.T) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if !cpu.With(l, func() { testKernels(t) }) {
				t.Skipf("this processor only has %v", cpu.Best())
			}
		})
	}
}

func testKernels(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i, tr := range toomcook.Transforms() {
		for tiles := 1; tiles <= 3; tiles++ {
			for _, side := range []guard.Side{guard.Start, guard.End} {
				o := makeOperands(tr, Lanes, tiles, side, func() float32 { return float32(rnd.IntN(7) - 3) })
				want := o.run(t, func(c *Call) { runPortable[float32](Kernel(i), c) })
				got := o.run(t, func(c *Call) { Run[float32](Kernel(i), c) })
				tolerance := 0.0
				if tr.Tile() > 4 && tr.Role != toomcook.Input {
					tolerance = 1e-3 // G is rounded, and sums of cubes have more bits than a float32; sums are up to 1000
				}
				for j := range want {
					if d := math.Abs(float64(got[j] - want[j])); d > tolerance || (got[j] != got[j]) != (want[j] != want[j]) {
						t.Fatalf("%s, %d tiles: element %d is %v, want %v", tr.Name(), tiles, j, got[j], want[j])
					}
				}
				o.free()
			}
		}
	}
}

// The portable kernels compute in either type what the programs say, for any number of lanes.
func TestPortableKernels(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 3))
	for i, tr := range toomcook.Transforms() {
		for lanes := 1; lanes <= Lanes; lanes++ {
			o := makeOperands(tr, lanes, 2, guard.End, rnd.NormFloat64)
			got := o.run(t, func(c *Call) { Run[float64](Kernel(i), c) })
			l := floats(tr)
			p := tr.Program()
			for tile := range 2 {
				for r := range p.Out[0] {
					for c := range p.Out[1] {
						for lane := range lanes {
							want := 0.0
							if tr.Role == toomcook.Output {
								want = o.bias.Slice()[lane]
							}
							for a := range p.In[0] {
								for b := range p.In[1] {
									x := o.src.Slice()[(tile+a*p.In[1]+b)*lanes+lane]
									if tr.Line {
										want += l[c][a] * x
									} else {
										want += l[r][a] * l[c][b] * x
									}
								}
							}
							at := (tile*(p.Out[0]*p.Out[1]+1)+r*p.Out[1]+c)*lanes + lane
							if d := math.Abs(got[at] - want); !(d < 1e-11) {
								t.Fatalf("%s, %d lanes: result %d,%d of tile %d is %v, want %v", tr.Name(), lanes, r, c, tile, got[at], want)
							}
						}
					}
				}
			}
			o.free()
		}
	}
}

// A NaN and an infinity in a tile stay in their lane, and are never lost there.
func TestNaNStaysInItsLane(t *testing.T) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		cpu.With(l, func() {
			for i, tr := range toomcook.Transforms() {
				for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
					p := tr.Program()
					o := makeOperands(tr, Lanes, 1, guard.End, func() float32 { return 1 })
					for e := range p.In[0] * p.In[1] {
						o.src.Slice()[e*Lanes+5] = v
					}
					got := o.run(t, func(c *Call) { Run[float32](Kernel(i), c) })
					for e := range p.Out[0] * p.Out[1] * Lanes {
						if finite := got[e]-got[e] == 0; finite != (e%Lanes != 5) {
							t.Fatalf("%v, %s: element %d is %v where lane 5 is %v", l, tr.Name(), e, got[e], v)
						}
					}
					o.free()
				}
			}
		})
	}
}

func TestFor(t *testing.T) {
	if s, ok := For(toomcook.Form{M: 4, R: 3}, false); !ok || s[toomcook.Input] != input6Kernel || s[toomcook.FilterGrad] != filterGrad6to3Kernel {
		t.Errorf("F(4,3) has kernels %v, %t", s, ok)
	}
	if a, _ := For(toomcook.Form{M: 2, R: 5}, false); a[toomcook.Input] != input6Kernel {
		t.Error("F(2,5) does not share the input's transform with F(4,3)")
	}
	for _, f := range []toomcook.Form{{M: 3, R: 3}, {M: 6, R: 5}, {M: 0, R: 1}} {
		if _, ok := For(f, false); ok {
			t.Errorf("%v has kernels", f)
		}
	}
}

func BenchmarkTransforms(b *testing.B) {
	for l := cpu.Portable; l <= cpu.AVX512; l++ {
		cpu.With(l, func() {
			for i, tr := range toomcook.Transforms() {
				b.Run(fmt.Sprintf("level=%v/kernel=%s", l, tr.Name()), func(b *testing.B) {
					o := makeOperands(tr, Lanes, 14, guard.End, func() float32 { return 1 })
					defer o.free()
					for b.Loop() {
						call := o.call
						Run[float32](Kernel(i), &call)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/14, "ns/tile")
				})
			}
		})
	}
}

// floats returns the matrix of a transform.
func floats(t toomcook.Transform) [][]float64 {
	m := t.Matrices(t.Points())
	l := [...]toomcook.Matrix{m.BT, m.AT, m.G, m.AT.Transpose(), m.G.Transpose()}[t.Role]
	out := make([][]float64, len(l))
	for i, row := range l {
		for _, v := range row {
			f, _ := v.Float64()
			out[i] = append(out[i], f)
		}
	}
	return out
}
