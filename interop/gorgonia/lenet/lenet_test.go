// Package lenet_test shows what a program for Gorgonia has to change: lenet/before and lenet/after are the same but for an import and a call.
package lenet_test

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"neocog/data"

	after "neocog/interop/gorgonia/lenet/after"
	before "neocog/interop/gorgonia/lenet/before"
)

// digits returns n images and their labels in a row of ten numbers each, for Gorgonia.
func digits[T float32 | float64](n int) (images, labels *tensor.Dense) {
	set := data.Digits(n, 1)
	pixels, hot := make([]T, len(set.Pixels)), make([]T, 10*n)
	for i, p := range set.Pixels {
		pixels[i] = T(p) / 255
	}
	for i, label := range set.Labels {
		hot[10*i+int(label)] = 1
	}
	return tensor.New(tensor.WithShape(n, 1, 28, 28), tensor.WithBacking(pixels)),
		tensor.New(tensor.WithShape(n, 10), tensor.WithBacking(hot))
}

// Both programs have the same costs while they learn. Tolerances: what a step adds differs by about √n·ε for sums of n ≤ 12,544 terms, the
// gradients of the first filters, 112·ε; 20 steps add up. Measured were 2·ε in both precisions.
func TestSameCosts(t *testing.T) {
	t.Run("float64", func(t *testing.T) {
		images, labels := digits[float64](160)
		sameCosts(t, images, labels, 20*112*0x1p-52)
	})
	t.Run("float32", func(t *testing.T) {
		images, labels := digits[float32](160)
		sameCosts(t, images, labels, 20*112*0x1p-23)
	})
}

func sameCosts(t *testing.T, images, labels *tensor.Dense, tolerance float64) {
	want, err := before.Train(images, labels, 16, 20)
	if err != nil {
		t.Fatal(err)
	}
	got, err := after.Train(images, labels, 16, 20)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tolerance*w) {
			t.Errorf("step %d: the cost is %v, with Gorgonia %v; the tolerance is %.1g", i, got[i], w, tolerance)
		}
	}
	if last := want[len(want)-1]; !(last < 0.8*want[0]) {
		t.Errorf("the cost went from %v to %v only: nothing was learned", want[0], last)
	}
}

// The programs differ in an import and a call, and in nothing else.
func TestOneImportAndOneCall(t *testing.T) {
	got := changes(t)
	want := []string{
		"+ \tneocog \"neocog/interop/gorgonia\"",
		"- \tvm := G.NewTapeMachine(g, G.BindDualValues(m.learnables()...))",
		"+ \tvm, err := neocog.NewMachine(cost, m.learnables()...)",
		"+ \tif err != nil {",
		"+ \t\treturn nil, err",
		"+ \t}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// changes returns the lines that went and came, by a longest common subsequence.
func changes(t *testing.T) []string {
	t.Helper()
	a, b := lines(t, "before/lenet.go"), lines(t, "after/lenet.go")
	common := make([][]int, len(a)+1) // of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = 1 + common[i+1][j+1]
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}
