package readme

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// imports of the programs, which the pages leave out.
const (
	mainImports = `package main

import (
	"context"
	"fmt"
	"log"

	"gorgonia.org/tensor"

	"neocog/autodiff"
	"neocog/data"
	"neocog/graph"
	"neocog/models/layers"
	"neocog/ops"
	"neocog/train"
	"neocog/vm"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

`
	testImports = `package page

import (
	"math"
	"testing"

	"neocog/graph"
	"neocog/ops"
	"neocog/ops/opstest"
	"neocog/vm/kernel"
)

`
)

// blocks returns the Go code of a page, block by block.
func blocks(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, part := range strings.Split(string(text), "```go\n")[1:] {
		code, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatalf("%s: a block of code does not end", page)
		}
		out = append(out, code)
	}
	return out
}

// lines counts the lines of code that are not empty.
func lines(code string) (n int) {
	for line := range strings.Lines(code) {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

// run gives the code to the go command as a package of this module which exists
// in an overlay only, and returns what it prints.
func run(t *testing.T, file, code string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	real := filepath.Join(dir, file)
	if err := os.WriteFile(real, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "page", file): real}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append(args, "-overlay", list, "./page")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// The program must learn: more than nine digits in ten are right in its third epoch.
func TestReadmeProgramLearns(t *testing.T) {
	code := blocks(t, "README.md")[0]
	if n := lines(code); n > 30 {
		t.Errorf("the program takes %d lines; the page promises 30", n)
	}
	bin := filepath.Join(t.TempDir(), "program")
	run(t, "main.go", mainImports+code, "build", "-o", bin)
	out, err := exec.Command(bin).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"epoch 3: 9", "graph \"digits\"", "Conv2DFilterGrad", "update %"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the program does not print %q:\n%s", want, out)
		}
	}
}

func TestReadmeOpConforms(t *testing.T) {
	code := blocks(t, "README.md")[1]
	if n := lines(code); n >= 30 {
		t.Errorf("the op takes %d lines; the page promises under 30", n)
	}
	bin := filepath.Join(t.TempDir(), "page.test")
	run(t, "page_test.go", testImports+code, "test", "-vet=off", "-c", "-o", bin)
	out, err := exec.Command(bin, "-test.v").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestSwish") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The check of the howto passes, and prints what the page shows where the rule lacks a divisor.
func TestHowtoChecksAGradient(t *testing.T) {
	const page, right, wrong = "docs/howto/check-a-gradient.md", "ops.Div(b, y[0])", "b"
	code := strings.Replace(testImports, "import (\n\t\"math\"\n", "import (\n", 1)
	code = strings.Replace(code, "\t\"neocog/graph\"\n", "\t\"gorgonia.org/tensor\"\n\n\t\"neocog/autodiff\"\n\t\"neocog/graph\"\n", 1)
	code = strings.Replace(strings.Replace(code, "\t\"neocog/ops/opstest\"\n", "", 1), "\t\"neocog/vm/kernel\"\n", "", 1)
	code += blocks(t, page)[0]
	if !strings.Contains(code, right) {
		t.Fatalf("the rule lacks %s", right)
	}
	for _, c := range []struct {
		code, want string
	}{
		{code, "--- PASS: TestHypot"},
		{strings.Replace(code, right, wrong, 1), "--- FAIL: TestHypot"},
	} {
		bin := filepath.Join(t.TempDir(), "page.test")
		run(t, "page_test.go", c.code, "test", "-vet=off", "-c", "-o", bin)
		out, _ := exec.Command(bin, "-test.v").CombinedOutput()
		if !strings.Contains(string(out), c.want) {
			t.Errorf("want %s:\n%s", c.want, out)
		}
		if c.code == code {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		_, shown, _ := strings.Cut(string(text), "and it says\n\n```\n")
		shown, _, _ = strings.Cut(shown, "```")
		for line := range strings.Lines(shown) {
			if i := strings.Index(line, "finite difference "); i >= 0 {
				line = line[:i+len("finite difference -0.1234")] // processors round differently
			}
			if !strings.Contains(string(out), strings.TrimSpace(line)) {
				t.Errorf("the page shows %q, the check says\n%s", line, out)
			}
		}
	}
}

func TestHowtoShowsTheSameOp(t *testing.T) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	readme := squeeze(blocks(t, "README.md")[1])
	if howto := squeeze(strings.Join(blocks(t, "docs/howto/add-an-op.md")[:2], "")); howto != readme {
		t.Error("docs/howto/add-an-op.md shows another op than README.md")
	}
}

// Every link of a page to a file leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	pages := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ os.DirEntry, err error) error {
		if rel, e := filepath.Rel(root, path); e == nil && strings.HasSuffix(path, ".md") {
			pages = append(pages, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Error(err)
			continue
		}
		prose := ""
		for i, part := range strings.Split(string(text), "```") {
			if i%2 == 0 {
				prose += part
			}
		}
		for _, part := range strings.Split(prose, "](")[1:] {
			link, _, _ := strings.Cut(part, ")")
			link, _, _ = strings.Cut(link, "#")
			if link == "" || strings.Contains(link, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), link)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, link)
			}
		}
	}
}
