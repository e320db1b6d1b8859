// Package cpu says which instruction set the kernels use, how fast it could be, and
// which caches there are.
//
// The level is that of the processor unless the environment variable
// NEOCOG_ISA names a lower one: portable, avx2 or avx512. Naming one that the
// processor lacks is a mistake which Level reports by Err; kernels then use the
// best that is there. Tests force levels by With.
package cpu

import (
	"fmt"
	"os"
	"sync/atomic"
)

// A Level is a set of instructions, each level including those before it.
type Level int32

// The levels. Portable is plain Go, and the only one except on amd64.
const (
	Portable Level = iota
	AVX2           // with FMA
	AVX512         // F, BW, DQ and VL
)

var names = [...]string{Portable: "portable", AVX2: "avx2", AVX512: "avx512"}

// String returns the name by which NEOCOG_ISA knows the level.
func (l Level) String() string {
	if l >= 0 && int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("Level(%d)", int32(l))
}

// Variable is the name of the environment variable which forces a level.
const Variable = "NEOCOG_ISA"

var (
	current atomic.Int32
	errEnv  error
)

func init() {
	l, err := choose(os.Getenv(Variable), Best())
	errEnv = err
	current.Store(int32(l))
}

// choose returns the level that the value of the variable asks for.
func choose(value string, best Level) (Level, error) {
	if value == "" {
		return best, nil
	}
	for i, n := range names {
		if n != value {
			continue
		}
		if Level(i) > best {
			return best, fmt.Errorf("%s=%s asks for more than this processor has, which is %v", Variable, value, best)
		}
		return Level(i), nil
	}
	return best, fmt.Errorf("%s=%s is no instruction set, want portable, avx2 or avx512", Variable, value)
}

// Current returns the level that kernels use.
func Current() Level { return Level(current.Load()) }

// Err returns what was wrong with NEOCOG_ISA, or nil.
func Err() error { return errEnv }

// With runs f at level l, which the processor must have, and reports whether it
// does. Kernels that run at the same time elsewhere are affected too: for tests.
func With(l Level, f func()) bool {
	if l > Best() {
		return false
	}
	old := current.Swap(int32(l))
	defer current.Store(old)
	f()
	return true
}
