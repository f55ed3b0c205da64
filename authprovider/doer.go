package authprovider

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// A Doer sends the requests of a generated client. It is a [generated.HttpRequestDoer]:
//
//	client, err := generated.NewClientWithResponses(url,
//		generated.WithRequestEditorFn(provider.Intercept),
//		generated.WithHTTPClient(provider.Doer(nil)))
//
// When the service refuses the token of a request with 401, the Doer has the provider drop it and sends the request
// once more with another, if the body can be read again (GetBody). It does so whatever the request does, a charged or
// irreversible operation included: an operation that was answered with 401 was not performed. When the new token is
// refused as well, the answer stands, and for ten seconds that token is not replaced again.
//
// It follows no redirect to another origin, or from https to http; the caller gets the redirect itself as the answer.
type Doer struct {
	provider *Provider
	client   *http.Client
	futile   atomic.Pointer[futile]
}

// futile notes that a new token was refused as well: what the service refuses then is not the token.
type futile struct {
	authorization string
	until         time.Time
}

// Doer returns a [Doer] around client, which is not changed; nil stands for the client that performs the exchange. The
// client's own CheckRedirect still decides about redirects within the origin.
func (p *Provider) Doer(client *http.Client) *Doer {
	if client == nil {
		client = p.Client()
	}
	pinned := *client
	pinned.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		switch {
		case !p.origin.is(req.URL):
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
	resp, err := d.client.Do(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	authorization := req.Header.Get("Authorization")
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok || !d.provider.origin.is(req.URL) {
		return resp, nil
	}
	if f := d.futile.Load(); f != nil && f.authorization == authorization && time.Now().Before(f.until) {
		return resp, nil
	}
	d.provider.Invalidate(token)
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
	resp, err = d.client.Do(again)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		d.futile.Store(&futile{again.Header.Get("Authorization"), time.Now().Add(refusalMemory)})
	}
	return resp, err
}

// discard reads what is left of a small body, so that the connection can be used again, and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
