package onnx

import "slices"

// rules are the ops that can be imported, by name: one or more rules each, for
// different operator sets.
var rules = index(elementwise, comparisons, matrices, images, normalisations, reductions, shapes, resizing, indexing, losses, constants)

func index(families ...[]rule) map[string][]rule {
	m := map[string][]rule{}
	for _, r := range slices.Concat(families...) {
		m[r.op] = append(m[r.op], r)
	}
	return m
}

// Ops returns the names of the ONNX ops that can be imported, sorted.
func Ops() []string { return sortedKeys(rules) }
