//go:build !unix

package data

import "os"

// mapFile returns the content of a file, which is read: this system has no map that the standard library knows.
func mapFile(path string) ([]byte, error) { return os.ReadFile(path) }
