package main

import (
	"fmt"
	"math"
	"slices"
)

// Chapter 6. Proof.
//
// A wrong derivative is a quiet mistake: the network still learns, only worse. But there is a
// second way to find out how the loss feels a number, so slow that nobody would train with it, and
// so simple that it cannot be wrong: nudge the number a little up, run, nudge it a little down,
// run, and compare.

// The nearer the nudges, the straighter the loss between them, but the fewer of the 16 digits of a
// float64 are left in the difference. A nudge of 1e-5 bends by about 1e-10 and leaves 11 digits, so
// that 7 are asked for in good conscience.
const (
	nudge     = 1e-5
	tolerance = 1e-7
)

// Check compares the gradient of loss by v, element by element, with what nudging shows. fill puts
// numbers into the sources. ReLU has a kink at 0, where nothing is straight: numbers should keep
// away from it.
func Check(loss, v *Value, fill func(*Tape)) error {
	grad := Gradients(loss, v)[0]
	t, err := Compile(loss.Graph, []*Value{loss, grad})
	if err != nil {
		return err
	}
	fill(t)
	t.Run()
	claimed := slices.Clone(t.Of(grad))
	for i, at := range t.Of(v) {
		t.Of(v)[i] = at + nudge
		t.Run()
		up := t.Of(loss)[0]
		t.Of(v)[i] = at - nudge
		t.Run()
		down := t.Of(loss)[0]
		t.Of(v)[i] = at
		seen := (up - down) / (2 * nudge)
		// Written so that NaN, which compares with nothing, is refused.
		if !(math.Abs(claimed[i]-seen) <= tolerance*max(1, math.Abs(seen))) {
			return fmt.Errorf("element %d of v%d: the gradient is %.9g, nudging shows %.9g", i, v.ID, claimed[i], seen)
		}
	}
	return nil
}

// Grown up: autodiff/check.go, which says where it found the difference. "neocog gradcheck --all"
// runs it for every op, first and second derivatives.
