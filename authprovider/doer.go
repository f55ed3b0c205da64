package authprovider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// A Doer sends the requests of a generated client. It is a [generated.HttpRequestDoer]:
//
//	client, err := generated.NewClientWithResponses(url,
//		generated.WithRequestEditorFn(provider.Intercept),
//		generated.WithHTTPClient(provider.Doer(nil)))
//
// When the service refuses the token of a request with 401, the Doer has the provider drop it and sends the request
// once more with another, if the body can be read again (GetBody). It does so whatever the request does, a charged or
// irreversible operation included: an operation that was answered with 401 was not performed. A 401 behind a redirect
// says nothing of the kind, and stands. So does one for a token that the provider did not obtain, and one for the
// replacement of a refused token that nothing has accepted yet: what the service refuses then is not the token.
//
// Otherwise an operation that the contract does not let be repeated (x-retry) leaves once. A transport repeats requests
// on its own when a connection breaks or a stream is reset, even if the service has performed them; the Doer gives it no
// body to do so with, whoever built the request.
//
// It follows no redirect to another origin, or from https to http; none that changes the method, as net/http does with a
// POST that is answered with 301, 302 or 303; and none at all of the calls that carry credentials or a token to be
// exchanged, nor of those that must not be repeated. The caller gets the redirect itself as the answer.
//
// Its errors are the transport's own, without the address, which may hold an identifier.
type Doer struct {
	provider *Provider
	client   *http.Client
}

// Doer returns a [Doer] around client, which is not changed; nil stands for the client that performs the exchange. The
// client's own CheckRedirect still decides about redirects within the origin, and its Timeout, if any, limits a call.
func (p *Provider) Doer(client *http.Client) *Doer {
	if client == nil {
		client = p.Client()
	}
	pinned := *client
	pinned.Transport = onceTransport{client.Transport}
	pinned.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0]
		req.Header.Del("Referer") // the address before, which may hold a credential or an identifier
		switch {
		case !p.origin.is(req.URL),
			req.Method != first.Method && (first.Method != "" || req.Method != http.MethodGet),
			strings.HasPrefix(first.Header.Get("Authorization"), "Basic "),
			strings.TrimSuffix(first.URL.Path, "/") == p.refreshPath,
			p.once(first), p.once(req):
			return http.ErrUseLastResponse
		case client.CheckRedirect != nil:
			return client.CheckRedirect(req, via)
		case len(via) >= 10:
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
	return &Doer{provider: p, client: &pinned}
}

// Do sends req, and once more with a new token after a 401.
func (d *Doer) Do(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errors.New("authprovider: the request has no URL")
	}
	resp, repeated, err := d.send(req)
	if err != nil {
		return nil, err
	}
	authorization := req.Header.Get("Authorization")
	if resp.StatusCode != http.StatusUnauthorized {
		d.provider.confirm(authorization)
		return resp, nil
	}
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	redirected := resp.Request != nil && resp.Request.Response != nil
	if !ok || redirected || repeated || !d.provider.origin.is(req.URL) || !d.provider.replaceable(token) {
		return resp, nil
	}
	d.provider.invalidate(token)
	hasBody := req.Body != nil && req.Body != http.NoBody
	if hasBody && req.GetBody == nil {
		return resp, nil
	}

	again := req.Clone(req.Context())
	if err := d.provider.Intercept(req.Context(), again); err != nil {
		if e := (*Error)(nil); errors.As(err, &e) && e.Status == http.StatusOK {
			return resp, nil // the exchange works, but brings no other token: the 401 stands
		}
		discard(resp.Body)
		return nil, fmt.Errorf("%w, and there is no other: %w", ErrTokenRefused, err)
	}
	if hasBody {
		if again.Body, err = req.GetBody(); err != nil {
			return resp, nil
		}
	}
	discard(resp.Body)
	resp, _, err = d.send(again)
	if err == nil && resp.StatusCode != http.StatusUnauthorized {
		d.provider.confirm(again.Header.Get("Authorization"))
	}
	return resp, err
}

// send sends req, which leaves once if the contract says so. It reports whether a transport that tries again by itself sent
// it all the same: then the answer says nothing about what was sent first.
func (d *Doer) send(req *http.Request) (resp *http.Response, repeated bool, err error) {
	if !d.provider.once(req) {
		resp, err = d.roundTrip(req)
		return resp, false, err
	}
	var single singleRequest
	ctx := context.WithValue(req.Context(), singleKey{}, &single)
	once := req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { single.written.Add(1) }}))
	once.GetBody = nil // from the HTTP client, which would follow a redirect with it
	switch empty := req.Body == nil || req.Body == http.NoBody; {
	case !empty:
		once.Body = &onceBody{req.Body, &single.touched}
		single.getBody = req.GetBody
	case replayed(req.Method):
		once.Body = io.NopCloser(strings.NewReader("")) // a body that cannot be had again; nothing of it is sent
	}
	resp, err = d.roundTrip(once)
	return resp, single.written.Load() > 1, err
}

// replayed reports whether a transport sends a request without a body again by itself when a connection breaks.
func replayed(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// A singleRequest is a request that must not be sent twice.
type singleRequest struct {
	touched atomic.Bool // its body was
	written atomic.Int32
	getBody func() (io.ReadCloser, error) // nil when the body cannot be had again
}

type singleKey struct{}

// body has the body again, for a transport that lost a connection before it sent anything.
func (s *singleRequest) body() (io.ReadCloser, error) {
	if s.touched.Load() {
		return nil, errSent
	}
	body, err := s.getBody()
	if err != nil {
		return nil, err
	}
	return &onceBody{body, &s.touched}, nil
}

// A onceTransport lets the transport underneath have the body of a single request again as long as it was not touched.
type onceTransport struct{ base http.RoundTripper }

func (t onceTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s, ok := req.Context().Value(singleKey{}).(*singleRequest)
	if ok && s.getBody != nil && req.Method == http.MethodPost { // of a GET net/http would ask whenever a connection breaks
		clone := *req
		clone.GetBody = s.body
		req = &clone
	}
	return t.next().RoundTrip(req)
}

func (t onceTransport) next() http.RoundTripper {
	if t.base == nil {
		return http.DefaultTransport
	}
	return t.base
}

// CloseIdleConnections closes those of the transport underneath.
func (t onceTransport) CloseIdleConnections() {
	if c, ok := t.next().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// once reports whether a request must not be sent twice.
func (p *Provider) once(req *http.Request) bool {
	op := p.exception(req)
	return op != nil && op.once
}

var errSent = errors.New("authprovider: the request may have been sent, and the contract does not let it be repeated")

// A onceBody knows whether it was read: a service can have performed nothing of which the body was never touched.
type onceBody struct {
	io.ReadCloser
	touched *atomic.Bool
}

func (b *onceBody) Read(p []byte) (int, error) {
	b.touched.Store(true)
	return b.ReadCloser.Read(p)
}

// discard reads what is left of a small body, so that the connection can be used again, and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
