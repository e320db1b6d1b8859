package main

import "fmt"

// Chapter 3. Convolution.
//
// What a stripe looks like does not depend on where in the picture it is. So instead of a weight
// for each pixel a network has filters, small patterns of R × S weights, and slides each over the
// picture. At every place it multiplies weight by pixel and adds up: the more the place looks like
// the pattern, the larger the sum. With K filters, a picture of C channels becomes one of K
// channels, each a map of where its pattern was found:
//
//	y[n,k,p,q] = Σ x[n, c, p+r, q+s] · w[k,c,r,s]     over c, r, s
//
// Every term is a product of a pixel and a weight, and belongs to one place in y. We call such a
// triple (x, w, y) of places a tap. If something downstream wants y changed by dy, each tap passes
// the wish on: to its pixel, dy times the weight; to its weight, dy times the pixel. All three are
// the same walk over the same taps, and only differ in which of the three is being added to:
//
//	y  += x · w     the convolution
//	dx += w · dy    its gradient by the picture
//	dw += x · dy    its gradient by the filters
//
// So we write one op that is told which of the three it wants. As the gradients are again this op,
// they have gradients, which are again this op: derivatives of every order, for one page of code.

// operand is one of the three.
type operand int

const (
	X operand = iota // pictures [N,C,H,W]
	W                // filters [K,C,R,S]
	Y                // maps [N,K,H−R+1,W−S+1]
)

func (o operand) String() string { return "XWY"[o : o+1] }

// conv computes the operand it wants from the other two, which it is given in the order X, W, Y. Of
// is the shape of the result.
type conv struct {
	Want operand
	Of   Shape
}

// Conv slides filters over pictures.
func Conv(pictures, filters *Value) *Value {
	return pictures.Graph.Apply(conv{Y, maps(pictures.Shape, filters.Shape)}, pictures, filters)
}

func maps(x, w Shape) Shape { return Shape{x[0], w[0], x[2] - w[2] + 1, x[3] - w[3] + 1} }

// others are the operands that c is given.
func (c conv) others() [2]operand { return [3][2]operand{X: {W, Y}, W: {X, Y}, Y: {X, W}}[c.Want] }

func (c conv) Infer(in []Shape) (Shape, error) {
	var of [3]Shape
	of[c.Want], of[c.others()[0]], of[c.others()[1]] = c.Of, in[0], in[1]
	switch want := maps(of[X], of[W]); {
	case of[X][1] != of[W][1]:
		return c.Of, fmt.Errorf("pictures have %d channels, filters %d", of[X][1], of[W][1])
	case want[2] < 1 || want[3] < 1:
		return c.Of, fmt.Errorf("filters of %d×%d are larger than pictures of %d×%d", of[W][2], of[W][3], of[X][2], of[X][3])
	case want != of[Y]:
		return c.Of, fmt.Errorf("maps are %v, want %v", of[Y], want)
	}
	return c.Of, nil
}

// VJP asks for each of the two inputs, given the other one and dy.
func (c conv) VJP(v, dv *Value) []*Value {
	var grads []*Value
	for i, wanted := range c.others() {
		var given [3]*Value
		given[c.Want], given[c.others()[1-i]] = dv, v.In[1-i]
		d := conv{wanted, v.In[i].Shape}
		grads = append(grads, v.Graph.Apply(d, given[d.others()[0]], given[d.others()[1]]))
	}
	return grads
}

func (c conv) Run(in []Tensor, out Tensor) {
	a, b := c.others()[0], c.others()[1]
	var of [3]Shape
	of[c.Want], of[a], of[b] = out.Shape, in[0].Shape, in[1].Shape
	clear(out.Data)
	var at [3]int // the tap, as places in the memory of X, W and Y
	for n := range of[X][0] {
		for k := range of[W][0] {
			for p := range of[Y][2] {
				for q := range of[Y][3] {
					at[Y] = ((n*of[Y][1]+k)*of[Y][2]+p)*of[Y][3] + q
					for ch := range of[W][1] {
						for r := range of[W][2] {
							at[X] = ((n*of[X][1]+ch)*of[X][2]+p+r)*of[X][3] + q
							at[W] = ((k*of[W][1]+ch)*of[W][2] + r) * of[W][3]
							for range of[W][3] {
								out.Data[at[c.Want]] += in[0].Data[at[a]] * in[1].Data[at[b]]
								at[X]++
								at[W]++
							}
						}
					}
				}
			}
		}
	}
}

// Grown up: ops/conv2d.go, ops/conv2dinputgrad.go and ops/conv2dfiltergrad.go, with stride,
// padding, dilation and groups. Seven nested loops are what a convolution is, not how it is done
// fast: package ops/conv has several algorithms that compute the same (ops/conv/direct.go is this
// one), docs/kernels.md tells how.
