//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"neocog/train"
)

// A process is neocog train with far too many epochs, in a folder of its own.
type process struct {
	*exec.Cmd
	dir    string
	stderr *bufio.Scanner
	stdout *strings.Builder
}

func startTraining(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("neocog", "train", "--json", "--train-images", "640", "--test-images", "100", "--epochs", "1000000", "--name", "run")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "NEOCOG_RUNS=")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd, dir, bufio.NewScanner(pipe), &strings.Builder{}}
	cmd.Stdout = p.stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test fails half-way
	return p
}

// await reads logs until a line contains text.
func (p *process) await(t *testing.T, text string) string {
	t.Helper()
	for p.stderr.Scan() {
		if strings.Contains(p.stderr.Text(), text) {
			return p.stderr.Text()
		}
	}
	t.Fatalf("the process ended without a line with %q: %v", text, p.Wait())
	return ""
}

func TestInterruptSaves(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skip("whoever began this test has it ignored, as nohup does, and so would what it begins")
			}
			p := startTraining(t)
			p.await(t, "epoch 1/1000000")
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			line := p.await(t, "neocog: interrupted after")
			if !strings.Contains(line, "to go on: neocog train --resume runs/run") {
				t.Errorf("the last words are %q", line)
			}
			for p.stderr.Scan() { // the pipe must be empty before Wait
			}
			if err := p.Wait(); p.ProcessState.ExitCode() != exitInterrupted {
				t.Errorf("exit status %v, want %d", err, exitInterrupted)
			}
			lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
			var last outcome
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
				t.Fatalf("the last object is %q: %v", lines[len(lines)-1], err)
			}
			if !last.Interrupted || last.Epochs < 1 || last.Epochs != len(lines)-1 || last.Accuracy == nil || last.Run != "runs/run" {
				t.Errorf("after %d epochs the last object is %+v", len(lines)-1, last)
			}
			eval := exec.Command("neocog", "eval", last.Run, "--json")
			eval.Dir = p.dir
			if out, err := eval.Output(); err != nil || !strings.Contains(string(out), `"images":100,"accuracy":0.`) {
				t.Errorf("eval of the run: %v, %s", err, out)
			}
			resume := exec.Command("neocog", "train", "--resume", last.Run, "--epochs", strconv.Itoa(last.Epochs+1), "--json", "--quiet")
			resume.Dir = p.dir
			if out, err := resume.Output(); err != nil || !strings.Contains(string(out), fmt.Sprintf(`"epochs":%d,`, last.Epochs+1)) {
				t.Errorf("going on: %v, %s", err, out)
			}
		})
	}
}

// An interrupt while the classifier is fitted left neither its run nor a word on that.
func TestInterruptOfAClassifierSaysThatNothingIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	if status := run(strings.Fields("train compact --train-images 64 --test-images 10 --epochs 1 --name base -q"), io.Discard, io.Discard); status != exitOK {
		t.Fatalf("exit status %d of the base", status)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cfg := train.DefaultConfig("")
	cfg.TrainImages, cfg.TestImages = 64, 10
	a := &app{stdout: io.Discard, stderr: io.Discard, warn: io.Discard}
	err := a.transfer(ctx, "runs/base", cfg, transferOptions{classifier: &choice{value: train.Logistic}, runs: "runs", name: "head"})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "nothing is kept, the run folder runs/head is removed") {
		t.Errorf("error %v, want that nothing is kept", err)
	}
	if _, err := os.Stat("runs/head"); err == nil {
		t.Error("runs/head is there")
	}
}

// A process which hangs while it saves, here on a pipe that nobody reads, ends at the second signal.
func TestSecondSignalKills(t *testing.T) {
	p := startTraining(t)
	p.await(t, "  run")
	weights := filepath.Join(p.dir, "runs", "run", ".weights.safetensors.tmp") // written after each epoch
	if err := syscall.Mkfifo(weights, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		for p.stderr.Scan() {
		}
		done <- p.Wait()
	}()
	deadline := time.After(30 * time.Second)
	for sent := 0; ; sent++ {
		select {
		case err := <-done:
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || !exit.Sys().(syscall.WaitStatus).Signaled() {
				t.Errorf("the process ended with %v, want death by signal", err)
			}
			if sent < 2 {
				t.Errorf("the process ended after %d signals, want 2 or more", sent)
			}
			return
		case <-deadline:
			t.Fatalf("%d signals have not ended the process", sent)
		case <-time.After(50 * time.Millisecond):
			p.Process.Signal(os.Interrupt)
		}
	}
}
