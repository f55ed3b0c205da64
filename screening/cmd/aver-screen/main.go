// Command aver-screen searches watchlists for everybody in a file: resumable, and nobody twice by itself.
//
//	aver-screen run people.csv
//	aver-screen status people.db
//	aver-screen results people.db --format jsonl
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(statusOf(err))
	}
}

// The exit statuses, for a scheduler.
const (
	exitFailed  = 1 // it did not run to its end; run it again
	exitUsage   = 2 // a flag, a file or a row is wrong
	exitUnknown = 3 // all is done, but some rows were refused, or nobody knows whether they were performed
	exitStopped = 4 // it was interrupted; run it again to go on
)

// An exitError ends the command with a status.
type exitError struct {
	error
	status int
}

func (e *exitError) Unwrap() error { return e.error }

func statusOf(err error) int {
	var e *exitError
	switch {
	case errors.As(err, &e):
		return e.status
	case strings.HasPrefix(err.Error(), "unknown command"): // cobra's
		return exitUsage
	}
	return exitFailed
}

// args has wrong arguments be wrong usage.
func args(want cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := want(c, args); err != nil {
			return &exitError{err, exitUsage}
		}
		return nil
	}
}

func usage(format string, args ...any) error {
	return &exitError{fmt.Errorf(format, args...), exitUsage}
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "aver-screen",
		Short: "Search watchlists for many people",
		Long: `aver-screen searches watchlists for everybody in a file. What became of whom stands in a database beside it: run again after any
interruption, it goes on where it was, and searches nobody twice by itself.

AVER_API_KEY, AVER_API_SECRET and AVER_GROUP_ID are the credentials and the check group; --sandbox needs none.

Exit status: 0 all is done; 1 a failure, run it again; 2 a flag, a file or a row is wrong; 3 all is done, but some rows were refused,
or it is unknown whether they were performed; 4 interrupted, run it again to go on.`,
		Version:       api.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{err, exitUsage} })
	root.AddCommand(newRunCommand(), newStatusCommand(), newResultsCommand(), newMarkCommand(), newPurgeCommand(),
		newMadeUpCommand(), newWorkCommand())
	return root
}
