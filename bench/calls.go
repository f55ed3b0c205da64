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
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/wire/dataurl"
)

const callRounds = 7

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
type cost struct{ time, bytes, allocs float64 }

// compare measures the same work of each client, in turn, and returns the medians.
func compare(all []client, work func(client) func(context.Context) error, parallel int) ([]cost, error) {
	type rounds struct{ time, bytes, allocs []float64 }
	measured := make([]rounds, len(all))
	for range callRounds {
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
			m := &measured[i]
			m.time = append(m.time, float64(r.T.Nanoseconds())/float64(r.N))
			m.bytes = append(m.bytes, float64(r.AllocedBytesPerOp()))
			m.allocs = append(m.allocs, float64(r.AllocsPerOp()))
		}
	}
	costs := make([]cost, len(all))
	for i, m := range measured {
		costs[i] = cost{median(m.time), median(m.bytes), median(m.allocs)}
	}
	return costs, nil
}

func inParallel(b *testing.B, n int, do func(context.Context) error) {
	b.SetParallelism(n / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(context.Background()); err != nil {
				b.Error(err)
			}
		}
	})
}

// calls measures whole calls.
func calls() error {
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
	for _, c := range overLoopback {
		if c.name == "ogen" { // aver-go gives every call a deadline; a timer costs a syscall where nothing else runs
			overLoopback = append(overLoopback, client{name: "ogen with a deadline of 20 s", results: c.results, upload: c.upload, download: c.download,
				check: func(ctx context.Context) error {
					ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
					defer cancel()
					return c.check(ctx)
				}})
		}
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
	const plainOAPI, ogenClient = "plain oapi-codegen", "ogen"
	for _, w := range []struct {
		title    string
		clients  []client
		work     func(client) func(context.Context) error
		parallel int
		targets  []target
	}{
		{"Small typed GET, loopback", overLoopback, get, 1, []target{timeOf(hand, 1.05), timeOf(ogenClient, 1.0),
			timeOf("ogen with a deadline of 20 s", 1.0)}},
		{"Small typed GET, in memory", inMemory, get, 1, []target{timeOf(hand, 1.25), allocsOf(plainOAPI, 1)}},
		{"Results with 1,000 hits, loopback", overLoopback, results, 1, []target{timeOf(ogenClient, 1.0), timeOf(plainOAPI, 0.45)}},
		{"Results with 1,000 hits, in memory", inMemory, results, 1, []target{timeOf(ogenClient, 1.0), timeOf(plainOAPI, 0.45)}},
		{"Upload of 10 MB from a reader, loopback", overLoopback, upload, 1, []target{timeOf(hand, 1.2), kilobytes(256)}},
		{"Upload of 10 MB from a reader, in memory", inMemory, upload, 1, nil},
		{"Download of 10 MB, loopback", overLoopback, download, 1, []target{kilobytes(256)}},
		{"64 concurrent callers of a small typed GET, loopback", overLoopback, get, 64, []target{timeOf(ogenClient, 1.0)}},
	} {
		if !strings.HasPrefix(w.title, "Small") {
			w.clients = w.clients[:5]
		}
		before := runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
		costs, err := compare(w.clients, w.work, w.parallel)
		runtime.GOMAXPROCS(before)
		if err != nil {
			return fmt.Errorf("%s: %w", w.title, err)
		}
		t := &table{title: fmt.Sprintf("%s, median of %d rounds", w.title, callRounds),
			header: []string{"", "µs/op", "KB/op", "allocs/op", "aver-go takes, of its time"}}
		var own cost
		for i, c := range w.clients {
			if c.name == ours {
				own = costs[i]
			}
		}
		for i, c := range w.clients {
			t.add(c.name, fmt.Sprintf("%.1f", costs[i].time/1000), fmt.Sprintf("%.1f", costs[i].bytes/1024), fmt.Sprintf("%.0f", costs[i].allocs),
				fmt.Sprintf("%.2f", own.time/costs[i].time))
		}
		t.print()
		for _, target := range w.targets {
			for i, c := range w.clients {
				if c.name == target.to || target.to == "" && c.name == ours {
					judge(w.title, target.what, target.measure(own, costs[i]), target.limit, false)
				}
			}
		}
	}
	return nil
}

// A target is what a measurement must not exceed.
type target struct {
	what, to string
	measure  func(own, other cost) float64
	limit    float64
}

func timeOf(to string, limit float64) target {
	return target{"time × " + to, to, func(own, other cost) float64 { return own.time / other.time }, limit}
}

func allocsOf(to string, limit float64) target {
	return target{"allocations × " + to, to, func(own, other cost) float64 { return own.allocs / other.allocs }, limit}
}

func kilobytes(limit float64) target {
	return target{"KB allocated", "", func(own, _ cost) float64 { return own.bytes / 1024 }, limit}
}
