//go:build !amd64

package fft

func fast[T Float](lanes int) int { return none }

func runFast[T Float](b *butterflies, k kind, lanes int) bool { return false }

func fence() {}

func splitFast[T Float](half, z []T, width, pairs int, scale T, lanes int) bool { return false }

func combineFast[T Float](z, a, b []T, width, pairs, lanes int) bool { return false }
