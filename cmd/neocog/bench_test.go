package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// benchRows runs a measurement and returns its objects.
func benchRows(t *testing.T, args ...string) []map[string]any {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append([]string{"bench", "--json"}, args...), &stdout, &stderr); status != exitOK {
		t.Fatalf("bench %v: exit status %d\n%s", args, status, &stderr)
	}
	var rows []map[string]any
	for line := range strings.Lines(stdout.String()) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestBenchJSON(t *testing.T) {
	common := []string{"name", "shape", "pass", "algo", "dtype", "isa", "threads", "reps", "median_ms", "min_ms", "workspace_bytes", "rel_l2", "checked"}
	for _, c := range []struct {
		args  []string
		rows  int
		keys  []string // besides common
		peaks bool     // and those of the peak, where it is known
	}{
		{[]string{"conv", "--shape", "2x3x8x8,4x3x3,pad=1", "--pass", "all", "--algo", "im2col"}, 3, []string{"gflops"}, true},
		{[]string{"gemm", "--shape", "5x7x9", "--shape", "3x3x3"}, 2, []string{"gflops"}, true},
		{[]string{"op", "--shape", "3x10", "--layer", "relu,softmax"}, 2, []string{"gbytes_per_s"}, false},
	} {
		for _, isa := range []string{"portable", "best"} {
			rows := benchRows(t, append([]string{"--reps", "2", "--threads", "2", "--isa", isa}, c.args...)...)
			if len(rows) != c.rows {
				t.Errorf("%v: %d rows, want %d", c.args, len(rows), c.rows)
			}
			for _, row := range rows {
				want := slices.Concat(common, c.keys)
				if c.peaks && row["isa"] != "portable" {
					want = append(want, "peak_gflops", "percent_of_peak")
				}
				var got []string
				for key := range row {
					got = append(got, key)
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%v: keys\n%v, want\n%v", c.args, got, want)
				}
				// See package bench for the bound.
				if rel, ok := row["rel_l2"].(float64); !ok || rel > 0x1p-11 || rel < 0 {
					t.Errorf("%v: rel_l2 is %v", c.args, row["rel_l2"])
				}
				if row["threads"] != 2.0 || row["reps"] != 2.0 || row["checked"] != 1.0 || row["dtype"] != "f32" || !(row["median_ms"].(float64) > 0) {
					t.Errorf("%v: %v", c.args, row)
				}
			}
		}
	}
}

func TestBenchPasses(t *testing.T) {
	var got []string
	for _, row := range benchRows(t, "conv", "--shape", "1x2x5x5,3x3x3", "--pass", "all", "--reps", "1") {
		got = append(got, row["pass"].(string))
	}
	if want := []string{"fwd", "dgrad", "wgrad"}; !slices.Equal(got, want) {
		t.Errorf("passes %v, want %v", got, want)
	}
}
