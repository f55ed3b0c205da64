package screening

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// In an outage of an hour few searches are sent, one at a time; afterwards all go on.
func TestPaceInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		start := time.Now()
		var mu sync.Mutex
		during, after, together, most := 0, 0, 0, 0
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for range 16 {
			callers.Go(func() {
				for {
					done, _, err := p.begin(ctx)
					if err != nil {
						return
					}
					down := time.Since(start) < time.Hour
					mu.Lock()
					if together++; down && time.Since(start) > time.Second {
						most = max(most, together)
					}
					if down {
						during++
					} else {
						after++
					}
					mu.Unlock()
					time.Sleep(100 * time.Millisecond)
					mu.Lock()
					together--
					mu.Unlock()
					v := answer
					if down {
						v = noService
					}
					done(v)
				}
			})
		}
		time.Sleep(2 * time.Hour)
		cancel()
		callers.Wait()
		if during < 60 || during > 100 || most != 1 {
			t.Errorf("%d were sent in the outage, %d at once", during, most)
		}
		if after < 16*10*3500 {
			t.Errorf("%d were sent in the hour after it", after)
		}
	})
}

// A failure now and then is no outage.
func TestPaceWithSingleFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		start := time.Now()
		for i := range 1000 {
			done, _, err := p.begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v := answer
			if i%10 == 0 {
				v = noService
			}
			done(v)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("they were held up for %v", took)
		}
	})
}

func TestPaceOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		p.pause(time.Now().Add(time.Minute))
		p.pause(time.Now().Add(time.Second)) // changes nothing
		start := time.Now()
		if _, _, err := p.begin(t.Context()); err != nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		p.pause(time.Now().Add(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := p.begin(ctx); err == nil || time.Since(start) != time.Minute+time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Who waits for a row takes no part of the rate: after a rest not all of them send at once.
func TestPaceTakesNothingBeforeThereIsARow(t *testing.T) {
	p := newPace()
	p.limiter.SetLimit(1)
	for range 16 {
		if _, _, err := p.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !p.limiter.Allow() || p.limiter.Allow() {
		t.Error("those that wait took tokens")
	}
}
