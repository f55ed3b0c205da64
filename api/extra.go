package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// WithHeader sends a header that the contract does not have, such as one for tracing. Given to [New], every call has it. A header
// of the contract, of HTTP itself or of this client is refused.
func WithHeader(name, value string) CallOption {
	return callOption(func(c *callSettings) error {
		name := http.CanonicalHeaderKey(name)
		switch {
		case name == "" || strings.ContainsFunc(name, notToken):
			return fmt.Errorf("WithHeader: %.40q is no name of a header", name)
		case slices.Contains(reserved, name):
			return fmt.Errorf("WithHeader: %s is set by the client itself", name)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return fmt.Errorf("WithHeader: the value of %s holds a control character", name)
		}
		if c.headers = c.headers.Clone(); c.headers == nil {
			c.headers = make(http.Header)
		}
		c.headers[name] = []string{value}
		return nil
	})
}

// reserved are the headers that only the client sets.
var reserved = []string{"Accept", "Accept-Encoding", "Authorization", callHeader, "Connection", "Content-Encoding", "Content-Length",
	"Content-Type", "Cookie", "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
	"Upgrade", "User-Agent"}

// notToken reports whether a rune cannot be in the name of a header (RFC 9110).
func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// WithQuery adds a query value that the contract does not have. Given to [New], every call has it. A query parameter of the
// contract is refused.
func WithQuery(name, value string) CallOption {
	return callOption(func(c *callSettings) error {
		if name == "" {
			return errors.New("WithQuery: the name is empty")
		}
		query := make(url.Values, len(c.query)+1)
		for known, values := range c.query {
			query[known] = values
		}
		query[name] = []string{value}
		c.query = query
		return nil
	})
}

// extend adds the headers and the query values of a call's options to its request.
func (c *callSettings) extend(req *http.Request, op *operation) error {
	for name, values := range c.headers {
		if _, here := req.Header[name]; here || slices.Contains(op.own, strings.ToLower(name)) {
			return fmt.Errorf("WithHeader: %s is a parameter of %s", name, op.id)
		}
		req.Header[name] = values
	}
	if len(c.query) == 0 {
		return nil
	}
	for name := range c.query {
		if slices.Contains(op.own, strings.ToLower(name)) {
			return fmt.Errorf("WithQuery: %.40s is a parameter of %s", name, op.id)
		}
	}
	if req.URL.RawQuery != "" {
		req.URL.RawQuery += "&"
	}
	req.URL.RawQuery += c.query.Encode()
	return nil
}
