// Package download fetches public data sets into the user's cache folder, where data.Locate finds them.
//
//	dir, err := download.Get(ctx, "mnist", nil)
//	train, test, err := data.Open(dir)
//
// A Source is a data set: the files that make it, and where they are. Each file is known by its length and SHA-256, and so may come from
// any mirror, over any connection. It has its name only when it is whole and right: until then it is FILE.part, where
// an interrupted download goes on. Files that were put there by hand are checked and used; nothing is downloaded twice.
//
// An archive is unpacked, and then removed.
package download
