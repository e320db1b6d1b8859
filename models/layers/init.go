package layers

import (
	"math"

	"neocog/graph"
)

// An Initializer says how the weights of a layer start, given their shape and
// how many inputs an output of the layer sums over (fanIn) and how many outputs
// an input goes to (fanOut). Both are at least 1.
//
// The functions below either are an Initializer, as He, or make one, as
// Normal(1e-4).
type Initializer func(shape graph.Shape, fanIn, fanOut int) graph.Init

// He draws from N(0, 2/fanIn): the variance of the signal stays the same from
// layer to layer where ReLU removes half of it.
//
// He, Zhang, Ren and Sun, “Delving Deep into Rectifiers”, ICCV 2015, equation
// 10. It is what the lecture calls “Xavier/2”, randn(in, out)/√(in/2).
func He(_ graph.Shape, fanIn, _ int) graph.Init {
	return graph.Normal(0, math.Sqrt(2/float64(fanIn)))
}

// Xavier draws from N(0, 2/(fanIn+fanOut)): a compromise which keeps the
// variance of both signal and gradient for functions near the identity at 0,
// such as tanh.
//
// Glorot and Bengio, “Understanding the difficulty of training deep feedforward
// neural networks”, AISTATS 2010, equation 12. What the lecture calls Xavier,
// randn(in, out)/√in, is LeCun here: the same where fanIn = fanOut.
func Xavier(_ graph.Shape, fanIn, fanOut int) graph.Init {
	return graph.Normal(0, math.Sqrt(2/float64(fanIn+fanOut)))
}

// XavierUniform draws evenly from ±√(6/(fanIn+fanOut)), the “normalized
// initialization”: it has the variance of Xavier.
//
// Glorot and Bengio 2010, equation 16.
func XavierUniform(_ graph.Shape, fanIn, fanOut int) graph.Init {
	a := math.Sqrt(6 / float64(fanIn+fanOut))
	return graph.Uniform(-a, a)
}

// LeCun draws from N(0, 1/fanIn): outputs have variance 1 where inputs are
// independent and have variance 1.
//
// LeCun, Bottou, Orr and Müller, “Efficient BackProp”, 1998, equation 16.
func LeCun(_ graph.Shape, fanIn, _ int) graph.Init {
	return graph.Normal(0, math.Sqrt(1/float64(fanIn)))
}

// Constant fills with v.
func Constant(v float64) Initializer {
	return func(graph.Shape, int, int) graph.Init { return graph.Constant(v) }
}

// Normal draws from N(0, std²), whatever the size of the layer.
func Normal(std float64) Initializer {
	return func(graph.Shape, int, int) graph.Init { return graph.Normal(0, std) }
}

// Orthogonal draws a matrix with orthonormal rows or columns, whichever are
// fewer, times gain: 1 for linear layers, √2 for ReLU. A filter [K,C,R,S] counts
// as the matrix K × CRS.
//
// Saxe, McClelland and Ganguli, “Exact solutions to the nonlinear dynamics of
// learning in deep linear neural networks”, ICLR 2014.
func Orthogonal(gain float64) Initializer {
	return func(graph.Shape, int, int) graph.Init { return graph.Orthogonal(gain) }
}
