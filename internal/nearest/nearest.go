// Package nearest finds the known names closest to a misspelt one, for error
// messages which say what the user may have meant.
package nearest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Names returns up to max of the known names which are closest to name by edit
// distance, case ignored, closest first; names that share nothing are left out.
func Names(name string, known []string, max int) []string {
	type candidate struct {
		name string
		dist int
	}
	var near []candidate
	for _, k := range known {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if strings.HasPrefix(strings.ToLower(k), strings.ToLower(name)) && name != "" {
			d = min(d, 1)
		}
		if d <= (len(k)+len(name))/4+1 {
			near = append(near, candidate{k, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.dist, b.dist) })
	var out []string
	for _, c := range near[:min(max, len(near))] {
		out = append(out, c.name)
	}
	return out
}

// Unknown returns the error for a name which is not among the known ones:
//
//	unknown model "lenet", did you mean lenet5? known: alexnet, lenet5, vgg16
//
// Where there are near ones, all the others follow only if they are few.
func Unknown(what, name string, known []string) error {
	const few = 24
	all := "known: " + strings.Join(known, ", ")
	near := Names(name, known, 3)
	switch {
	case len(near) == 0:
		return fmt.Errorf("unknown %s %q, %s", what, name, all)
	case strings.EqualFold(near[0], name):
		near = near[:1]
	}
	hint := fmt.Sprintf("did you mean %s?", strings.Join(near, " or "))
	if len(known) <= few {
		hint += " " + all
	}
	return fmt.Errorf("unknown %s %q, %s", what, name, hint)
}

// distance is the Levenshtein distance with transpositions of neighbours
// counted as one edit (Damerau 1964, optimal string alignment).
func distance(a, b string) int {
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
