package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

// A notificationChaos run has checks end whose notifications go wrong, and whose handler fails at times.
type notificationChaos struct{ chaos }

func newChaosNotificationsCommand() *cobra.Command {
	c := &notificationChaos{chaos{checks: 10_000, workers: 32, rate: 0.7}}
	return c.command("notifications", "Have checks end while their notifications go wrong, and count what was missed, doubled or believed",
		"share of the notifications that go wrong, 2 in 7 of them lost", func(ctx context.Context) (counted, error) { return c.run(ctx) })
}

// lossy are the faults of the run. What is listed twice is twice as likely: at the default rate 20 % are lost.
var lossy = []sandbox.NotificationFault{
	sandbox.NotificationLost, sandbox.NotificationLost, sandbox.NotificationDoubled, sandbox.NotificationReordered, sandbox.NotificationDelayed,
	sandbox.NotificationForged, sandbox.NotificationLeft,
}

// A ledger is what the handler did: what a database of an application would hold.
type ledger struct {
	mu       sync.Mutex // guards what follows
	random   *rand.Rand
	handled  map[string]int             // how often, by the ID of the check
	ends     map[string]api.CheckStatus // what the handler was told
	failures int
}

// handle fails one time in ten, in one of three ways, before it has done anything.
func (l *ledger) handle(_ context.Context, e webhook.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.random.IntN(30) {
	case 0:
		l.failures++
		return errors.New("the database is away")
	case 1:
		l.failures++
		panic("a fault of the handler")
	case 2:
		l.failures++
		return context.DeadlineExceeded
	}
	if e.Check == nil || !e.Final() {
		return nil // it is no end of a check
	}
	l.handled[e.ID]++
	l.ends[e.ID] = e.Check.Status
	return nil
}

// missing returns which of the checks have not been handled.
func (l *ledger) missing(ids []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []string
	for _, id := range ids {
		if l.handled[id] == 0 {
			missing = append(missing, id)
		}
	}
	return missing
}

// A notificationReport is what such a run counts.
type notificationReport struct {
	notificationChaos
	byNotification, rounds         int
	missed, twice, believed, extra int
	failures                       int
	faults                         map[sandbox.NotificationFault]int
	outcomes                       map[webhook.Outcome]int
	duration                       time.Duration
}

func (c notificationChaos) run(ctx context.Context) (*notificationReport, error) {
	sb, err := sandbox.Listen(sandbox.WithGroup(sandbox.Group{CheckTypes: []string{"EmailVerification"}}))
	if err != nil {
		return nil, err
	}
	defer sb.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: c.workers + 32}
	defer transport.CloseIdleConnections()
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL), api.WithSandboxOnly(), api.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		return nil, err
	}
	defer client.Close()

	r := &notificationReport{notificationChaos: c, outcomes: make(map[webhook.Outcome]int)}
	l := &ledger{random: rand.New(rand.NewPCG(c.seed, 2)), handled: make(map[string]int), ends: make(map[string]api.CheckStatus)}
	var counting sync.Mutex
	const header, secret = "X-Aver-Proof", "a secret of this run"
	receiver, err := webhook.New(l.handle, webhook.WithSecret(header, secret), webhook.WithClient(client),
		webhook.WithHook(func(_ context.Context, d webhook.Delivery) {
			counting.Lock()
			defer counting.Unlock()
			r.outcomes[d.Outcome]++
		}))
	if err != nil {
		return nil, err
	}
	url, stop, err := serveReceiver(receiver)
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := sb.SetWebhook(sandbox.Webhook{URL: url, Header: header, Value: secret,
		Faults: sandbox.NotificationFaults{Rate: c.rate, Seed: c.seed, Kinds: lossy}}); err != nil {
		return nil, err
	}

	start := time.Now()
	ids, want, err := c.end(ctx, client, sb.GroupID)
	if err != nil {
		return nil, err
	}
	if err := sb.Delivered(ctx); err != nil {
		return nil, err
	}
	r.byNotification = c.checks - len(l.missing(ids))
	// What the application does from time to time with what it still waits for.
	for missing := l.missing(ids); len(missing) > 0 && r.rounds < 100; missing = l.missing(ids) {
		r.rounds++
		_ = receiver.Reconcile(ctx, missing...) // who fails is asked again in the next round
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	// And once more with all of them, and with a thousand notifications a second time.
	if err := receiver.Reconcile(ctx, ids...); err != nil {
		return nil, err
	}
	deliveries := sb.Deliveries()
	for _, d := range deliveries[:min(len(deliveries), 1000)] {
		if err := sb.Redeliver(d.ID); err != nil {
			return nil, err
		}
	}
	if err := sb.Delivered(ctx); err != nil {
		return nil, err
	}
	r.duration = time.Since(start)
	stop() // and the last ones are counted
	r.faults = sb.NotificationFaultCounts()
	l.count(r, ids, want)
	return r, nil
}

// end creates checks and submits them, every seventh to be rejected, and every fourth when the others are done, so that there
// is something to lie about. It returns their IDs and how they end.
func (c notificationChaos) end(ctx context.Context, client *api.Client, groupID string) ([]string, []api.CheckStatus, error) {
	ids, want := make([]string, c.checks), make([]api.CheckStatus, c.checks)
	submit := func(i int) error {
		_, err := client.SubmitCheck(ctx, ids[i])
		return err
	}
	err := c.each(ctx, func(i int) error {
		email := "person@example.com"
		if want[i] = api.CheckStatusCompleted; i%7 == 0 {
			email, want[i] = "person+rejected@example.com", api.CheckStatusRejected
		}
		created, err := client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: identifier(i), GroupID: groupID, Email: email})
		if err != nil {
			return err
		}
		if ids[i] = created.CheckID; i%4 == 0 {
			return nil
		}
		return submit(i)
	})
	if err != nil {
		return nil, nil, err
	}
	return ids, want, c.each(ctx, func(i int) error {
		if i%4 == 0 {
			return submit(i)
		}
		return nil
	})
}

// each calls do for each check, from as many goroutines as there are workers.
func (c notificationChaos) each(ctx context.Context, do func(i int) error) error {
	failures := make([]error, c.checks)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range c.workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < c.checks && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				failures[i] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(append(failures, ctx.Err())...)
}

// count compares what the handler did with what is true.
func (l *ledger) count(r *notificationReport, ids []string, want []api.CheckStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, id := range ids {
		switch n := l.handled[id]; {
		case n == 0:
			r.missed++
		case n > 1:
			r.twice++
		case l.ends[id] != want[i]:
			r.believed++
		}
		delete(l.handled, id)
	}
	r.extra, r.failures = len(l.handled), l.failures
}

// serveReceiver serves a receiver on a free port of the loopback interface.
func serveReceiver(h http.Handler) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	return "http://" + listener.Addr().String(), sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		_ = server.Shutdown(ctx) // waits for requests under way
		_ = server.Close()
		<-served
	}), nil
}

func (r *notificationReport) print(w io.Writer) {
	fmt.Fprintf(w, "%d checks ended, %.0f %% of their notifications faulted (seed %d), the handler failed %d times: %s\n\n",
		r.checks, r.rate*100, r.seed, r.failures, r.duration.Round(time.Millisecond))
	for _, kind := range sandbox.AllNotificationFaults() {
		if n := r.faults[kind]; n > 0 {
			fmt.Fprintf(w, "  %-32s %6d\n", "notifications: "+string(kind), n)
		}
	}
	for _, outcome := range []webhook.Outcome{webhook.Handled, webhook.Duplicate, webhook.Failed, webhook.Unknown, webhook.Premature,
		webhook.Unauthorized} {
		fmt.Fprintf(w, "  %-32s %6d\n", "receiver: "+string(outcome), r.outcomes[outcome])
	}
	fmt.Fprintf(w, `
  outcomes by a notification       %6d
  rounds of Reconcile for the rest %6d
  outcomes missed                  %6d
  outcomes handled twice           %6d
  forged ones taken for true       %6d
`, r.byNotification, r.rounds, r.missed, r.twice, r.believed+r.extra)
}

// verdict is an error unless all is well.
func (r *notificationReport) verdict() error {
	if r.missed+r.twice+r.believed+r.extra > 0 {
		return errors.New("outcomes were missed, handled twice or made up")
	}
	return nil
}
