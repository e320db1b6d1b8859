// Package dot writes graphs in the language of Graphviz:
//
//	dot.Write(file, g, dot.Options{})
//
// and then
//
//	dot -Tsvg lenet.dot > lenet.svg
package dot
