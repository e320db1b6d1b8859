package archtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "neocog"

// arrows says what each package may import besides the standard library; it is sorted from the ground up. Paths without
// a dot in their first element are packages of this module, "x/..." is x and everything below, and the first
// row that matches a package is its row. A package without a row is an error: adding one is a decision.
// Tests are free to import more, as long as the compiler finds no cycle.
var arrows = []row{
	// For tests alone.
	{"internal/browser", []string{"github.com/chromedp/..."}},
	{"internal/...", []string{"internal/...", "golang.org/x/sys/..."}},

	// internal/nearest, here and below: the known name that an unknown one was meant to be.
	{"graph", []string{"internal/nearest", "github.com/pkg/errors"}},
	// Geometry alone: it knows boxes and wires, and nothing of networks.
	{"graph/layout", nil},
	// What pictures of all formats show, and the formats.
	{"graph/view", []string{"graph", "graph/layout"}},
	{"graph/svg", []string{"graph", "graph/layout", "graph/view"}},
	{"graph/mermaid", []string{"graph", "graph/view"}},
	{"graph/modelexplorer", []string{"graph", "graph/view"}},
	{"graph/dot", []string{"graph", "graph/view", "github.com/emicklei/dot"}},

	{"vm/kernel", []string{"graph"}},
	{"ops/conv", []string{
		"graph", "vm/kernel", "internal/cpu", "internal/fft", "internal/gemm", "internal/micro", "internal/nearest", "internal/par", "internal/simd",
		"internal/toomcook", "internal/winograd",
	}},
	{"ops/conv/convtest", []string{"graph", "vm/kernel", "ops/conv", "internal/guard", "internal/par"}},
	{"ops", []string{"graph", "vm/kernel", "ops/conv", "internal/..."}},

	{"vm", []string{"graph", "vm/kernel", "ops/conv", "internal/...", "gorgonia.org/tensor", "github.com/pkg/errors"}},
	// vm only for Check, the gradient checker.
	{"autodiff", []string{"graph", "ops", "vm", "vm/kernel", "gorgonia.org/tensor", "github.com/pkg/errors"}},
	{"ops/opstest", []string{"graph", "ops", "vm", "vm/kernel", "autodiff", "gorgonia.org/tensor"}},

	// Algorithms by their measured times; cpuid for the processor's name.
	{"tune", []string{"vm", "ops/conv", "internal/cpu", "github.com/klauspost/cpuid/v2"}},

	{"models/layers", []string{"graph", "ops"}},
	{"models", []string{"graph", "ops", "models/layers", "internal/nearest"}},
	// vm for what a machine measured.
	{"inspect", []string{"graph", "graph/view", "ops", "vm", "vm/kernel"}},
	// vm for the algorithms of a program, and to run a network whose activations are shown; tensor is what it returns.
	{"inspect/page", []string{"graph", "graph/layout", "graph/svg", "graph/view", "inspect", "vm", "gorgonia.org/tensor"}},
	// What the compiler made of a graph, as a page.
	{"inspect/program", []string{"graph", "graph/svg", "graph/view", "inspect", "vm"}},
	{"data", []string{"golang.org/x/image/...", "github.com/pkg/errors"}},
	// The only package that knows a network of wires.
	{"data/download", []string{"data"}},

	// Tensors in files, and what of them belongs to a network.
	{"weights", []string{"graph", "vm", "internal/...", "gorgonia.org/tensor", "github.com/pkg/errors"}},

	{"train", []string{
		"graph/...", "ops/...", "vm/...", "autodiff", "models/...", "data", "tune", "weights", "internal/...",
		"gorgonia.org/tensor", "github.com/pkg/errors", "github.com/goccy/go-yaml",
		"github.com/schollz/progressbar/v3", "github.com/mattn/go-isatty", "golang.org/x/sync/...", "golang.org/x/term",
		"gonum.org/v1/gonum/optimize", "google.golang.org/protobuf/encoding/protowire",
	}},
	// The wire format of protocol buffers, of which onnx alone knows, and train for event files.
	{"onnx/internal/onnxpb", []string{"google.golang.org/protobuf/encoding/protowire"}},
	{"onnx", []string{"graph", "ops", "vm", "onnx/internal/onnxpb", "gorgonia.org/tensor", "github.com/pkg/errors"}},
	// Figures of runs, with gonum's and asciigraph's curves.
	{"inspect/report", []string{"data", "inspect/page", "train", "gonum.org/v1/plot/...", "github.com/guptarohit/asciigraph"}},
	// train for its optimisers, and models as they train, as things to measure.
	// The proof of everything above: what it differentiates is all ops, algorithms and models.
	{"autodiff/gradcheck", []string{"graph", "ops", "ops/conv", "vm", "vm/kernel", "autodiff", "models", "models/layers", "gorgonia.org/tensor"}},
	{"bench", []string{"graph", "graph/view", "ops/...", "vm/...", "inspect", "models/...", "train", "internal/...", "gorgonia.org/tensor"}},
	{"cmd/neocog", []string{"..."}},
	// It builds the framework from nothing, and so uses nothing of it.
	{"docs/tour", nil},
}

type row struct {
	pkg string
	may []string
}

// distances says what a package must not reach, not even through others.
var distances = []distance{
	{
		[]string{"graph", "ops", "ops/conv", "autodiff", "vm", "vm/kernel"},
		[]string{"github.com/spf13/...", "github.com/schollz/...", "golang.org/x/image/...", "github.com/goccy/...", "github.com/nlpodyssey/..."},
		"who imports a network should not pay for a command line",
	},
	{
		[]string{"graph/...", "vm/kernel", "ops", "ops/conv", "models", "models/layers"},
		[]string{"gorgonia.org/..."},
		"tensors are the currency at the door of vm; descriptions and kernels know types and slices",
	},
	{
		[]string{"graph/...", "data", "internal/..."},
		[]string{"vm/...", "ops/...", "autodiff", "models/...", "train"},
		"what everything stands on stands on nothing",
	},
}

type distance struct {
	from, never []string
	why         string
}

func TestArrows(t *testing.T) {
	for _, arch := range arches {
		pkgs := list(t, arch)
		for _, v := range violations(pkgs, arrows) {
			t.Errorf("GOARCH=%s: %s", arch, v)
		}
	}
}

func TestDistances(t *testing.T) {
	for _, arch := range arches {
		pkgs := list(t, arch)
		for _, d := range distances {
			for _, v := range reached(pkgs, d) {
				t.Errorf("GOARCH=%s: %s", arch, v)
			}
		}
	}
}

// The rules must be able to fail.
func TestRulesRefuse(t *testing.T) {
	pkgs := packages{
		"neocog/graph":        {Imports: []string{"fmt", "neocog/vm", "github.com/pkg/errors"}},
		"neocog/vm":           {Imports: []string{"gorgonia.org/tensor"}},
		"neocog/graphics":     {},
		"fmt":                 {Standard: true},
		"gorgonia.org/tensor": {},
	}
	rules := []row{{"graph", []string{"github.com/pkg/errors", "internal/..."}}, {"vm", []string{"..."}}}
	want := []string{
		"graph imports vm; graph may import: standard library, github.com/pkg/errors, internal/...",
		"graphics has no row in the table of arrows",
	}
	if got := violations(pkgs, rules); len(got) != 2 || got[0] != want[0] || !strings.HasPrefix(got[1], want[1]) {
		t.Errorf("violations:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	d := distance{[]string{"graph"}, []string{"gorgonia.org/..."}, "reasons"}
	if got := reached(pkgs, d); !slices.Equal(got, []string{"graph reaches gorgonia.org/tensor: graph → vm → gorgonia.org/tensor; it must not: reasons"}) {
		t.Errorf("reached: %q", got)
	}
}

// arches are the architectures with files of their own, or without.
var arches = []string{"amd64", "arm64"}

type packages map[string]listed

type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// list asks the go command for the packages of this module and all they depend on.
func list(t *testing.T, arch string) packages {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports", module+"/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	pkgs := packages{}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs[p.ImportPath] = p
	}
	if _, ok := pkgs[module+"/internal/archtest"]; !ok {
		t.Fatalf("go list %s/... knows %d packages, but not this one", module, len(pkgs))
	}
	return pkgs
}

// own lists the packages of this module.
func (p packages) own() []string {
	var paths []string
	for path := range p {
		if strings.HasPrefix(path, module+"/") || path == module {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// violations lists the imports which the rules do not allow.
func violations(pkgs packages, rules []row) []string {
	var found []string
	for _, importer := range pkgs.own() {
		i := slices.IndexFunc(rules, func(r row) bool { return matches(r.pkg, short(importer)) })
		if i < 0 {
			found = append(found, fmt.Sprintf("%s has no row in the table of arrows; add one that says what it may import, or move the package", short(importer)))
			continue
		}
		for _, imported := range pkgs[importer].Imports {
			if !pkgs[imported].Standard && !matchesAny(rules[i].may, short(imported)) {
				found = append(found, fmt.Sprintf("%s imports %s; %s may import: %s", short(importer), short(imported), short(importer),
					strings.Join(append([]string{"standard library"}, rules[i].may...), ", ")))
			}
		}
	}
	return found
}

// reached lists the packages which d says are out of reach and are not, each with a shortest way.
func reached(pkgs packages, d distance) []string {
	var found []string
	for _, from := range pkgs.own() {
		if !matchesAny(d.from, short(from)) {
			continue
		}
		via := map[string]string{from: ""}
		for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			if at != from && matchesAny(d.never, short(at)) {
				way := short(at)
				for p := via[at]; p != ""; p = via[p] {
					way = short(p) + " → " + way
				}
				found = append(found, fmt.Sprintf("%s reaches %s: %s; it must not: %s", short(from), short(at), way, d.why))
				continue
			}
			for _, next := range pkgs[at].Imports {
				if _, seen := via[next]; !seen && !pkgs[next].Standard {
					via[next] = at
					queue = append(queue, next)
				}
			}
		}
	}
	return found
}

// short is a package's path as the tables write it.
func short(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	}
	return path.Clean(pattern) == pkg
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}
