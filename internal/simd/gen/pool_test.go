package gen

import (
	"bytes"
	"os"
	"testing"
)

func TestPoolKernelsAreThoseOfTheGenerator(t *testing.T) {
	for name, want := range map[string][]byte{
		"../pool_amd64.s":  PoolAssembly(),
		"../pool_amd64.go": PoolDeclarations(),
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
			t.Errorf("%s is not what the generator writes; run go test ./internal/simd/gen -update", name)
		}
	}
}
