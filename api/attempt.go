package api

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// An attempt knows how far a request came. It is the context of the request.
type attempt struct {
	context.Context
	path     string // the path template of the operation
	traced   bool   // it matters whether something was sent
	upload   *upload
	handed   atomic.Bool
	dialling atomic.Bool
	written  atomic.Bool            // the header of a request, on any connection
	header   atomic.Pointer[string] // the Authorization header that was sent last
}

type attemptKey struct{}

// Value returns the attempt itself for its key.
func (a *attempt) Value(key any) any {
	if _, ok := key.(attemptKey); ok {
		return a
	}
	return a.Context.Value(key)
}

// trace returns the context of the request. Where it matters whether something was sent, net/http reports to the attempt.
func (a *attempt) trace() context.Context {
	if !a.traced {
		return a
	}
	return httptrace.WithClientTrace(a, &httptrace.ClientTrace{
		GetConn:      func(string) { a.dialling.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { a.dialling.Store(false) },
		WroteHeaders: func() { a.written.Store(true) },
	})
}

// sent reports whether anything of the request may have reached the service. It is false only with certainty: the
// request was never handed to the HTTP client, or the client was still connecting (which includes TLS) and had written
// nothing before, as a transport does that tries again by itself.
func (a *attempt) sent() bool { return a.handed.Load() && (a.written.Load() || !a.dialling.Load()) }

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
	a.handed.Store(true)
	return nil
}
