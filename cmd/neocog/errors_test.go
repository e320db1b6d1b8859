package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"neocog/data"
)

// A pack that was cut while a training measures its images is the user's file at fault; it was told as a bug of ours.
func TestPackThatWasCutIsNoBug(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{&data.FormatError{File: "my.pack", What: "pixels", Want: "all", Got: "less"}, "my.pack: pixels: want all, got less"},
		{errors.New("mine"), "internal error: mine; this is a bug in neocog"},
	} {
		root := &cobra.Command{Use: "neocog", RunE: func(*cobra.Command, []string) error { panic(c.value) }}
		root.SetArgs([]string{})
		cmd, err := guarded(root, t.Context())
		if cmd != root || err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %s", c.value, err, c.want)
		}
	}
}
