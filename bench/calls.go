package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/wire/dataurl"
)

// answers is a service that knows what to say beforehand, so that its own work hardly counts.
type answers struct{ byPath map[string][]byte }

const imageSize = 10 << 20

func newAnswers() (*answers, error) {
	results, err := watchlistResults(1000)
	if err != nil {
		return nil, err
	}
	var image bytes.Buffer
	image.WriteString(`{"base64":"` + dataurl.Prefix("image/jpeg"))
	_, _ = io.Copy(&image, dataurl.Encode(bytes.NewReader(picture())))
	image.WriteString(`"}`)
	return &answers{map[string][]byte{
		"/auth/token": []byte(`{"token":"token"}`),
		"/check/c1": []byte(`{"id":"3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11","organizationId":"b1c3f9de-0a51-4a0e-8f1f-0d6c1e2a9b77","groupId":"7d1f4c52-90a3-4f0e-8d0c-51b2a6a0e3c7",` +
			`"thirdPartyIdentifier":"customer-20417","status":"AwaitingReview","statusReason":null,"checkTypes":["DocumentVerification","PhotoVerification","Watchlist"]}`),
		"/check/c1/iddocument":  []byte(`"success"`),
		"/watchlist/w1/results": results,
		"/checkdoc/c1/d1":       image.Bytes(),
	}}, nil
}

func picture() []byte {
	image := bytes.Repeat([]byte("0123456789abcdef"), imageSize/16)
	copy(image, "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	return image
}

// watchlistResults returns the sandbox's answer with n hits.
func watchlistResults(n int) ([]byte, error) {
	s, err := sandbox.Listen()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	c, err := api.New(s.Key, s.Secret, api.WithBaseURL(s.URL))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	search, err := c.SearchWatchlists(ctx, api.SearchWatchlistsRequest{GroupID: s.GroupID, FirstName: "Maria",
		LastName: fmt.Sprintf("Lindqvist+hits-%d", n)})
	if err != nil {
		return nil, err
	}
	resp, err := c.Raw().GetWatchlistSearchResults(ctx, search.ID)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var found struct{ WatchlistResults []any }
	if err := json.Unmarshal(body, &found); err != nil || len(found.WatchlistResults) != n {
		return nil, fmt.Errorf("the sandbox found %d hits: %w", len(found.WatchlistResults), err)
	}
	return body, err
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(a.byPath[strings.TrimPrefix(r.URL.Path, "/api")])
}

// RoundTrip answers without a network.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	body := a.byPath[strings.TrimPrefix(r.URL.Path, "/api")]
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}, nil
}

// A cost is what a piece of work takes.
type cost struct{ time, bytes, allocs figure }

// compare measures the same work of each client, in turn.
func compare(all []client, work func(client) func(context.Context) error, parallel, rounds int) ([]cost, error) {
	costs := make([]cost, len(all))
	for range rounds {
		for i, c := range all {
			do := work(c)
			if err := do(context.Background()); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			r := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				if parallel > 1 {
					inParallel(b, parallel, do)
					return
				}
				for b.Loop() {
					if err := do(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
			})
			if r.N == 0 {
				return nil, fmt.Errorf("%s failed", c.name)
			}
			m := &costs[i]
			m.time = append(m.time, float64(r.T.Nanoseconds())/float64(r.N))
			m.bytes = append(m.bytes, float64(r.AllocedBytesPerOp()))
			m.allocs = append(m.allocs, float64(r.AllocsPerOp()))
		}
	}
	return costs, nil
}

func inParallel(b *testing.B, n int, do func(context.Context) error) {
	b.SetParallelism(max(n/runtime.GOMAXPROCS(0), 1))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(context.Background()); err != nil {
				b.Error(err)
			}
		}
	})
}

// A work is what is measured of each client.
type work struct {
	title    string
	clients  []client
	do       func(client) func(context.Context) error
	parallel int
	targets  []target
	brief    string // in the table of the README; empty when it is not there
}

// calls measures whole calls.
func calls(r *report) error {
	a, err := newAnswers()
	if err != nil {
		return err
	}
	srv := httptest.NewServer(a)
	defer srv.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	defer transport.CloseIdleConnections()
	overLoopback, err := clients(srv.URL+"/api", transport)
	if err != nil {
		return err
	}
	inMemory, err := clients("http://127.0.0.1/api", a)
	if err != nil {
		return err
	}
	image := picture()
	preEncoded(image)
	get := func(c client) func(context.Context) error { return c.check }
	results := func(c client) func(context.Context) error { return c.results }
	upload := func(c client) func(context.Context) error {
		return func(ctx context.Context) error { return c.upload(ctx, image) }
	}
	download := func(c client) func(context.Context) error { return c.download }
	fair := newFair(srv.URL+"/api", &http.Client{Transport: transport})
	brief := &table{header: []string{"aver-go takes, of the time of", "hand-written", "oapi-codegen", "ogen"}}
	for _, w := range []work{
		{"Small typed GET, loopback", slices.Concat(overLoopback, []client{withDeadline(overLoopback)}), get, 1,
			[]target{timeOf(hand, 0.9), timeOf(ogenClient, 0.95)}, "a small call, loopback"},
		{"Small typed GET, in memory", inMemory, get, 1, []target{timeOf(hand, 0.5), allocsOf(plainOAPI, 1)}, "a small call, in memory"},
		{"Results with 1,000 hits, loopback", overLoopback, results, 1, []target{timeOf(ogenClient, 1.0), timeOf(plainOAPI, 0.45)}, ""},
		{"Results with 1,000 hits, in memory", inMemory, results, 1, []target{timeOf(ogenClient, 1.0), timeOf(plainOAPI, 0.45)},
			"results with 1,000 hits, in memory"},
		{"Upload of 10 MB from a reader, loopback", slices.Concat([]client{fair}, overLoopback), upload, 1,
			[]target{timeOf(fair.name, 0.5), timeOf(hand, 1.35), kilobytes(256)}, "an upload of 10 MB (by hand: encoded while it is sent)"},
		{"Download of 10 MB, loopback", overLoopback, download, 1, []target{kilobytes(256)}, "a download of 10 MB"},
		{"64 concurrent callers of a small typed GET, loopback", overLoopback, get, 64,
			[]target{throughputOf(ogenClient, 1.05)}, "64 callers at once"},
	} {
		if err := w.measure(r, brief); err != nil {
			return fmt.Errorf("%s: %w", w.title, err)
		}
	}
	r.add("readme", brief.String())
	return nil
}

// measure adds the table of a work, and its row in the table of the README.
func (w work) measure(r *report, brief *table) error {
	before := runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	costs, err := compare(w.clients, w.do, w.parallel, rounds)
	runtime.GOMAXPROCS(before)
	if err != nil {
		return err
	}
	own := costs[slices.IndexFunc(w.clients, func(c client) bool { return c.name == ours })]
	t := &table{title: w.title, header: []string{"", "µs/op", "KB/op", "allocs/op", "aver-go takes, of its time"}}
	ratios := make(map[string]figure)
	for i, c := range w.clients {
		ratios[c.name] = ratio(own.time, costs[i].time)
		t.add(c.name, costs[i].time.per(1000).text(1), fmt.Sprintf("%.1f", costs[i].bytes.median()/1024),
			fmt.Sprintf("%.0f", costs[i].allocs.median()), ratios[c.name].text(2))
		for _, target := range w.targets {
			if c.name == target.to || target.to == "" && c.name == ours {
				r.target(w.title, target.what, target.measure(own, costs[i]), target.limit, target.least)
			}
		}
	}
	r.add("calls", t.String())
	if by, ok := ratios[fairName]; ok {
		ratios[hand] = by
	}
	if w.brief != "" {
		brief.add(w.brief, ratios[hand].text(2), ratios[plainOAPI].text(2), ratios[ogenClient].text(2))
	}
	return nil
}

// withDeadline is ogen's client with a deadline, as every call of aver-go has one.
func withDeadline(all []client) client {
	c := all[slices.IndexFunc(all, func(c client) bool { return c.name == ogenClient })]
	return client{name: "ogen with a deadline of 20 s", check: func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		return c.check(ctx)
	}}
}

// A target is what a measurement must not exceed, or must reach.
type target struct {
	what, to string
	measure  func(own, other cost) figure
	limit    float64
	least    bool
}

func timeOf(to string, limit float64) target {
	return target{"time × " + to, to, func(own, other cost) figure { return ratio(own.time, other.time) }, limit, false}
}

func throughputOf(to string, limit float64) target {
	return target{"throughput × " + to, to, func(own, other cost) figure { return ratio(other.time, own.time) }, limit, true}
}

func allocsOf(to string, limit float64) target {
	return target{"allocations × " + to, to, func(own, other cost) figure { return ratio(own.allocs, other.allocs) }, limit, false}
}

func kilobytes(limit float64) target {
	return target{"KB allocated", "", func(own, _ cost) figure { return own.bytes.per(1024) }, limit, false}
}
