// Package tools is empty. Its go.mod pins the developers' tools, apart from the main module so that users never download
// them. From the root of the repository:
//
//	go tool -modfile=tools/go.mod staticcheck ./...
//	go tool -modfile=tools/go.mod gofumpt -l .
package tools
