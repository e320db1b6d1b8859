package graph_test

import (
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/graph"
	"neocog/ops"
)

func TestParseErrorsNameTheLine(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"empty":                 {"", `the text is empty, want a line such as graph "name" first`},
		"comments only":         {"// a\n\n", `the text is empty, want a line such as graph "name" first`},
		"no header":             {"\n%0 = Input \"x\" f32[]", `line 2: "%0 = Input \"x\" f32[]" is no header, want graph "name"`},
		"header without quotes": {"graph lenet", `line 1: "graph lenet" is no header, want graph "name"`},
		"no node":               {"graph \"g\"\nhello", `line 2: "hello" is no node, want something like %2 = ReLU %1 f32[N,10]`},
		"unknown op":            {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Sam %0 f32[]", `line 3: unknown op "test.Sam", did you mean test.Same or test.Bad or test.Split? known: test.Every, test.Same, test.Split, test.Bad`},
		"unquoted name":         {"graph \"g\"\n%0 = Input x f32[]", "line 2: Input has no quoted name"},
		"missing name":          {"graph \"g\"\n%0 = Input", "line 2: Input has no quoted name"},
		"source with attribute": {"graph \"g\"\n%0 = Input{A:1} \"x\" f32[]", "line 2: Input has no attributes"},
		"source with input":     {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = Const (1) %0 f32[]", "line 3: Const: want one result and no input"},
		"empty name":            {"graph \"g\"\n%0 = Input \"\" f32[]", "line 2: Input: the name is empty"},
		"name taken":            {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = Buffer \"x\" constant(0) f32[]", `line 3: Buffer: the name is taken by Input "x"`},
		"no initialiser":        {"graph \"g\"\n%0 = Param \"x\" f32[]", `line 2: "f32[]" is no initialiser, want something like normal(0,0.1)`},
		"unknown initialiser":   {"graph \"g\"\n%0 = Param \"x\" magic(1) f32[]", `line 2: "magic(1)" is no initialiser, want constant(v), normal(mean,std), uniform(lo,hi), orthogonal(gain) or key()`},
		"initialiser arity":     {"graph \"g\"\n%0 = Param \"x\" normal(1) f32[]", `line 2: "normal(1)" is no initialiser, want constant(v), normal(mean,std), uniform(lo,hi), orthogonal(gain) or key()`},
		"initialiser number":    {"graph \"g\"\n%0 = Param \"x\" normal(1,b) f32[]", `line 2: "b" is no number in initialiser "normal(1,b)"`},
		"initialiser type":      {"graph \"g\"\n%0 = Param \"x\" normal(0,1) i32[2]", `line 2: Param: normal(0,1) fills floats, the type is i32[2]`},
		"symbolic parameter":    {"graph \"g\"\n%0 = Param \"x\" normal(0,1) f32[N]", `line 2: Param: type f32[N] has a symbolic dimension; what is stored has a fixed shape`},
		"key":                   {"graph \"g\"\n%0 = Buffer \"k\" key() i64[3]", `line 2: Buffer: key() fills an i64[2], the type is i64[3]`},
		"orthogonal":            {"graph \"g\"\n%0 = Param \"k\" orthogonal(1) f32[3]", `line 2: Param: orthogonal(1) fills floats of two or more dimensions, the type is f32[3]`},
		"no type":               {"graph \"g\"\n%0 = Input \"x\"", `line 2: "" is no type, want something like f32[N,3,32,32]`},
		"element type":          {"graph \"g\"\n%0 = Input \"x\" f16[3]", `line 2: unknown element type "f16", want f32, f64, i32, i64 or bool`},
		"extent":                {"graph \"g\"\n%0 = Input \"x\" f32[3,-2]", `line 2: "-2" is no extent, want N or a number of at least 0`},
		"rank":                  {"graph \"g\"\n%0 = Input \"x\" f32[1,1,1,1,1,1,1,1,1]", `line 2: shape [1,1,1,1,1,1,1,1,1] has 9 dimensions, the most is 8`},
		"huge":                  {"graph \"g\"\n%0 = Input \"x\" f32[4611686018427387904,2]", `line 2: shape [4611686018427387904,2] holds more elements than can be counted`},
		"undefined operand":     {"graph \"g\"\n%0 = test.Same %1 f32[]", `line 2: %1 is used before it is defined`},
		"wrong number":          {"graph \"g\"\n%3 = Input \"x\" f32[]", `line 2: result %3, want %0: results are numbered in order`},
		"result count":          {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Split %0 f32[]", `line 3: test.Split: the line has 1 results, the op 2`},
		"lying type":            {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Same %0 f32[1]", `line 3: test.Same: result 0 is f32[1] by the text, f32[] by inference`},
		"inference":             {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Bad{How:\"error\"} %0 f32[]", `line 3: test.Bad: never satisfied`},
		"panicking inference":   {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Bad{How:\"panic\"} %0 f32[]", `line 3: test.Bad: its Infer panicked: oh no`},
		"attribute name":        {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Color:1} %0 f32[]", `line 3: test.Every has no attribute "Color"`},
		"attribute form":        {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Int} %0 f32[]", `line 3: attribute "Int" of test.Every has no value, want Name:value`},
		"attribute range":       {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Int8:128} %0 f32[]", `line 3: attribute Int8 of test.Every: "128" is no int8`},
		"attribute kind":        {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Flag:maybe} %0 f32[]", `line 3: attribute Flag of test.Every: "maybe" is no bool`},
		"attribute length":      {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Pair:[1 2 3]} %0 f32[]", `line 3: attribute Pair of test.Every: [1 2 3] has 3 elements, want 2`},
		"attribute list":        {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Pair:7} %0 f32[]", `line 3: attribute Pair of test.Every: "7" is no list`},
		"attribute dtype":       {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{DType:f8} %0 f32[]", `line 3: attribute DType of test.Every: unknown element type "f8", want f32, f64, i32, i64 or bool`},
		"open brace":            {"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Int:1 %0 f32[]", `line 3: attribute "%0" of test.Every has no value, want Name:value`},
		"constant count":        {"graph \"g\"\n%0 = Const (1 2) f32[3]", `line 2: Const: the constant has 2 elements, type f32[3] wants 3`},
		"constant number":       {"graph \"g\"\n%0 = Const (1 x) f32[2]", `line 2: Const: "x" is no f32`},
		"constant missing":      {"graph \"g\"\n%0 = Const f32[2] f32[2]", `line 2: Const: the constant has no elements, want them as (1 2 3) or base64(…)`},
		// Integers were read as floats, and cut off.
		"constant fraction":   {"graph \"g\"\n%0 = Const (1.5) i32[1]", `line 2: Const: "1.5" is no i32`},
		"constant overflow":   {"graph \"g\"\n%0 = Const (3000000000) i32[1]", `line 2: Const: "3000000000" is no i32`},
		"constant bool":       {"graph \"g\"\n%0 = Const (2) bool[1]", `line 2: Const: "2" is no bool`},
		"constant base64":     {"graph \"g\"\n%0 = Const base64(!) f32[1]", `line 2: Const: the constant's base64 is damaged: illegal base64 data at input byte 0`},
		"constant bytes":      {"graph \"g\"\n%0 = Const base64(AAAA) f32[1]", `line 2: Const: the constant has 3 bytes, type f32[1] wants 4`},
		"constant bool bytes": {"graph \"g\"\n%0 = Const base64(AgAA) bool[3]", `line 2: Const: the constant has bytes other than 0 and 1, type bool wants those`},
		"symbolic constant":   {"graph \"g\"\n%0 = Const (1) f32[N]", `line 2: Const: shape [N] has a symbolic dimension; a constant has a fixed shape`},
		"origin":              {"graph \"g\"\n%0 = Input \"x\" f32[] ∂%4", `line 2: %4 is used before it is defined`},
		"scope":               {"graph \"g\"\n%0 = Input \"x\" f32[] \"open", `line 2: the scope is not quoted well`},
		"update form":         {"graph \"g\"\nupdate %0", `line 2: "%0" is no update, want update %1 = %2`},
		"update undefined":    {"graph \"g\"\n%0 = Param \"p\" constant(0) f32[]\nupdate %0 = %1", `line 3: %1 is used before it is defined`},
		"update of input":     {"graph \"g\"\n%0 = Input \"p\" f32[]\nupdate %0 = %0", `line 3: %0 is no parameter or buffer`},
		"update twice":        {"graph \"g\"\n%0 = Param \"p\" constant(0) f32[]\nupdate %0 = %0\nupdate %0 = %0", `line 4: the parameter has an update already, to %0`},
		"update type":         {"graph \"g\"\n%0 = Param \"p\" constant(0) f32[]\n%1 = Const (1) f32[1]\nupdate %0 = %1", `line 4: the parameter is f32[], its next value f32[1]`},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := graph.Parse(c.src, testOps...)
			if err == nil {
				t.Fatalf("parsed as\n%v\nwant the error %s", g, c.want)
			}
			if err.Error() != c.want {
				t.Errorf("error\n%s\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestParseIgnoresLayout(t *testing.T) {
	g, err := graph.Parse("// a graph\n\n  graph   \"g\"  \r\n\t%0 =   Input    \"x\"   f32[N]    \n// and\n%1 = test.Same   %0  %0 f32[N]  lenet.go:3   \n", testOps...)
	if err != nil {
		t.Fatal(err)
	}
	want := "graph \"g\"\n%0 = Input \"x\"        f32[N]\n%1 = test.Same %0 %0  f32[N]  lenet.go:3\n"
	if g.String() != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
}

// seeds are texts which FuzzParse starts from.
func seeds() []string {
	g := graph.New("net")
	x := g.Input("x", f32(graph.Batch, 1, 6, 6))
	var y *graph.Value
	g.Scope("conv1", func() {
		y = ops.ReLU(ops.Conv2D(x, g.Param("w", f32(2, 1, 3, 3), graph.Normal(0, 0.1)), ops.Conv{Stride: [2]int{1, 1}}))
	})
	w := g.Param("fc/w", f32(3, 32), graph.Orthogonal(1))
	loss := ops.Mean(ops.Linear(ops.Flatten(y), w, g.Param("fc/b", f32(3), graph.Zeros())))
	d := autodiff.Gradients(loss, w)
	g.Update(w, ops.Sub(w, ops.Scale(d[0], 0.1)))
	return []string{
		g.String(),
		"graph \"g\"\n%0 = Const (1 -0 NaN +Inf) f64[4]\n%1 = Const base64(AAAAAAAAAAA=) i32[2]\n%2 = Const (0 1) bool[2] ∂%1 \"\" ∂.go:1\n",
		"graph \"g\"\n%0 = Buffer \"k\" key() i64[2]\n%1 %2 = test.Split %0 i64[2] i64[]\nupdate %0 = %1\n",
		"graph \"g\"\n%0 = Input \"x\" f32[]\n%1 = test.Every{Flag:true Text:\"a } b\" Grid:[[1 2] [3 4]] Dims:[0 -1] DType:i64} %0 f32[] \"a b\" x.go:1\n",
	}
}

// FuzzParse: no text makes Parse panic, and what it reads it prints, and reads
// again as the same.
func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	known := append(ops.All(), testOps...)
	f.Fuzz(func(t *testing.T, src string) {
		g, err := graph.Parse(src, known...)
		if err != nil {
			if s := err.Error(); !strings.HasPrefix(s, "line ") && !strings.HasPrefix(s, "the text is empty") {
				t.Errorf("the error names no line: %s", s)
			}
			return
		}
		if err := g.Check(); err != nil {
			t.Fatal(err)
		}
		text := g.String()
		back, err := graph.Parse(text, known...)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if again := back.String(); again != text {
			t.Fatalf("\n%s\nbecomes\n%s", text, again)
		}
		compare(t, g, back)
	})
}
