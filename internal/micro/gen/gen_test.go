package gen

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the generated kernels")

func TestKernelsAreThoseOfTheGenerator(t *testing.T) {
	for name, want := range map[string][]byte{
		"../kernels_amd64.s":  Assembly(),
		"../kernels_amd64.go": Declarations(),
		"../complex_amd64.s":  ComplexAssembly(),
		"../complex_amd64.go": ComplexDeclarations(),
	} {
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes; run go test ./internal/micro/gen -update", name)
		}
	}
}
