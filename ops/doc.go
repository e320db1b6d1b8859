// Package ops holds the operations of convolutional networks: each is a pure
// description of what is computed, with its shape inference, its kernels and
// its gradient in one file.
//
// A constructor such as MatMul takes Values and returns Values; nothing is
// computed until a program made from the graph runs. Mistakes are kept by the
// graph (see graph.Graph.Err) and name the line which made them.
//
//	| kind             | constructors |
//	|------------------|--------------|
//	| arithmetic       | Add Sub Mul Div Neg Scale AddScalar OneMinus Pow Square Reciprocal Abs Sign |
//	| functions        | Exp Expm1 Log Sqrt Erf RoundDown RoundUp Round |
//	| activations      | ReLU Sigmoid Tanh LeakyReLU PReLU ELU SELU CELU GELU GELUTanh SiLU Mish HardSigmoid HardSwish Softplus Softsign Clip |
//	| choice and logic | Maximum Minimum Where Equal Less LessEqual Greater GreaterEqual And Or Xor Not |
//	| matrices         | MatMul Gemm Linear Einsum |
//	| over axes        | Sum Mean Max Min Prod NormL1 NormL2 SumSquare LogSum LogSumExp, each with a form …Keep; ArgMax ArgMin TopK BottomK CumSum |
//	| by index         | Gather GatherElements ScatterElements OneHot |
//	| probabilities    | Softmax LogSoftmax SoftmaxCrossEntropy NLLLoss Correct |
//	| other losses     | MSE Huber BCE BCEWithLogits Hinge MulticlassSVM |
//	| images           | Conv2D ConvTranspose2D MaxPool2D AvgPool2D LpPool2D AdaptiveMaxPool2D AdaptiveAvgPool2D MaxUnpool Resize ResizeBy ResizeAxis |
//	| lines, volumes   | Conv1D Conv3D ConvTranspose1D ConvTranspose3D MaxPool1D MaxPool3D AvgPool1D AvgPool3D |
//	| whole planes     | GlobalMaxPool GlobalAvgPool GlobalLpPool |
//	| normalisation    | BatchNorm BatchNormInfer RunningStats LayerNorm InstanceNorm GroupNorm RMSNorm Standardise LRN Dropout L2 |
//	| shape            | Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Pad BroadcastTo Tile DepthToSpace SpaceToDepth |
//	| constants, types | Zeros ZerosLike OnesLike Full Cast |
//	| kept state       | Random Step |
//
// # Shapes
//
// Images are NCHW. Arithmetic broadcasts as NumPy does: shapes are aligned at
// their last axes, and an extent of 1 stretches. The symbolic extent
// graph.Batch goes with itself and with 1 only, since it may turn out to be
// any number. Axes are counted from 0, negative ones from the end.
//
// # Gradients
//
// The gradient of an op is made of ops, so gradients have gradients. A comment
// on each constructor gives the formula. Integer tensors have no gradient.
//
// # Numbers
//
// NaN and infinities propagate. Sums of float32 are accumulated in float64, or
// in blocks inside products of matrices. Results are the same bits for any
// number of workers: work is divided over results, never within a sum, except
// into chunks which the shapes alone decide.
//
// # An op of one's own
//
// Implement graph.Op, graph.Differentiable and kernel.Op on a comparable
// struct and call graph.Apply; the ops here are no different. Package
// ops/opstest checks it.
package ops
