package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/explore"
)

// An exploration is what the flags of the command say.
type exploration struct {
	explore.Explorer
	values, headers, except []string
}

func newExploreCommand(h *holding) *cobra.Command {
	e := &exploration{}
	cmd := &cobra.Command{
		Use:   "explore [URL]",
		Short: "Call a service with requests that nobody wrote",
		Long: `Explore makes requests from the contract alone, valid ones and ones that break one rule, follows its links from answer to
request, and holds every answer against what the contract says. What fails is made as small as it can be, and shown as a curl
line and as a Go test.

The URL is that of the API. Without one a sandbox of its own is explored. The credentials are AVER_API_KEY and AVER_API_SECRET,
and AVER_GROUP_ID is the check group; another service's are the values of --header. When they are wrong, the service is blamed for
refusing them, or what is valid.

Explore creates, changes and submits whatever the contract lets it: on the real service that costs money. So it calls this machine
alone, unless --i-pay names the host.

The exit status is 0 when nothing failed, 1 when something did, and 2 when nothing could be told.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				e.URL = args[0]
			}
			return h.explore(cmd.Context(), cmd.OutOrStdout(), e, accountFromEnv())
		},
	}
	flags := cmd.Flags()
	flags.Uint64Var(&e.Seed, "seed", 0, "what is drawn at random follows from it (default: another one each time, which the report tells)")
	flags.DurationVar(&e.Time, "time", time.Minute, "for how long at most")
	flags.IntVar(&e.Requests, "requests", 0, "how many at most, beside those that make a failure smaller (default: as many as there is time for)")
	flags.DurationVar(&e.Patience, "patience", 10*time.Second,
		"how long to wait for an answer, or for a value that appears late; a quarter of the time at most")
	flags.BoolVar(&e.First, "first", false, "end with the first failure")
	flags.StringVar(&e.Paying, "i-pay", "", "the host that may be explored although it is another machine, where it may cost money")
	flags.StringArrayVar(&e.values, "value", nil,
		"NAME=VALUE: what the account alone knows, for a property or a parameter; may be given several times")
	flags.StringArrayVar(&e.headers, "header", nil, "NAME=VARIABLE: the header with the credentials, from a variable of the environment; may be "+
		"given several times")
	flags.StringArrayVar(&e.except, "except", nil, "a failure that is known, such as 'valid refused addPhone'; an asterisk stands for any text")
	return cmd
}

// explore explores a service.
func (h *holding) explore(ctx context.Context, out io.Writer, e *exploration, a account) error {
	if h.propose != "" {
		return exit(2, errors.New("--propose: exploring provokes what it sees; use contract run or contract check"))
	}
	if _, err := h.begin(); err != nil {
		return err
	}
	stop, where, err := e.complete(a)
	if err != nil {
		return exit(2, err)
	}
	defer stop()
	e.Contract = h.contract
	found, err := e.Run(ctx, contract.WithLedger(h.ledger))
	if err != nil {
		return exit(2, errors.New(strings.TrimPrefix(err.Error(), "explore: ")))
	}
	r := &contractReport{Where: where, Explored: &explored{found.Operations, found.Requests, found.Took.Seconds(), found.Seed, found.Complete,
		found.Unreached, found.Skipped, found.Excepted}}
	for _, f := range found.Failures {
		r.Failures = append(r.Failures, failed{Operation: f.Operation, Kind: string(f.Kind), Text: f.String(), Curl: f.Curl(e.URL), Test: f.Test(),
			line: f.Line})
	}
	if err := h.end(out, r); err != nil {
		return err
	}
	switch {
	case len(found.Failures) > 0:
		return exit(1, fmt.Errorf("%s", plural(len(found.Failures), "failure")))
	case len(found.Unreached)+len(found.Skipped) == found.Operations:
		return exit(2, errors.New("no operation was ever answered with success"))
	}
	return nil
}

// complete adds what the flags and the environment say.
func (e *exploration) complete(a account) (stop func(), where string, err error) {
	e.Values = make(map[string]string)
	for _, pair := range e.values {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, "", fmt.Errorf("--value: %q is not NAME=VALUE", pair)
		}
		e.Values[name] = value
	}
	for _, what := range e.except {
		e.Except = append(e.Except, contract.Except(what, "--except"))
	}
	stop, where = func() {}, e.URL
	switch {
	case len(e.headers) > 0:
		e.Authorize, err = headers(e.headers)
		return stop, where, err
	case e.URL == "":
		var closed func()
		if a, where, closed, err = (account{}).target(); err != nil {
			return nil, "", err
		}
		e.URL, stop = a.baseURL, closed
	case !a.isSet():
		return nil, "", errors.New("AVER_API_KEY and AVER_API_SECRET are not set (or --header, for another service than Aver)")
	}
	if a.groupID != "" {
		e.Values["groupId"] = cmp.Or(e.Values["groupId"], a.groupID)
	}
	provider, err := authprovider.New(a.key, a.secret, authprovider.WithBaseURL(e.URL))
	if err != nil {
		stop()
		return nil, "", err
	}
	e.Authorize = provider.Intercept
	closed := stop
	return func() {
		_ = provider.Close()
		closed()
	}, where, nil
}

// headers returns what sets headers to the values of variables.
func headers(pairs []string) (func(context.Context, *http.Request) error, error) {
	set := make(http.Header)
	for _, pair := range pairs {
		name, variable, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, errors.New("--header: want NAME=VARIABLE, the name of the header and that of a variable of the environment")
		}
		value := os.Getenv(variable)
		if value == "" {
			return nil, fmt.Errorf("--header %s: the environment has no variable of the name behind the equals sign", name)
		}
		set.Set(name, value)
	}
	return func(_ context.Context, req *http.Request) error {
		for name, values := range set {
			req.Header[name] = values
		}
		return nil
	}, nil
}
