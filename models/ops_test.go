package models_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"neocog/graph"
	"neocog/models"
	"neocog/models/layers"
)

// What a network computes besides its products: which ops with which attributes, and how many of each. A constant of
// a normalisation, the count of an average at the edge, or an activation too many changes no number of parameters.
func TestOpsOfEveryModel(t *testing.T) {
	var text strings.Builder
	for _, m := range models.All() {
		for _, train := range []bool{false, true} {
			g, _, _ := m.Graph(&layers.Builder{Train: train})
			if err := g.Err(); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "%s, %s\n", m.Name, map[bool]string{false: "predicting", true: "training"}[train])
			counts := map[string]int{}
			for _, n := range g.Nodes() {
				if !n.IsSource() {
					counts[n.Op.Name()+graph.Attributes(n.Op)]++
				}
			}
			for _, name := range slices.Sorted(maps.Keys(counts)) {
				fmt.Fprintf(&text, "%5d %s\n", counts[name], name)
			}
		}
	}
	golden := filepath.Join("..", "testdata", "ops.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(text.String(), "\n"), strings.Split(string(want), "\n")
	model := ""
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("%s: line %d of %s differs; -update writes it anew", model, i+1, golden)
		}
		if !strings.HasPrefix(got[i], " ") {
			model = got[i]
		}
	}
}
