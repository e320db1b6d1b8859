package conv

import (
	"math/rand/v2"
	"testing"
)

// The number of tiles before a strip, which is a formula, is what counting them gives.
func TestTilesBeforeStrips(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	seen := 0
	for range 2000 {
		d := [2]int{1 + rnd.IntN(5), 1 + rnd.IntN(5)}
		p := Problem{N: 1 + rnd.IntN(3), C: 1, K: 1, Groups: 1, H: 2*d[0] + 1 + rnd.IntN(60), W: 2*d[1] + 1 + rnd.IntN(400), R: 3, S: 3,
			Stride: [2]int{1, 1}, Dilation: d}
		w := newWinogradTiles[float32](Winograd{M: [2]int{4, 4}, R: [2]int{3, 3}}, p)
		n := 0
		for u := range w.strips() + 1 {
			if got := w.tiles(0, u); got != n {
				t.Fatalf("%+v: %d tiles before strip %d of %d, want %d", p, got, u, w.strips(), n)
			}
			if u < w.strips() {
				n += w.strip(u).wide * p.Dilation[1]
			}
			seen++
		}
	}
	if seen < 10000 {
		t.Errorf("%d strips were looked at", seen)
	}
}
