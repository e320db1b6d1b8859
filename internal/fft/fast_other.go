//go:build !amd64

package fft

func fast[T Float](lanes int) int { return none }

func runFast[T Float](b *butterflies, radix, inputs int, twiddled bool, lanes int) bool { return false }

func splitFast[T Float](half, z []T, width, pairs int, scale T, lanes int) bool { return false }

func combineFast[T Float](z, a, b []T, width, lanes int) bool { return false }
