package gorgonia

import (
	"maps"
	"slices"
)

// Rules returns the kinds of ops that have a rule.
func Rules() []string { return slices.Sorted(maps.Keys(rules)) }
