// Package page writes a graph as an interactive page: one HTML file that needs no network, no server and no other file.
//
// A reader opens and closes scopes, looks for nodes by name, and sees of each its op, attributes, types, cost, line and
// counterpart in the gradient; where a compiled program is given, the algorithms chosen; where a profile is given, times
// and memory; where trained weights are given, their distribution, and filters as pictures; and where images are
// given, what the network makes of the first of them.
//
//	| file | what it does |
//	|------|--------------|
//	| page.go | what the page knows, as JSON |
//	| picture.go | weights and activations as histograms and pictures |
//	| page.html, page.css | the frame |
//	| place.js | where things lie, given which boxes are open |
//	| page.js | what the reader does |
//
// A content security policy forbids the page to load anything. It opens with as many scopes unfolded as are legible at
// once, and draws only what is in sight.
package page
