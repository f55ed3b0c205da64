package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/goaver/aver-go/authprovider"
)

// A contender sets the Authorization header of a request from a cached token.
type contender struct {
	name string
	set  func(*http.Request) error
}

// floorToken is the least that a cache of tokens needs.
type floorToken struct {
	header []string
	stale  time.Time
}

func contenders(url string, client *http.Client) ([]contender, func(), error) {
	var current atomic.Pointer[floorToken]
	current.Store(&floorToken{header: []string{"Bearer token"}, stale: time.Now().Add(time.Hour)})

	provider, err := authprovider.New("key", "secret", authprovider.WithBaseURL(url), authprovider.WithHTTPClient(client))
	if err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	if err := provider.Warm(ctx); err != nil {
		return nil, nil, err
	}
	source := oauth2.ReuseTokenSource(nil, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token", Expiry: time.Now().Add(time.Hour)}))
	return []contender{
		{"floor: atomic load, time.Now, header-map store", func(r *http.Request) error {
			if t := current.Load(); time.Now().Before(t.stale) {
				r.Header["Authorization"] = t.header
			}
			return nil
		}},
		{"aver-go Intercept", func(r *http.Request) error { return provider.Intercept(ctx, r) }},
		{"x/oauth2 ReuseTokenSource + Header.Set", func(r *http.Request) error {
			t, err := source.Token()
			if err != nil {
				return err
			}
			t.SetAuthHeader(r)
			return nil
		}},
	}, func() { _ = provider.Close() }, nil
}

// hotPath measures setting a cached token, serially and from two CPUs at once.
func hotPath(r *report) error {
	s := newService()
	defer s.Close()
	all, stop, err := contenders(s.URL, s.Client())
	if err != nil {
		return err
	}
	defer stop()

	for _, cpus := range []int{1, 2} {
		results := make([]figure, len(all))
		allocs := make([]int64, len(all))
		before := runtime.GOMAXPROCS(cpus)
		for range rounds {
			for i, c := range all { // in turn, so that all see the same weather
				took := testing.Benchmark(func(b *testing.B) {
					b.ReportAllocs()
					b.RunParallel(func(pb *testing.PB) {
						req, _ := http.NewRequest(http.MethodGet, s.URL+"/check/c1", nil)
						for pb.Next() {
							if err := c.set(req); err != nil {
								b.Error(err)
							}
						}
					})
				})
				results[i] = append(results[i], float64(took.T.Nanoseconds())/float64(took.N))
				allocs[i] = took.AllocsPerOp()
			}
		}
		runtime.GOMAXPROCS(before)

		t := &table{
			title:  fmt.Sprintf("Setting a cached token, %d CPU(s)", cpus),
			header: []string{"", "ns/op", "allocs/op", "× floor"},
		}
		for i, c := range all {
			t.add(c.name, results[i].text(1), fmt.Sprint(allocs[i]), ratio(results[i], results[0]).text(2))
		}
		r.add("tokens", t.String())
	}
	return nil
}
