package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// A chaos run creates and submits checks on a sandbox whose calls go wrong.
type chaos struct {
	checks, workers int
	rate            float64
	seed            uint64
}

func newChaosCommand() *cobra.Command {
	c := &chaos{checks: 10_000, workers: 128, rate: 0.2}
	cmd := c.command("chaos", "Create and submit checks while calls go wrong, and count what was lost or doubled", "share of the calls that go wrong",
		func(ctx context.Context) (counted, error) { return c.run(ctx) })
	cmd.AddCommand(newChaosNotificationsCommand(), newChaosOutageCommand())
	return cmd
}

// counted is what such a run counts.
type counted interface {
	print(io.Writer)
	verdict() error
}

// command returns the command of a run. The sizes that c has are the defaults of its flags.
func (c *chaos) command(use, short, share string, run func(context.Context) (counted, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.checks < 1 || c.workers < 1 {
				return errors.New("--checks and --workers must be positive")
			}
			r, err := run(cmd.Context())
			if err != nil {
				return err
			}
			r.print(cmd.OutOrStdout())
			return r.verdict()
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&c.checks, "checks", c.checks, "how many checks there are")
	flags.IntVar(&c.workers, "workers", c.workers, "how many callers at once")
	flags.Float64Var(&c.rate, "faults", c.rate, share+", from 0 to 1")
	flags.Uint64Var(&c.seed, "seed", 1, "seed of what goes wrong")
	return cmd
}

// A report is what a chaos run counts.
type report struct {
	chaos
	existing, held, failed     int // checks in the sandbox; checks that callers hold, submitted; callers with an error
	duplicates, lost           int // checks beyond one for a person; checks of which their caller does not know
	unsubmitted, twice         int // held checks that were not submitted; checks that were submitted twice
	repeats                    int // creates and submits of what had been created or submitted; the sandbox refuses them
	faults                     map[sandbox.Fault]int
	errors                     []error
	goroutines, goroutinesThen int // before and after
	connections                int // open at the end
	duration                   time.Duration
}

func (c chaos) run(ctx context.Context) (*report, error) {
	r := &report{chaos: c, goroutines: runtime.NumGoroutine()}
	s, err := sandbox.New(
		sandbox.WithGroup(sandbox.Group{CheckTypes: []string{"EmailVerification"}}),
		sandbox.WithFaults(sandbox.Faults{Rate: c.rate, Seed: c.seed}))
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var connections atomic.Int64
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			connections.Add(-1)
		}
	}}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(s.Listener(listener))
	}()

	transport := &http.Transport{MaxIdleConnsPerHost: c.workers}
	client, err := api.New(s.Key, s.Secret,
		api.WithBaseURL(fmt.Sprintf("http://%s/api", listener.Addr())),
		api.WithSandboxOnly(),
		api.WithHTTPClient(&http.Client{Transport: transport}),
		api.WithMaxAttempts(25),
		api.WithRetryBudget(0, -1), // every call shall end well, at whatever cost
		api.WithBackoff(api.ExponentialBackoff(5*time.Millisecond, 200*time.Millisecond)),
		api.WithRecoveryWindow(2500*time.Millisecond), // the sandbox lags by up to 2 s
		api.WithTimeout(2*time.Minute))
	if err != nil {
		return nil, err
	}

	held := make([]string, c.checks) // the ID of each caller's check
	failures := make([]error, c.checks)
	var next atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for range c.workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < c.checks && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				held[i], failures[i] = verify(ctx, client, s.GroupID, i)
			}
		})
	}
	wg.Wait()
	r.duration = time.Since(start)
	r.faults = s.FaultCounts()
	r.count(s, held, failures)

	_ = client.Close()
	transport.CloseIdleConnections()
	_ = server.Close()
	<-served
	for deadline := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		r.goroutinesThen, r.connections = runtime.NumGoroutine(), int(connections.Load())
		if r.goroutinesThen <= r.goroutines && r.connections == 0 || time.Now().After(deadline) {
			return r, ctx.Err()
		}
	}
}

// verify creates the check of one person, adds the person's name and submits it.
func verify(ctx context.Context, client *api.Client, groupID string, i int) (id string, err error) {
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{
		ThirdPartyIdentifier: identifier(i), GroupID: groupID, Email: "person@example.com",
	})
	if err != nil {
		return "", err
	}
	if err := client.AddPersonalInfo(ctx, created.CheckID, api.AddPersonalInfoRequest{FirstName: "A", LastName: "Person"}); err != nil {
		return created.CheckID, err
	}
	_, err = client.SubmitCheck(ctx, created.CheckID)
	return created.CheckID, err
}

func identifier(i int) string { return fmt.Sprintf("chaos-%d", i) }

// count compares what callers hold with what exists.
func (r *report) count(s *sandbox.Sandbox, held []string, failures []error) {
	r.existing, r.repeats = len(s.Checks()), s.Repeats()
	for i, id := range held {
		existing := s.ChecksOf(identifier(i))
		r.duplicates += max(0, len(existing)-1)
		for _, each := range existing {
			if s.Submissions(each) > 1 {
				r.twice++
			}
		}
		switch err := failures[i]; {
		case err != nil:
			r.failed++
			r.errors = append(r.errors, err)
			if id == "" && len(existing) > 0 && !errors.Is(err, api.ErrOutcomeUnknown) {
				r.lost++ // it exists, and the caller was told otherwise
			}
		case slices.Contains(existing, id):
			r.held++
			if s.Submissions(id) == 0 {
				r.unsubmitted++
			}
		default:
			r.lost++ // the caller holds something else
		}
	}
}

func (r *report) print(w io.Writer) {
	total := 0
	for _, n := range r.faults {
		total += n
	}
	fmt.Fprintf(w, "%d callers' checks, %d at once, %.0f %% of the calls faulted (seed %d): %d faults in %s\n\n",
		r.checks, r.workers, r.rate*100, r.seed, total, r.duration.Round(time.Millisecond))
	for _, kind := range sandbox.AllFaults() {
		fmt.Fprintf(w, "  %-16s %6d\n", kind, r.faults[kind])
	}
	fmt.Fprintf(w, `
  checks existing in the sandbox %8d
  checks that callers hold       %8d
  callers with an error          %8d
  duplicates                     %8d
  lost                           %8d
  submitted twice                %8d
  asked for again, and refused   %8d
  held, but not submitted        %8d
  goroutines before and after    %8d, %d
  connections open at the end    %8d
`, r.existing, r.held, r.failed, r.duplicates, r.lost, r.twice, r.repeats, r.unsubmitted, r.goroutines, r.goroutinesThen, r.connections)
	for i, err := range r.errors {
		if i == 10 {
			fmt.Fprintf(w, "  … and %d more errors\n", len(r.errors)-i)
			break
		}
		fmt.Fprintf(w, "  error: %v\n", err)
	}
}

// verdict is an error unless all is well.
func (r *report) verdict() error {
	switch {
	case r.duplicates+r.lost+r.twice+r.repeats+r.unsubmitted > 0:
		return errors.New("checks were doubled or lost")
	case r.held != r.checks || r.existing != r.checks:
		return fmt.Errorf("%d of %d callers hold their check", r.held, r.checks)
	case r.goroutinesThen > r.goroutines || r.connections > 0:
		return errors.New("goroutines or connections are left")
	}
	return nil
}
