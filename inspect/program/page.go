package program

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"neocog/graph/svg"
	"neocog/vm"
)

//go:embed program.html
var frame string

//go:embed program.css
var css string

//go:embed program.js
var script string

// Write writes the page of a program. The same program and options give the same bytes.
func Write(w io.Writer, p *vm.Program, o Options) error {
	if o.Profile != nil {
		if o.Batch != 0 && o.Batch != o.Profile.Batch {
			return fmt.Errorf("the profile was measured at batch size %d, the page is asked for at %d; measure at %[2]d, or leave the batch size to the profile", o.Profile.Batch, o.Batch)
		}
		o.Batch = o.Profile.Batch
	}
	c, err := p.Cost(max(o.Batch, 1))
	if err != nil {
		return err
	}
	all := columns(p.Passes())
	last := all[0]
	for _, col := range all {
		if !col.same {
			last = col
		}
	}
	tape := rows(c, last, o.Profile)
	var passesPart, tapePart, arenaPart strings.Builder
	writePasses(&passesPart, all)
	writeTape(&tapePart, c, tape, o.Profile != nil)
	arena(&arenaPart, c, tape)
	style := svg.Style() + css
	_, err = strings.NewReplacer(
		"{{title}}", html.EscapeString(p.Graph().Name()), "{{style}}", style, "{{script}}", script,
		"{{facts}}", facts(c, tape, o), "{{passes}}", passesPart.String(), "{{tape}}", tapePart.String(), "{{arena}}", arenaPart.String(),
		"{{size}}", bytes(c.Arena-c.Scratch), "{{instructions}}", grouped(len(tape)), "{{notes}}", notes(c),
		"{{policy}}", fmt.Sprintf("default-src 'none'; img-src data:; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", hash(style), hash(script)),
	).WriteString(w, frame)
	return err
}

// hash names an inline script or style in a content security policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// facts are the figures of the whole program.
func facts(c *vm.Cost, tape []row, o Options) string {
	var b strings.Builder
	fact := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "<div><dt>%s</dt><dd>%s</dd></div>", name, html.EscapeString(fmt.Sprintf(format, args...)))
	}
	fact("batch", "%d", max(o.Batch, 1))
	fact("workers", "%d", c.Workers)
	fact("instructions", "%s", grouped(len(tape)))
	fact("parameters", "%s", grouped(int(c.Params)))
	fact("arithmetic", "%s GFLOP", number(float64(c.FLOPs)/1e9))
	fact("memory of a run", "%s", bytes(c.Arena))
	if c.Peak >= 0 {
		fact("fullest", "%s, at instruction %d", bytes(c.PeakBytes), c.Peak)
	}
	fact("predicted", "%s ms", milliseconds(float64(c.Predicted)))
	if o.Profile != nil {
		fact("measured", "%s ms, mean of %d runs", milliseconds(o.Profile.Nanoseconds), o.Profile.Runs)
	}
	return b.String()
}

// notes are what the picture of the arena does not show.
func notes(c *vm.Cost) string {
	if c.Scratch == 0 {
		return ""
	}
	return fmt.Sprintf(" Besides, the workers have %s of scratch memory of their own for the whole run.", bytes(c.Scratch))
}

func writePasses(b *strings.Builder, all []*column) {
	for i, c := range all {
		title, why, nodes := "as compiled", "the graph before the passes", grouped(len(c.g.Nodes()))+" nodes"
		if i > 0 {
			title, why, nodes = c.pass.Name, c.pass.Why, grouped(len(c.pass.Before.Nodes()))+" → "+nodes
		}
		if c.same {
			fmt.Fprintf(b, `<section class="idle" title="%s"><h3>%s</h3><p>changes nothing</p></section>`, html.EscapeString(why), html.EscapeString(title))
			continue
		}
		fmt.Fprintf(b, `<section class="pass"><header><h3>%s</h3><span>%s</span><p>%s</p></header><pre tabindex="0" aria-label="Graph: %s">`,
			html.EscapeString(title), nodes, html.EscapeString(why), html.EscapeString(title))
		lines := strings.Split(strings.TrimSuffix(c.g.String(), "\n"), "\n")
		for j, line := range lines {
			n := j - 1 // the first line names the graph, the last ones are updates
			if n < 0 || n >= len(c.ids) {
				fmt.Fprintf(b, "<i>%s\n</i>", html.EscapeString(line))
				continue
			}
			class := ""
			switch {
			case c.made[n] && c.goes[n]:
				class = ` class="made goes"`
			case c.made[n]:
				class = ` class="made"`
			case c.goes[n]:
				class = ` class="goes"`
			}
			fmt.Fprintf(b, "<i%s%s>%s\n</i>", class, numbers(c.ids[n]), html.EscapeString(line))
		}
		b.WriteString("</pre></section>")
	}
}

func writeTape(b *strings.Builder, c *vm.Cost, tape []row, measured bool) {
	longest := 0.0
	for _, r := range tape {
		longest = max(longest, r.time(measured))
	}
	b.WriteString(`<table id="tape"><thead><tr><th>#<th>instruction<th>algorithm<th>arena<th class="number">its memory<th class="number">in use<th class="number">moved<th class="number">GFLOP<th class="number">predicted ms`)
	if measured {
		b.WriteString(`<th class="number">measured ms<th class="number">GFLOP/s`)
	}
	b.WriteString("<th><tbody>")
	for pc, r := range tape {
		if pc == c.Commit {
			b.WriteString(`<tr class="commit"><td colspan="12">from here on parameters change`)
		}
		class := r.phase.String()
		if pc == c.Peak {
			class += " peak"
		}
		var at []string
		for _, o := range r.offsets {
			at = append(at, "@"+strconv.Itoa(o))
		}
		memory := bytes(int(r.Memory))
		if r.Memory == 0 {
			memory = "in place"
		}
		fmt.Fprintf(b, `<tr class="%s"%s><td>%d<td><code>%s</code><td>%s<td><code>%s</code><td>%s<td>%s<td>%s<td>%s<td>%s`,
			class, numbers(r.ids), pc, html.EscapeString(r.Node.String()), html.EscapeString(r.Algo), strings.Join(at, " "),
			memory, bytes(r.Alive), bytes(int(r.Moved)), orNone(float64(r.FLOPs)/1e9, number), orNone(float64(r.Predicted), milliseconds))
		if measured {
			rate := 0.0
			if r.measured > 0 {
				rate = float64(r.FLOPs) / r.measured
			}
			fmt.Fprintf(b, `<td>%s<td>%s`, orNone(r.measured, milliseconds), orNone(rate, number))
		}
		if r.Once {
			b.WriteString("<td>once, while parameters stay")
			continue
		}
		share := 0.0
		if longest > 0 {
			share = 100 * r.time(measured) / longest
		}
		fmt.Fprintf(b, `<td><svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none"><rect width="%.1f" height="6"/></svg>`, share)
	}
	b.WriteString("</table>")
}

// time is the measured time where there is one.
func (r row) time(measured bool) float64 {
	if measured {
		return r.measured
	}
	return float64(r.Predicted)
}

// numbers is the attribute by which the script finds what belongs together.
func numbers(ids []int) string {
	if len(ids) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(` data-n="`)
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(id))
	}
	b.WriteByte('"')
	return b.String()
}

func orNone(v float64, form func(float64) string) string {
	if v == 0 {
		return ""
	}
	return form(v)
}

// number has three digits that count.
func number(v float64) string {
	if v >= 100 {
		return grouped(int(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func milliseconds(ns float64) string {
	digits := 3
	if ns >= float64(100*time.Millisecond) {
		digits = 1
	}
	return strconv.FormatFloat(ns/1e6, 'f', digits, 64)
}

// bytes writes 1536 as 1.5 KiB.
func bytes(n int) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := 1 << (30 - 10*i); n >= size {
			return strconv.FormatFloat(float64(n)/float64(size), 'f', 1, 64) + " " + unit
		}
	}
	return strconv.Itoa(n) + " B"
}

// grouped writes 12345 as 12,345.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
