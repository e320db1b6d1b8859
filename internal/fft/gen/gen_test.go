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
		"../passes_amd64.s":  Assembly(),
		"../passes_amd64.go": Declarations(),
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
			t.Errorf("%s is not what the generator writes; run go test ./internal/fft/gen -update", name)
		}
	}
}
