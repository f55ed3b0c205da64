package api

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
)

// An attempt knows how far a request came. It is the context of the request.
type attempt struct {
	context.Context
	path   string // the path template of the operation
	traced bool   // it matters whether something was sent
	upload *upload
	handed atomic.Bool
	header atomic.Pointer[string] // the Authorization header that was sent last

	// What follows is of the last request: another one is sent after a refused token.
	dialling atomic.Bool
	written  atomic.Int32 // how often its header was, by a transport that tries again by itself more than once
	read     atomic.Int64 // how much of its body was handed out
	touched  atomic.Bool  // its body was
}

type attemptKey struct{}

// Value returns the attempt itself for its key.
func (a *attempt) Value(key any) any {
	if _, ok := key.(attemptKey); ok {
		return a
	}
	return a.Context.Value(key)
}

// Err says why the context ended, also when a middleware made another from the one with the deadline.
func (a *attempt) Err() error { return endOf(a.Context) }

// trace returns the context of the request. Where it matters whether something was sent, net/http reports to the attempt.
func (a *attempt) trace() context.Context {
	if !a.traced {
		return a
	}
	return httptrace.WithClientTrace(a, &httptrace.ClientTrace{
		GetConn:      func(string) { a.dialling.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { a.dialling.Store(false) },
		WroteHeaders: func() { a.written.Add(1) },
	})
}

// begin notes that a request is sent, for the first time or after a refused token.
func (a *attempt) begin() {
	a.dialling.Store(false)
	a.written.Store(0)
	a.read.Store(0)
	a.touched.Store(false)
}

// sent reports whether anything of the request may have reached the service. It is false only if the request was never
// handed to the HTTP client; or if the client was still connecting (which includes TLS), had written nothing before, as a
// transport does that tries again by itself, and nobody had asked for the body, not even one that net/http tells nothing of.
func (a *attempt) sent() bool {
	return a.handed.Load() && (a.written.Load() > 0 || a.touched.Load() || !a.dialling.Load())
}

// repeated reports whether a transport sent the request more than once by itself. Then an answer is one to the last time,
// and says nothing about the others.
func (a *attempt) repeated() bool { return a.written.Load() > 1 }

// A watchedBody tells the attempt that it is read.
type watchedBody struct {
	io.ReadCloser
	a *attempt
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.a.touched.Store(true)
	n, err := b.ReadCloser.Read(p)
	b.a.read.Add(int64(n))
	return n, err
}

// replayed are the methods of which a transport sends a request without a body again by itself when a connection breaks.
var replayed = []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}

// watch has the attempt know when the body of a request is read, also an empty one.
func (a *attempt) watch(req *http.Request) {
	getBody := req.GetBody
	if empty := req.Body == nil || req.Body == http.NoBody; empty && !slices.Contains(replayed, req.Method) {
		return // as it is, with a length of 0
	} else if empty {
		getBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }
		req.Body, _ = getBody()
	}
	req.Body = &watchedBody{req.Body, a}
	if getBody == nil {
		return
	}
	req.GetBody = func() (io.ReadCloser, error) {
		body, err := getBody()
		if err != nil {
			return nil, err
		}
		return &watchedBody{body, a}, nil
	}
}

// handOver notes that a request is complete and goes to the HTTP client, unless the caller has left.
func (a *attempt) handOver(req *http.Request) error {
	if err := a.Err(); err != nil {
		return err
	}
	if a.upload != nil {
		req.ContentLength = a.upload.size()
		if a.upload.source.again {
			req.GetBody = a.upload.body
		}
	}
	if a.traced {
		a.watch(req)
	}
	a.handed.Store(true)
	return nil
}
