package graph

import (
	"fmt"
	"io"
	"strings"

	"github.com/pkg/errors"
)

// An Error is one mistake made while a graph was built. Its text starts with
// the user's own line and lists the operands with the lines which made them:
//
//	lenet.go:31: Conv2D "conv2": x has 8 channels, w wants 6
//		x = %7 f32[N,8,14,14]  ReLU, lenet.go:29
//		w = %9 f32[16,6,5,5]  Param "conv2/w", lenet.go:30
//
// Printed with %+v it ends with the stack.
type Error struct {
	Pos      Pos
	Op       string   // name of the op, or of the method of Graph
	Scope    string   // scope of the node, such as "conv2"
	Err      error    // what is wrong
	Operands []string // one line each
}

// Error returns the text shown above.
func (e *Error) Error() string {
	var b strings.Builder
	if p := e.Pos.String(); p != "" {
		b.WriteString(p + ": ")
	}
	b.WriteString(e.Op)
	if e.Scope != "" {
		fmt.Fprintf(&b, " %q", e.Scope)
	}
	b.WriteString(": " + e.Err.Error())
	for _, o := range e.Operands {
		b.WriteString("\n\t" + o)
	}
	if c := e.Pos.Caller(); c != "" {
		b.WriteString("\n\tcalled from " + c)
	}
	return b.String()
}

// Unwrap returns what is wrong, without place and operands.
func (e *Error) Unwrap() error { return e.Err }

// StackTrace returns the stack of the call which made the mistake, in the form
// of github.com/pkg/errors.
func (e *Error) StackTrace() errors.StackTrace { return e.Pos.StackTrace() }

// Format prints the text, and the stack after it for %+v.
func (e *Error) Format(s fmt.State, verb rune) {
	io.WriteString(s, e.Error())
	if verb == 'v' && s.Flag('+') {
		e.StackTrace().Format(s, verb)
	}
}

// maxErrors is how many mistakes a graph keeps: the first ones are the cause,
// and a loop which repeats one must not fill the screen.
const maxErrors = 10

func (g *Graph) report(e *Error) {
	g.faults++
	if len(g.errs) < maxErrors {
		g.errs = append(g.errs, e)
	}
}

// Errorf records a mistake of the caller, with the caller's line: for
// constructors of ops and for passes, whose own checks come before Infer.
func (g *Graph) Errorf(op, format string, args ...any) {
	g.report(&Error{Pos: here(), Op: op, Scope: g.scopeName(), Err: fmt.Errorf(format, args...)})
}

// Err returns every mistake made so far, joined, each with the line which made
// it, or nil. Building goes on after a mistake with invalid values, which
// silence what follows from them; vm.Compile and autodiff return the same error.
func (g *Graph) Err() error {
	if g.faults == 0 {
		return nil
	}
	return &Errors{List: g.errs, More: g.faults - len(g.errs)}
}

// Errors is the joined form that Graph.Err returns.
type Errors struct {
	List []*Error
	More int // how many further ones were dropped
}

// Error returns the texts, a line or more each.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, x := range e.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(x.Error())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", e.More)
	}
	return b.String()
}

// Unwrap returns the mistakes, for errors.Is and errors.As.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.List))
	for i, x := range e.List {
		out[i] = x
	}
	return out
}

// Format prints the texts; %+v adds the stack of each.
func (e *Errors) Format(s fmt.State, verb rune) {
	if verb == 'v' && s.Flag('+') {
		for _, x := range e.List {
			fmt.Fprintf(s, "%+v\n", x)
		}
		if e.More > 0 {
			fmt.Fprintf(s, "and %d more\n", e.More)
		}
		return
	}
	io.WriteString(s, e.Error())
}

// describe returns v as an operand line of an Error.
func describe(label string, v *Value) string {
	var b strings.Builder
	if label != "" {
		b.WriteString(label + " = ")
	}
	if v == nil {
		return b.String() + "nil"
	}
	fmt.Fprintf(&b, "%v %v  %s", v, v.typ, v.node.where())
	return b.String()
}
