package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// An outageChaos counts how many requests a failing service sees.
type outageChaos struct{ chaos }

func newChaosOutageCommand() *cobra.Command {
	c := &outageChaos{chaos{checks: 10_000, workers: 64}}
	return c.command("outage", "Call a service that fails, and count how many requests it sees",
		"share of the calls that fail, in place of 5, 20, 50 and 100 %",
		func(ctx context.Context) (counted, error) { return c.run(ctx) })
}

// An outageReport is what such a run counts.
type outageReport struct {
	outageChaos
	rows []outageRow
}

// An outageRow is what came of the calls at one share of faults.
type outageRow struct {
	rate             float64
	bounded, without outageCount
}

// An outageCount is what came of the calls of a client.
type outageCount struct {
	requests, succeeded int64
	recovered           time.Duration // from the end of the faults to the first success
}

func (c outageChaos) run(ctx context.Context) (*outageReport, error) {
	r := &outageReport{outageChaos: c}
	rates := []float64{0.05, 0.2, 0.5, 1}
	if c.rate > 0 {
		rates = []float64{c.rate}
	}
	for _, rate := range rates {
		row := outageRow{rate: rate}
		var err error
		if row.bounded, err = c.calls(ctx, rate); err != nil {
			return nil, err
		}
		if row.without, err = c.calls(ctx, rate, api.WithRetryBudget(0, -1)); err != nil {
			return nil, err
		}
		r.rows = append(r.rows, row)
	}
	return r, nil
}

// calls makes the calls at one share of faults, and one more when they are over.
func (c outageChaos) calls(ctx context.Context, rate float64, opts ...api.Option) (outageCount, error) {
	s, err := sandbox.New()
	if err != nil {
		return outageCount{}, err
	}
	var count outageCount
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/auth/") {
			atomic.AddInt64(&count.requests, 1)
		}
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: c.workers}
	defer transport.CloseIdleConnections()
	client, err := api.New(s.Key, s.Secret, append(opts, api.WithBaseURL(server.URL+"/api"), api.WithSandboxOnly(),
		api.WithHTTPClient(&http.Client{Transport: transport}), api.WithBackoff(api.ExponentialBackoff(time.Millisecond, 20*time.Millisecond)))...)
	if err != nil {
		return outageCount{}, err
	}
	defer client.Close()
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: "person", GroupID: s.GroupID, Email: "person@example.com"})
	if err != nil {
		return outageCount{}, err
	}
	atomic.StoreInt64(&count.requests, 0)
	err = s.SetFaults(sandbox.Faults{Rate: rate, Seed: c.seed, Status: http.StatusServiceUnavailable, SpareExchange: true})
	if err != nil {
		return outageCount{}, err
	}
	var next, succeeded atomic.Int64
	var wg sync.WaitGroup
	for range c.workers {
		wg.Go(func() {
			for next.Add(1) <= int64(c.checks) && ctx.Err() == nil {
				if _, err := client.GetCheck(ctx, created.CheckID); err == nil {
					succeeded.Add(1)
				}
			}
		})
	}
	wg.Wait()
	requests := atomic.LoadInt64(&count.requests)
	if err := s.SetFaults(sandbox.Faults{}); err != nil {
		return outageCount{}, err
	}
	over := time.Now()
	if _, err := client.GetCheck(ctx, created.CheckID); err != nil {
		return outageCount{}, fmt.Errorf("the first call after the outage: %w", err)
	}
	return outageCount{requests, succeeded.Load(), time.Since(over)}, ctx.Err()
}

func (r *outageReport) print(w io.Writer) {
	fmt.Fprintf(w, "%d calls, %d at once, of a client as it is and of one without a retry budget\n\n", r.checks, r.workers)
	fmt.Fprintf(w, "%8s  %28s  %28s  %s\n", "faults", "requests, of which a success", "without a budget", "first call afterwards")
	of := func(c outageCount) string {
		return fmt.Sprintf("%.2f × the calls, %5.1f %%", float64(c.requests)/float64(r.checks), 100*float64(c.succeeded)/float64(r.checks))
	}
	for _, row := range r.rows {
		fmt.Fprintf(w, "%6.0f %%  %28s  %28s  %v\n", 100*row.rate, of(row.bounded), of(row.without),
			row.bounded.recovered.Round(100*time.Microsecond))
	}
}

// verdict is an error when the service saw more than a fifth more than the calls.
func (r *outageReport) verdict() error {
	for _, row := range r.rows {
		if limit := int64(1.2*float64(r.checks)) + api.DefaultRetryReserve; row.bounded.requests > limit {
			return errors.New("the service saw more than 1.2 times the calls")
		}
	}
	return nil
}
