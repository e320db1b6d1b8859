package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"neocog/autodiff"
	"neocog/autodiff/gradcheck"
)

// With --all there is a row for each op, algorithm and model; what is wrong says in which case.
func TestGradcheckAllCountsCases(t *testing.T) {
	all := gradcheck.All()
	subjects, err := findSubjects(all, []string{"Tanh", "OneHot", "winograd F(1×4,1×3)", "twolayer"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &bytes.Buffer{}}
	if err := a.gradcheck(t.Context(), subjects, autodiff.Config{Seed: 1}, true); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	for _, line := range []string{
		`op      cases  derivatives  worst error  tolerance  verdict  seconds`,
		`Tanh        1           24      1\.\de-13    \d\.\de-08  ok           \d\.\d`,
		`OneHot  no gradient: it is piecewise constant or works on integers`,
		`winograd F\(1×4,1×3\)      3           48      .*  ok           \d\.\d`,
		`twolayer      2           24      .*  ok           \d\.\d`,
		`96 derivatives of 1 op, 1 algorithm, 1 model checked, all right`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).Match(out.Bytes()) {
			t.Errorf("no line like %s in\n%s", line, &out)
		}
	}
	out.Reset()
	if err := a.gradcheck(t.Context(), subjects[:1], autodiff.Config{RTol: 1e-18, ATol: 1e-18}, true); !errors.Is(err, errSilent) {
		t.Errorf("with misses the error is %v", err)
	}
	if !strings.Contains(out.String(), "WRONG") || !strings.Contains(out.String(), "    -2 to 2: derivative of order 1 by input 0, element [") {
		t.Errorf("misses are shown so:\n%s", &out)
	}
}

// JSON has no NaN.
func TestGradcheckNaNIsJSON(t *testing.T) {
	for v, want := range map[float64]string{1.5e-9: `1.5e-9`, math.Inf(1): `"+Inf"`, math.NaN(): `"NaN"`} {
		if got, err := json.Marshal(number(v)); err != nil || string(got) != want {
			t.Errorf("%v is written %s, %v, want %s", v, got, err, want)
		}
	}
}
