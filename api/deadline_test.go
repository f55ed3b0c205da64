package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/goaver/aver-go/api"
)

// since2000 takes a bubble to where deadlines share their timers.
const since2000 = 400 * 24 * time.Hour

// A call ends when its time is over, to the nanosecond, whatever calls of the same client did before.
func TestDeadlines(t *testing.T) {
	const never = time.Hour
	for name, steps := range map[string][]struct {
		pause, answer, timeout, want time.Duration // want is when the call fails; 0 for never
	}{
		"once":                            {{0, never, 20 * time.Second, 20 * time.Second}},
		"shorter than the one before":     {{0, 0, 20 * time.Second, 0}, {0, never, time.Second, time.Second}},
		"longer than the one before":      {{0, 0, time.Second, 0}, {0, never, 20 * time.Second, 20 * time.Second}},
		"the alarm before goes off in it": {{0, 0, 20 * time.Second, 0}, {15 * time.Second, never, 20 * time.Second, 20 * time.Second}},
		"longer than an alarm is set":     {{0, never, 300 * time.Second, 300 * time.Second}},
		"after a long pause":              {{0, 0, 20 * time.Second, 0}, {time.Hour, never, 20 * time.Second, 20 * time.Second}},
		"after one that ended":            {{0, never, time.Second, time.Second}, {0, never, time.Second, time.Second}},
		"at the time of the one before":   {{0, 0, 20 * time.Second, 0}, {20 * time.Second, never, 5 * time.Second, 5 * time.Second}},
		"an answer just in time":          {{0, 20*time.Second - 1, 20 * time.Second, 0}},
		"the shortest":                    {{0, never, 1, 1}},
		"many that answer, then one that won't": {{0, 0, 9 * time.Second, 0}, {0, time.Second, 8 * time.Second, 0}, {0, 0, 7 * time.Second, 0},
			{0, never, 6 * time.Second, 6 * time.Second}},
	} {
		for _, own := range []string{"the transport's context", "a context made from it"} {
			t.Run(name+", "+own, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(since2000)
					var answer time.Duration
					client := lagging(t, &answer, own == "a context made from it")
					for i, step := range steps {
						time.Sleep(step.pause)
						answer = step.answer
						start := time.Now()
						_, err := client.GetCheck(t.Context(), "c1",
							api.WithAttemptTimeout(step.timeout), api.WithTimeout(time.Hour), api.WithMaxAttempts(1))
						if step.want == 0 {
							if err != nil {
								t.Errorf("call %d: %v", i, err)
							}
							continue
						}
						took := time.Since(start)
						if took != step.want || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, api.ErrUnavailable) {
							t.Errorf("call %d: %v after %v, want the deadline after %v", i, err, took, step.want)
						}
					}
				})
			})
		}
	}
}

// lagging returns a client of a service that takes its time.
func lagging(t *testing.T, answer *time.Duration, derived bool) *api.Client {
	t.Helper()
	transport := exchangingTransport(func(r *http.Request) (*http.Response, error) {
		ctx := r.Context()
		if derived {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(context.WithValue(ctx, new(int), 0))
			defer cancel()
		}
		timer := time.NewTimer(*answer)
		defer timer.Stop()
		select {
		case <-timer.C:
			return respond(200, submitted), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	client, err := api.New("key", "secret", api.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Of many calls at once, each ends at its own time.
func TestDeadlinesOfManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(since2000)
		answer := time.Hour
		client := lagging(t, &answer, false)
		var calls sync.WaitGroup
		for i := range 100 {
			calls.Go(func() {
				random := rand.New(rand.NewPCG(1, uint64(i)))
				for range 20 {
					want := time.Duration(random.Int64N(int64(90 * time.Second)))
					ctx, start := t.Context(), time.Now()
					by := context.DeadlineExceeded
					if random.IntN(3) == 0 { // the caller leaves before
						want /= 2
						left, leave := context.WithCancel(ctx)
						time.AfterFunc(want, leave)
						ctx, by = left, context.Canceled
					}
					_, err := client.GetCheck(ctx, "c1", api.WithAttemptTimeout(2*want+1), api.WithTimeout(0), api.WithMaxAttempts(1))
					if by == context.DeadlineExceeded {
						want = 2*want + 1
					}
					if took := time.Since(start); took != want || !errors.Is(err, by) {
						t.Errorf("%v after %v, want %v after %v", err, took, by, want)
					}
				}
			})
		}
		calls.Wait()
	})
}

// What a transport and a middleware see of a deadline is what context.WithDeadline shows.
func TestDeadlineAsTransportsSeeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(since2000)
		var seen []string
		look := func(ctx context.Context) {
			deadline, ok := ctx.Deadline()
			seen = append(seen, fmt.Sprint(time.Until(deadline), ok, ctx.Err(), context.Cause(ctx)))
		}
		client, err := api.New("key", "secret", api.WithAttemptTimeout(3*time.Second), api.WithMaxAttempts(1),
			api.WithMiddleware(func(ctx context.Context, _ api.Attempt, next func(context.Context) api.AttemptResult) api.AttemptResult {
				inner, cancel := context.WithCancel(ctx)
				defer cancel()
				result := next(inner)
				look(ctx)
				return result
			}),
			api.WithHTTPClient(&http.Client{Transport: exchangingTransport(func(r *http.Request) (*http.Response, error) {
				look(r.Context())
				<-r.Context().Done()
				look(r.Context())
				return nil, io.ErrUnexpectedEOF
			})}))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.GetCheck(t.Context(), "c1")
		const before, after = "3s true <nil> <nil>", "0s true context deadline exceeded context deadline exceeded"
		if len(seen) != 3 || seen[0] != before || seen[1] != after || seen[2] != after {
			t.Errorf("%q", seen)
		}
		seen = nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.GetCheck(ctx, "c1")
		if len(seen) != 3 || seen[0] != "1s true <nil> <nil>" || seen[2] != "0s true context deadline exceeded context deadline exceeded" {
			t.Errorf("%q, %v", seen, err)
		}
	})
}

// After a call nothing holds its context, and what was made from it has ended.
func TestDeadlineLetsGo(t *testing.T) {
	type held [1 << 10]byte
	var request context.Context
	transport := exchangingTransport(func(r *http.Request) (*http.Response, error) {
		request = r.Context()
		return respond(200, submitted), nil
	})
	client, err := api.New("key", "secret", api.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	value := new(held)
	gone := weak.Make(value)
	if _, err := client.GetCheck(context.WithValue(t.Context(), held{}, value), "c1"); err != nil {
		t.Fatal(err)
	}
	if request.Err() != context.Canceled {
		t.Errorf("after the call the context of the request says %v", request.Err())
	}
	request, value = nil, nil
	runtime.GC()
	if gone.Value() != nil {
		t.Error("the context is held after the call")
	}
	runtime.KeepAlive(client)
}

// A client that is used in one bubble after the other, and outside before, keeps its deadlines: each bubble begins in the same year.
func TestDeadlinesInBubbles(t *testing.T) {
	var answer time.Duration
	client := lagging(t, &answer, false)
	look := func(ctx context.Context) error {
		_, err := client.GetCheck(ctx, "c1", api.WithAttemptTimeout(40*time.Second), api.WithMaxAttempts(1))
		return err
	}
	if err := look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, answer = range []time.Duration{0, time.Hour, 0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			if err := look(t.Context()); answer > 0 && (!errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 40*time.Second) {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
}

// A middleware that waits with a context of its own, and returns why that ended, tells of the deadline.
func TestDeadlineInAMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(since2000)
		client, err := api.New("key", "secret", api.WithAttemptTimeout(3*time.Second), api.WithMaxAttempts(1),
			api.WithMiddleware(func(ctx context.Context, _ api.Attempt, _ func(context.Context) api.AttemptResult) api.AttemptResult {
				inner, cancel := context.WithCancel(ctx)
				defer cancel()
				<-inner.Done()
				return api.AttemptResult{Err: fmt.Errorf("limiter: %w", inner.Err())}
			}),
			api.WithHTTPClient(&http.Client{Transport: exchangingTransport(nil)}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.GetCheck(t.Context(), "c1")
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
