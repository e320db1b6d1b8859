package graph

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// An Init says how a parameter or buffer starts. It is data: printable,
// parseable and comparable. Make one with Zeros, Constant, Normal, Uniform,
// Orthogonal or Key. Other starting values are set in the machine's State.
type Init struct {
	Kind string  // "constant", "normal", "uniform", "orthogonal" or "key"
	A, B float64 // see the functions
}

// Zeros is Constant(0), which is also what the zero Init means.
func Zeros() Init { return Init{} }

// Constant fills with v.
func Constant(v float64) Init {
	if v == 0 {
		return Init{}
	}
	return Init{"constant", v, 0}
}

// Normal draws from the normal distribution.
func Normal(mean, std float64) Init { return Init{"normal", mean, std} }

// Uniform draws evenly from lo (included) to hi (excluded).
func Uniform(lo, hi float64) Init { return Init{"uniform", lo, hi} }

// Orthogonal draws a matrix with orthonormal rows or columns, whichever are
// fewer, times gain. A tensor [K,C,R,S] counts as the matrix K × CRS.
// Saxe, McClelland and Ganguli, “Exact solutions to the nonlinear dynamics of
// learning in deep linear neural networks”, ICLR 2014.
func Orthogonal(gain float64) Init { return Init{"orthogonal", gain, 0} }

// Key draws a random key for counter-based random numbers: an i64[2] which
// holds a number below 2^53 and the counter 0.
func Key() Init { return Init{"key", 0, 0} }

// String returns the init as normal(0,0.1).
func (i Init) String() string {
	f := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	switch i.Kind {
	case "":
		return "constant(0)"
	case "constant", "orthogonal":
		return i.Kind + "(" + f(i.A) + ")"
	case "key":
		return "key()"
	}
	return i.Kind + "(" + f(i.A) + "," + f(i.B) + ")"
}

// parseInit is the inverse of Init.String.
func parseInit(s string) (Init, error) {
	kind, args, ok := strings.Cut(strings.TrimSuffix(s, ")"), "(")
	if !ok || !strings.HasSuffix(s, ")") {
		return Init{}, fmt.Errorf("%q is no initialiser, want something like normal(0,0.1)", s)
	}
	var v []float64
	if args != "" {
		for _, a := range strings.Split(args, ",") {
			x, err := strconv.ParseFloat(a, 64)
			if err != nil {
				return Init{}, fmt.Errorf("%q is no number in initialiser %q", a, s)
			}
			v = append(v, x)
		}
	}
	want := map[string]int{"constant": 1, "normal": 2, "uniform": 2, "orthogonal": 1, "key": 0}
	n, known := want[kind]
	if !known || len(v) != n {
		return Init{}, fmt.Errorf("%q is no initialiser, want constant(v), normal(mean,std), uniform(lo,hi), orthogonal(gain) or key()", s)
	}
	v = append(v, 0, 0)
	if kind == "constant" {
		return Constant(v[0]), nil
	}
	return Init{kind, v[0], v[1]}, nil
}

func (i Init) check(t Type) error {
	switch i.Kind {
	case "", "constant":
		return nil
	case "normal", "uniform":
		if !t.DType.IsFloat() {
			return fmt.Errorf("%v fills floats, the type is %v", i, t)
		}
	case "orthogonal":
		if !t.DType.IsFloat() || len(t.Shape) < 2 {
			return fmt.Errorf("%v fills floats of two or more dimensions, the type is %v", i, t)
		}
	case "key":
		if !t.Equal(Of(Int64, 2)) {
			return fmt.Errorf("%v fills an i64[2], the type is %v", i, t)
		}
	default:
		return fmt.Errorf("unknown initialiser %q", i.Kind)
	}
	return nil
}

// Values returns the starting values of a parameter of that name and type.
// They depend on seed, name and shape alone: not on the order in which
// parameters are made, nor on what else the graph holds.
func (i Init) Values(name string, t Type, seed uint64) []float64 {
	v := make([]float64, 0, max(t.Shape.Size(), 0))
	for block := range i.Blocks(name, t, seed) {
		v = append(v, block...)
	}
	return v
}

// Blocks yields what Values returns some thousand at a time, so that large parameters need no memory besides their
// own. A block is valid until the next one. Only Orthogonal has all values in one.
func (i Init) Blocks(name string, t Type, seed uint64) iter.Seq[[]float64] {
	h := fnv.New64a()
	h.Write([]byte(name))
	return func(yield func([]float64) bool) {
		rng := rand.New(rand.NewPCG(seed, h.Sum64()))
		size := max(t.Shape.Size(), 0)
		v := make([]float64, min(size, 8192))
		if i.Kind == "orthogonal" {
			v = make([]float64, size)
		}
		for ; size > 0; size -= len(v) {
			v = v[:min(size, len(v))]
			i.draw(v, t, rng)
			if !yield(v) {
				return
			}
		}
	}
}

// draw fills v with the next values, or with all of them where they depend on each other.
func (i Init) draw(v []float64, t Type, rng *rand.Rand) {
	switch i.Kind {
	case "", "constant":
		for j := range v {
			v[j] = i.A
		}
	case "normal":
		for j := range v {
			v[j] = i.A + i.B*rng.NormFloat64()
		}
	case "uniform":
		for j := range v {
			v[j] = i.A + (i.B-i.A)*rng.Float64()
		}
	case "orthogonal":
		rows := t.Shape[0]
		orthogonal(v, rows, len(v)/rows, i.A, rng)
	case "key":
		v[0] = float64(rng.Uint64() >> 11)
	}
}

// orthogonal fills the rows×cols matrix v by Gram–Schmidt on normal vectors.
// Each vector is projected twice, which is enough for orthogonality to rounding
// (Giraud, Langou and Rozložník 2005).
func orthogonal(v []float64, rows, cols int, gain float64, rng *rand.Rand) {
	n, dim := rows, cols
	at := func(i, j int) *float64 { return &v[i*cols+j] }
	if rows > cols {
		n, dim = cols, rows
		at = func(i, j int) *float64 { return &v[j*cols+i] }
	}
	for i := range n {
		for norm := 0.0; norm < 1e-6; {
			for j := range dim {
				*at(i, j) = rng.NormFloat64()
			}
			for range 2 {
				for k := range i {
					dot := 0.0
					for j := range dim {
						dot += *at(i, j) * *at(k, j)
					}
					for j := range dim {
						*at(i, j) -= dot * *at(k, j)
					}
				}
			}
			norm = 0
			for j := range dim {
				norm += *at(i, j) * *at(i, j)
			}
			norm = math.Sqrt(norm)
			for j := range dim {
				*at(i, j) /= norm
			}
		}
	}
	for j := range v {
		v[j] *= gain
	}
}
