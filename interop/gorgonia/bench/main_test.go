package main

import (
	"regexp"
	"strings"
	"testing"
)

// The command measures four contenders and says how many times as fast as Gorgonia each is; compare itself refuses costs that differ.
func TestCompare(t *testing.T) {
	var out strings.Builder
	if err := compare(&out, 2, 1, 1); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{`Gorgonia +`, `Gorgonia, our Conv2d +`, `our machine +`, `Neocog +`} {
		if !regexp.MustCompile(`(?m)^` + row + `\d+\.\d{3} +\d+\.\d× +\d+\.\d{3} +\d+\.\d× +\d+ +\d+\.\d{3}$`).MatchString(out.String()) {
			t.Errorf("no row %q in\n%s", row, &out)
		}
	}
}
