package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// growth measures how the cost of work grows with its size, and draws it.
func growth(r *report) error {
	a, err := newAnswers()
	if err != nil {
		return err
	}
	srv := httptest.NewServer(a)
	defer srv.Close()
	r.rounds = roundsOfGrowth()
	transport := &http.Transport{MaxIdleConnsPerHost: 2048}
	defer transport.CloseIdleConnections()
	for _, measure := range []func(*report, *answers, string, *http.Transport) error{growingHits, growingCallers, growingImages, growingSandbox} {
		if err := measure(r, a, srv.URL+"/api", transport); err != nil {
			return err
		}
	}
	return nil
}

// roundsOfGrowth is fewer, because much is measured.
func roundsOfGrowth() int { return min(rounds, 3) }

// growingHits reads results with more and more hits.
func growingHits(r *report, a *answers, _ string, _ *http.Transport) error {
	all, err := clients("http://127.0.0.1/api", a)
	if err != nil {
		return err
	}
	one, err := watchlistResults(1)
	if err != nil {
		return err
	}
	var results map[string]json.RawMessage
	var found []json.RawMessage
	if err := json.Unmarshal(one, &results); err != nil {
		return err
	}
	if err := json.Unmarshal(results["watchlistResults"], &found); err != nil {
		return err
	}
	p := newPlot("hits", "Results of a watchlist search, in memory", "hits", "µs a call")
	for _, n := range []int{1, 10, 100, 1_000, 10_000} {
		if results["watchlistResults"], err = json.Marshal(slices.Repeat(found[:1], n)); err != nil {
			return err
		}
		if a.byPath["/watchlist/w1/results"], err = json.Marshal(results); err != nil {
			return err
		}
		if err := p.measure(float64(n), all[:4], func(c client) func(context.Context) error { return c.results }, 1, 1000); err != nil {
			return err
		}
	}
	return p.add(r)
}

// growingCallers makes a small call from more and more goroutines at once.
func growingCallers(r *report, _ *answers, url string, transport *http.Transport) error {
	all, err := clients(url, transport)
	if err != nil {
		return err
	}
	p := newPlot("callers", "A small typed GET by callers at once, loopback", "callers", "µs a call, of all")
	for _, n := range []int{1, 4, 16, 64, 256, 1024} {
		if err := p.measure(float64(n), all[:4], func(c client) func(context.Context) error { return c.check }, n, 1000); err != nil {
			return err
		}
	}
	return p.add(r)
}

// growingImages uploads larger and larger images.
func growingImages(r *report, _ *answers, url string, transport *http.Transport) error {
	all, err := clients(url, transport)
	if err != nil {
		return err
	}
	all = append([]client{newFair(url, &http.Client{Transport: transport})}, all[:4]...)
	p := newPlot("images", "Upload of an image, loopback", "KB of the image", "ms an upload")
	whole := bytes.Repeat(picture(), 5)
	memory := &table{title: "KB allocated for an upload", header: []string{"KB of the image"}}
	for _, c := range all {
		memory.header = append(memory.header, c.name)
	}
	for _, n := range []int{10 << 10, 100 << 10, 1 << 20, 10 << 20, 50 << 20} {
		image := whole[:n]
		preEncoded(image)
		upload := func(c client) func(context.Context) error {
			return func(ctx context.Context) error { return c.upload(ctx, image) }
		}
		if err := p.measure(float64(n)/1024, all, upload, 1, 1e6); err != nil {
			return err
		}
		row := []string{fmt.Sprint(n >> 10)}
		for i := range all {
			row = append(row, fmt.Sprintf("%.0f", p.last[i].bytes.median()/1024))
		}
		memory.add(row...)
	}
	if err := p.add(r); err != nil {
		return err
	}
	r.add("images", memory.String())
	return nil
}

// growingSandbox fills a sandbox with checks, and looks some up by each field.
func growingSandbox(r *report, _ *answers, _ string, _ *http.Transport) error {
	s, err := newFilled()
	if err != nil {
		return err
	}
	ctx := context.Background()
	p := newPlot("checks", "A sandbox that holds checks: one look-up", "checks", "µs a look-up")
	t := &table{title: "A sandbox that holds checks with a person each", header: []string{"checks", "bytes a check", "MB in use"}}
	fields := []struct {
		name     string
		criteria func(n int) api.LookupChecksRequest
	}{
		{"third-party identifier", func(n int) api.LookupChecksRequest {
			return api.LookupChecksRequest{ThirdPartyIdentifier: fmt.Sprint("customer-", n)}
		}},
		{"email", func(n int) api.LookupChecksRequest {
			return api.LookupChecksRequest{Email: fmt.Sprint("person", n, "@EXAMPLE.com")}
		}},
		{"last name", func(n int) api.LookupChecksRequest { return api.LookupChecksRequest{LastName: fmt.Sprint("last", n)} }},
		{"first and last name", func(n int) api.LookupChecksRequest {
			return api.LookupChecksRequest{FirstName: "maria", LastName: fmt.Sprint("LAST", n)}
		}},
	}
	empty := inUse()
	held := 0
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		if held, err = s.fill(ctx, held, n); err != nil {
			return err
		}
		used := inUse()
		t.add(fmt.Sprint(n), fmt.Sprintf("%.0f", (used-empty)/float64(n)), fmt.Sprintf("%.0f", used/(1<<20)))
		if n == 1_000_000 {
			r.target("sandbox with 1,000,000 checks", "GB in use", figure{used / (1 << 30)}, 2, false)
		}
		for _, field := range fields {
			var times figure
			for range roundsOfGrowth() {
				look := 0
				took := testing.Benchmark(func(b *testing.B) {
					for b.Loop() {
						look = (look + 7919) % n
						found, err := s.client.LookupChecks(ctx, field.criteria(look))
						if err != nil || len(found) != 1 {
							b.Fatalf("%s: %d found, %v", field.name, len(found), err)
						}
					}
				})
				if took.N == 0 {
					return errors.New("a look-up failed")
				}
				times = append(times, float64(took.T.Nanoseconds())/float64(took.N)/1000)
			}
			p.point(field.name, float64(n), times)
			if n == 1_000_000 {
				r.target("sandbox with 1,000,000 checks", "ms to look up by "+field.name, times.per(1000), 1, false)
			}
		}
	}
	r.add("checks", t.String())
	return p.add(r)
}

// inUse returns the bytes of live memory.
func inUse() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// A filled is a sandbox that is called without a network.
type filled struct {
	handler http.Handler
	client  *api.Client
	group   string
}

func newFilled() (*filled, error) {
	s, err := sandbox.New()
	if err != nil {
		return nil, err
	}
	f := &filled{handler: s, group: s.GroupID}
	f.client, err = api.New(s.Key, s.Secret, api.WithBaseURL("http://127.0.0.1/api"), api.WithHTTPClient(&http.Client{Transport: f}))
	return f, err
}

// fill creates checks, each of a person, until there are n.
func (s *filled) fill(ctx context.Context, held, n int) (int, error) {
	for ; held < n; held++ {
		created, err := s.client.CreateCheck(ctx, api.CreateCheckRequest{
			GroupID: s.group, ThirdPartyIdentifier: fmt.Sprint("customer-", held), Email: fmt.Sprint("person", held, "@example.com"),
		})
		if err != nil {
			return held, err
		}
		person := api.AddPersonalInfoRequest{FirstName: "Maria", LastName: fmt.Sprint("Last", held)}
		if err := s.client.AddPersonalInfo(ctx, created.CheckID, person); err != nil {
			return held, err
		}
	}
	return held, nil
}

// RoundTrip has the sandbox answer.
func (s *filled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	served := r.Clone(r.Context())
	served.Body, served.RequestURI, served.RemoteAddr = body, r.URL.RequestURI(), "127.0.0.1:1"
	s.handler.ServeHTTP(w, served)
	_ = body.Close()
	resp := w.Result()
	resp.Request = r
	return resp, nil
}
