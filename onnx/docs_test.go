package onnx

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/onnx.md")

// table is the part of docs/onnx.md which is generated: what becomes of ONNX's own test
// cases, by op, and why some are refused.
func table(t *testing.T) string {
	t.Helper()
	type row struct {
		op                      string
		passed, failed, refused []string
		why                     map[string]int
	}
	rows := map[string]*row{}
	var passed, failed, refused int
	for _, o := range outcomes(t) {
		op := strings.Join(o.Ops, ", ")
		if op == "" { // Decode refuses it
			op = "ops of other domains"
		}
		if len(o.Ops) > 2 {
			op = "functions of several ops (…_expanded)"
		}
		r := rows[op]
		if r == nil {
			r = &row{op: op, why: map[string]int{}}
			rows[op] = r
		}
		name := strings.TrimPrefix(o.Name, "test_")
		switch o.Verdict {
		case Passed:
			r.passed = append(r.passed, name)
			passed++
		case Refused:
			r.refused = append(r.refused, name)
			r.why[reason(o.Err)]++
			refused++
		default:
			r.failed = append(r.failed, name)
			failed++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Of %d cases %d pass, %d are refused and %d fail.\n\n", len(all), passed, refused, failed)
	b.WriteString("| op | pass | refused | which are refused, and why |\n|---|---|---|---|\n")
	for _, op := range sortedKeys(rows) {
		r := rows[op]
		note := ""
		if len(r.refused) > 0 {
			if len(r.passed) > 0 && len(r.refused) <= 8 {
				note = strings.Join(r.refused, ", ") + ": "
			}
			note += strings.Join(sortedKeys(r.why), "; ")
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", op, len(r.passed), len(r.refused), note)
	}
	return b.String()
}

// reason returns why a model is refused, without the names in it.
func reason(err error) string {
	var u *UnsupportedError
	if !errors.As(err, &u) {
		return err.Error()
	}
	text := u.Err.Error()
	if strings.HasPrefix(text, "input ") {
		_, text, _ = strings.Cut(text, ": ")
	}
	for _, cut := range []string{"; there are float", ", must be known", "; images of one"} {
		text, _, _ = strings.Cut(text, cut)
	}
	switch {
	case strings.Contains(text, "elements of type "):
		_, d, _ := strings.Cut(text, "elements of type ")
		return "elements of type " + d
	case strings.Contains(text, ", \""):
		text, _, _ = strings.Cut(text, ", \"")
		return text + " is not known when the graph is made"
	}
	return text
}

func TestTableOfVectors(t *testing.T) {
	const path, begin, end = "../docs/onnx.md", "<!-- vectors: go test ./onnx -run TableOfVectors -update -->\n", "<!-- end of vectors -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, also := strings.Cut(rest, end)
	if !ok || !also {
		t.Fatalf("%s has no lines %q and %q", path, begin, end)
	}
	want := table(t)
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != want {
		t.Errorf("the table is stale:\n%s", firstDifference(old, want))
	}
}

// Every op that can be imported is in the list of the documentation.
func TestDocumentationListsOps(t *testing.T) {
	text, err := os.ReadFile("../docs/onnx.md")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(string(text), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') })
	for _, op := range Ops() {
		if !slices.Contains(words, op) {
			t.Errorf("docs/onnx.md does not mention %s", op)
		}
	}
}
