package vm

import (
	"math/rand/v2"
	"testing"
)

// Spans that live at the same time never overlap, the total is at least what the
// fullest moment takes, and memory is used again.
func TestPack(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := rng.IntN(60)
		spans := make([]*span, n)
		sum := 0
		for i := range spans {
			first := rng.IntN(50)
			spans[i] = &span{bytes: rng.IntN(5) * rng.IntN(1000), first: first, last: first + rng.IntN(12)}
			sum += roundUp(spans[i].bytes)
		}
		total := pack(spans)
		most := 0
		for now := range 64 {
			live := 0
			for i, a := range spans {
				if a.first > now || a.last < now || a.bytes == 0 {
					continue
				}
				live += roundUp(a.bytes)
				if a.offset%align != 0 || a.offset+a.bytes > total {
					t.Fatalf("seed %d: span %d lies at %d of %d", seed, i, a.offset, total)
				}
				for j, b := range spans[:i] {
					if b.first <= now && now <= b.last && b.bytes > 0 && a.offset < b.offset+b.bytes && b.offset < a.offset+a.bytes {
						t.Fatalf("seed %d: spans %d and %d overlap", seed, i, j)
					}
				}
			}
			most = max(most, live)
		}
		if total < most || total > 2*most {
			t.Errorf("seed %d: %d bytes for at most %d at a time, %d in all", seed, total, most, sum)
		}
	}
}
