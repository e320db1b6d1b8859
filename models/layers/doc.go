// Package layers makes layers: parameters together with the ops that use them,
// in a scope of the layer's name.
//
//	b := &layers.Builder{}
//	x = b.Conv("conv1", x, 16, [2]int{5, 5}, ops.Conv{Same: true})
//	x = ops.MaxPool2D(ops.ReLU(x), ops.Pool{Size: [2]int{2, 2}})
//	y := b.Linear("fc", ops.Flatten(x), 10)
//
// A Builder holds what the layers of one network have in common; everything
// without parameters is an op and is called as such. Shapes come from the value
// that a layer is applied to, so that only what is new is written down.
//
//	| layer              | parameters               | buffers             |
//	|--------------------|--------------------------|---------------------|
//	| Conv               | w [K,C/groups,R,S] b [K] |                     |
//	| ConvNoBias         | w [K,C/groups,R,S]       |                     |
//	| SeparableConv      | those of ConvNoBias called depthwise and Conv called pointwise | |
//	| Linear             | w [out,in] b [out]       |                     |
//	| PositionBias       | b [...] as x without N   |                     |
//	| BatchNorm          | gamma [C] beta [C]       | mean [C] var [C]    |
//	| Dropout            |                          | that of ops.Random  |
//
// A parameter is called "conv1/w": the enclosing scopes, the layer's name and
// its own. A network is built twice, with Train and without, into two graphs
// whose parameters have the same names and so share one vm.State.
//
// Mistakes are kept by the graph, with the line which called the layer; a layer
// of an invalid value is invalid, without another report.
//
// # Initialisers
//
// With i = fan-in, the inputs that one output sums over, and o = fan-out, the
// outputs that one input goes to (for a filter C/groups·R·S and K/groups·R·S):
//
//	| Initializer   | distribution            | source |
//	|---------------|-------------------------|--------|
//	| He            | N(0, 2/i)               | He et al. 2015, equation 10: for ReLU |
//	| Xavier        | N(0, 2/(i+o))           | Glorot and Bengio 2010, equation 12: for tanh |
//	| XavierUniform | U(−a, a), a² = 6/(i+o)  | Glorot and Bengio 2010, equation 16 |
//	| LeCun         | N(0, 1/i)               | LeCun et al. 1998, “Efficient BackProp”, equation 16 |
//	| Orthogonal    | gain·QᵀQ = gain·I       | Saxe et al. 2014 |
//	| Normal        | N(0, std²)              | the lecture's two-layer net: 1e-4 |
//	| Constant      | v                       | biases |
//
// Starting values depend on the seed of the State and on the parameter's name
// alone, not on the order of the layers.
package layers
