// Package readme holds no code: its test compiles and runs what README.md and
// the howtos show.
package readme
