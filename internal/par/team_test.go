package par

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var sizes = []int{1, 2, 3, 8}

func TestSize(t *testing.T) {
	for n, want := range map[int]int{-1: 1, 0: 1, 1: 1, 5: 5} {
		if got := NewTeam(n).Size(); got != want {
			t.Errorf("NewTeam(%d).Size() = %d, want %d", n, got, want)
		}
	}
}

func TestRunCallsEachWorkerOnce(t *testing.T) {
	for _, n := range sizes {
		t.Run(fmt.Sprintf("workers=%d", n), func(t *testing.T) {
			team := NewTeam(n)
			defer team.Close()
			calls := make([]int, n) // plain: Run itself must order the accesses
			for run := 1; run <= 200; run++ {
				team.Run(func(w int) { calls[w]++ })
				for w, c := range calls {
					if c != run {
						t.Fatalf("after %d runs worker %d has run %d times", run, w, c)
					}
				}
			}
		})
	}
}

// Every worker writes its cell, and after the barrier reads its neighbour's: under -race this proves the ordering, and without
// it the values do. The serial step must see all cells of its round, and nobody may be let go before it ends.
func TestBarrierOrdersRounds(t *testing.T) {
	const runs, rounds = 5, 1000
	for _, n := range sizes {
		t.Run(fmt.Sprintf("workers=%d", n), func(t *testing.T) {
			team := NewTeam(n)
			defer team.Close()
			cell := make([]int, n)
			serial, wrong := 0, atomic.Int64{}
			step := func() {
				serial++
				for _, c := range cell {
					if c != serial {
						wrong.Add(1)
					}
				}
			}
			for run := range runs {
				team.Run(func(w int) {
					for r := run*rounds + 1; r <= (run+1)*rounds; r++ {
						cell[w] = r
						team.Barrier(step)
						if serial != r || cell[(w+1)%n] != r {
							wrong.Add(1)
						}
						team.Barrier(nil)
					}
				})
			}
			if wrong.Load() != 0 || serial != runs*rounds {
				t.Errorf("%d observations out of order, %d serial steps of %d", wrong.Load(), serial, runs*rounds)
			}
		})
	}
}

// More workers than processors, and one who is late: the others must sleep and be woken.
func TestBarrierWakesSleepers(t *testing.T) {
	team := NewTeam(8)
	defer team.Close()
	met := 0
	team.Run(func(w int) {
		for round := range 3 {
			if w == round {
				time.Sleep(20 * time.Millisecond)
			}
			team.Barrier(func() { met++ })
		}
	})
	time.Sleep(20 * time.Millisecond) // the idle workers sleep at the start gate
	if asleep := team.start.sleepers.Load(); asleep == 0 {
		t.Log("no worker slept: this run has shown less than it could")
	}
	team.Run(func(int) { team.Barrier(func() { met++ }) })
	if met != 4 {
		t.Errorf("%d barriers were passed, want 4", met)
	}
}

func TestNoAllocation(t *testing.T) {
	for _, n := range sizes {
		team := NewTeam(n)
		serial := 0
		step := func() { serial++ }
		body := func(int) { team.Barrier(step); team.Barrier(nil) }
		team.Run(body) // starts the workers
		if a := testing.AllocsPerRun(100, func() { team.Run(body) }); a != 0 {
			t.Errorf("workers=%d: %v allocations per Run, want 0", n, a)
		}
		team.Close()
	}
}

func TestOverlappingRunPanics(t *testing.T) {
	team := NewTeam(2)
	defer team.Close()
	team.Run(func(w int) {
		if w != 0 {
			return
		}
		defer func() {
			if r := recover(); r == nil || !strings.Contains(r.(string), "overlaps") {
				t.Errorf("a nested Run gave %v, want a panic that says it overlaps", r)
			}
		}()
		team.Run(func(int) {})
	})
}

func TestCloseEndsWorkersAndRunRestartsThem(t *testing.T) {
	team := NewTeam(4)
	team.Close() // before the first Run there is nothing to end
	for range 3 {
		var sum atomic.Int64
		team.Run(func(w int) { sum.Add(int64(w)) })
		if sum.Load() != 0+1+2+3 {
			t.Errorf("the workers' numbers add up to %d, want 6", sum.Load())
		}
		if got := workersAlive(); got != 3 {
			t.Errorf("%d goroutines work for a team of 4, want 3", got)
		}
		team.Close()
		team.Close()
		waitForWorkers(t, 0)
	}
}

func TestUnreachableTeamEndsItsWorkers(t *testing.T) {
	func() {
		team := NewTeam(3)
		team.Run(func(int) { team.Barrier(nil) }) // the body refers to the team, as bodies do
	}()
	deadline := time.Now().Add(20 * time.Second)
	for workersAlive() > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d workers outlive their team", workersAlive())
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

// workersAlive counts the goroutines which are in, or were started for, crew.work.
func workersAlive() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "(*crew).work(")
}

// waitForWorkers gives goroutines whose last statement is done the time to disappear.
func waitForWorkers(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for workersAlive() != want {
		if time.Now().After(deadline) {
			t.Fatalf("%d workers alive, want %d", workersAlive(), want)
		}
		time.Sleep(time.Millisecond)
	}
}

// One operation is one barrier passed by all.
func BenchmarkBarrier(b *testing.B) {
	for _, n := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("workers=%d", n), func(b *testing.B) {
			team := NewTeam(n)
			defer team.Close()
			b.ReportAllocs()
			b.ResetTimer()
			team.Run(func(int) {
				for range b.N {
					team.Barrier(nil)
				}
			})
		})
	}
}

func BenchmarkRun(b *testing.B) {
	for _, n := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("workers=%d", n), func(b *testing.B) {
			team := NewTeam(n)
			defer team.Close()
			body := func(int) {}
			b.ReportAllocs()
			for b.Loop() {
				team.Run(body)
			}
		})
	}
}
