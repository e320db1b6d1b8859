package gorgonia

import (
	"maps"
	"slices"
)

// Rules returns the kinds of ops that have a rule.
func Rules() []string { return slices.Sorted(maps.Keys(rules)) }

// Guard is what makes panics of reflection errors.
var Guard = guard
