package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A scenario puts one peer through something and tells what came of it.
type scenario struct {
	name   string
	ttl    time.Duration
	margin time.Duration
	run    func(*service, peer) string
}

var scenarios = []scenario{
	{"cold, 50 callers: exchanges", time.Minute, time.Second, func(s *service, p peer) string {
		s.set(func() { s.latency = 100 * time.Millisecond })
		together(50, func() { _, _ = p.token(context.Background()) })
		return fmt.Sprint(s.count())
	}},
	{"first caller gives up after 10 ms of a 200 ms exchange: when it returns", time.Minute, time.Second, func(s *service, p peer) string {
		s.set(func() { s.latency = 200 * time.Millisecond })
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, _ = p.token(ctx)
		return milliseconds(time.Since(start))
	}},
	{"… and of 20 callers behind it, how many fail", time.Minute, time.Second, func(s *service, p peer) string {
		s.set(func() { s.latency = 200 * time.Millisecond })
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		first := make(chan struct{})
		go func() {
			defer close(first)
			_, _ = p.token(ctx)
		}()
		var failed atomic.Int64
		time.Sleep(5 * time.Millisecond)
		together(20, func() {
			if _, err := p.token(context.Background()); err != nil {
				failed.Add(1)
			}
		})
		<-first
		return fmt.Sprint(failed.Load())
	}},
	{"rotation, 32 callers every 3 ms for 6 s, lifetime 2 s, exchange 200 ms: calls waiting over 50 ms", 2 * time.Second, time.Second,
		func(s *service, p peer) string {
			_, _ = p.token(context.Background())
			s.set(func() { s.latency = 200 * time.Millisecond })
			end := time.Now().Add(6 * time.Second)
			var late, failed atomic.Int64
			together(32, func() {
				for time.Now().Before(end) {
					start := time.Now()
					if _, err := p.token(context.Background()); err != nil {
						failed.Add(1)
					}
					if time.Since(start) > 50*time.Millisecond {
						late.Add(1)
					}
					time.Sleep(3 * time.Millisecond)
				}
			})
			if failed.Load() > 0 {
				return fmt.Sprintf("%d, %d failed", late.Load(), failed.Load())
			}
			return fmt.Sprint(late.Load())
		}},
	{"the endpoint fails while the token lives but should be renewed, a call every 10 ms for 0.9 s: calls that fail; requests", 4 * time.Second,
		3 * time.Second, func(s *service, p peer) string {
			failed, requests := outage(s, p)
			return fmt.Sprintf("%d; %d", failed, requests)
		}},
	{"no token, 50 callers, the exchange fails after 100 ms: the slowest returns after", time.Minute, time.Second, func(s *service, p peer) string {
		s.set(func() { s.latency, s.status = 100*time.Millisecond, http.StatusInternalServerError })
		start := time.Now()
		together(50, func() { _, _ = p.token(context.Background()) })
		return milliseconds(time.Since(start))
	}},
	{"wrong credentials, 100 calls: requests", time.Minute, time.Second, func(s *service, p peer) string {
		s.set(func() { s.status = http.StatusUnauthorized })
		for range 100 {
			_, _ = p.token(context.Background())
		}
		return fmt.Sprint(s.count())
	}},
	{"lifetime 1 s below a margin of 5 min, 100 calls in 0.4 s: exchanges", time.Second, 5 * time.Minute, func(s *service, p peer) string {
		for range 100 {
			_, _ = p.token(context.Background())
			time.Sleep(4 * time.Millisecond)
		}
		return fmt.Sprint(s.count())
	}},
	{"50 late 401s for one old token: exchanges", time.Minute, time.Second, func(s *service, p peer) string {
		if p.refused == nil {
			return "cannot drop a refused token"
		}
		_, _ = p.token(context.Background())
		drop := p.refused(context.Background())
		for range 50 {
			drop()
			_, _ = p.token(context.Background())
		}
		return fmt.Sprint(s.count() - 1)
	}},
	{"printed with %v, %+v, %#v, %s: shows the token", time.Minute, time.Second, func(_ *service, p peer) string {
		value, _ := p.token(context.Background())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if printed := fmt.Sprintf(verb, p.printed); strings.Contains(printed, value) {
				return "yes"
			}
		}
		return "no"
	}},
}

// outage has the endpoint fail while the token lives on.
func outage(s *service, p peer) (failed, requests int) {
	_, _ = p.token(context.Background())
	time.Sleep(3 * time.Second)
	s.set(func() { s.status = http.StatusServiceUnavailable })
	before := s.count()
	for start := time.Now(); time.Since(start) < 900*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		if _, err := p.token(context.Background()); err != nil {
			failed++
		}
	}
	return failed, s.count() - before
}

// providers runs every scenario with every peer, each on a service of its own.
func providers(r *report) error {
	t := &table{title: "Caches of tokens under stress", header: append([]string{""}, peerNames...)}
	for _, sc := range scenarios {
		row := []string{sc.name}
		for _, name := range peerNames {
			s := newService()
			s.set(func() { s.ttl = sc.ttl })
			peers, err := newPeers(s, sc.margin)
			if err != nil {
				return err
			}
			row = append(row, sc.run(s, peers[name]))
			for _, p := range peers {
				if p.close != nil {
					p.close()
				}
			}
			s.Close()
		}
		t.add(row...)
	}
	r.add("providers", t.String())
	return nil
}

func together(n int, f func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(f)
	}
	wg.Wait()
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
