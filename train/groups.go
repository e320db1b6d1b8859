package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"neocog/graph"
	"neocog/ops"
)

// A Group gives the parameters whose names match a pattern a rate and a decay of
// their own. In the pattern * stands for any characters, slashes too: "fc*/w", "*/b".
type Group struct {
	Pattern string
	Rate    float64 // the factor of the learning rate; 0 freezes, and computes no gradient
	Decay   float64 // the weight decay, also of biases; negative for that of Config
}

func (g Group) String() string {
	s := g.Pattern + "=" + strconv.FormatFloat(g.Rate, 'g', -1, 64)
	if g.Decay >= 0 {
		s += "," + strconv.FormatFloat(g.Decay, 'g', -1, 64)
	}
	return s
}

// ParseGroups reads groups, PATTERN=RATE[,DECAY] separated by semicolons: with
// "conv1/*=0; fc*=10,0.001" the first convolution keeps its weights and the last
// layers learn ten times as fast, with a decay of their own. Where several match a
// parameter, the first counts. The empty text has none.
func ParseGroups(s string) ([]Group, error) {
	var groups []Group
	for _, item := range strings.Split(s, ";") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		pattern, numbers, ok := strings.Cut(item, "=")
		pattern = strings.TrimSpace(pattern)
		if !ok || pattern == "" {
			return nil, fmt.Errorf("groups: got %q, want PATTERN=RATE[,DECAY], as conv1/*=0.1", item)
		}
		rate, decay, has := strings.Cut(numbers, ",")
		g := Group{Pattern: pattern, Decay: -1}
		for _, n := range []struct {
			name, text string
			to         *float64
			given      bool
		}{{"RATE", rate, &g.Rate, true}, {"DECAY", decay, &g.Decay, has}} {
			if !n.given {
				continue
			}
			v, err := strconv.ParseFloat(strings.TrimSpace(n.text), 64)
			if err != nil || !(v >= 0) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("groups: %q: %s is %q, want a number of at least 0", item, n.name, strings.TrimSpace(n.text))
			}
			*n.to = v
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// Matches reports whether the group is for the parameter of that name.
func (g Group) Matches(name string) bool { return matches(g.Pattern, name) }

// matches compares with a pattern in which * stands for any characters.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}

// A plan says how each parameter of a graph is trained.
type plan struct {
	params      []*graph.Value // those that are not frozen
	rate, decay []float64      // of each
}

// newPlan finds the group of each parameter. decay are the parameters to which
// lambda applies where no group says otherwise. A group for no parameter, and groups
// that leave nothing to train, are errors.
func newPlan(groups []Group, params, decay []*graph.Value, lambda float64) (plan, error) {
	decays := map[*graph.Value]bool{}
	for _, w := range decay {
		decays[w] = true
	}
	var p plan
	used := make([]bool, len(groups))
	var names []string
	for _, w := range params {
		rate, own := 1.0, 0.0
		if decays[w] {
			own = lambda
		}
		names = append(names, label(w))
		taken := false
		for i, g := range groups {
			if !g.Matches(label(w)) {
				continue
			}
			used[i] = true
			if taken {
				continue
			}
			taken, rate = true, g.Rate
			if g.Decay >= 0 {
				own = g.Decay
			}
		}
		if rate > 0 {
			p.params, p.rate, p.decay = append(p.params, w), append(p.rate, rate), append(p.decay, own)
		}
	}
	for i, g := range groups {
		if !used[i] {
			return p, errors.Errorf("group %v is for no parameter; there are %s", g, some(names, 8))
		}
	}
	if len(p.params) == 0 && len(params) > 0 {
		return p, errors.New("groups freeze every parameter: there is nothing to train")
	}
	return p, nil
}

// some lists the first n names.
func some(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// apply declares the updates by the rule o.
func (p plan) apply(o Optimizer, lr *graph.Value, grads []*graph.Value) {
	for i, w := range p.params {
		rate := lr
		if p.rate[i] != 1 {
			rate = ops.Scale(lr, p.rate[i])
		}
		one := []*graph.Value{w}
		if own, ok := withDecay(o, p.decay[i]); ok {
			own.Apply(rate, one, grads[i:i+1])
		} else {
			o.Apply(rate, one, L2(p.decay[i], one, grads[i:i+1], one))
		}
	}
}

// withDecay returns o with that weight decay, if it is a rule which has its own.
func withDecay(o Optimizer, lambda float64) (Optimizer, bool) {
	switch o := o.(type) {
	case AdamW:
		o.Decay = lambda
		return o, true
	case LARS:
		o.Decay = lambda
		return o, true
	case Lookahead:
		inner, ok := withDecay(o.Inner, lambda)
		o.Inner = inner
		return o, ok
	}
	return o, false
}
