package weights_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"neocog/weights"
)

// numpy returns a Python that has NumPy. The test is skipped where there is none.
func numpy(t *testing.T) func(args ...string) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import numpy").Run() != nil {
			continue
		}
		return func(args ...string) string {
			t.Helper()
			cmd := exec.Command(python, append([]string{"-X", "utf8", "testdata/arrays.py"}, args...)...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			return string(out)
		}
	}
	t.Skip("there is no Python with the package numpy, such as Debian's python3-numpy")
	return nil
}

// array is a line of arrays.py: what an array is, its elements in hexadecimal.
type array struct {
	elements string
	shape    string
	data     string
}

func shown(t *testing.T, lines string) map[string]array {
	t.Helper()
	all := map[string]array{}
	for line := range strings.Lines(lines) {
		var fields [4]json.RawMessage
		var name string
		var a array
		err := json.Unmarshal([]byte(line), &fields)
		for i, to := range []*string{&name, &a.elements, nil, &a.data} {
			if err == nil && to != nil {
				err = json.Unmarshal(fields[i], to)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		a.shape = strings.ReplaceAll(string(fields[2]), " ", "")
		all[name] = a
	}
	return all
}

// looks returns what ours are, in the words of arrays.py.
func looks(t *testing.T, f *weights.File) map[string]array {
	t.Helper()
	all := map[string]array{}
	for name, d := range f.Tensors {
		b := bits(t, d)
		head, data := b[:10+int(b[8])], b[10+int(b[8]):]
		_, descr, _ := strings.Cut(head, "'descr': '")
		shape, err := json.Marshal(append([]int{}, d.Shape()...))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = array{descr[:3], string(shape), hex.EncodeToString([]byte(data))}
	}
	return all
}

func equal(t *testing.T, what string, got, want map[string]array) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d arrays, want %d", what, len(got), len(want))
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %q is %v, want %v", what, name, got[name], w)
		}
	}
}

// NumPy reads what we write, bit for bit, and the safetensors files are what the format says.
func TestPythonReadsOurs(t *testing.T) {
	python, dir := numpy(t), t.TempDir()
	f := &weights.File{Tensors: samples(), Meta: map[string]string{"a": "b"}}
	for _, name := range []string{"w.npz", "w.safetensors"} {
		path := filepath.Join(dir, name)
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
		equal(t, name, shown(t, python("show", path)), looks(t, f))
	}
}

// We read what NumPy writes: in order of columns, with large ends first, compressed; halves as float32.
func TestWeReadPythons(t *testing.T) {
	python, dir := numpy(t), t.TempDir()
	python("write", dir)
	want := shown(t, python("show", filepath.Join(dir, "plain.npz")))
	if len(want) != 12 {
		t.Fatalf("NumPy wrote %d arrays, want 12", len(want))
	}
	for name, a := range want { // those that become other elements
		a.elements = strings.ReplaceAll(a.elements, ">", "<")
		if name == "half" {
			a.elements, a.data = "<f4", "0000803f000020c00000803300"+"00807f00e07f47" // 1, -2.5, 2⁻²⁴, ∞, 65504
		}
		want[name] = a
	}
	for _, name := range []string{"plain.npz", "packed.npz"} {
		f, err := weights.Read(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, name, looks(t, f), want)
	}
	for name := range want {
		file := strings.ReplaceAll(name, "/", "_")
		f, err := weights.Read(filepath.Join(dir, file+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, file+".npy", looks(t, f), map[string]array{file: want[name]})
	}
}
