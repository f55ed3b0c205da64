package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire/rules"
)

// acceptJSON is the Accept header of every request. Nobody writes into it.
var acceptJSON = []string{"application/json"}

// blank is a request that is not filled in yet. Nobody writes into it.
var blank = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// newRequest returns the request of an operation: base URL, path and body, or what build makes of them.
func (c *Client) newRequest(ctx context.Context, op *operation, path []string,
	build func(string, io.Reader) (*http.Request, error), body io.Reader) (*http.Request, error) {
	if build != nil {
		req, err := buildWith(build, c.raw.Server, body)
		if err != nil {
			return nil, errors.New("the parameters cannot be sent") // the reason may repeat their values
		}
		req.URL.RawQuery = strings.ReplaceAll(req.URL.RawQuery, " ", "%20") // between the elements of a list
		return req.WithContext(ctx), nil
	}
	if body == nil { // as NewRequestWithContext has it, which parses an address
		req := blank.WithContext(ctx)
		req.Method, req.URL, req.Header = op.method, new(url.URL), make(http.Header)
		op.setPath(req.URL, c.base, path)
		req.Host = c.base.Host
		return req, nil
	}
	req, err := http.NewRequestWithContext(ctx, op.method, "", body)
	if err != nil {
		return nil, errors.New("the request cannot be built")
	}
	op.setPath(req.URL, c.base, path)
	req.Host = c.base.Host
	return req, nil
}

// buildWith builds a request, which fails for a parameter that cannot be written, as a union without a value.
func buildWith(build func(string, io.Reader) (*http.Request, error), server string, body io.Reader) (req *http.Request, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a parameter has no value")
		}
	}()
	return build(server, body)
}

// setPath sets u to the address of the operation below base.
func (op *operation) setPath(u, base *url.URL, values []string) {
	u.Scheme, u.Host, u.Path = base.Scheme, base.Host, op.fill(base.Path, values)
	escaped := values
	for i, value := range values {
		if safe := url.PathEscape(value); safe != value {
			escaped = slices.Clone(escaped)
			escaped[i] = safe
		}
	}
	if base.RawPath != "" || !slices.Equal(escaped, values) {
		u.RawPath = op.fill(base.EscapedPath(), escaped)
	}
}

// fill returns the path template of the operation behind base, with values in place of its parameters.
func (op *operation) fill(base string, values []string) string {
	var path strings.Builder
	path.Grow(len(base) + len(op.path) + 36*len(values))
	path.WriteString(base)
	template := op.path
	for i, value := range values {
		open := strings.IndexByte(template, '{')
		path.WriteString(template[:open])
		path.WriteString(value)
		template = template[open+len("{}")+len(op.params[i]):]
	}
	path.WriteString(template)
	return path.String()
}

// do authenticates a request and sends it.
func (c *Client) do(a *attempt, req *http.Request, capture *Capture) (*http.Response, error) {
	begun := capture.begin()
	err := c.provider.Intercept(req.Context(), req)
	if capture.waited(begun); err != nil {
		return nil, err
	}
	if err := a.handOver(req); err != nil {
		return nil, err
	}
	return c.doer.Do(req)
}

// checkPath refuses a path parameter that would address another operation.
func checkPath(op *operation, path []string) *Error {
	for i, value := range path {
		if value == "" || value == "." || value == ".." {
			return refusal(op, fmt.Errorf("the path parameter %s is %q, which would address another operation; want an ID", op.params[i], value))
		}
	}
	return nil
}

// checkParams refuses parameters that break the contract; nil stands for none.
func checkParams(op *operation, params any, of *rules.Schema) *Error {
	text, err := json.Marshal(params, jsonv1.OmitEmptyWithLegacySemantics(true)) // a pointer to nothing is sent
	if err != nil {
		return invalid(op, rules.Unwritable(err))
	}
	if string(text) == "null" {
		text = []byte("{}")
	}
	if fields := rules.Text(text, of, generated.RulesNamed); len(fields) > 0 {
		return invalid(op, fields)
	}
	return nil
}

// pathValue returns a path parameter as text, in the style simple.
func pathValue[T any](v T) string {
	switch v := any(v).(type) {
	case string:
		return v
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice {
		texts := make([]string, r.Len())
		for i := range texts {
			texts[i] = pathValue(r.Index(i).Interface())
		}
		return strings.Join(texts, ",")
	}
	return fmt.Sprint(v)
}
