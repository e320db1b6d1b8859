package par_test

import (
	"fmt"

	"neocog/internal/par"
)

// The sum of squares in two steps: each worker adds up its share, the last one to finish adds the shares
// in the order of the workers.
func Example() {
	team := par.NewTeam(3)
	defer team.Close()

	x := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	part := make([]int, team.Size())
	total := 0
	add := func() {
		for _, p := range part {
			total += p
		}
	}
	team.Run(func(worker int) {
		lo, hi := par.Split(len(x), team.Size(), worker)
		for _, v := range x[lo:hi] {
			part[worker] += v * v
		}
		team.Barrier(add)
	})
	fmt.Println(total)
	// Output: 385
}
