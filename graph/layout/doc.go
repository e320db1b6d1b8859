// Package layout places boxes within boxes, and the wires between them, in layers from top to bottom: what a picture
// of a program wants.
//
//	| concept | meaning |
//	|---------|---------|
//	| Graph   | nodes, each alone or in a box of others, and wires from one node to many |
//	| Layers  | for each box the ranks of what is in it, and their order from left to right |
//	| Level   | that of one box: its nodes, the ports at which wires cross its border, bends of long wires |
//	| Drawing | where everything lies when some boxes are open and the others drawn as one node |
//
// It is the method of Sugiyama, Tagawa and Toda (“Methods for Visual Understanding of Hierarchical System Structures”,
// IEEE Trans. SMC 11(2), 1981), applied to each box by itself. Edges that would close a circle are turned around; each
// node gets a rank below those that it follows; long wires get a bend in every rank that they pass; barycentre sweeps
// order the ranks so that few wires cross; and Brandes and Köpf's method makes long wires straight.
//
// Ranks and orders do not depend on which boxes are open, only places do. New therefore runs once, and Place each time
// that a reader opens a box; a page can do the latter by itself, from the same Layers.
package layout
