package train_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"neocog/data"
	"neocog/train"
)

// killedFolder is the variable that makes TestKilledChild train in a folder.
const killedFolder = "NEOCOG_TEST_KILLED"

// killedRun is a run with all that keeps state, and checkpoints as often as possible.
func killedRun(c *train.Config) {
	c.Epochs, c.Batch, c.MicroBatch = 4, 16, 10
	c.Augment, c.Workers, c.Optimizer, c.Schedule = "crop:2+rotate:10", 2, "adam", "plateau:1,2"
	c.Average, c.Checkpoint, c.TensorBoard = 0.9, "1", true
}

func killedData() (set, test *data.Set) { return data.Digits(110, 1), data.Digits(40, 2) }

// TestKilledChild is the process that TestKill kills: it goes on with the run that is in the folder, or begins one, and
// says when it starts, and what came out.
func TestKilledChild(t *testing.T) {
	root := os.Getenv(killedFolder)
	if root == "" {
		t.Skip("this is the process that TestKill starts and kills; it does nothing by itself")
	}
	fmt.Println("\nbegins")
	tr, run, err := goOn(root, 0)
	if err != nil && strings.Contains(err.Error(), "has come to epoch 4 and is asked for 4;") {
		// It was killed between the last checkpoint and its last words.
		if tr, run, err = goOn(root, 1); err == nil {
			defer tr.Close()
			fmt.Printf("\nresult %s %s\n", fingerprint(t, tr), run.Dir)
			return
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if run == nil {
		tr = smallTrainer(t, killedRun)
		if run, err = train.Create(root, "run"); err != nil {
			t.Fatal(err)
		}
	}
	defer tr.Close()
	set, test := killedData()
	if _, err := tr.Fit(context.Background(), set, test, train.FitOptions{Run: run}); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nresult %s %s\n", fingerprint(t, tr), run.Dir)
}

// goOn opens the run in root, to go on for so many epochs more than planned; there is none if all that were begun were
// killed before they had a configuration.
func goOn(root string, more int) (*train.Trainer, *train.Run, error) {
	configs, err := filepath.Glob(filepath.Join(root, "*", train.ConfigFile))
	if err != nil || len(configs) == 0 {
		return nil, nil, err
	}
	return train.ResumeModel(filepath.Dir(configs[0]), small, func(c *train.Config) { c.Epochs += more })
}

// A run that is killed at random moments, and goes on each time, ends with the bits of one that is not; 200 kills with -long.
func TestKill(t *testing.T) {
	kills := 5
	if *long {
		kills = 200
	}
	set, test := killedData()
	run, err := train.Create(t.TempDir(), "run")
	if err != nil {
		t.Fatal(err)
	}
	tr := smallTrainer(t, killedRun)
	res, err := tr.Fit(context.Background(), set, test, train.FitOptions{Run: run})
	if err != nil {
		t.Fatal(err)
	}
	want := leaves(t, run.Dir, tr, res)

	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	root := t.TempDir()
	const unharmed = 2       // runs which nobody kills, to know
	took := time.Duration(0) // how long one takes, the fastest
	runs, resumed := 0, 0
	for killed := 0; killed < kills || runs <= unharmed; {
		after := time.Duration(random.Float64() * float64(took))
		if runs < unharmed {
			after = time.Minute
		}
		if configs, _ := filepath.Glob(filepath.Join(root, "*", train.ConfigFile)); len(configs) > 0 {
			resumed++
		}
		began := time.Now()
		result, err := killAfter(t, root, after, &began)
		if err != nil {
			t.Fatalf("seed %d, after %d kills: %v", seed, killed, err)
		}
		if result == "" {
			killed++
			continue
		}
		state, dir, _ := strings.Cut(result, " ")
		got := leaves(t, dir, tr, res)
		got.state = state
		if err := same(got, want); err != nil {
			t.Fatalf("seed %d, after %d kills: %v", seed, killed, err)
		}
		if d := time.Since(began); runs == 0 || runs < unharmed && d < took {
			took = d
		}
		runs++
		root = t.TempDir()
	}
	t.Logf("%d kills in %d finished runs of %v each, %d processes went on with a run", kills, runs, took.Round(time.Millisecond), resumed)
}

// killAfter starts the child and kills it so long after it has begun, which it notes in began. The result is empty if the
// child was killed before it was done.
func killAfter(t *testing.T, root string, after time.Duration, began *time.Time) (result string, err error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$", "-test.v")
	cmd.Env = append(os.Environ(), killedFolder+"="+root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(out)
	var text strings.Builder
	killed := make(chan bool, 1)
	var timer *time.Timer
	for lines.Scan() {
		fmt.Fprintln(&text, lines.Text())
		if lines.Text() == "begins" {
			*began = time.Now()
			timer = time.AfterFunc(after, func() { killed <- cmd.Process.Kill() == nil })
		}
		if r, ok := strings.CutPrefix(lines.Text(), "result "); ok {
			result = r
		}
	}
	io.Copy(io.Discard, out)
	err = cmd.Wait()
	switch {
	case timer == nil:
		return "", fmt.Errorf("the child did not begin: %v\n%s", err, &text)
	case err == nil || result != "":
		timer.Stop()
		return result, nil
	case !timer.Stop() && <-killed:
		return "", nil
	}
	return "", fmt.Errorf("the child ended by itself: %v\n%s", err, &text)
}
