package mermaid_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/graph/mermaid"
	"neocog/ops"
)

var update = flag.Bool("update", false, "write the golden files anew")

func small(t *testing.T) *graph.Graph {
	t.Helper()
	text, err := os.ReadFile("../view/testdata/small.txt")
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Parse(string(text), ops.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGolden(t *testing.T) {
	for file, most := range map[string]int{"small.mmd": 0, "closed.mmd": 14} {
		var b bytes.Buffer
		if err := mermaid.Write(&b, small(t), mermaid.Options{Most: most}); err != nil {
			t.Fatal(err)
		}
		file = "testdata/" + file
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, &b, want)
		}
	}
}

// line is the part of Mermaid's grammar that is used.
var line = regexp.MustCompile(`^ *(flowchart TD|subgraph i\d+\["[^"]*"\]|end|i\d+(\[\["[^"]*"\]\]|\(\["[^"]*"\]\)|\["[^"]*"\])|i\d+ -->\|"[^"]*"\| i\d+|classDef \w+ [\w:#,\- ]+|class [i\d,]+ \w+)$`)

func TestNamesAreEscaped(t *testing.T) {
	g := graph.New("g")
	g.Scope("a \"quoted\" `scope` #1 <b>", func() { ops.ReLU(g.Input(`"]`, graph.Of(graph.Float32, 3))) })
	var b bytes.Buffer
	if err := mermaid.Write(&b, g, mermaid.Options{}); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(b.String()) {
		if !line.MatchString(strings.TrimSuffix(l, "\n")) {
			t.Errorf("line %q", l)
		}
	}
}

func TestErrors(t *testing.T) {
	if err := mermaid.Write(io.Discard, nil, mermaid.Options{}); err == nil {
		t.Error("a nil graph is no error")
	}
}
