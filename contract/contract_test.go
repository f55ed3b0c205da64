package contract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/goaver/aver-go/contract"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	thing = "/v1/things/3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11"
	good  = `{"id":"3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11","kind":"Small","at":"2026-11-23T10:00:00Z","count":9223372036854775807,"owner":"Maria","note":null}`
)

func kinds(t testing.TB) contract.Option {
	t.Helper()
	document, err := os.ReadFile("testdata/kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.New(document)
	if err != nil {
		t.Fatal(err)
	}
	return contract.WithContract(c)
}

// A violation is a message that breaks the contract in one way. body is both a request's and an answer's.
type violation struct {
	name        string
	body        string
	contentType string // application/json when empty
	status      int    // of the answer; 200 when 0
	rule        contract.Rule
	place       string
	want        string // in the message
	only        contract.Direction
}

// violations are the kinds that a generated client does not notice, or not all of them.
var violations = []violation{
	{name: "wrong type", body: `{"id":7,"kind":"Small"}`, rule: contract.RuleType, place: "/id", want: "string, got 7"},
	{name: "missing required", body: `{"id":"3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11"}`, rule: contract.RuleRequired, place: "/kind", want: "want a value"},
	{name: "unknown enum", body: strings.Replace(good, "Small", "Medium", 1), rule: contract.RuleEnum, place: "/kind",
		want: `one of Small, Large, got "Medium"`},
	{name: "wrong status", body: ``, status: 204, rule: contract.RuleStatus, want: "200, 404, got 204", only: contract.Response},
	{name: "wrong content type", body: good, contentType: "text/html", rule: contract.RuleContentType, place: "Content-Type",
		want: "application/json, got text/html"},
	{name: "no content type", body: good, contentType: "-", rule: contract.RuleContentType, place: "Content-Type", want: "application/json, got none"},
	{name: "extra field in a closed schema", body: strings.Replace(good, `"kind"`, `"size":1,"kind"`, 1), rule: contract.RuleClosed, place: "/size",
		want: "no such property"},
	{name: "bad date-time", body: strings.Replace(good, "2026-11-23T10:00:00Z", "23.11.2026", 1), rule: contract.RuleFormat, place: "/at",
		want: `date-time (RFC 3339), got "23.11.2026"`},
	{name: "bad uuid", body: strings.Replace(good, "3f0c9a4e-", "3f0c9a4e", 1), rule: contract.RuleFormat, place: "/id", want: "uuid"},
	{name: "null in a non-null", body: strings.Replace(good, `"Maria"`, "null", 1), rule: contract.RuleType, place: "/owner", want: "string, got null"},
	{name: "empty body", body: ``, rule: contract.RuleBody, want: "a body, got none"},
	{name: "white body", body: " \n", rule: contract.RuleBody, want: "a body, got none"},
	{name: "garbage after JSON", body: good + "x", rule: contract.RuleJSON, want: "nothing behind it"},
	{name: "second value", body: good + good, rule: contract.RuleJSON, want: "nothing behind it"},
	{name: "name twice", body: strings.Replace(good, `"kind"`, `"kind":"Large","kind"`, 1), rule: contract.RuleJSON, want: "unique names"},
	{name: "truncated", body: good[:50], rule: contract.RuleJSON, want: "valid JSON"},
	{name: "2^63 in an int64", body: strings.Replace(good, "9223372036854775807", "9223372036854775808", 1), rule: contract.RuleFormat,
		place: "/count", want: "int64, got 9223372036854775808"},
	{name: "undocumented 500", body: `{"message":"oops"}`, status: 500, rule: contract.RuleStatus, want: "200, 404, got 500", only: contract.Response},
	{name: "body where there is none", body: good, status: 404, rule: contract.RuleBody, want: "no body", only: contract.Response},
	{name: "sensitive value", body: strings.Replace(good, `"Maria"`, "4711", 1), rule: contract.RuleType, place: "/owner",
		want: "string, got an integer (not shown)"},
}

// legal are messages that the contract allows.
var legal = []violation{
	{name: "as documented", body: good},
	{name: "parameters of the media type", body: good, contentType: "application/json; charset=utf-8"},
	{name: "optional left out", body: `{"id":"3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11","kind":"Large"}`},
	{name: "white space", body: " " + good + "\n"},
	{name: "offset", body: strings.Replace(good, "00Z", "00.5+02:00", 1)},
	{name: "documented error", body: ``, status: 404, contentType: "-", only: contract.Response},
}

func (v violation) answer(w http.ResponseWriter, _ *http.Request) {
	switch v.contentType {
	case "":
		w.Header().Set("Content-Type", "application/json")
	case "-":
		w.Header()["Content-Type"] = nil
	default:
		w.Header().Set("Content-Type", v.contentType)
	}
	if v.status != 0 {
		w.WriteHeader(v.status)
	}
	_, _ = io.WriteString(w, v.body)
}

func (v violation) request(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+thing, strings.NewReader(v.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token")
	switch v.contentType {
	case "":
		req.Header.Set("Content-Type", "application/json")
	case "-":
	default:
		req.Header.Set("Content-Type", v.contentType)
	}
	return req
}

// collected is a TB that collects what it is told.
type collected struct {
	mu    sync.Mutex
	lines []string
}

func (c *collected) Helper() {}
func (c *collected) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

func (v violation) matches(found []contract.Violation, direction contract.Direction) bool {
	if len(found) != 1 {
		return false
	}
	f := found[0]
	return f.Rule == v.rule && f.Place == v.place && f.Operation == "putThing" && f.Direction == direction &&
		strings.Contains(f.String(), v.want) && !strings.Contains(f.String(), "Maria") && !strings.Contains(f.String(), "4711")
}

// The checker is alive: each kind of violation is found in answers and in requests, by the transport and by the handler,
// and what is legal passes.
func TestEveryKindOfViolationIsFound(t *testing.T) {
	spec := kinds(t)
	for _, v := range append(violations, legal...) {
		bad := v.rule != ""
		t.Run(v.name+" in an answer", func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(v.answer))
			defer srv.Close()
			for _, around := range []string{"transport", "handler"} {
				var found []contract.Violation
				report := contract.WithReport(func(v []contract.Violation) { found = append(found, v...) })
				if around == "transport" {
					transport := contract.NewTransport(srv.Client().Transport, spec, report)
					resp, err := transport.RoundTrip(legal[0].request(t, srv.URL))
					if err != nil {
						t.Fatal(err)
					}
					if body, err := io.ReadAll(resp.Body); err != nil || string(body) != v.body && v.status != 204 {
						t.Errorf("the answer came through as %q, %v", body, err)
					}
					_ = resp.Body.Close()
				} else {
					w := httptest.NewRecorder()
					contract.Handler(http.HandlerFunc(v.answer), spec, report).ServeHTTP(w, legal[0].request(t, ""))
					if w.Body.String() != v.body {
						t.Errorf("the answer came through as %q", w.Body)
					}
				}
				if bad && !v.matches(found, contract.Response) || !bad && len(found) > 0 {
					t.Errorf("%s: %v", around, found)
				}
			}
			resp, err := contract.NewTransport(srv.Client().Transport, spec).RoundTrip(legal[0].request(t, srv.URL))
			if resp != nil {
				_ = resp.Body.Close()
			}
			var failure *contract.Error
			if errors.As(err, &failure) != bad || bad && resp != nil {
				t.Errorf("as an error: %v", err)
			}
		})
		if v.only == contract.Response {
			continue
		}
		t.Run(v.name+" in a request", func(t *testing.T) {
			received := 0
			server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				received++
				if body, _ := io.ReadAll(r.Body); string(body) != v.body {
					t.Errorf("the request came through as %q", body)
				}
				legal[0].answer(w, r)
			})
			srv := httptest.NewServer(server)
			defer srv.Close()
			var found []contract.Violation
			report := contract.WithReport(func(v []contract.Violation) { found = append(found, v...) })
			resp, err := contract.NewTransport(srv.Client().Transport, spec, report).RoundTrip(v.request(t, srv.URL))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if bad && !v.matches(found, contract.Request) || !bad && len(found) > 0 || received != 1 {
				t.Errorf("transport: %v", found)
			}
			found, received = nil, 0
			w := httptest.NewRecorder()
			contract.Handler(server, spec, report).ServeHTTP(w, v.request(t, ""))
			if bad && !v.matches(found, contract.Request) || !bad && len(found) > 0 || received != 1 {
				t.Errorf("handler: %v", found)
			}
			received = 0
			_, err = contract.NewTransport(srv.Client().Transport, spec).RoundTrip(v.request(t, srv.URL))
			var failure *contract.Error
			if errors.As(err, &failure) != bad || bad && received != 0 {
				t.Errorf("as an error: %v, received %d times", err, received)
			}
			received = 0
			w = httptest.NewRecorder()
			contract.Handler(server, spec).ServeHTTP(w, v.request(t, ""))
			if bad && (w.Code != 500 || received != 0 || !strings.Contains(w.Body.String(), string(v.rule))) || !bad && w.Code != 200 {
				t.Errorf("handler, as an answer: %d %s, received %d times", w.Code, w.Body, received)
			}
			w = httptest.NewRecorder()
			contract.Handler(server, spec, contract.WithResponsesOnly()).ServeHTTP(w, v.request(t, ""))
			if w.Code != 200 {
				t.Errorf("handler, responses only: %d", w.Code)
			}
			if v.contentType == "" {
				tb := &collected{}
				resp, err := contract.ForTest(tb, srv.Client().Transport, spec).RoundTrip(v.request(t, srv.URL))
				if err != nil || (len(tb.lines) > 0) != bad {
					t.Errorf("for a test: %v, %q", err, tb.lines)
				}
				_ = resp.Body.Close()
			}
		})
	}
}

func TestRequestsAreCheckedBeyondTheirBodies(t *testing.T) {
	spec := kinds(t)
	send := func(change func(*http.Request)) []contract.Violation {
		t.Helper()
		var found []contract.Violation
		transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			legal[0].answer(w, r)
			return w.Result(), nil
		}), spec, contract.WithReport(func(v []contract.Violation) { found = append(found, v...) }))
		req := legal[0].request(t, "https://anything.example:8443")
		change(req)
		if _, err := transport.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
		return found
	}
	tests := []struct {
		name   string
		change func(*http.Request)
		want   string // empty for none
	}{
		{"another host and port", func(*http.Request) {}, ""},
		{"without the base path", func(r *http.Request) { r.URL.Path = strings.TrimPrefix(r.URL.Path, "/v1") }, ""},
		{"slash at the end", func(r *http.Request) { r.URL.Path += "/" }, ""},
		{"query", func(r *http.Request) { r.URL.RawQuery = "depth=3" }, ""},
		{"unknown query parameter", func(r *http.Request) { r.URL.RawQuery = "depth=3&Maria=Lindqvist" },
			"at query: parameter: want no other query parameters than those of the operation, got another one"},
		{"query parameter twice", func(r *http.Request) { r.URL.RawQuery = "depth=3&depth=4" },
			"at query parameter depth: parameter: want one value, got 2"},
		{"no credentials", func(r *http.Request) { r.Header.Del("Authorization") },
			"at Authorization: security: want a bearer token in the Authorization header"},
		{"empty token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, "security"},
		{"Basic for bearer", func(r *http.Request) { r.SetBasicAuth("a", "b") }, "security"},
		{"bad path parameter", func(r *http.Request) { r.URL.Path = "/v1/things/7" }, `at path parameter id: format: want a uuid, got "7"`},
		{"bad query parameter", func(r *http.Request) { r.URL.RawQuery = "depth=x" }, "at query parameter depth: type: want an integer"},
		{"query parameter out of range", func(r *http.Request) { r.URL.RawQuery = "depth=0" }, "at query parameter depth: minimum"},
		{"unknown path", func(r *http.Request) { r.URL.Path = "/v1/nothing" }, "operation: want an operation of the contract"},
		{"unknown method", func(r *http.Request) { r.Method = http.MethodPatch }, "operation: want an operation of the contract"},
	}
	for _, tt := range tests {
		found := send(tt.change)
		if tt.want == "" && len(found) > 0 || tt.want != "" && (len(found) != 1 || !strings.Contains(found[0].String(), tt.want)) {
			t.Errorf("%s: %v", tt.name, found)
		}
	}
	basic := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "h", Path: "/v1/token"},
		Header: http.Header{"Authorization": {"Bearer x"}}}
	_, err := contract.NewTransport(nil, spec).RoundTrip(basic)
	if err == nil || !strings.Contains(err.Error(), "want Basic credentials") {
		t.Errorf("%v", err)
	}
}

func TestSpecThatIsInvalid(t *testing.T) {
	for _, document := range []string{"", "openapi: 3.1.0", "{",
		"openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {operationId: a, responses: {'200': {$ref: '#/components/responses/None'}}}}}"} {
		if _, err := contract.New([]byte(document)); err == nil || !strings.HasPrefix(err.Error(), "contract: ") {
			t.Errorf("%q: %v", document, err)
		}
	}
}

// Long bodies stream through and are checked on their way.
func TestLongBodiesStream(t *testing.T) {
	spec := kinds(t)
	long := strings.Replace(good, "Maria", strings.Repeat("Maria", 1000), 1)
	for name, body := range map[string]string{"good": long, "bad": long + "x"} {
		v := violation{body: body}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			if err != nil || string(got) != body {
				t.Errorf("%s: the request came through with %d bytes, %v", name, len(got), err)
			}
			v.answer(w, r)
		}))
		transport := contract.NewTransport(srv.Client().Transport, spec, contract.WithBodyLimit(100))
		resp, err := transport.RoundTrip(v.request(t, srv.URL))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); err != nil || string(got) != body { // too long to be checked
			t.Errorf("%s: the answer came through with %d bytes, %v", name, len(got), err)
		}
		_ = resp.Body.Close()
		srv.Close()
	}
}

// Of a body that is too long to be held, everything else is checked.
func TestLongBodiesAreCheckedAllTheSame(t *testing.T) {
	image := strings.Repeat("A", 2<<20)
	answer := func(status int, contentType, body string) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Body != nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})
	}
	for _, tt := range []struct {
		name, path, request, authorization string
		transport                          http.RoundTripper
		want                               string
	}{
		{"good", "/checkdoc/c/d", "", "Bearer t", answer(200, "application/json", `{"base64":"data:image/jpeg;base64,`+image+`"}`), ""},
		{"good request", "/check/c/photodocument", `{"fileName":"f","fileContent":"data:image/jpeg;base64,` + image + `"}`, "Bearer t",
			answer(200, "application/json", `"success"`), ""},
		{"status", "/checkdoc/c/d", "", "Bearer t", answer(500, "text/html", image), "status"},
		{"media type", "/checkdoc/c/d", "", "Bearer t", answer(200, "text/html", image), "content-type"},
		{"truncated", "/checkdoc/c/d", "", "Bearer t", answer(200, "application/json", `{"base64":"data:image/jpeg;base64,`+image), "json"},
		{"bad escape", "/checkdoc/c/d", "", "Bearer t", answer(200, "application/json", `{"base64":"data:image/jpeg;base64,`+image+`\x"}`), "json"},
		{"garbage", "/checkdoc/c/d", "", "Bearer t", answer(200, "application/json", `{"base64":"data:image/jpeg;base64,`+image+`"}x`), "json"},
		{"credentials", "/check/c/photodocument", `{"fileName":"f","fileContent":"data:image/jpeg;base64,` + image + `"}`, "",
			answer(200, "application/json", `"success"`), "security"},
		{"request", "/check/c/photodocument", `{"fileContent":"data:image/jpeg;base64,` + image + `"}`, "Bearer t",
			answer(200, "application/json", `"success"`), "required"},
		{"a number like no other", "/watchlist/w/results", "", "Bearer t",
			answer(200, "application/json", `{"id":"a","watchlistResults":[{"matchConfidence":1e9999999}]}`), "format"},
		{"2^63", "/watchlist/w", "", "Bearer t", answer(200, "application/json",
			`{"id":"w","groupId":"g","checkId":null,"status":"Completed","searchDate":"","searchType":"Text","lastRecheckDate":"",`+
				`"searchCriteria":{},"recheckInterval":9223372036854775808}`), "format"},
		{"compressed", "/check/c", "", "Bearer t", roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}},
				Body: io.NopCloser(strings.NewReader("\x1f\x8b"))}, nil
		}), ""},
		{"no body at all", "/check/c", "", "Bearer t", roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Header: http.Header{}}, nil
		}), "body"},
	} {
		var found []contract.Violation
		transport := contract.NewTransport(tt.transport, contract.WithReport(func(v []contract.Violation) { found = append(found, v...) }))
		method := http.MethodGet
		var body io.Reader
		if tt.request != "" {
			method, body = http.MethodPost, strings.NewReader(tt.request)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://h/api"+tt.path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", tt.authorization)
		if tt.request != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if tt.want == "" && len(found) > 0 || tt.want != "" && (len(found) == 0 || string(found[0].Rule) != tt.want) {
			t.Errorf("%s: %v", tt.name, found)
		}
	}
}

// Around a handler, an answer is what net/http would send.
func TestHandlerSendsWhatNetHTTPWould(t *testing.T) {
	spec := kinds(t)
	for name, h := range map[string]http.HandlerFunc{
		"headers set late": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.Header().Set("X-Late", "x") },
		"two statuses":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.WriteHeader(200) },
		"late status":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good); w.WriteHeader(404) },
		"flushed":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); w.(http.Flusher).Flush() },
		"nothing":          func(http.ResponseWriter, *http.Request) {},
		"long":             func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 2<<20)) },
	} {
		plain, wrapped := httptest.NewRecorder(), httptest.NewRecorder()
		h(plain, legal[0].request(t, ""))
		var found []contract.Violation
		contract.Handler(h, spec, contract.WithReport(func(v []contract.Violation) { found = append(found, v...) })).ServeHTTP(wrapped,
			legal[0].request(t, ""))
		if plain.Code != wrapped.Code || plain.Body.String() != wrapped.Body.String() ||
			plain.Result().Header.Get("X-Late") != wrapped.Result().Header.Get("X-Late") {
			t.Errorf("%s: %d %.20q, want %d %.20q", name, wrapped.Code, wrapped.Body, plain.Code, plain.Body)
		}
		if bad := name != "headers set late" && name != "two statuses"; bad != (len(found) > 0) {
			t.Errorf("%s: %v", name, found)
		}
	}
	req, _ := http.NewRequest(http.MethodPut, thing, nil) // as tests make requests, with a nil body
	req.Header.Set("Authorization", "Bearer t")
	w := httptest.NewRecorder()
	contract.Handler(http.HandlerFunc(legal[0].answer), spec, contract.WithBodyLimit(1<<63-1)).ServeHTTP(w, req)
	if w.Code != 500 || !strings.Contains(w.Body.String(), "want a body") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	contract.Handler(http.NotFoundHandler(), spec, contract.WithResponsesOnly()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/elsewhere", nil))
	if w.Code != 404 {
		t.Errorf("a server's own 404: %d %s", w.Code, w.Body)
	}
}

// The mark may stand beside a reference or within it, and on the elements of lists and maps.
func TestNothingSensitiveIsPrintedWhereverTheMarkStands(t *testing.T) {
	document := `{openapi: 3.1.0, info: {title: t, version: '1'}, paths: {/a: {get: {responses: {200: {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}}},
components: {schemas: {Secret: {type: string, maxLength: 2, x-sensitive: true}, A: {type: object, x-sensitive: false, properties: {
s: {$ref: '#/components/schemas/Secret'}, l: {type: array, x-sensitive: false, items: {type: string, maxLength: 2, x-sensitive: true}},
m: {type: object, x-sensitive: false, additionalProperties: {type: string, maxLength: 2, x-sensitive: true}}, c: {x-sensitive: false, allOf: [{$ref: '#/components/schemas/Secret'}]},
o: {type: string, x-sensitive: true}, plain: {type: string, maxLength: 2, x-sensitive: false}}}}}}`
	c, err := contract.New([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	var found []contract.Violation
	transport := contract.NewTransport(roundTripper(func(*http.Request) (*http.Response, error) {
		const body = `{"s":"private","l":["private"],"m":{"private":"private"},"c":"private","o":{"private":1},"plain":"shown"}`
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}), contract.WithContract(c), contract.WithReport(func(v []contract.Violation) { found = append(found, v...) }))
	if _, err := transport.RoundTrip(httptest.NewRequest(http.MethodGet, "http://h/a", nil)); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", found)
	if len(found) != 6 || strings.Contains(text, "private") || !strings.Contains(text, "shown") || found[0].Operation != "GET /a" {
		t.Errorf("%d: %s", len(found), text)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	spec := kinds(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		legal[0].answer(w, r)
	}))
	defer srv.Close()
	tb := &collected{}
	resp, err := contract.ForTest(tb, srv.Client().Transport, spec).RoundTrip(legal[0].request(t, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != good {
		t.Errorf("%q, %v", body, err)
	}
}

func TestCheckWebhook(t *testing.T) {
	const notification = `{"statusMessage":{"type":"LiveCheck","id":"c1","groupId":"g1","status":"Completed"}}`
	for body, want := range map[string]string{
		notification: "",
		strings.Replace(notification, "Completed", "completed", 1): "",
		strings.Replace(notification, "Completed", "Perhaps", 1):   "", // a value that may come one day
		strings.Replace(notification, `"Completed"`, `7`, 1):       "webhook of statusChanged at /statusMessage/status: type: want a string",
		strings.Replace(notification, `"Completed"`, `""`, 1):      "webhook of statusChanged at /statusMessage/status",
		`{}`:                        "required",
		``:                          "body: want a body",
		notification + notification: "json",
	} {
		r := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		ledger := &contract.Ledger{}
		err := contract.CheckWebhook(r, contract.WithLedger(ledger))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", body, err)
		}
		if again, _ := io.ReadAll(r.Body); string(again) != body {
			t.Errorf("the body can be read again as %q", again)
		}
		if strings.Contains(ledger.Report(), "received ×1") != (want == "") {
			t.Error(ledger.Report())
		}
	}
	if err := contract.CheckWebhook(httptest.NewRequest(http.MethodGet, "/", nil)); err == nil {
		t.Error("a GET is no notification")
	}
}

func TestLedger(t *testing.T) {
	document, err := os.ReadFile("testdata/kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.New(document)
	if err != nil {
		t.Fatal(err)
	}
	ledger := &contract.Ledger{Contract: c}
	answer := func(v violation) {
		w := httptest.NewRecorder()
		contract.Handler(http.HandlerFunc(v.answer), contract.WithContract(c), contract.WithLedger(ledger),
			contract.WithReport(func([]contract.Violation) {})).
			ServeHTTP(w, legal[0].request(t, ""))
	}
	answer(legal[0])
	answer(legal[0])
	answer(violation{status: 500})
	if got := strings.Join(ledger.Missing(), "|"); got != "getToken 200|putThing 404" {
		t.Errorf("missing %s", got)
	}
	if report := ledger.Report(); !strings.Contains(report, "200 ×2") || !strings.Contains(report, "500 ×1") || !strings.Contains(report, "404") {
		t.Error(report)
	}
	tb := &collected{}
	ledger.Require(tb, contract.Except("getToken 200", "it is not called here"), contract.Except("putThing 200", "seen"),
		contract.Except("nothing 200", "unknown"), contract.Except("putThing 404", ""))
	if got := strings.Join(tb.lines, "|"); got != `contract: the exception "putThing 200" was seen|contract: the exception "nothing 200" is not in the contract|contract: the exception "putThing 404" has no reason` {
		t.Errorf("%s", got)
	}
	tb = &collected{}
	ledger.Require(tb)
	if len(tb.lines) != 2 {
		t.Errorf("%q", tb.lines)
	}
}

func TestCheckHAR(t *testing.T) {
	entry := func(method, url, contentType, body string, status int, answer string) string {
		return fmt.Sprintf(`{"request":{"method":%q,"url":%q,"headers":[],"postData":{"mimeType":%q,"text":%q}},"response":{"status":%d,"headers":[{"name":"content-type","value":"application/json"}],"content":{"mimeType":"application/json","text":%q}}}`, method, url, contentType, body, status, answer)
	}
	har := `{"log":{"entries":[` + strings.Join([]string{
		entry("GET", "https://elsewhere.example/logo.png", "", "", 200, ""),
		entry("PUT", "https://things.example"+thing, "application/json", good, 200, good),
		entry("PUT", "https://things.example"+thing, "application/json", violations[2].body, 200, violations[0].body),
	}, ",") + `]}}`
	entries, others, err := contract.CheckHAR(strings.NewReader(har), kinds(t))
	if err != nil || others != 1 || len(entries) != 2 || len(entries[0].Violations) != 0 || len(entries[1].Violations) != 2 || entries[1].Number != 3 {
		t.Errorf("%+v, %d others, %v", entries, others, err)
	}
	for _, bad := range []string{"", "[]", "{}", `{"log":null}`} {
		if _, _, err := contract.CheckHAR(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func BenchmarkTransport(b *testing.B) {
	spec := kinds(b)
	transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(good))}, nil
	}), spec)
	body := []byte(good)
	for b.Loop() {
		req, _ := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://h"+thing, bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer token")
		req.Header.Set("Content-Type", "application/json")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What others mean by words that this module uses as well is none of the checker's business.
func TestForeignExtensions(t *testing.T) {
	document := "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get:\n      operationId: a\n      x-retry: 3\n      " +
		"x-sensitive: perhaps\n" +
		"      responses:\n        '200': {description: d, content: {application/json: {schema: {type: object, x-aliases: 7, x-upload: yes, " +
		"properties: {b: {type: string, x-sensitive: [1]}}}}}}\n"
	if _, err := contract.New([]byte(document)); err != nil {
		t.Error(err)
	}
}
