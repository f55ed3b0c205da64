package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// transport returns the transport of a client's calls around the application's.
func (s *settings) transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	if s.wrap == nil {
		return onceTransport{base}
	}
	return onceTransport{hidingTransport{s.wrap(revealingTransport{base}), base}}
}

// onceTransport keeps net/http from repeating requests that must not be repeated. It sends a GET again on its own when
// a connection that was used before breaks, even if the service has performed it; and over HTTP/2 anything whose body it
// can have again, whenever a stream is reset.
type onceTransport struct{ base http.RoundTripper }

func (t onceTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	a, ok := req.Context().Value(attemptKey{}).(*attempt)
	if !ok {
		return t.base.RoundTrip(req)
	}
	if header := req.Header["Authorization"]; len(header) > 0 {
		a.header.Store(&header[0])
	}
	if a.once {
		clone := *req
		if req.Body == nil || req.Body == http.NoBody {
			clone.Body = io.NopCloser(strings.NewReader("")) // a body that cannot be had again; nothing of it is sent
			clone.GetBody = nil
		} else {
			body := &onceBody{ReadCloser: req.Body}
			clone.Body = body
			if getBody := req.GetBody; getBody != nil {
				clone.GetBody = func() (io.ReadCloser, error) {
					// Over HTTP/1 net/http asks only when nothing was written. Of any other it is not known.
					if body.read.Load() && !a.http1.Load() {
						return nil, errors.New("the request was sent")
					}
					next, err := getBody()
					if err != nil {
						return nil, err
					}
					body.read.Store(false)
					return &onceBody{ReadCloser: next, first: body}, nil
				}
			}
		}
		req = &clone
	}
	return t.base.RoundTrip(req)
}

// A onceBody knows whether it was read to its end.
type onceBody struct {
	io.ReadCloser
	first *onceBody // nil for itself
	read  atomic.Bool
}

func (b *onceBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		if b.first != nil {
			b.first.read.Store(true)
		}
		b.read.Store(true)
	}
	return n, err
}

// CloseIdleConnections closes those of the transport underneath.
func (t onceTransport) CloseIdleConnections() { closeIdle(t.base) }

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// checkRedirect follows no redirect of an operation that must not be repeated: it may have been performed where it was
// redirected, and what the next address answers says nothing about that.
func checkRedirect(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if a, ok := req.Context().Value(attemptKey{}).(*attempt); ok && a.once {
			return http.ErrUseLastResponse
		}
		switch {
		case next != nil:
			return next(req, via)
		case len(via) >= 10:
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
}

// hidingTransport shows what is in between the path template of the operation in place of the path, which holds
// identifiers; revealingTransport puts the path back.
type hidingTransport struct{ wrapped, base http.RoundTripper }

type hiddenKey struct{}

func (t hidingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	hidden := &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: "/"}
	if a, ok := req.Context().Value(attemptKey{}).(*attempt); ok {
		hidden.Path = a.path
	}
	shown := req.Clone(context.WithValue(req.Context(), hiddenKey{}, req.URL))
	shown.URL = hidden
	return t.wrapped.RoundTrip(shown)
}

// CloseIdleConnections closes those of the transport underneath.
func (t hidingTransport) CloseIdleConnections() { closeIdle(t.base) }

type revealingTransport struct{ base http.RoundTripper }

func (t revealingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	clone := *req
	clone.URL = req.Context().Value(hiddenKey{}).(*url.URL)
	return t.base.RoundTrip(&clone)
}
