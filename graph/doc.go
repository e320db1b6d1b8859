// Package graph holds symbolic computations: what is to be computed, on tensors
// of which types, and who asked for it. It knows no op: package ops has those,
// autodiff derives gradients, vm runs.
//
// A Graph is a list of nodes. A Node applies an Op to Values and has Values as
// its results; its inputs exist before it does, so the order of the list is
// topological and there are no cycles. Nodes are only ever appended: a pass
// builds a new graph by Rebuild.
//
//	g := graph.New("line")
//	x := g.Input("x", graph.Of(graph.Float32, graph.Batch, 3))
//	w := g.Param("w", graph.Of(graph.Float32, 1, 3), graph.Normal(0, 0.1))
//	y := ops.MatMul(x, w)
//	err := g.Err() // line.go:4: MatMul: …
//
//	| concept | meaning |
//	|---------|---------|
//	| Graph   | nodes in order, names, updates, and the mistakes made so far |
//	| Node    | one application of an Op, with scope, place and origin for people |
//	| Value   | one result of a node: what users hold, with its Type and its number |
//	| Op      | a comparable struct of attributes that can infer types; never state |
//	| Type    | element type and Shape, such as f32[N,3,32,32] |
//	| Batch   | the one symbolic extent, N: bound anew by every run |
//	| Input   | a source that the user feeds to each run |
//	| Param, Buffer | a source that lasts from run to run under a name; learned, or not |
//	| Init    | how a parameter starts: data, not a function |
//	| Const   | a source whose elements are part of the graph |
//	| Update  | “after the run this parameter becomes that value” |
//	| Scope   | where in the model a node stands, such as "block1/conv2" |
//	| Pos     | the user's line that made a node, with the stack |
//	| Origin  | for a node of a gradient, the forward node it derives from |
//
// Two ops are the same if they are equal with ==, and nothing else: there is no
// hash to write and no method to compare. Name, scope, place and origin are for
// people; nothing computes with them.
//
// # Mistakes
//
// Constructors return no error. A mistake is kept by the graph with the line that
// made it and the operands; its results are invalid Values, which silence what
// is computed from them, so that one mistake is one report. Err returns all
// of them, and whoever compiles or differentiates the graph gets the same error.
// Printed with %+v each is followed by its stack.
//
// # Text form
//
// String prints a graph and Parse reads it back; see the method for an example.
// The grammar, one line for each production and one line of text for each item:
//
//	graph   = "graph" quoted { node } { update }
//	node    = results "=" ( source | op ) types [ "∂" value ] [ quoted ] [ place ]
//	source  = "Input" quoted
//	        | ( "Param" | "Buffer" ) quoted init
//	        | "Const" "(" { number } ")" | "Const" "base64(" bytes ")"
//	init    = kind "(" [ number { "," number } ] ")"
//	op      = name [ "{" attribute { attribute } "}" ] { value }
//	attribute = field ":" ( number | "true" | quoted | "[" … "]" | text )
//	results = value { value }
//	types   = type { type }                  as many as results
//	type    = ( "f32" | "f64" | "i32" | "i64" | "bool" ) "[" [ extent { "," extent } ] "]"
//	extent  = "N" | number
//	value   = "%" number                     in order, from %0
//	update  = "update" value "=" value
//
// Quoted strings are Go's. Attributes which are zero are left out. Of what
// follows the types, ∂ names the first result of the origin, the quoted string is
// the scope, and the rest of the line the place. Blank lines and lines which
// begin with // are ignored. Types are checked against inference, so the text
// cannot lie.
package graph
