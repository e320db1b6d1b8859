package bench

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"neocog/internal/cpu"
	"neocog/ops/conv"
)

var long = flag.Bool("long", false, "check the errors in docs/numerics.md on all layers, not on small ones alone: a minute")

// The table of errors in docs/numerics.md is what neocog bench errors prints, within the bounds that algorithms stand for. Other
// instruction sets than AVX-512 round otherwise, though not much worse.
func TestTheErrorsInTheDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/numerics.md")
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]map[string][]string{} // by layer and algorithm
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 8 || !strings.Contains(cells[2], "`") || !strings.Contains(cells[6], "e-") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `\n")
		}
		if claims[cells[1]] == nil {
			claims[cells[1]] = map[string][]string{}
		}
		claims[cells[1]][cells[2]] = cells[3:7]
	}
	factor := 2.0
	if cpu.Current() == cpu.AVX512 {
		factor = 1.25
	}
	checked := 0
	for _, k := range Kinds() {
		if len(claims[k.Name]) < 2 {
			t.Errorf("docs/numerics.md has %d rows for %s", len(claims[k.Name]), k.Name)
		}
		if !*long && k.Problem.FLOPs() > 2e8 {
			continue
		}
		var algorithms conv.Algorithms
		for name := range claims[k.Name] {
			a, err := conv.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			algorithms = append(algorithms, a)
		}
		rows, err := Errors(k.Name, k.Problem, algorithms, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			for i, got := range []float64{r.Forward, r.InputGrad, r.FilterGrad, r.Bound} {
				cell := claims[k.Name][r.Algo][i]
				want, err := strconv.ParseFloat(cell, 64)
				if cell == "–" {
					want, err = -1, nil
				}
				if err != nil {
					t.Errorf("%s, %s: %v", k.Name, r.Algo, err)
				}
				if checked++; got < 0 && want < 0 {
					continue // refused
				}
				if got > r.Bound || got > factor*want || got*factor < want {
					t.Errorf("%s, %s: measured %.2g in column %d, docs/numerics.md says %s; the bound is %.2g", k.Name, r.Algo, got, i, cell, r.Bound)
				}
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d cells were checked", checked)
	}
}
