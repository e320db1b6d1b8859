package vm

// PassNames returns the names in the table of passes.
func PassNames() (names []string) {
	for _, p := range passes {
		names = append(names, p.name)
	}
	return names
}

// RunKernels runs every kernel of the tape for a batch size once, on the buffers of a machine that has run at it with one worker, and does nothing else of what Run does.
func (m *Machine) RunKernels(batch int) {
	b, c := m.bindings[batch], &m.workers[0]
	c.Bufs = b.bufs
	for pc := range b.t.code {
		in := &b.t.code[pc]
		c.Ins, c.Outs = in.ins, in.outs
		if in.scratch >= 0 {
			c.Scratch = pointer(b.mem[in.scratch])
		}
		if in.prepared >= 0 {
			c.Prepared = pointer(b.mem[in.prepared])
		}
		for i := range in.plan.Steps {
			s := &in.plan.Steps[i]
			s.Run(c, 0, s.N)
		}
	}
}
