package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"neocog/data"
	"neocog/data/download"
)

func (a *app) dataGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get NAME",
		Short: "Download a public data set into the cache folder",
		Long: `Download a public data set into the user's cache folder, where --data NAME finds it: ` + strings.Join(data.Public, ", ") + `.
Files are checked by their SHA-256. What was interrupted goes on when it is started again, and what is there already stays; without a
connection the message says where to put the files by hand.`,
		Example: `neocog data get mnist
neocog train --data mnist`,
		Args:      wants(1, 1, "NAME, one of "+strings.Join(data.Public, ", ")),
		ValidArgs: data.Public,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := download.Find(args[0])
			if err != nil {
				return asUsage(err)
			}
			return a.dataGet(cmd.Context(), s)
		},
	}
}

func (a *app) dataGet(ctx context.Context, s download.Source) error {
	var show download.Progress
	if !a.quiet && isTerminal(a.stderr) && os.Getenv("TERM") != "dumb" {
		bar := progressbar.NewOptions64(1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetDescription(s.Name),
			progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true))
		defer bar.Exit()
		show = func(done, all int64) {
			bar.ChangeMax64(all)
			bar.Set64(done)
		}
	}
	dir, err := download.Get(ctx, s.Name, show)
	if err != nil {
		return err
	}
	if a.json {
		return a.emit(struct {
			Name string `json:"name"`
			Dir  string `json:"dir"`
			From string `json:"from"`
		}{s.Name, dir, s.From})
	}
	fmt.Fprintf(a.stdout, "%s\n", dir)
	if !a.quiet {
		fmt.Fprintf(a.stderr, "%s; use it as --data %s\n", s.From, s.Name)
	}
	return nil
}
