//go:build unix

package main

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// What was measured before the signal is kept; what is being measured, which may take minutes, is not waited for.
func TestInterruptBench(t *testing.T) {
	// A small problem, then one for which the direct loops would take minutes.
	cmd := exec.Command("neocog", "bench", "conv", "--json", "--algo", "direct", "--reps", "1", "--threads", "1",
		"--shape", "1x1x4x4,1x3x3", "--shape", "4x128x128x128,128x7x7,pad=3")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test fails half-way
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), `{"name":"1x1x4x4,1x3x3",`) {
		t.Fatalf("the first row is %q", lines.Text())
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Errorf("after the signal there is %q", lines.Text())
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitInterrupted || stderr.String() != "neocog: interrupted\n" {
		t.Errorf("%v, %q", err, &stderr)
	}
}
