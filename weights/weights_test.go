package weights_test

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"
	"gorgonia.org/tensor"

	"neocog/graph"
	"neocog/vm"
	"neocog/weights"
)

// samples are tensors of every element type, shapes that are easily got wrong, and numbers with bits of their own.
func samples() map[string]*tensor.Dense {
	nan := math.Float32frombits(0x7fc12345)
	of := func(backing any, shape ...int) *tensor.Dense {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
	}
	return map[string]*tensor.Dense{
		"conv1/w":  of([]float32{1, -2.5, nan, float32(math.Copysign(0, -1)), 1e-45, float32(math.Inf(-1))}, 2, 1, 3),
		"double":   of([]float64{math.Pi, math.Float64frombits(0x7ff8000000000123)}, 2),
		"ints":     of([]int32{math.MinInt32, 7}, 1, 2),
		"counts":   of([]int64{math.MaxInt64, -1, 0}, 3, 1),
		"flags":    of([]bool{true, false, true, true}, 2, 2),
		"scalar":   of([]float32{3}),
		"empty":    of([]float32{}, 0, 4),
		"größe/γ":  of([]float32{8}, 1),
		"a \"b\"'": of([]float32{9}, 1, 1),
	}
}

// bits returns type and elements of d as a NumPy file, in which equal bits are equal bytes.
func bits(t testing.TB, d *tensor.Dense) string {
	t.Helper()
	var b bytes.Buffer
	if err := weights.WriteNPY(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func same(t testing.TB, got, want map[string]*tensor.Dense) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d tensors, want %d", len(got), len(want))
	}
	for name, d := range want {
		if got[name] == nil {
			t.Errorf("%q is missing", name)
		} else if g, w := bits(t, got[name]), bits(t, d); g != w {
			t.Errorf("%q is %q, want %q", name, g, w)
		}
	}
}

// What was written and read is the same, bit for bit, and written again the same bytes.
func TestRoundTrips(t *testing.T) {
	dir := t.TempDir()
	f := &weights.File{Tensors: samples(), Meta: map[string]string{"epoch": "7", "note": "a\nb"}}
	for _, name := range []string{"w.safetensors", "w.npz", "W.NPZ"} {
		path := filepath.Join(dir, name)
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
		back, err := weights.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, back.Tensors, f.Tensors)
		if name == "w.safetensors" && (back.Meta["epoch"] != "7" || back.Meta["note"] != "a\nb" || !back.Ours()) {
			t.Errorf("metadata %q", back.Meta)
		}
		first, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := back.Write(path); err != nil {
			t.Fatal(err)
		}
		if again, _ := os.ReadFile(path); !bytes.Equal(first, again) {
			t.Errorf("%s: written again it is another file", name)
		}
	}
	for name, d := range f.Tensors {
		one := &weights.File{Tensors: map[string]*tensor.Dense{name: d}}
		path := filepath.Join(dir, "one.npy")
		if err := one.Write(path); err != nil {
			t.Fatal(err)
		}
		back, err := weights.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, back.Tensors, map[string]*tensor.Dense{"one": d})
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 4 {
		t.Errorf("the folder holds %v (%v), want four files", list, err)
	}
}

// A view is written as the elements that it shows.
func TestViewsAreWrittenAsTheyLook(t *testing.T) {
	d := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float32{1, 2, 3, 4, 5, 6}))
	column, err := d.Slice(nil, tensor.S(1))
	if err != nil {
		t.Fatal(err)
	}
	turned := d.Clone().(*tensor.Dense)
	if err := turned.T(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		d    *tensor.Dense
		want *tensor.Dense
	}{
		{"column", column.(*tensor.Dense), tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{2, 5}))},
		{"transposed", turned, tensor.New(tensor.WithShape(3, 2), tensor.WithBacking([]float32{1, 4, 2, 5, 3, 6}))},
		{"int", tensor.New(tensor.WithShape(2), tensor.WithBacking([]int{5, -6})), tensor.New(tensor.WithShape(2), tensor.WithBacking([]int64{5, -6}))},
	} {
		if bits(t, c.d) != bits(t, c.want) {
			t.Errorf("%s is not written as it looks", c.name)
		}
		var b bytes.Buffer
		if err := (&weights.File{Tensors: map[string]*tensor.Dense{"x": c.d}}).WriteSafetensors(&b); err != nil {
			t.Fatal(err)
		}
		back, err := weights.Decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		same(t, back.Tensors, map[string]*tensor.Dense{"x": c.want})
	}
}

// Another implementation of the format reads what we write, and we what it writes, halves too.
func TestOtherSafetensors(t *testing.T) {
	var b bytes.Buffer
	f := &weights.File{Tensors: samples()}
	if err := f.WriteSafetensors(&b); err != nil {
		t.Fatal(err)
	}
	st, err := safetensors.Deserialize(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if st.Len() != len(f.Tensors) {
		t.Errorf("it finds %d tensors, want %d", st.Len(), len(f.Tensors))
	}
	if v, ok := st.Tensor("counts"); !ok || v.DType() != safetensors.I64 || !reflect.DeepEqual(v.Shape(), []uint64{3, 1}) || string(v.Data()[:8]) != "\xff\xff\xff\xff\xff\xff\xff\x7f" {
		t.Errorf("it reads counts as %v", v)
	}
	views := map[string]safetensors.TensorView{}
	for name, v := range map[string]struct {
		d    safetensors.DType
		data string
	}{
		"f16":  {safetensors.F16, "\x00\x3c\x00\xc1\x01\x00"},  // 1, -2.5, 2⁻²⁴
		"bf16": {safetensors.BF16, "\x80\x3f\x20\xc0\x80\x7f"}, // 1, -2.5, ∞
	} {
		if views[name], err = safetensors.NewTensorView(v.d, []uint64{3}, []byte(v.data)); err != nil {
			t.Fatal(err)
		}
	}
	file, err := safetensors.Serialize(views, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	back, err := weights.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	of := func(v ...float32) *tensor.Dense { return tensor.New(tensor.WithShape(3), tensor.WithBacking(v)) }
	same(t, back.Tensors, map[string]*tensor.Dense{"f16": of(1, -2.5, 0x1p-24), "bf16": of(1, -2.5, float32(math.Inf(1)))})
	if back.Ours() || back.Meta["format"] != "pt" {
		t.Errorf("metadata %q", back.Meta)
	}
}

// network returns a graph with a weight and a bias.
func network() []*graph.Value {
	g := graph.New("g")
	return []*graph.Value{
		g.Param("conv1/w", graph.Of(graph.Float32, 2, 3), graph.Constant(1)),
		g.Param("conv1/b", graph.Of(graph.Float64, 2), graph.Zeros()),
		g.Buffer("steps", graph.Of(graph.Int64), graph.Zeros()),
	}
}

func TestSaveAndLoad(t *testing.T) {
	params := network()
	from := vm.NewState(1)
	if err := from.Init(params...); err != nil {
		t.Fatal(err)
	}
	if err := from.Set("conv1/b", tensor.New(tensor.WithShape(2), tensor.WithBacking([]float64{math.Pi, -1}))); err != nil {
		t.Fatal(err)
	}
	for _, ext := range []string{".safetensors", ".npz"} {
		path := filepath.Join(t.TempDir(), "w"+ext)
		if err := weights.Save(path, from, params); err != nil {
			t.Fatal(err)
		}
		to := vm.NewState(2)
		if err := weights.Load(path, to, params); err != nil {
			t.Fatal(err)
		}
		want, _ := weights.Of(from, params)
		got, err := weights.Of(to, params)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got.Tensors, want.Tensors)
	}
}

// Floats are rounded to the precision of the parameter.
func TestIntoRoundsFloats(t *testing.T) {
	s := vm.NewState(0)
	f := &weights.File{Tensors: map[string]*tensor.Dense{
		"conv1/w": tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{1 + 0x1p-24, 1 + 0x1p-23 + 0x1p-24, 1e300, 0, 5, 6})),
		"conv1/b": tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{0.1, 2})),
		"steps":   tensor.New(tensor.WithBacking([]int64{3}), tensor.WithShape()),
	}}
	if err := f.Into(s, network()); err != nil {
		t.Fatal(err)
	}
	w, _ := s.Get("conv1/w")
	if got, want := w.Float32s(), []float32{1, 1 + 0x1p-22, float32(math.Inf(1)), 0, 5, 6}; !reflect.DeepEqual(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	b, _ := s.Get("conv1/b")
	if got, want := b.Float64s(), []float64{float64(float32(0.1)), 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("biases %v, want %v", got, want)
	}
}

// What does not fit is told by name, and changes nothing.
// An archive must not lead whoever unpacks it out of its folder.
func TestNPZNamesStayInside(t *testing.T) {
	for name, ok := range map[string]bool{"conv1/w": true, "a.b-c_d": true, "../x": false, "a/../../x": false, "/x": false, `a\..\x`: false} {
		f := &weights.File{Tensors: map[string]*tensor.Dense{name: tensor.New(tensor.WithShape(1), tensor.WithBacking([]float32{1}))}}
		if err := f.WriteNPZ(io.Discard); (err == nil) != ok || !ok && !strings.Contains(err.Error(), "outside its folder") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Nothing has a type, too.
func TestEmptyTensorsKeepTheirType(t *testing.T) {
	var b bytes.Buffer
	f := &weights.File{Tensors: map[string]*tensor.Dense{"x": tensor.New(tensor.WithShape(0), tensor.Of(tensor.Float64))}}
	if err := f.WriteNPZ(&b); err != nil {
		t.Fatal(err)
	}
	back, err := weights.Decode(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Tensors["x"]; got.Dtype() != tensor.Float64 || got.Shape().TotalSize() != 0 {
		t.Errorf("it came back as %v %v", got.Dtype(), got.Shape())
	}
}

func TestMisfits(t *testing.T) {
	of := func(backing any, shape ...int) *tensor.Dense {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
	}
	good := func() map[string]*tensor.Dense {
		return map[string]*tensor.Dense{"conv1/w": of(make([]float32, 6), 2, 3), "conv1/b": of(make([]float64, 2), 2), "steps": of([]int64{0})}
	}
	for _, c := range []struct {
		name   string
		change func(map[string]*tensor.Dense)
		want   string
	}{
		{"missing", func(m map[string]*tensor.Dense) { delete(m, "steps") }, `it has no "steps", i64[]`},
		{"another name", func(m map[string]*tensor.Dense) { m["conv1.w"] = m["conv1/w"]; delete(m, "conv1/w") },
			`it has no "conv1/w", f32[2,3] (nearest: "conv1.w"); its "conv1.w" is not known (nearest: "conv1/w")`},
		{"transposed", func(m map[string]*tensor.Dense) { m["conv1/w"] = of(make([]float32, 6), 3, 2) }, `its "conv1/w" is f32[3,2], want f32[2,3]`},
		{"integers", func(m map[string]*tensor.Dense) { m["conv1/b"] = of(make([]int32, 2), 2) }, `its "conv1/b" is i32[2], want f64[2]`},
		{"floats for integers", func(m map[string]*tensor.Dense) { m["steps"] = of([]float32{0}) }, `its "steps" is f32[], want i64[]`},
		{"many more", func(m map[string]*tensor.Dense) {
			for _, n := range []string{"u", "v", "x", "y", "z"} {
				m["another/"+n] = of([]float32{0}, 1)
			}
		}, `its "another/u" is not known; its "another/v" is not known; its "another/x" is not known; 2 more are not known`},
	} {
		s := vm.NewState(0)
		params := network()
		if err := s.Init(params...); err != nil {
			t.Fatal(err)
		}
		before, _ := weights.Of(s, params)
		f := &weights.File{Tensors: good()}
		if err := f.Into(vm.NewState(0), params); err != nil {
			t.Fatal(err)
		}
		c.change(f.Tensors)
		err := f.Into(s, params)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
		if _, ok := err.(*weights.Misfit); !ok {
			t.Errorf("%s: a %T, want a *Misfit", c.name, err)
		}
		after, _ := weights.Of(s, params)
		same(t, after.Tensors, before.Tensors)
	}
}

func TestMistakesOfUse(t *testing.T) {
	dir := t.TempDir()
	g := graph.New("g")
	x := g.Input("x", graph.Of(graph.Float32, 1))
	other := vm.NewState(0)
	if err := other.Set("steps", tensor.New(tensor.WithShape(1), tensor.WithBacking([]int64{1}))); err != nil {
		t.Fatal(err)
	}
	_, ofInput := weights.Of(vm.NewState(0), []*graph.Value{x})
	_, ofNothing := weights.Of(vm.NewState(0), network())
	_, dirRead := weights.Read(dir)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"an input":         {ofInput, "is no parameter and no buffer"},
		"an empty state":   {ofNothing, `the state holds no "conv1/w"`},
		"another ending":   {(&weights.File{}).Write("w.pt"), `w.pt: files ending in ".pt" are not known, want .safetensors, .npz, .npy`},
		"many as npy":      {(&weights.File{Tensors: samples()}).Write("w.npy"), "w.npy: an .npy file holds one tensor, there are 9; .npz holds any number"},
		"a folder":         {dirRead, "is no regular file"},
		"no folder":        {(&weights.File{Tensors: samples()}).Write(filepath.Join(dir, "no", "w.npz")), "no such file or directory"},
		"no name":          {(&weights.File{Tensors: map[string]*tensor.Dense{"": samples()["ints"]}}).WriteNPZ(&bytes.Buffer{}), "a tensor has no name"},
		"the metadata":     {(&weights.File{Tensors: map[string]*tensor.Dense{"__metadata__": samples()["ints"]}}).WriteSafetensors(&bytes.Buffer{}), "the place of the metadata"},
		"no UTF-8":         {(&weights.File{Tensors: map[string]*tensor.Dense{"\xff": samples()["ints"]}}).WriteSafetensors(&bytes.Buffer{}), `the name "\xff" is not UTF-8`},
		"nil":              {(&weights.File{Tensors: map[string]*tensor.Dense{"x": nil}}).WriteSafetensors(&bytes.Buffer{}), "the tensor is nil"},
		"bytes":            {weights.WriteNPY(&bytes.Buffer{}, tensor.New(tensor.WithShape(1), tensor.WithBacking([]byte{1}))), "want float32, float64, int32, int64 or bool"},
		"a state of other": {(&weights.File{Tensors: samples()}).Into(other, network()), `value "steps" is i64[1] in the state, i64[] in the graph`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, c.err, c.want)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("the folder holds %v (%v), want nothing", list, err)
	}
}
