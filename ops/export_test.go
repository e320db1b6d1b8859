package ops

// Names of unexported ops for the tests of package ops_test: opstest imports ops,
// so that tests which use it cannot stand in package ops itself.
type (
	ReLUOp     = relu
	ReLUGradOp = reluGrad
)
