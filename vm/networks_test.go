package vm_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
	"neocog/vm"
)

var long = flag.Bool("long", false, "compare optimised and unoptimised programs of 1,000 random networks instead of 200: six seconds")

// Optimised and unoptimised programs of random networks agree, gradients and updates included: to the last bit where the same kernels
// run, else, where factors have gone into filters, to a relative L2 error of 1e-6 of all that the program returns.
func TestPassesKeepRandomNetworks(t *testing.T) {
	networks, equal := 200, 0
	if *long {
		networks = 1000
	}
	for seed := range uint64(networks) {
		same, err := agree(seed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if same {
			equal++
		}
	}
	t.Logf("%d of %d programs run the same kernels and give the same bits", equal, networks)
	if equal < networks/2 || equal == networks {
		t.Errorf("%d of %d programs run the same kernels; the test wants both kinds", equal, networks)
	}
}

// agree compares the programs of a random network, and says whether both run the same kernels.
func agree(seed uint64) (same bool, err error) {
	n := newNetwork(seed)
	if err := n.g.Err(); err != nil {
		return false, err
	}
	fail := func(what string, err error) (bool, error) { return false, fmt.Errorf("%s: %w\n%v", what, err, n.g) }
	batch := 1 + int(seed%3)
	feeds := vm.Feeds{n.x: normals(seed, append([]int{batch}, n.x.Shape()[1:]...)...), n.labels: classes(batch, networkClasses)}
	threads := vm.Threads(1 + int(seed%2))
	var programs [2]*vm.Program
	var results [2]map[string][]float32
	for i, opts := range [][]vm.Option{{threads}, {threads, vm.NoPasses()}} {
		p, err := vm.Compile(n.g, n.outs, opts...)
		if err != nil {
			return fail("compile", err)
		}
		s := vm.NewState(seed)
		m, err := p.NewMachine(s)
		if err != nil {
			return fail("machine", err)
		}
		defer m.Close()
		run := func() ([]*tensor.Dense, error) { return m.Run(context.Background(), feeds) }
		if results[i], err = twice(s, run); err != nil {
			return fail("run", err)
		}
		programs[i] = p
	}
	if same, err = sameKernels(programs[0], programs[1], batch); err != nil {
		return fail("algorithms", err)
	}
	var exact map[string][]float32
	for name, want := range results[1] {
		got, ok := results[0][name]
		if !ok {
			return fail(name, errors.New("the optimised program does not have it"))
		}
		rel := relL2(got, want)
		if same && !bytes.Equal(bits(floats(got...)), bits(floats(want...))) {
			return fail(name, fmt.Errorf("other bits than without passes, relative L2 error %.2g", rel))
		}
		if rel <= 1e-6 {
			continue
		}
		// Sums that cancel, such as the gradient of a bias before batch normalisation, which is 0, are no more exact in the program without passes.
		// What is left are rounding errors of both, a few times as large in one draw as in another.
		if exact == nil {
			s := vm.NewState(seed)
			run := func() ([]*tensor.Dense, error) { return vm.Interpret(n.g, n.outs, s, feeds, vm.As(graph.Float64)) }
			if exact, err = twice(s, run); err != nil {
				return fail("interpreter", err)
			}
		}
		if a, b := relL2(got, exact[name]), relL2(want, exact[name]); !(a <= 8*b) {
			return fail(name, fmt.Errorf("relative L2 error %.2g against the program without passes; against float64 %.2g and %.2g", rel, a, b))
		}
	}
	return same, nil
}

// twice returns what two runs return, the second of which sees what the first has left, and then the parameters.
func twice(s *vm.State, run func() ([]*tensor.Dense, error)) (map[string][]float32, error) {
	got := map[string][]float32{}
	for r := range 2 {
		out, err := run()
		if err != nil {
			return nil, err
		}
		for i, o := range out {
			got[fmt.Sprintf("output %d of run %d", i, r)] = narrowed(o)
		}
	}
	for _, name := range s.Names() {
		v, err := s.Get(name)
		if err != nil {
			return nil, err
		}
		got[name] = narrowed(v)
	}
	return got, nil
}

// narrowed returns a copy of the elements.
func narrowed(t *tensor.Dense) []float32 {
	if t.Dtype() == tensor.Float64 {
		var out []float32
		for _, x := range t.Float64s() {
			out = append(out, float32(x))
		}
		return out
	}
	return slices.Clone(t.Float32s())
}

// sameKernels reports whether a program computes what it computes as the program without passes does: nothing has gone into filters, and every node that
// both have uses the same algorithm.
func sameKernels(p, plain *vm.Program, batch int) (bool, error) {
	for _, pass := range p.Passes() {
		if _, made := pass.Changes(); pass.Name == "norm" && len(made) > 0 {
			return false, nil
		}
	}
	a, err := p.Algorithms(batch)
	if err != nil {
		return false, err
	}
	b, err := plain.Algorithms(batch)
	if err != nil {
		return false, err
	}
	maps.DeleteFunc(b, func(n *graph.Node, _ string) bool { return a[n] == "" })
	return maps.Equal(a, b), nil
}

// relL2 is ‖got − want‖₂/‖want‖₂; 0 for equal values.
func relL2(got, want []float32) float64 {
	diff, norm := 0.0, 0.0
	for i, w := range want {
		diff += math.Pow(float64(got[i])-float64(w), 2)
		norm += math.Pow(float64(w), 2)
	}
	if diff == 0 {
		return 0
	}
	return math.Sqrt(diff / norm)
}

const networkClasses = 5

// A network is a random graph of 5 to 40 ops with a loss, its gradients, and steps for some of its parameters.
type network struct {
	g         *graph.Graph
	x, labels *graph.Value
	outs      []*graph.Value
	forward   int // ops without those of the gradient
	trains    int // nothing, half or all
	rng       *rand.Rand
	images    []*graph.Value // [N,C,H,W]
	rows      []*graph.Value // [N,F]
	params    []*graph.Value
}

// How much of a network is trained; of what is frozen factors go into filters.
const (
	nothing = iota
	half
	all
)

func newNetwork(seed uint64) *network {
	rng := rand.New(rand.NewPCG(seed, 17))
	n := &network{g: graph.New(fmt.Sprint("network ", seed)), rng: rng, trains: rng.IntN(3)}
	c, size := 1+rng.IntN(6), 5+rng.IntN(6)
	if rng.IntN(8) == 0 { // enough for Winograd's and Fourier's transforms
		c, size = 16, 16
	}
	n.x = n.g.Input("x", graph.Of(graph.Float32, graph.Batch, c, size, size+rng.IntN(2)))
	n.labels = n.g.Input("labels", graph.Of(graph.Int32, graph.Batch))
	n.images = []*graph.Value{n.x}
	before := len(n.g.Nodes())
	for want := 1 + rng.IntN(18); n.ops(before) < want; {
		blocks[rng.IntN(len(blocks))].add(n)
	}
	h := n.head()
	loss := ops.SoftmaxCrossEntropy(h, n.labels, ops.CrossEntropy{})
	if rng.IntN(3) == 0 {
		loss = ops.Add(loss, ops.L2(0.01, n.params[:min(2, len(n.params))]...))
	}
	n.forward = n.ops(before)
	n.outs = []*graph.Value{loss, h}
	trained := n.params
	switch n.trains {
	case nothing:
		trained = nil
	case half:
		trained = trained[len(trained)/2:]
	}
	// ∂x, too, so that the first layers have all of their gradients.
	grads := autodiff.Gradients(loss, append([]*graph.Value{n.x}, trained...)...)
	n.outs = append(n.outs, grads[0])
	for i, p := range trained {
		n.train(p, grads[1+i])
	}
	for range rng.IntN(3) { // results in the midst of what would be fused
		n.outs = append(n.outs, n.image())
	}
	return n
}

// ops is how many ops there are from a node on, sources apart.
func (n *network) ops(from int) (count int) {
	for _, node := range n.g.Nodes()[from:] {
		if !node.IsSource() {
			count++
		}
	}
	return count
}

// train returns a gradient, makes a step, or both.
func (n *network) train(p, grad *graph.Value) {
	kind := n.rng.IntN(6)
	if kind < 2 {
		n.outs = append(n.outs, grad)
	}
	switch kind {
	case 1, 2: // plain
		n.g.Update(p, ops.Sub(p, ops.Scale(grad, 0.1)))
	case 3, 4: // momentum
		v := n.g.Buffer(p.Node().Op.(graph.ParamOp).Label+"/v", p.Type(), graph.Zeros())
		next := ops.Add(ops.Scale(v, 0.9), grad)
		n.g.Update(v, next)
		n.g.Update(p, ops.Sub(p, ops.Scale(next, 0.1)))
	case 5:
		n.outs = append(n.outs, grad)
	}
}

// head returns logits.
func (n *network) head() *graph.Value {
	h := ops.Flatten(n.image())
	if len(n.rows) > 0 && n.rng.IntN(2) == 0 {
		h = ops.Concat(1, h, n.row())
	}
	return ops.Linear(h, n.weights(networkClasses, h.Shape()[1]), n.param(graph.Uniform(-0.1, 0.1), networkClasses))
}

// image and row return one of the values, of the last ones more often, so that chains become long, and others have several readers.
func (n *network) image() *graph.Value { return n.pick(n.images) }
func (n *network) row() *graph.Value   { return n.pick(n.rows) }

func (n *network) pick(v []*graph.Value) *graph.Value {
	if n.rng.IntN(3) > 0 {
		return v[len(v)-1]
	}
	return v[n.rng.IntN(len(v))]
}

func (n *network) param(init graph.Init, shape ...int) *graph.Value {
	p := n.g.Param(fmt.Sprint("p", len(n.params)), graph.Of(graph.Float32, shape...), init)
	n.params = append(n.params, p)
	return p
}

// weights are a parameter which neither lets results grow nor vanish.
func (n *network) weights(shape ...int) *graph.Value {
	return n.param(graph.Normal(0, 1/math.Sqrt(float64(graph.Shape(shape[1:]).Size()))), shape...)
}

// A block is a kind of piece that networks are made of.
type block struct {
	name string
	add  func(n *network)
}

// unary are what a value alone goes through; none of them makes values grow.
var unary = []func(*graph.Value) *graph.Value{
	ops.ReLU, ops.ReLU, ops.Tanh, ops.Sigmoid, ops.SiLU, ops.Neg, ops.Abs,
	func(x *graph.Value) *graph.Value { return ops.LeakyReLU(x, 0.1) },
	func(x *graph.Value) *graph.Value { return ops.Scale(x, 0.5) },
	func(x *graph.Value) *graph.Value { return ops.AddScalar(x, 0.25) },
	func(x *graph.Value) *graph.Value { return ops.Clip(x, -1, 1.5) },
	func(x *graph.Value) *graph.Value { return ops.Tanh(ops.Square(x)) },
}

var blocks = []block{
	{"convolution", func(n *network) { n.images = append(n.images, n.convolution(n.image())) }},
	{"convolution", func(n *network) {
		x := n.convolution(n.image())
		n.images = append(n.images, x, unary[n.rng.IntN(len(unary))](x))
	}},
	{"pool", func(n *network) {
		x := n.image()
		p := ops.Pool{Size: [2]int{2, 2}, Stride: [2]int{1 + n.rng.IntN(2), 1 + n.rng.IntN(2)}, Round: ops.Floor}
		if min(x.Shape()[2], x.Shape()[3]) < 3 {
			return
		}
		if n.rng.IntN(2) == 0 {
			n.images = append(n.images, ops.MaxPool2D(x, p))
		} else {
			n.images = append(n.images, ops.AvgPool2D(x, p))
		}
	}},
	{"batch norm", func(n *network) { n.images = append(n.images, n.norm(n.image())) }},
	{"convolution, batch norm, activation", func(n *network) { n.images = append(n.images, ops.ReLU(n.norm(n.convolution(n.image())))) }},
	{"inception", func(n *network) { // branches of a value, side by side
		x := n.image()
		n.images = append(n.images, ops.ReLU(ops.Concat(1, n.norm(ops.Conv2D(x, n.weights(3, x.Shape()[1], 1, 1), ops.Conv{})), ops.Tanh(x))))
	}},
	{"unary", func(n *network) { n.images = append(n.images, unary[n.rng.IntN(len(unary))](n.image())) }},
	{"unary of rows", func(n *network) {
		if len(n.rows) > 0 {
			n.rows = append(n.rows, unary[n.rng.IntN(len(unary))](n.row()))
		}
	}},
	{"residual", func(n *network) {
		x := n.image()
		for _, y := range slices.Backward(n.images[:len(n.images)-1]) {
			if y != x && y.Shape().Equal(x.Shape()) {
				n.images = append(n.images, unary[n.rng.IntN(len(unary))](ops.Add(x, y)))
				return
			}
		}
		n.images = append(n.images, ops.Add(ops.Tanh(ops.Scale(x, 0.5)), x))
	}},
	{"channel", func(n *network) { // a factor and a sum for each channel
		x := n.image()
		c := x.Shape()[1]
		y := ops.Mul(x, ops.Reshape(n.param(graph.Uniform(0.5, 1), c), 1, c, 1, 1))
		if n.rng.IntN(2) == 0 {
			y = ops.Add(y, n.param(graph.Uniform(-1, 1), 1, c, 1, 1))
		}
		n.images = append(n.images, y)
	}},
	{"gate", func(n *network) { // squeeze and excitation: a reduction that is broadcast again
		x := n.image()
		c := x.Shape()[1]
		s := ops.Sigmoid(ops.MatMul(ops.Mean(x, 2, 3), n.weights(c, c)))
		n.rows = append(n.rows, s)
		n.images = append(n.images, ops.Mul(x, ops.Reshape(s, graph.Batch, c, 1, 1)))
	}},
	{"reduction", func(n *network) {
		x := n.image()
		switch n.rng.IntN(4) {
		case 0:
			n.rows = append(n.rows, ops.Max(x, 2, 3))
		case 1:
			n.images = append(n.images, ops.Sub(x, ops.MeanKeep(x, 0, 2, 3)))
		case 2:
			n.images = append(n.images, ops.Tanh(ops.Add(x, ops.SumKeep(ops.Scale(x, 0.1), 1))))
		case 3:
			n.rows = append(n.rows, ops.Tanh(ops.Sum(x, 1, 3)))
		}
	}},
	{"concat", func(n *network) {
		x := n.image()
		for _, y := range slices.Backward(n.images) {
			if y.Shape()[2] == x.Shape()[2] && y.Shape()[3] == x.Shape()[3] && y.Shape()[1]+x.Shape()[1] <= 24 {
				n.images = append(n.images, ops.Concat(1, x, y))
				return
			}
		}
	}},
	{"slice", func(n *network) {
		x := n.image()
		axis := 1 + n.rng.IntN(3)
		if extent := x.Shape()[axis]; extent > 3 {
			lo := n.rng.IntN(2)
			n.images = append(n.images, ops.Slice(x, axis, lo, extent-n.rng.IntN(2)))
		}
	}},
	{"transpose", func(n *network) { n.images = append(n.images, ops.Transpose(n.image(), 0, 1, 3, 2)) }},
	{"reshape", func(n *network) {
		x := n.image()
		s := x.Shape()
		y := ops.Tanh(ops.Reshape(x, graph.Batch, s[1], s[2]*s[3]))
		n.images = append(n.images, ops.Reshape(y, graph.Batch, s[1], s[3], s[2]))
	}},
	{"flatten", func(n *network) { n.rows = append(n.rows, ops.Flatten(n.image())) }},
	{"dense", func(n *network) {
		if len(n.rows) == 0 {
			n.rows = append(n.rows, ops.Flatten(n.image()))
		}
		x, k := n.row(), 3+n.rng.IntN(8)
		n.rows = append(n.rows, ops.ReLU(ops.Linear(x, n.weights(k, x.Shape()[1]), n.param(graph.Uniform(-1, 1), k))))
	}},
	{"softmax", func(n *network) {
		if len(n.rows) > 0 && n.rng.IntN(2) == 0 {
			n.rows = append(n.rows, ops.Softmax(n.row(), 1))
		} else {
			n.images = append(n.images, ops.Softmax(n.image(), 1))
		}
	}},
	{"twice", func(n *network) { // the same op on the same value, to be merged
		x := n.image()
		f := unary[n.rng.IntN(len(unary))]
		n.images = append(n.images, ops.Sub(ops.Tanh(f(x)), ops.Scale(f(x), 0.5)))
	}},
	{"constant", func(n *network) { // to be folded
		x := n.image()
		c := graph.Const(n.g, graph.Shape{1, 1, 1, 2}, float32(0.5), 0.75)
		n.images = append(n.images, ops.Mul(x, ops.Mean(ops.Exp(ops.Neg(c)))))
	}},
	{"unread", func(n *network) { ops.Tanh(ops.Exp(n.image())) }},
}

// convolution returns one of x.
func (n *network) convolution(x *graph.Value) *graph.Value {
	s := x.Shape()
	k, r := 1+n.rng.IntN(8), []int{1, 3, 3, 5}[n.rng.IntN(4)]
	if s[1] == 16 {
		k = 16
	}
	c := ops.Conv{Pad: [4]int{r / 2, r / 2, r / 2, r / 2}}
	if n.rng.IntN(4) == 0 && min(s[2], s[3]) > 4 {
		c.Stride, c.Round = [2]int{2, 2}, ops.Floor
	}
	per := s[1]
	if n.rng.IntN(5) == 0 { // depthwise
		c.Groups, k, per = s[1], s[1], 1
	}
	w := n.weights(k, per, r, r)
	if n.rng.IntN(2) == 0 {
		return ops.Conv2D(x, w, c)
	}
	return ops.Conv2DBias(x, w, n.param(graph.Uniform(-0.5, 0.5), k), c)
}

// norm normalises x by the statistics of the batch, or by those of buffers.
func (n *network) norm(x *graph.Value) *graph.Value {
	c := x.Shape()[1]
	gamma, beta := n.param(graph.Uniform(0.5, 1.5), c), n.param(graph.Uniform(-0.5, 0.5), c)
	name := fmt.Sprint("n", len(n.params))
	mean := n.g.Buffer(name+"/mean", graph.Of(graph.Float32, c), graph.Uniform(-0.5, 0.5))
	variance := n.g.Buffer(name+"/var", graph.Of(graph.Float32, c), graph.Uniform(0.5, 1.5))
	if n.trains == nothing && n.rng.IntN(4) > 0 || n.rng.IntN(3) == 0 {
		return ops.BatchNormInfer(x, gamma, beta, mean, variance, 1e-5)
	}
	y, m, v := ops.BatchNorm(x, gamma, beta, 0.1)
	if n.rng.IntN(2) == 0 {
		nextMean, nextVar := ops.RunningStats(x, m, v, mean, variance, 0.1)
		n.g.Update(mean, nextMean)
		n.g.Update(variance, nextVar)
	}
	return y
}

// The generator must reach every op and every pass that the test above is about, or it proves less than it says.
func TestRandomNetworksReachAllPasses(t *testing.T) {
	changed, found := map[string]int{}, map[string]int{}
	for seed := range uint64(200) {
		n := newNetwork(seed)
		if n.forward < 5 || n.forward > 40 {
			t.Errorf("seed %d: %d ops, want 5 to 40", seed, n.forward)
		}
		for _, node := range n.g.Nodes() {
			found[node.Op.Name()]++
		}
		p, err := vm.Compile(n.g, n.outs)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, pass := range p.Passes() {
			if gone, made := pass.Changes(); len(gone)+len(made) > 0 {
				changed[pass.Name]++
			}
		}
	}
	for _, pass := range []string{"prune", "fold", "cse", "norm", "fuse", "step", "then"} {
		if changed[pass] < 10 {
			t.Errorf("pass %s changes %d of 200 networks", pass, changed[pass])
		}
	}
	for _, op := range strings.Fields(`Add Sub Mul Div ReLU Tanh Sigmoid Abs Clip Exp Scale AddScalar BroadcastTo Sum Mean Max Conv2D Conv2DInputGrad Conv2DFilterGrad
		MaxPool2D AvgPool2D BatchNorm BatchNormGrad Concat Slice Reshape Transpose Flatten MatMul Softmax SoftmaxCrossEntropy`) {
		if found[op] < 5 {
			t.Errorf("op %s occurs %d times in 200 networks", op, found[op])
		}
	}
}
