// Package program shows what the compiler made of a graph: as text, or as one HTML file that needs no network, no server and no other file.
//
//	| part of the page | what it shows |
//	|------------------|---------------|
//	| passes | the text form of the graph before the passes, and after each that changed something; what it made, and what the next one changes, has a colour |
//	| tape | the instructions in the order in which they run, with algorithm, arithmetic, bytes, predicted time and, with a profile, measured time |
//	| arena | who lies where in the memory of a run, and when: offsets over instructions, a rectangle for each buffer |
//
// A click on a node shows it everywhere. A content security policy forbids the page to load anything.
package program
