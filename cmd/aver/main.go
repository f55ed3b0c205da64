// Command aver tries the Aver client out: it runs the whole flow of a check, serves the sandbox, and tells whether
// credentials work.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(status(err))
	}
}

// An exitError ends the command with a status.
type exitError struct {
	error
	status int
}

func (e *exitError) Unwrap() error { return e.error }

// exit returns an error that ends the command with a status.
func exit(status int, err error) error { return &exitError{err, status} }

// status returns the exit status for an error: 1 unless it says another.
func status(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.status
	}
	return 1
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "aver",
		Short:         "Try the Aver identity-verification API",
		Version:       api.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit(2, err) })
	root.AddCommand(newDemoCommand(), newSandboxCommand(), newTokenCommand(), newCallCommand(), newContractCommand(), newGenerateCommand(),
		newOverlayCommand(), newDocsCommand(), newChaosCommand(), newWebhookCommand())
	misuse(root)
	return root
}

// misuse has wrong arguments of any command end with the status 2.
func misuse(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			var told *exitError
			if err := check(cmd, args); err != nil && !errors.As(err, &told) {
				return exit(2, err)
			} else {
				return err
			}
		}
	}
	for _, below := range cmd.Commands() {
		misuse(below)
	}
}

// oneOf has a command that only holds others refuse what is none of them.
func oneOf(cmd *cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		message := fmt.Sprintf("%s: %q is none of its commands", cmd.CommandPath(), args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			message += "; is " + near[0] + " meant?"
		}
		return exit(2, errors.New(message))
	}
	return cmd
}

// An account is what the environment says about the service to call.
type account struct {
	key, secret, groupID, baseURL string
}

// accountFromEnv reads AVER_API_KEY, AVER_API_SECRET, AVER_GROUP_ID and AVER_BASE_URL. Secrets come from the environment
// alone: a flag would show them in the list of processes.
func accountFromEnv() account {
	return account{
		key:     os.Getenv("AVER_API_KEY"),
		secret:  os.Getenv("AVER_API_SECRET"),
		groupID: os.Getenv("AVER_GROUP_ID"),
		baseURL: os.Getenv("AVER_BASE_URL"),
	}
}

func (a account) isSet() bool { return a.key != "" || a.secret != "" }

// target returns the account to call and what it is called: the one of the environment or, without one, that of a sandbox
// which runs until stop is called.
func (a account) target(opts ...sandbox.Option) (to account, name string, stop func(), err error) {
	switch {
	case a.isSet() && a.groupID == "":
		return a, "", nil, errors.New("AVER_GROUP_ID is not set; the portal shows the ID of the check group")
	case a.isSet():
		return a, cmp.Or(a.baseURL, "the production service"), func() {}, nil
	case a.baseURL != "":
		return a, "", nil, errors.New("AVER_BASE_URL is set, but AVER_API_KEY and AVER_API_SECRET are not; unset it to use the built-in sandbox")
	}
	s, err := sandbox.Listen(opts...)
	if err != nil {
		return a, "", nil, err
	}
	return account{key: s.Key, secret: s.Secret, groupID: s.GroupID, baseURL: s.URL}, "the built-in sandbox", func() { _ = s.Close() }, nil
}

// client returns a client of the account.
func (a account) client() (*api.Client, error) {
	switch {
	case a.key == "":
		return nil, errors.New("AVER_API_KEY is not set; copy the key from the portal: Settings, API Keys")
	case a.secret == "":
		return nil, errors.New("AVER_API_SECRET is not set; the portal shows it once, when the key is added")
	}
	opts := []api.Option{api.WithUserAgent("aver-cli/" + api.Version)}
	if a.baseURL != "" {
		opts = append(opts, api.WithBaseURL(a.baseURL))
	}
	return api.New(a.key, a.secret, opts...)
}
