package kernel

import (
	"fmt"
	"unsafe"

	"neocog/graph"
)

// Float is the constraint of kernels on floating-point tensors.
type Float interface{ float32 | float64 }

// Number is the constraint of kernels on tensors of numbers.
type Number interface {
	float32 | float64 | int32 | int64
}

// Op is a graph.Op that can run. Plan is called once for each set of shapes;
// in and out hold no symbolic dimension.
type Op interface {
	graph.Op
	Plan(env *Env, in, out []graph.Type) (Plan, error)
}

// Env is what Plan may know about the machine.
type Env struct {
	// Reference asks for the plainest implementation: the one which defines
	// what is right. The interpreter sets it.
	Reference bool
	// Workers is how many will share the items of each step, 0 if that is not
	// known. A plan may have as many items as suit them, but the bits of its
	// results must not depend on it.
	Workers int
	// Kept says by input whether what a plan prepares of it (see Preparation) is kept from run to run, since nothing changes
	// the input; inputs beyond its end change.
	Kept []bool
	// Settings carry choices of the user to the ops concerned, as the
	// convolution algorithms of vm.WithConv. Keys are private types of the
	// package which reads them.
	Settings map[any]any
}

// A Plan says how one node will run.
type Plan struct {
	// Algo names the algorithm where there is a choice, for dumps and profiles.
	Algo string
	// Problem is what Algo was chosen for, a conv.Problem, for those who compare algorithms; nil where there is no choice.
	Problem any
	// Steps run in order; all workers finish one before any begins the next.
	Steps []Step
	// Shared and Local are scratch memory in bytes: one block which all workers
	// see and which keeps its contents from step to step, and one block for
	// each worker which does not. Neither is cleared.
	Shared, Local int
	// Prepare describes what the first steps make of one input alone; the zero value is nothing.
	Prepare Preparation
	// InPlace[i] = j+1 allows output i to overwrite input j if nobody else reads
	// j afterwards: the kernel must read each element of j before it writes the
	// same element of i, and no other. 0 or a short slice forbids it.
	InPlace []int
	// View says that output 0 is input 0 with another shape: nothing runs.
	View bool
	// FLOPs counts multiplications and additions, for profiles.
	FLOPs int64
}

// A Preparation is what the first Steps of a plan make of one input, such as a filter in the order in which kernels
// read it. These steps read that input and no other, and write Bytes of memory, Prepared, and nothing else; later steps only read it.
// While the input is a parameter which has not changed since the last run, the machine leaves them out.
type Preparation struct {
	Steps, Input, Bytes int
}

// A Step is N items of work. Grain is the fewest items worth a worker of their
// own; 0 means 1.
type Step struct {
	N, Grain int
	Run      Kernel
}

// A Kernel computes items lo … hi-1 of a step. It must not allocate, and a panic
// is a bug, which the machine reports with the node and the user's line.
type Kernel func(c *Call, lo, hi int)

// One returns the plan of a single step.
func One(n, grain int, run Kernel) Plan {
	return Plan{Steps: []Step{{N: n, Grain: grain, Run: run}}}
}

// Grain is the number of elements below which an element-wise loop is not
// worth a second worker.
const Grain = 4096

// ByDType returns the plan of a single element-wise step over n items, with the
// kernel for d.
func ByDType(d graph.DType, n int, f32, f64 Kernel) (Plan, error) {
	k, err := Pick(d, f32, f64)
	return One(n, Grain, k), err
}

// Pick returns the kernel for d, or an error where d is no float.
func Pick(d graph.DType, f32, f64 Kernel) (Kernel, error) {
	switch d {
	case graph.Float32:
		return f32, nil
	case graph.Float64:
		return f64, nil
	}
	return nil, fmt.Errorf("no kernel for %v, only for f32 and f64", d)
}

// A Buf is the memory of one tensor: contiguous, row-major.
type Buf struct {
	Ptr unsafe.Pointer
	Len int // elements
}

// A Call is what a kernel is given. Its buffers are those of one node of one
// machine; Scratch, Local and Prepared belong to the plan.
type Call struct {
	Bufs    []Buf // of the machine, indexed by Ins and Outs
	Ins     []int32
	Outs    []int32
	Scratch unsafe.Pointer // Plan.Shared bytes
	Local   unsafe.Pointer // Plan.Local bytes of this worker
	// Prepared is Plan.Prepare.Bytes of memory, which may hold what an earlier run made.
	Prepared unsafe.Pointer
	// Fault reports bad data, such as a label out of range: the run stops with
	// an error naming the node. Of several faults the lowest item is kept.
	Fault *Fault

	nested *Call
}

// In returns the elements of input i, whose element type must be T.
func In[T graph.Element](c *Call, i int) []T {
	b := c.Bufs[c.Ins[i]]
	return unsafe.Slice((*T)(b.Ptr), b.Len)
}

// Out returns the elements of output i, whose element type must be T.
func Out[T graph.Element](c *Call, i int) []T {
	b := c.Bufs[c.Outs[i]]
	return unsafe.Slice((*T)(b.Ptr), b.Len)
}

// Shared returns n elements of the shared scratch memory, starting at element off.
func Shared[T graph.Element](c *Call, off, n int) []T {
	return unsafe.Slice((*T)(c.Scratch), off+n)[off:]
}

// Local returns n elements of the worker's own scratch memory, starting at
// element off.
func Local[T graph.Element](c *Call, off, n int) []T {
	return unsafe.Slice((*T)(c.Local), off+n)[off:]
}

// Prepared returns n elements of what the plan's first steps prepare, starting at
// element off.
func Prepared[T graph.Element](c *Call, off, n int) []T {
	return unsafe.Slice((*T)(c.Prepared), off+n)[off:]
}

// SizeOf returns the bytes of n elements of type d.
func SizeOf(d graph.DType, n int) int { return n * d.Size() }

// Folder is an op which can do what follows it for each channel by changing its own operands: a convolution, with
// another filter and another bias.
type Folder interface {
	Op
	// Fold returns a value equal, but for rounding, to next applied to the op's result and to by, in this order or,
	// for ops that allow it, the other. in are the op's operands, all in the graph to which new nodes are added. It
	// returns nil if it cannot.
	Fold(in []*graph.Value, next graph.Op, by *graph.Value) *graph.Value
}
