package authprovider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// A journey is what a transport saw of a request, and what came of it.
type journey struct {
	steps  []string
	result string
}

// travel sends a request through a Doer around a client whose transport answers in turn.
func travel(t *testing.T, client http.Client, req *http.Request, body *closingBody,
	answers []func(*http.Request) (*http.Response, error)) journey {
	t.Helper()
	var j journey
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		sent := ""
		if r.Body != nil {
			content, _ := io.ReadAll(r.Body)
			_ = r.Body.Close()
			sent = string(content)
		}
		if r.Header == nil {
			return nil, errors.New("a request without a header")
		}
		headers := fmt.Sprint(r.Header) // in the order of their names
		j.steps = append(j.steps, fmt.Sprint(r.Method, " ", r.URL, " ", r.Host, " ", headers, " ", r.ContentLength, " ", sent))
		resp, err := answers[min(len(j.steps), len(answers))-1](r)
		if resp != nil {
			resp.Request = r
		}
		return resp, err
	})
	p, err := New("k", "s", WithBaseURL("https://service.example/api"), WithHTTPClient(&client))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	resp, err := p.Doer(nil).Do(req)
	switch {
	case err != nil && strings.Contains(err.Error(), "but a nil Body"), err != nil && strings.Contains(err.Error(), "without a body"):
		j.result = "no body"
	case err != nil:
		j.result = fmt.Sprintf("%T %v", err, err)
	default:
		content, err := io.ReadAll(resp.Body)
		j.result = fmt.Sprint(resp.StatusCode, resp.Header, string(content), err, " of ", resp.Request.URL, " behind ", resp.Request.Response != nil)
		_ = resp.Body.Close()
	}
	if body != nil && body.closed == 0 {
		j.result += ", the body stays open"
	}
	return j
}

// A closingBody counts how often it is closed.
type closingBody struct {
	io.Reader
	closed int
}

func (b *closingBody) Close() error {
	b.closed++
	return nil
}

func answering(status int, location, content string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		body := io.NopCloser(strings.NewReader(content))
		resp := &http.Response{StatusCode: status, Header: make(http.Header), Body: body, ContentLength: int64(len(content))}
		if location != "" {
			resp.Header.Set("Location", location)
		}
		return resp, nil
	}
}

// Without the HTTP client everything is as with it: what is sent, what comes of it, and that the body is closed. A cookie jar has
// the client take part.
func TestWithoutTheHTTPClientAllIsAsWithIt(t *testing.T) {
	type answer = func(*http.Request) (*http.Response, error)
	broken := errors.New("broken")
	firsts := map[string]answer{
		"200":      answering(200, "", "yes"),
		"304":      answering(304, "/api/elsewhere", ""),
		"an error": func(*http.Request) (*http.Response, error) { return nil, broken },
		"plain HTTP": func(*http.Request) (*http.Response, error) {
			return nil, tls.RecordHeaderError{RecordHeader: [5]byte{'H', 'T', 'T', 'P', '/'}}
		},
		"another record": func(*http.Request) (*http.Response, error) {
			return nil, tls.RecordHeaderError{Msg: "odd", RecordHeader: [5]byte{1, 2, 3, 4, 5}}
		},
		"a length and no body": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: 5}, nil
		},
		"no body":                    func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil },
		"no body and no header, 302": func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 302}, nil },
	}
	for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
		for _, location := range []string{"", "/api/elsewhere", "elsewhere", "https://service.example/api/elsewhere", "https://other.example/",
			"http://service.example/api/elsewhere", "http://[::1", "/api/auth/token"} {
			firsts[fmt.Sprint(status, " to ", location)] = answering(status, location, strings.Repeat("moved", 1000))
		}
	}
	policies := map[string]func(*http.Request, []*http.Request) error{
		"the usual policy":      nil,
		"a policy that refuses": func(*http.Request, []*http.Request) error { return broken },
		"a policy that stops":   func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		"a policy that edits": func(r *http.Request, via []*http.Request) error {
			r.Header.Set("Seen", fmt.Sprint(len(via), via[0].URL))
			return nil
		},
	}
	type request struct {
		method, path, content string
		again                 bool
		edit                  func(*http.Request)
	}
	requests := []request{
		{method: "GET", path: "/check/c1"},
		{method: "", path: "/check/c1"},
		{method: "HEAD", path: "/check/c1"},
		{method: "DELETE", path: "/check/c1"},
		{method: "POST", path: "/check/c1/notes", content: "content", again: true},
		{method: "POST", path: "/check/c1/notes", content: "content"},
		{method: "POST", path: "/check", content: "content", again: true},
		{method: "GET", path: "/auth/token"},
		{method: "GET", path: "/check/c1", edit: func(r *http.Request) { r.Header = nil }},
		{method: "GET", path: "/check/c1", edit: func(r *http.Request) { r.RequestURI = "/check/c1" }},
		{method: "GET", path: "/check/c1", edit: func(r *http.Request) {
			r.URL.User = url.UserPassword("user", "password")
			r.Header.Del("Authorization")
		}},
	}
	compared := 0
	for name, first := range firsts {
		for policy, check := range policies {
			for _, r := range requests {
				var both []journey
				jar, _ := cookiejar.New(nil)
				for _, client := range []http.Client{{CheckRedirect: check}, {CheckRedirect: check, Jar: jar}} {
					req, err := http.NewRequestWithContext(t.Context(), r.method, "https://service.example/api"+r.path, nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Authorization", "Bearer of a caller")
					var body *closingBody
					if r.content != "" {
						body = &closingBody{Reader: strings.NewReader(r.content)}
						req.Body, req.ContentLength = body, int64(len(r.content))
						if r.again {
							req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(r.content)), nil }
						}
					}
					if r.edit != nil {
						r.edit(req)
					}
					answers := []answer{first, answering(307, "/api/third", "on"), answering(200, "", "there")}
					both = append(both, travel(t, client, req, body, answers))
				}
				for _, other := range both[1:] {
					compared++
					if !slices.Equal(both[0].steps, other.steps) || both[0].result != other.result {
						t.Errorf("%s, %s, %s %s\nwithout: %q\nwith:    %q", name, policy, r.method, r.path, both[0], other)
					}
				}
			}
		}
	}
	t.Log(compared, "journeys were compared")
}

// What a transport must not return is an error, not a panic.
func TestTransportsThatReturnNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		resp *http.Response
		want string
	}{
		"neither":  {nil, "neither an answer nor an error"},
		"a length": {&http.Response{StatusCode: 200, ContentLength: 5}, "5 bytes without a body"},
	} {
		transport := roundTripper(func(*http.Request) (*http.Response, error) { return tt.resp, nil })
		_, err := do(t, &http.Client{Transport: transport})
		if text := fmt.Sprint(err); !strings.Contains(text, tt.want) && !strings.Contains(text, "RoundTripper implementation") { // net/http's words
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client with a jar keeps its cookies.
func TestDoerKeepsCookies(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	var seen []string
	client := &http.Client{Jar: jar, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Header.Get("Cookie"))
		resp, err := answering(200, "", "")(r)
		resp.Header.Set("Set-Cookie", "route=b")
		return resp, err
	})}
	for range 2 {
		if _, err := do(t, client); err != nil {
			t.Error(err)
		}
	}
	if len(seen) != 2 || seen[0] != "" || seen[1] != "route=b" {
		t.Errorf("cookies %q", seen)
	}
}

// A client with a timeout ends in time.
func TestDoerKeepsTheTimeout(t *testing.T) {
	client := &http.Client{Timeout: time.Millisecond, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if _, ok := r.Context().Deadline(); !ok {
			return nil, errors.New("no deadline")
		}
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	if _, err := do(t, client); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func do(t *testing.T, client *http.Client) (*http.Response, error) {
	t.Helper()
	p, err := New("k", "s", WithHTTPClient(client))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, DefaultBaseURL+"/check/c1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.Doer(nil).Do(req)
}

func TestDoerWithoutAnAddress(t *testing.T) {
	p, err := New("k", "s")
	if err != nil {
		t.Fatal(err)
	}
	body := &closingBody{Reader: strings.NewReader("content")}
	if _, err := p.Doer(nil).Do(&http.Request{Method: http.MethodPost, Body: body}); err == nil || body.closed == 0 {
		t.Errorf("%v, closed %d times", err, body.closed)
	}
}
