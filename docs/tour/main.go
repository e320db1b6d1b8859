package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// chapters are what the tour shows, in order.
var chapters = []func(io.Writer) error{Formula, Proof, Learn}

func main() {
	for _, show := range chapters {
		if err := show(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// Formula writes y = a·b + a, and appends its derivatives by a and b.
func Formula(out io.Writer) error {
	g := &Graph{}
	a, b := g.Source("a", Scalar), g.Source("b", Scalar)
	y := Add(Mul(a, b), a)
	grads := Gradients(y, a, b)
	for _, v := range g.Values {
		fmt.Fprintln(out, v)
	}
	t, err := Compile(g, append(grads, y))
	if err != nil {
		return err
	}
	t.Of(a)[0], t.Of(b)[0] = 3, 4
	t.Run()
	fmt.Fprintf(out, "a = 3, b = 4: y = %v, dy/da = %v, dy/db = %v\n\n", t.Of(y)[0], t.Of(grads[0])[0], t.Of(grads[1])[0])
	return nil
}

// Proof checks the derivatives of a loss made of a convolution, and then their derivatives: how
// long the gradient is, squared, is a loss as good as any.
func Proof(out io.Writer) error {
	g := &Graph{}
	pictures, patterns := g.Source("pictures", Shape{2, 3, 5, 6}), g.Source("filters", Shape{4, 3, 3, 2})
	found := Conv(pictures, patterns)
	loss := Scale(Sum(Mul(found, Mul(found, found)), Scalar), 0.01)
	gradient := Gradients(loss, patterns)[0]
	steep := Scale(Sum(Mul(gradient, gradient), Scalar), 0.01)
	fill := func(t *Tape) {
		chance := rand.New(rand.NewPCG(1, 2))
		for _, v := range []*Value{pictures, patterns} {
			for i := range t.Of(v) {
				t.Of(v)[i] = chance.NormFloat64()
			}
		}
	}
	for _, by := range []*Value{pictures, patterns} {
		for order, loss := range []*Value{loss, steep} {
			if err := Check(loss, by, fill); err != nil {
				return err
			}
			fmt.Fprintf(out, "derivatives of order %d by the %-8s all %3d agree with nudging\n", order+1, by.Op.(source).Name, by.Shape.Size())
		}
	}
	fmt.Fprintln(out)
	return nil
}
