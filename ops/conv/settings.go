package conv

import "slices"

// What Choose is told is kept in kernel.Env.Settings, under keys of these types.
type (
	listKey      struct{}
	accuracyKey  struct{}
	forceKey     struct{}
	workspaceKey struct{}
	timesKey     struct{}
)

// A list is the algorithms that are asked first; if alone, nothing is known beside them, not even by name.
type list struct {
	first Algorithms
	alone bool
}

// Use puts algs before the algorithms that settings, a kernel.Env.Settings, asks for
// so far, before those that are compared at first.
func Use(settings map[any]any, algs ...Algorithm) {
	first, alone := used(settings)
	settings[listKey{}] = list{slices.Concat(algs, first), alone}
}

// Only makes algs the only algorithms: a Problem that all of them refuse is an
// error. For tests and measurements.
func Only(settings map[any]any, algs ...Algorithm) {
	settings[listKey{}] = list{slices.Clone(algs), true}
}

// Force makes a the algorithm of every convolution, whatever nodes ask for: for comparisons.
func Force(settings map[any]any, a Algorithm) { settings[forceKey{}] = a }

// forced returns what Force has set.
func forced(settings map[any]any) Algorithm {
	a, _ := settings[forceKey{}].(Algorithm)
	return a
}

// used returns what Use and Only have set.
func used(settings map[any]any) (first Algorithms, alone bool) {
	l, _ := settings[listKey{}].(list)
	return l.first, l.alone
}

// Limit sets the class of accuracy to which Choose keeps in settings, a kernel.Env.Settings.
func Limit(settings map[any]any, a Accuracy) { settings[accuracyKey{}] = a }

// accuracy returns the class of settings.
func accuracy(settings map[any]any) Accuracy {
	a, _ := settings[accuracyKey{}].(Accuracy)
	return a
}

// LimitWorkspace sets how many bytes of scratch memory a convolution may take besides its operands: see Workspace. What takes
// more is refused, even if it is asked for by name. Direct takes none.
func LimitWorkspace(settings map[any]any, bytes int) { settings[workspaceKey{}] = bytes }

// workspaceLimit returns the limit of settings, if there is one.
func workspaceLimit(settings map[any]any) (bytes int, limited bool) {
	bytes, limited = settings[workspaceKey{}].(int)
	return bytes, limited
}

// A Times knows how long algorithms take: see package tune.
type Times interface {
	// Fastest returns the names of algorithms that have been measured on p, the fastest first; none if p has not been. kept says
	// that what a plan prepares of the filter was not prepared in each run.
	Fastest(p Problem, kept bool) []string
}

// UseTimes lets Choose go by what has been measured instead of by costs, where that is known.
func UseTimes(settings map[any]any, t Times) { settings[timesKey{}] = t }

// fastest asks the Times of settings, if there are any.
func fastest(settings map[any]any, p Problem, kept bool) []string {
	if t, ok := settings[timesKey{}].(Times); ok {
		return t.Fastest(p, kept)
	}
	return nil
}
