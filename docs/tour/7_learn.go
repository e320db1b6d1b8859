package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Chapter 7. Learning.
//
// The task: pictures of stripes, half drowned in noise, that run in one of four directions. Where
// they start is different each time, so that no pixel says anything by itself. The network: eight
// filters of 5 × 5, ReLU, the mean of each map (was the pattern found often?), and four sums of
// these eight means with weights of their own, one sum for each direction. The largest sum is the
// answer.

const (
	batch, size, taps, filters, answers = 32, 12, 5, 8, 4

	rate = 0.5 // how far to go along the gradient at each step
	runs = 200
)

// A Net is the graph with those of its values that we talk about.
type Net struct {
	Graph           *Graph
	Pictures, Truth *Value   // what is fed; Truth has a 1 at the right answer, else 0
	Params          []*Value // what is learned: filters, thresholds and weights
	Scores, Loss    *Value   // what comes out
}

func NewNet() Net {
	g := &Graph{}
	n := Net{Graph: g, Pictures: g.Source("pictures", Shape{batch, 1, size, size}), Truth: g.Source("truth", Shape{batch, answers, 1, 1})}
	patterns := g.Source("filters", Shape{filters, 1, taps, taps})
	threshold := g.Source("threshold", Shape{1, filters, 1, 1})
	weights := g.Source("weights", Shape{answers, filters, 1, 1})
	n.Params = []*Value{patterns, threshold, weights}

	found := Conv(n.Pictures, patterns)
	found = ReLU(Sub(found, Repeat(threshold, found.Shape)))
	mean := Scale(Sum(found, Shape{batch, filters, 1, 1}), 1/float64(found.Shape[2]*found.Shape[3]))
	n.Scores = Conv(mean, weights) // sums with weights: filters of 1×1 on pictures of 1×1

	// At best, the score of the right answer is 1 and that of the others 0. How far they are from
	// that, squared so that no miss makes up for another, is the loss.
	miss := Sub(n.Scores, n.Truth)
	n.Loss = Scale(Sum(Mul(miss, miss), Scalar), 1./batch)
	return n
}

// Learner appends the gradient and compiles: each run moves the parameters a bit downhill.
func (n Net) Learner() (*Tape, error) {
	var updates []Update
	for i, d := range Gradients(n.Loss, n.Params...) {
		updates = append(updates, Update{n.Params[i], Sub(n.Params[i], Scale(d, rate))})
	}
	return Compile(n.Graph, []*Value{n.Loss}, updates...)
}

// Start gives the parameters their first numbers. Filters that were all alike would stay alike, so
// chance decides, to a size that makes the sums neither vanish nor explode (He et al. 2015).
func (n Net) Start(t *Tape, chance *rand.Rand) {
	for _, p := range n.Params {
		inputs := float64(p.Shape.Size() / p.Shape[0])
		for i := range t.Of(p) {
			t.Of(p)[i] = chance.NormFloat64() * math.Sqrt(2/inputs)
		}
	}
}

// Draw fills a batch with stripes in the directions — \ | /, four pixels from one to the next, and
// noise.
func (n Net) Draw(t *Tape, chance *rand.Rand) {
	pictures, truth := t.Of(n.Pictures), t.Of(n.Truth)
	clear(truth)
	for i := range batch {
		direction, start := chance.IntN(answers), 2*math.Pi*chance.Float64()
		truth[i*answers+direction] = 1
		right, down := math.Sincos(math.Pi * float64(direction) / answers)
		for p := range size * size {
			along := down*float64(p/size) - right*float64(p%size)
			pictures[i*size*size+p] = math.Sin(2*math.Pi*along/4+start) + 0.7*chance.NormFloat64()
		}
	}
}

// Says returns the answer for picture i of the batch: the direction with the largest score.
func (n Net) Says(t *Tape, i int) int {
	scores := t.Of(n.Scores)[i*answers:][:answers]
	return slices.Index(scores, slices.Max(scores))
}

// Learn trains a network, tries it on pictures that it has never seen, and shows what it looks for.
func Learn(out io.Writer) error {
	net := NewNet()
	predictor, err := Compile(net.Graph, []*Value{net.Scores, net.Truth})
	if err != nil {
		return err
	}
	learner, err := net.Learner()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "to learn:   %3d steps, %6d numbers of memory, %6d without a plan\n", len(learner.steps), learner.Planned, learner.Unplanned)
	fmt.Fprintf(out, "to predict: %3d steps, %6d numbers of memory, %6d without a plan\n\n", len(predictor.steps), predictor.Planned, predictor.Unplanned)

	chance := rand.New(rand.NewPCG(1, 2))
	net.Start(learner, chance)
	for run := range runs + 1 {
		net.Draw(learner, chance)
		learner.Run()
		if run%50 == 0 {
			fmt.Fprintf(out, "after %3d steps the loss is %.2f\n", run, learner.Of(net.Loss)[0])
		}
	}

	for _, p := range net.Params {
		copy(predictor.Of(p), learner.Of(p))
	}
	right := 0
	for range 10 {
		net.Draw(predictor, chance)
		predictor.Run()
		for i := range batch {
			right += int(predictor.Of(net.Truth)[i*answers+net.Says(predictor, i)])
		}
	}
	fmt.Fprintf(out, "of %d new pictures %d are recognised\n", 10*batch, right)
	fmt.Fprintf(out, "\nfour of them, and what the network says:\n\n%s\n", show(predictor.Of(net.Pictures), 4, size))
	for i := range 4 {
		fmt.Fprintf(out, "%-*s", 2*size+3, [answers]string{"—", `\`, "|", "/"}[net.Says(predictor, i)])
	}
	fmt.Fprintf(out, "\n\nwhat it looks for, its filters:\n\n%s", show(predictor.Of(net.Params[0]), filters, taps))
	return nil
}

// show draws n squares beside each other, from dark for the smallest number to bright for the
// largest.
func show(numbers []float64, n, side int) string {
	shades := []rune(" ░▒▓█")
	var b strings.Builder
	for row := range side {
		for i := range n {
			square := numbers[i*side*side:][:side*side]
			low, high := slices.Min(square), slices.Max(square)
			for _, x := range square[row*side:][:side] {
				shade := string(shades[int((x-low)/(high-low)*4.999)])
				b.WriteString(shade + shade)
			}
			b.WriteString(" │ ")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Grown up: train (optimisers, data, saved runs), models (networks from papers), models/layers
// (parameters with a start), ops/crossentropy.go (a loss that speaks of probabilities), data
// (digits and photographs in place of stripes).
