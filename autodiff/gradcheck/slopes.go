package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/vm"
)

// steps of the differences, relative to the sizes of parameters. A loss has kinks, which some unit is always near: with
// a step of h about that part of the units crosses one and adds as much error, and more where batch norm of a few values makes the
// loss steep; rounding adds 10⁻¹⁶·|f|/h. A derivative that is right agrees at some step, one that is wrong at none.
var steps = []float64{1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 3e-9, 1e-9, 1e-5, 1e-10}

// slopes compares first derivatives: along directions of everything at once, then of samples alone.
func (t *trial) slopes() error {
	derive, err := t.program(autodiff.Gradients(t.loss, t.moving...)...)
	if err != nil {
		return err
	}
	defer derive.Close()
	gradient, err := derive.Run(t.ctx, t.feeds)
	if err != nil {
		return err
	}
	loss, err := t.program(t.loss)
	if err != nil {
		return err
	}
	defer loss.Close()
	one := func(what string, along [][]float64) error {
		got := 0.0
		for i, v := range along {
			dx := gradient[i].Float64s()
			for j, d := range v {
				got += d * dx[j]
			}
		}
		var off, allowed, want, step float64
		for n, h := range steps {
			up, err := t.value(loss, h, along)
			if err != nil {
				return err
			}
			down, err := t.value(loss, -h, along)
			if err != nil {
				return err
			}
			w := (up - down) / (2 * h)
			tolerance := t.config.ATol + t.config.RTol*math.Abs(w)
			if e := math.Abs(got - w); n == 0 || e/tolerance < off/allowed {
				off, allowed, want, step = e, tolerance, w, h
			}
			if off <= allowed/2 {
				break
			}
		}
		t.result.within(off, allowed, func() string {
			return fmt.Sprintf("derivative of order 1 along %s: got %.12g, finite difference %.12g (step %g)", what, got, want, step)
		})
		return t.move(0, along)
	}
	for n := range directions {
		if err := one(fmt.Sprintf("random direction %d of images and all parameters", n), t.direction(n, nil)); err != nil {
			return err
		}
	}
	for _, i := range t.samples() {
		if err := one(fmt.Sprintf("a random direction of %s alone", t.name(i)), t.direction(directions, []int{i})); err != nil {
			return err
		}
	}
	return nil
}

// curvature compares second derivatives: the Hessian times a direction of the samples with the slope of their gradients, all elements of
// each by the norm of what is wrong.
func (t *trial) curvature() error {
	samples := t.samples()
	along := t.direction(directions+1, samples)
	var wrt, v []*graph.Value
	feeds := vm.Feeds{}
	for in, d := range t.feeds {
		feeds[in] = d
	}
	for _, i := range samples {
		x := t.moving[i]
		d := t.graph.Input("along "+t.name(i), x.Type())
		shape := x.Shape().Bind(batch)
		feeds[d] = tensor.New(tensor.WithShape(shape...), tensor.WithBacking(along[i]))
		wrt, v = append(wrt, x), append(v, d)
	}
	product, err := t.program(autodiff.HVP(t.loss, wrt, v)...)
	if err != nil {
		return err
	}
	defer product.Close()
	got, err := product.Run(t.ctx, feeds)
	if err != nil {
		return err
	}
	derive, err := t.program(autodiff.Gradients(t.loss, wrt...)...)
	if err != nil {
		return err
	}
	defer derive.Close()
	gradients := func(h float64) ([][]float64, error) {
		if err := t.move(h, along); err != nil {
			return nil, err
		}
		out, err := derive.Run(t.ctx, t.feeds)
		if err != nil {
			return nil, err
		}
		all := make([][]float64, len(out))
		for i, d := range out {
			all[i] = append(all[i], d.Float64s()...)
		}
		return all, nil
	}
	best := make([]secondOrder, len(samples))
	for _, h := range steps {
		up, err := gradients(h)
		if err != nil {
			return err
		}
		down, err := gradients(-h)
		if err != nil {
			return err
		}
		fine := true
		for n := range samples {
			var off, want, have float64
			for j, g := range got[n].Float64s() {
				w := (up[n][j] - down[n][j]) / (2 * h)
				off, want, have = off+(g-w)*(g-w), want+w*w, have+g*g
			}
			s := secondOrder{step: h, off: math.Sqrt(off), want: math.Sqrt(want), got: math.Sqrt(have)}
			s.allowed = 10 * (t.config.ATol + t.config.RTol*s.want)
			if best[n].step == 0 || s.off/s.allowed < best[n].off/best[n].allowed {
				best[n] = s
			}
			fine = fine && best[n].off <= best[n].allowed/2
		}
		if fine {
			break
		}
	}
	for n, i := range samples {
		s := best[n]
		t.result.within(s.off, s.allowed, func() string {
			return fmt.Sprintf("derivatives of order 2 by %s: their norm is %.12g, that of finite differences %.12g, of what is between them %.3g (step %g)", t.name(i), s.got, s.want, s.off, s.step)
		})
	}
	return t.move(0, along)
}

// secondOrder is the second derivatives by a sample at a step: norms of vectors.
type secondOrder struct{ off, allowed, want, got, step float64 }

func (t *trial) program(out ...*graph.Value) (*vm.Machine, error) {
	p, err := vm.Compile(t.graph, out, vm.NoUpdates()) // the same dropout in each run
	if err != nil {
		return nil, err
	}
	return p.NewMachine(t.state)
}

// value is the loss at a distance.
func (t *trial) value(loss *vm.Machine, h float64, along [][]float64) (float64, error) {
	if err := t.move(h, along); err != nil {
		return 0, err
	}
	out, err := loss.Run(t.ctx, t.feeds)
	if err != nil {
		return 0, err
	}
	return out[0].Float64s()[0], nil
}

// move puts what a direction names h along it.
func (t *trial) move(h float64, along [][]float64) error {
	for i, v := range t.moving {
		if along[i] == nil {
			continue
		}
		w := make([]float64, len(t.at[i]))
		for j, d := range along[i] {
			w[j] = t.at[i][j] + h*d
		}
		d := tensor.New(tensor.WithShape(v.Shape().Bind(batch)...), tensor.WithBacking(w))
		if i == 0 {
			t.feeds[v] = d
		} else if err := t.state.Set(label(v), d); err != nil {
			return err
		}
	}
	return nil
}

// direction draws direction n of those that move by the given indices, or all; nil for the others.
func (t *trial) direction(n int, which []int) [][]float64 {
	along := make([][]float64, len(t.moving))
	draw := func(i int) {
		along[i] = normals(rand.New(rand.NewPCG(t.config.Seed, uint64(6+n)<<32|uint64(i))), len(t.at[i]), t.size[i])
	}
	if which == nil {
		for i := range t.moving {
			draw(i)
		}
	}
	for _, i := range which {
		draw(i)
	}
	return along
}

// samples returns the indices of the images and of at most sampled parameters.
func (t *trial) samples() []int {
	params := len(t.moving) - 1
	n := min(sampled, params)
	out := []int{0}
	for k := range n {
		out = append(out, 1+k*(params-1)/max(n-1, 1))
	}
	return out
}

func (t *trial) name(i int) string {
	if i == 0 {
		return "images"
	}
	return label(t.moving[i])
}

func label(param *graph.Value) string { return param.Node().Op.(graph.ParamOp).Label }

func rootMeanSquare(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(v)))
}

func normals(rng *rand.Rand, n int, size float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = size * rng.NormFloat64()
	}
	return v
}
