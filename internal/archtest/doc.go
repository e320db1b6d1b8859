// Package archtest holds the test of the architecture: which package may import which. The tables at the top of
// arch_test.go are the rule and its documentation; an import which they do not name fails the test.
//
//	go test ./internal/archtest        checks the arrows
//	go test -v ./internal/archtest     also prints the size of each package
package archtest
