package vm

import (
	"fmt"
	"io"
	"strings"

	"github.com/pkg/errors"

	"neocog/graph"
)

// A RunError is what went wrong while a node was planned or ran: bad data, such
// as a label out of range, a NaN that was watched for, or a bug in a kernel.
type RunError struct {
	Node *graph.Node
	Algo string // the algorithm, where the op has a choice
	Err  error
}

// Error returns the user's line, the node and what is wrong with it.
func (e *RunError) Error() string {
	var b strings.Builder
	n := e.Node
	if p := n.Pos.String(); p != "" {
		b.WriteString(p + ": ")
	}
	b.WriteString(n.Op.Name())
	if n.Scope != "" {
		fmt.Fprintf(&b, " %q", n.Scope)
	}
	if e.Algo != "" {
		fmt.Fprintf(&b, " (%s)", e.Algo)
	}
	b.WriteString(": " + e.Err.Error())
	if o := n.Origin; o != nil {
		b.WriteString("\n\tin the gradient of " + o.Op.Name())
		if p := o.Pos.String(); p != "" {
			b.WriteString(", " + p)
		}
	}
	return b.String()
}

// Format prints the text, and after it for %+v the stack of the cause where it
// has one, as that of a kernel which panicked.
func (e *RunError) Format(s fmt.State, verb rune) {
	io.WriteString(s, e.Error())
	if st, ok := e.Err.(interface{ StackTrace() errors.StackTrace }); ok && verb == 'v' && s.Flag('+') {
		st.StackTrace().Format(s, verb)
	}
}

// Unwrap returns what is wrong, without the place.
func (e *RunError) Unwrap() error { return e.Err }
