package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
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

// onceTransport keeps net/http from repeating requests that must not be repeated: it sends a GET again on its own when
// a connection that was used before breaks, even if the service has performed it.
type onceTransport struct{ base http.RoundTripper }

func (t onceTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	a, ok := req.Context().Value(attemptKey{}).(*attempt)
	if ok {
		if header := req.Header["Authorization"]; len(header) > 0 {
			a.header.Store(&header[0])
		}
	}
	if ok && a.once && (req.Body == nil || req.Body == http.NoBody) {
		clone := *req
		clone.Body = io.NopCloser(strings.NewReader("")) // a body that cannot be had again; nothing of it is sent
		clone.GetBody = nil
		req = &clone
	}
	return t.base.RoundTrip(req)
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
