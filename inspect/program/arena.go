package program

import (
	"fmt"
	"html"
	"strings"

	"neocog/vm"
)

// arena draws who lies where in the memory of a run: instructions to the right, offsets upwards. The picture is stretched to the width of the page, so
// that all text stands outside of it.
func arena(b *strings.Builder, c *vm.Cost, tape []row) {
	const height = 1000.0
	n := max(len(tape), 1)
	size := 1
	for _, buf := range c.Buffers {
		size = max(size, buf.Offset+buf.Bytes)
	}
	scale := height / float64(size)
	fmt.Fprintf(b, `<svg id="arena" viewBox="0 0 %d %v" preserveAspectRatio="none" role="img" aria-label="The arena: %s buffers">`, 10*n, height, grouped(len(c.Buffers)))
	for _, buf := range c.Buffers {
		kind, ids := "scratch", []int(nil)
		if first := tape[min(buf.First, n-1)]; len(buf.Values) > 0 {
			kind, ids = first.phase.String(), first.ids
		}
		last := min(buf.Last, n-1)
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="%.1f" width="%d" height="%.1f"%s><title>%s</title></rect>`,
			kind, 10*buf.First, height-float64(buf.Offset+buf.Bytes)*scale, 10*(last-buf.First+1), float64(buf.Bytes)*scale, numbers(ids), html.EscapeString(name(buf, tape)))
	}
	if c.Commit < len(tape) {
		fmt.Fprintf(b, `<path class="commit" d="M%d 0V%v"/>`, 10*c.Commit, height)
	}
	b.WriteString(`<path class="alive" d="`)
	for pc, r := range tape {
		command := byte('L')
		if pc == 0 {
			command = 'M'
		}
		y := height - float64(r.Alive)*scale
		fmt.Fprintf(b, "%c%d %.1fH%d", command, 10*pc, y, 10*(pc+1))
	}
	b.WriteString(`"/></svg>`)
}

// name says what lies in a buffer, how large it is, where, and when.
func name(buf vm.Buffer, tape []row) string {
	var what []string
	for _, v := range buf.Values {
		n := v.Node()
		text := fmt.Sprintf("%v %s %v", v, n.Op.Name(), v.Type())
		if n.Scope != "" {
			text += " " + n.Scope
		}
		what = append(what, text)
	}
	if len(what) == 0 {
		what = []string{"scratch memory of " + tape[buf.First].Node.Op.Name()}
		if s := tape[buf.First].Node.Scope; s != "" {
			what[0] += " " + s
		}
	}
	if len(what) > 4 {
		what = append(what[:3], fmt.Sprintf("and %d more", len(what)-3))
	}
	until := fmt.Sprintf("to %d", buf.Last)
	if buf.Last >= len(tape) {
		until = "to the end"
	}
	return fmt.Sprintf("%s\n%s at %s, instruction %d %s", strings.Join(what, "\n"), bytes(buf.Bytes), bytes(buf.Offset), buf.First, until)
}
