package authprovider

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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
// It follows no redirect to another origin, or from https to http, and none at all of the calls that carry credentials
// or a token to be exchanged; the caller gets the redirect itself as the answer.
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
	pinned.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		first := via[0]
		switch {
		case !p.origin.is(req.URL),
			strings.HasPrefix(first.Header.Get("Authorization"), "Basic "),
			strings.TrimSuffix(first.URL.Path, "/") == p.refreshPath:
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
	if !ok || redirected || !d.provider.origin.is(req.URL) || !d.provider.replaceable(token) {
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
	if err == nil && resp.StatusCode != http.StatusUnauthorized {
		d.provider.confirm(again.Header.Get("Authorization"))
	}
	return resp, err
}

// discard reads what is left of a small body, so that the connection can be used again, and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
