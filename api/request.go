package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Headers of every request. Nobody writes into them.
var (
	acceptJSON = []string{"application/json"}
)

// newRequest returns the request of an operation: base URL, path and body, or what build makes of them.
func (c *Client) newRequest(ctx context.Context, op *operation, path []string, build func(string, io.Reader) (*http.Request, error), body io.Reader) (*http.Request, error) {
	if build != nil {
		req, err := build(c.raw.Server, body)
		if err != nil {
			return nil, errors.New("the parameters cannot be sent") // the reason may repeat their values
		}
		return req.WithContext(ctx), nil
	}
	req, err := http.NewRequestWithContext(ctx, op.method, "", body)
	if err != nil {
		return nil, errors.New("the request cannot be built")
	}
	op.setPath(req.URL, c.base, path)
	req.Host = c.base.Host
	if op.media != "" {
		req.Header["Content-Type"] = []string{op.media}
	}
	return req, nil
}

// setPath sets u to the address of the operation below base.
func (op *operation) setPath(u, base *url.URL, values []string) {
	var plain, escaped strings.Builder
	plain.Grow(len(base.Path) + len(op.path) + 36*len(values))
	plain.WriteString(base.Path)
	template, differ := op.path, false
	for i := range values {
		open := strings.IndexByte(template, '{')
		plain.WriteString(template[:open])
		plain.WriteString(values[i])
		template = template[open+1+len(op.params[i])+1:]
		differ = differ || url.PathEscape(values[i]) != values[i]
	}
	plain.WriteString(template)
	u.Scheme, u.Host, u.Path = base.Scheme, base.Host, plain.String()
	if !differ && base.RawPath == "" {
		return
	}
	escaped.WriteString(base.EscapedPath())
	template = op.path
	for i := range values {
		open := strings.IndexByte(template, '{')
		escaped.WriteString(template[:open])
		escaped.WriteString(url.PathEscape(values[i]))
		template = template[open+1+len(op.params[i])+1:]
	}
	escaped.WriteString(template)
	u.RawPath = escaped.String()
}

// do authenticates a request and sends it.
func (c *Client) do(a *attempt, req *http.Request) (*http.Response, error) {
	req.Header["User-Agent"] = c.settings.userAgentHeader
	req.Header["Accept"] = acceptJSON
	if err := c.provider.Intercept(req.Context(), req); err != nil {
		return nil, err
	}
	if err := a.handOver(req); err != nil {
		return nil, err
	}
	return c.doer.Do(req)
}
