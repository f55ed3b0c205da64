package authprovider

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// roundTrip sends a request as [http.Client] does, with the redirects that it follows. Its errors are the transport's own,
// without the address.
//
// A client that neither keeps cookies nor has a timeout adds nothing to its transport until there is a redirect, but a tenth
// to the time of a small call: it is left out until then.
func (d *Doer) roundTrip(req *http.Request) (*http.Response, error) {
	client := d.client
	if client.Jar == nil && client.Timeout == 0 && isPlain(req) {
		resp, err := hop(client.Transport, req)
		if err != nil || !isRedirect(resp) {
			return resp, err
		}
		following := *client
		following.Transport = &resumed{next: client.Transport, first: resp}
		client = &following
	}
	resp, err := client.Do(req)
	if address, ok := err.(*url.Error); ok {
		err = address.Err
	}
	return resp, err
}

// isPlain reports whether a request goes to the transport as it is: the HTTP client would neither refuse nor complete it.
func isPlain(req *http.Request) bool {
	return req.URL.User == nil && req.RequestURI == "" && req.Header != nil
}

// isRedirect reports whether an HTTP client may do something about an answer.
func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// hop is one exchange of a request for an answer. It makes good what a transport may leave undone, as [http.Client] does.
func hop(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := transport.RoundTrip(req)
	switch {
	case err != nil:
		if record, ok := err.(tls.RecordHeaderError); ok && string(record.RecordHeader[:]) == "HTTP/" {
			return nil, http.ErrSchemeMismatch
		}
		return nil, err
	case resp == nil:
		return nil, errors.New("authprovider: the transport returned neither an answer nor an error")
	case resp.Body == nil && resp.ContentLength > 0 && req.Method != http.MethodHead:
		return nil, fmt.Errorf("authprovider: the transport returned an answer of %d bytes without a body", resp.ContentLength)
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

// A resumed transport begins with an answer that is there already.
type resumed struct {
	next  http.RoundTripper
	first *http.Response
}

func (t *resumed) RoundTrip(req *http.Request) (*http.Response, error) {
	if first := t.first; first != nil {
		t.first = nil
		return first, nil
	}
	return t.next.RoundTrip(req)
}
