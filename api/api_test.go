package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchanging is a service that issues tokens and leaves the rest to h.
func exchanging(h http.HandlerFunc) http.HandlerFunc {
	var serial atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/auth/token") {
			answer(200, "application/json", fmt.Sprintf(`{"token":"opaque-%d"}`, serial.Add(1)))(w, r)
			return
		}
		h(w, r)
	}
}

// exchangingTransport is exchanging without a network.
func exchangingTransport(f roundTripper) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/auth/token") {
			resp := respond(200, `{"token":"opaque"}`)
			resp.Request = r
			return resp, nil
		}
		return f(r)
	}
}

// newClient returns a client of a service that answers the exchange itself and everything else with h.
func newClient(t *testing.T, h http.HandlerFunc, opts ...api.Option) *api.Client {
	t.Helper()
	srv := httptest.NewServer(exchanging(h))
	t.Cleanup(srv.Close)
	client, err := api.New("key", "secret", append([]api.Option{api.WithBaseURL(srv.URL + "/api")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func answer(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		} else {
			w.Header()["Content-Type"] = nil
		}
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestEveryAnswerThatIsNoSuccessIsATypedError(t *testing.T) {
	const jsonType = "application/json; charset=utf-8"
	tests := []struct {
		name    string
		handler http.HandlerFunc
		class   error
		text    string // must be in the message
	}{
		{"bare string", answer(400, jsonType, `"No email."`), api.ErrInvalidRequest, "getCheck: 400 Bad Request: No email."},
		{"message", answer(401, jsonType, `{"message":"expired"}`), api.ErrUnauthorized, "401 Unauthorized: expired"},
		{"error", answer(403, jsonType, `{"error":"plan"}`), api.ErrForbidden, "403 Forbidden: plan"},
		{"problem", answer(404, "application/problem+json", `{"title":"Not Found","detail":"No check."}`), api.ErrNotFound, "404 Not Found: No check."},
		{"gone", answer(410, "", ``), api.ErrNotFound, "410 Gone"},
		{"conflict", answer(409, jsonType, `{}`), api.ErrConflict, "409 Conflict"},
		{"fields", answer(422, jsonType, `{"title":"Invalid","errors":{"email":["bad"],"a":["b","c"]}}`), api.ErrInvalidRequest,
			"Invalid; a: b, c; email: bad"},
		{"rate limit", answer(429, "", ``, "Retry-After", "7"), api.ErrRateLimited, "429 Too Many Requests"},
		{"server error", answer(500, "text/html", `<html><h1>secret stack</h1></html>`), api.ErrUnavailable, "500 Internal Server Error"},
		{"bad gateway", answer(502, "", ``), api.ErrUnavailable, "502 Bad Gateway"},
		{"teapot", answer(418, "text/plain", `short and stout`), api.ErrInvalidRequest, "418 I'm a teapot"},
		{"too large", answer(413, "", ``), api.ErrInvalidRequest, "413 Request Entity Too Large"},
		{"request timeout", answer(408, "", ``), api.ErrUnavailable, "408 Request Timeout"},
		{"status without a name", answer(520, jsonType, `"why"`), api.ErrUnavailable, "getCheck: 520: why"},
		{"another success", answer(202, jsonType, `{}`), api.ErrUnexpectedResponse, "the documented success is 200"},
		{"redirect away", answer(302, "", ``, "Location", "http://127.0.0.1:1/elsewhere"), api.ErrUnexpectedResponse, "the redirect was not followed"},
		{"HTML success", answer(200, "text/html; charset=utf-8", `<html></html>`), api.ErrUnexpectedResponse, "the answer is HTML, not JSON"},
		{"no type", answer(200, "", `{"id":"c"}`), api.ErrUnexpectedResponse, "of no declared type"},
		{"empty", answer(200, jsonType, ` `), api.ErrUnexpectedResponse, "the answer is empty"},
		{"null", answer(200, jsonType, `null`), api.ErrUnexpectedResponse, "the answer is null"},
		{"truncated", answer(200, jsonType, `{"id":"c`), api.ErrUnexpectedResponse, "the answer is truncated"},
		{"broken off", answer(200, jsonType, `{"id":"c"`, "Content-Length", "500"), api.ErrUnexpectedResponse, "the answer broke off"},
		{"garbage", answer(200, jsonType, `{"id":"c"} x`), api.ErrUnexpectedResponse, "not valid JSON at byte"},
		{"wrong kind", answer(200, jsonType, `[1]`), api.ErrUnexpectedResponse, "a JSON array, not what was expected"},
		{"wrong type", answer(200, jsonType, `{"id":12345678}`), api.ErrUnexpectedResponse, "a JSON number at id"},
		{"nothing in it", answer(200, jsonType, `{}`), api.ErrUnexpectedResponse, "the answer lacks id"},
		{"null ID", answer(200, jsonType, `{"id":null,"status":"Created"}`), api.ErrUnexpectedResponse, "the answer lacks id"},
		{"an error as success", answer(200, jsonType, `{"message":"An error has occurred."}`), api.ErrUnexpectedResponse, "the answer lacks id"},
		{"no status", answer(200, jsonType, `{"id":"c"}`), api.ErrUnexpectedResponse, "the answer lacks status"},
		{"line separators", answer(400, jsonType, `"a\u2028b\u202ec\nd"`), api.ErrInvalidRequest, "a b c d"},
		{"oversized", answer(200, jsonType, `{"id":"`+strings.Repeat("x", 2000)+`"}`), api.ErrUnexpectedResponse, "larger than 1000 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := newClient(t, tt.handler, api.WithMaxResponseSize(1000), api.WithMaxAttempts(1))
			check, err := client.GetCheck(t.Context(), "c1")
			var failure *api.Error
			if check != nil || !errors.As(err, &failure) {
				t.Fatalf("GetCheck = %v, %v", check, err)
			}
			if !errors.Is(err, tt.class) {
				t.Errorf("%v is not %v", err, tt.class)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("message %q lacks %q", err, tt.text)
			}
			for _, printed := range []string{err.Error(), fmt.Sprintf("%v %+v %#v %s %q", err, err, err, err, err)} {
				for _, secret := range []string{"secret stack", "12345678", "xxxx", "stout", "opaque"} {
					if strings.Contains(printed, secret) {
						t.Errorf("%q shows the body", printed)
					}
				}
				if strings.Contains(printed, "\n") {
					t.Errorf("%q has several lines", printed)
				}
			}
		})
	}
}

// A charged operation whose answer lacks what identifies its result must not look done.
func TestAnswersWithoutWhatIdentifiesThemAreErrors(t *testing.T) {
	one := api.LookupChecksRequest{ThirdPartyIdentifier: "p"}
	calls := map[string]func(*api.Client) error{
		`{"thirdPartyIdentifier":"p","url":null}`: func(c *api.Client) error {
			_, err := c.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: "a@example.com"})
			return err
		},
		`""`: func(c *api.Client) error {
			_, err := c.SubmitCheck(t.Context(), "c1")
			return err
		},
		`[null]`: func(c *api.Client) error {
			_, err := c.LookupChecks(t.Context(), one)
			return err
		},
		`{"image":"x"}`: func(c *api.Client) error {
			_, err := c.GetCheckDocument(t.Context(), "c1", "d1")
			return err
		},
		`{"id":""}`: func(c *api.Client) error {
			_, err := c.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
			return err
		},
	}
	for body, do := range calls {
		err := do(newClient(t, answer(200, "application/json", body)))
		if !errors.Is(err, api.ErrUnexpectedResponse) && !errors.Is(err, api.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "lacks") {
			t.Errorf("%s: %v", body, err)
		}
	}
	if found, err := newClient(t, answer(200, "application/json", `[]`)).LookupChecks(t.Context(), one); err != nil || found == nil {
		t.Errorf("an empty array: %v, %v", found, err)
	}
}

// What the exchange of credentials answers says nothing about the operation.
func TestFailedExchangeIsNotAnAnswerToTheCall(t *testing.T) {
	for status, class := range map[int]error{
		400: api.ErrUnauthorized, 401: api.ErrUnauthorized, 403: api.ErrForbidden, 429: api.ErrRateLimited,
		404: api.ErrUnexpectedResponse, 405: api.ErrUnexpectedResponse, 409: api.ErrUnavailable, 500: api.ErrUnavailable,
		200: api.ErrUnexpectedResponse,
	} {
		srv := httptest.NewServer(answer(status, "application/json", `{}`))
		client, err := api.New("key", "secret", api.WithBaseURL(srv.URL), api.WithMaxAttempts(1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.GetCheck(t.Context(), "c1")
		var failure *api.Error
		if !errors.Is(err, class) || !errors.As(err, &failure) || failure.Status != 0 || status == 404 && failure.Retryable() {
			t.Errorf("%d: %v", status, err)
		}
		_ = client.Close()
		srv.Close()
	}
}

func TestReplacedDefaultTransportIsUsed(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	replaced := errors.New("replaced")
	http.DefaultTransport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, replaced })
	client, err := api.New("key", "secret", api.WithMaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.GetCheck(t.Context(), "c1"); !errors.Is(err, replaced) {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNoLimitOfTheAnswer(t *testing.T) {
	client := newClient(t, answer(200, "application/json", `{"id":"c","status":"Created"}`), api.WithMaxResponseSize(math.MaxInt64))
	if check, err := client.GetCheck(t.Context(), "c"); err != nil || check.ID != "c" {
		t.Errorf("%v, %v", check, err)
	}
}

func TestErrorPrintedByValueShowsNoBody(t *testing.T) {
	client := newClient(t, answer(500, "text/html", `<private>`), api.WithMaxAttempts(1))
	_, err := client.GetCheck(t.Context(), "c")
	var failure *api.Error
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if printed := fmt.Sprintf(verb, *failure); strings.Contains(printed, "private") || strings.Contains(printed, "70726976") {
			t.Errorf("%s: %s", verb, printed)
		}
	}
}

func TestErrorCarriesWhatTheServiceSaid(t *testing.T) {
	client := newClient(t, answer(429, "application/problem+json", `{"title":"Slow down","errors":{"x":["y"]}}`, "Retry-After", "7", "X-Request-Id",
		"r-1"), api.WithMaxAttempts(1))
	_, err := client.GetCheck(t.Context(), "c1")
	var failure *api.Error
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	if failure.Operation != "getCheck" || failure.Status != 429 || failure.Message != "Slow down" || failure.Fields["x"][0] != "y" ||
		failure.RetryAfter != 7*time.Second || failure.RequestID != "r-1" || !bytes.Contains(failure.RawBody(), []byte("Slow down")) {
		t.Errorf("%#v", *failure)
	}
	if !strings.HasSuffix(err.Error(), "(request r-1)") {
		t.Error(err)
	}
}

func TestAcknowledgementIsChecked(t *testing.T) {
	for body, ok := range map[string]bool{`"success"`: true, `"Success"`: true, `"failure"`: false, `""`: false, `{}`: false} {
		client := newClient(t, answer(200, "application/json", body))
		err := client.AddPhone(t.Context(), "c1", api.AddPhoneRequest{Number: "1", Country: "US"})
		if (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestPathParametersThatAddressAnotherOperationAreRefused(t *testing.T) {
	client := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, id := range []string{"", ".", ".."} {
		if _, err := client.GetCheck(t.Context(), id); !errors.Is(err, api.ErrInvalidRequest) || !strings.Contains(err.Error(), "path parameter id") {
			t.Errorf("GetCheck(%q): %v", id, err)
		}
		if _, err := client.GetCheckDocument(t.Context(), "c1", id); !errors.Is(err, api.ErrInvalidRequest) ||
			!strings.Contains(err.Error(), "path parameter docId") {
			t.Errorf("GetCheckDocument(%q): %v", id, err)
		}
	}
}

func TestPathParametersAreEscaped(t *testing.T) {
	var path string
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		answer(404, "", "")(w, r)
	})
	for id, want := range map[string]string{"a/b": "a%2Fb", "a?b#c": "a%3Fb%23c", "%2e%2e": "%252e%252e", "é x": "%C3%A9%20x"} {
		_, _ = client.GetCheck(t.Context(), id)
		if path != "/api/check/"+want {
			t.Errorf("GetCheck(%q) called %s", id, path)
		}
	}
}

// The client builds addresses itself, without parsing one for each call; they are those of package generated.
func TestAddressesAreThoseOfTheGeneratedClient(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/api", "http://127.0.0.1:1/a%2Fb/"} {
		for _, id := range []string{"c1", "a/b", "a b", "ä?#%41", "...", "a+b&c=d;e:@", "%2e%2e", "\x00\n"} {
			var seen []string
			client, err := api.New("key", "secret", api.WithBaseURL(base), api.WithMaxAttempts(1),
				api.WithHTTPClient(&http.Client{Transport: exchangingTransport(func(r *http.Request) (*http.Response, error) {
					headers := r.Header.Clone()
					headers.Del("Content-Type") // of a body
					seen = append(seen, fmt.Sprintf("%s %s %s %q %v", r.Method, r.URL, r.URL.RequestURI(), r.Host, headers))
					return nil, errors.New("seen")
				})}))
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			_, _ = client.GetCheck(ctx, id)
			_, _ = client.Raw().GetCheck(ctx, id)
			_, _ = client.GetCheckDocument(ctx, id, "d1")
			_, _ = client.Raw().GetCheckDocument(ctx, id, "d1")
			_, _ = client.LookupChecks(ctx, api.LookupChecksRequest{Email: "a@example.com"})
			_, _ = client.Raw().LookupChecks(ctx, api.LookupChecksRequest{Email: "a@example.com"})
			if len(seen) != 6 || seen[0] != seen[1] || seen[2] != seen[3] || seen[4] != seen[5] {
				t.Errorf("%s, %q:\n%s", base, id, strings.Join(seen, "\n"))
			}
			_ = client.Close()
		}
	}
}

func TestNoAnswer(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		client, err := api.New("key", "secret", api.WithBaseURL("http://127.0.0.1:1/api"), api.WithMaxAttempts(1))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.GetCheck(t.Context(), "private-id")
		var failure *api.Error
		if !errors.As(err, &failure) || failure.Status != 0 || !errors.Is(err, api.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		if strings.Contains(err.Error(), "private-id") || strings.Contains(err.Error(), "/api") {
			t.Errorf("%q shows the URL", err)
		}
	})
	t.Run("timeout", func(t *testing.T) {
		release := make(chan struct{})
		client := newClient(t, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
		defer close(release)
		_, err := client.GetCheck(t.Context(), "private-id", api.WithTimeout(50*time.Millisecond))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, api.ErrUnavailable) || strings.Contains(err.Error(), "private-id") {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.GetCheck(ctx, "c1"); !errors.Is(err, context.Canceled) || errors.Is(err, api.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
}

func TestRefusedCredentialsAreUnauthorized(t *testing.T) {
	box := sandbox.Start(t)
	client, err := api.New(box.Key, "wrong-secret", api.WithBaseURL(box.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.GetCheck(t.Context(), "c1")
	var auth *authprovider.Error
	if !errors.Is(err, api.ErrUnauthorized) || !errors.As(err, &auth) || auth.Status != 401 || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(err.Error(), "check the API key and secret") {
		t.Errorf("%q does not say what to do", err)
	}
}

func TestRevokedTokenIsReplaced(t *testing.T) {
	box := sandbox.Start(t)
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range 3 {
		created, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: fmt.Sprint(i), GroupID: box.GroupID,
			Email: "a@example.com"})
		if err != nil || created.CheckID == "" {
			t.Fatalf("call %d: %v", i, err)
		}
		box.RevokeTokens()
	}
	if n := box.Exchanges(); n != 3 {
		t.Errorf("%d exchanges, want 3", n)
	}
}

func TestRequestHeaders(t *testing.T) {
	var got http.Header
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		answer(200, "application/json", `"success"`)(w, r)
	}, api.WithUserAgent("shop/2.1"))
	err := client.AddPhone(t.Context(), "c1", api.AddPhoneRequest{Number: "1", Country: "US"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer opaque-1",
		"Content-Type":  "application/json",
		"Accept":        "application/json",
		"User-Agent":    "shop/2.1 aver-go/" + api.Version,
	} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestLogHoldsNothingPrivate(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := newClient(t, answer(404, "application/json", `"private answer with Bearer opaque"`, "X-Request-Id", "r-9"), api.WithLogger(logger))
	_, _ = client.GetCheckByThirdPartyIdentifier(t.Context(), "private-person")
	for _, want := range []string{"attempt=1", "operation=getCheckByThirdPartyIdentifier", "status=404", "request_id=r-9",
		"path=/check/getbythirdpartyidentifier/{id}", `error="not found (404)"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %s: %s", want, log.String())
		}
	}
	for _, secret := range []string{"private", "opaque", "secret"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("log shows %s: %s", secret, log.String())
		}
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	tests := map[string]struct {
		key, secret string
		opt         api.Option
		text        string
	}{
		"empty key":      {"", "s", nil, "key is empty"},
		"empty secret":   {"k", "", nil, "secret is empty"},
		"colon":          {"k:s", "s", nil, "colon"},
		"line break":     {"k", "s\n", nil, "secret contains a control character"},
		"plaintext":      {"k", "s", api.WithBaseURL("http://app.goaver.com/api"), "plain text"},
		"nil client":     {"k", "s", api.WithHTTPClient(nil), "client is nil"},
		"nil logger":     {"k", "s", api.WithLogger(nil), "logger is nil"},
		"no transport":   {"k", "s", api.WithTransportWrapper(func(http.RoundTripper) http.RoundTripper { return nil }), "returned nil"},
		"timeout":        {"k", "s", api.WithTimeout(-1), "negative"},
		"size":           {"k", "s", api.WithMaxResponseSize(0), "positive"},
		"header in name": {"k", "s", api.WithUserAgent("a\r\nb: c"), "no header may hold"},
	}
	for name, tt := range tests {
		var opts []api.Option
		if tt.opt != nil {
			opts = append(opts, tt.opt)
		}
		if _, err := api.New(tt.key, tt.secret, opts...); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	client := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	if _, err := client.GetCheck(t.Context(), "c1", api.WithTimeout(-1)); !errors.Is(err, api.ErrInvalidRequest) {
		t.Errorf("a bad call option: %v", err)
	}
}

func TestApplicationsClientIsNotChanged(t *testing.T) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	mine := &http.Client{Transport: transport}
	client := newClient(t, answer(404, "", ""), api.WithHTTPClient(mine))
	_, _ = client.GetCheck(t.Context(), "c1")
	if mine.Transport != transport || mine.CheckRedirect != nil || mine.Timeout != 0 || mine.Jar != nil {
		t.Error("the client was changed")
	}
}

func TestTransportAroundTheCallsSeesNoIdentifier(t *testing.T) {
	var seen []string
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		ok(strings.Replace(theCheck, "c1", strings.TrimPrefix(r.URL.EscapedPath(), "/api/check/"), 1))(w, r)
	}, api.WithTransportWrapper(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			seen = append(seen, r.Method+" "+r.URL.String())
			r.Header.Set("Traceparent", "x")
			return next.RoundTrip(r)
		})
	}))
	check, err := client.GetCheck(t.Context(), "private/id")
	if err != nil || check.ID != "private%2Fid" {
		t.Errorf("%v, %v", check, err)
	}
	if _, err := client.Raw().GetCheck(t.Context(), "private"); err != nil {
		t.Error(err)
	}
	if len(seen) != 2 || !strings.HasSuffix(seen[0], "/check/%7Bid%7D") || strings.Contains(strings.Join(seen, " "), "private") {
		t.Errorf("it saw %q", seen)
	}
}

func TestClosedClientFails(t *testing.T) {
	client := newClient(t, answer(404, "", ""))
	if err := errors.Join(client.Close(), client.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetCheck(t.Context(), "c1"); !errors.Is(err, authprovider.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestPrintedClientShowsNoSecret(t *testing.T) {
	client := newClient(t, answer(404, "", ""))
	_, _ = client.GetCheck(t.Context(), "c1")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(verb, client); strings.Contains(printed, "secret") || strings.Contains(printed, "opaque") {
			t.Errorf("%s: %s", verb, printed)
		}
	}
}

// A contract checker in between is heard: what it says is printed, and nothing is repeated.
func TestViolationsOfTheContractAreErrorsOfTheCall(t *testing.T) {
	calls := 0
	srv := httptest.NewServer(exchanging(func(w http.ResponseWriter, r *http.Request) {
		calls++
		answer(200, "application/json", `{"id":"c1","groupId":"g","thirdPartyIdentifier":"private","status":"Archived","checkTypes":[]}`)(w, r)
	}))
	defer srv.Close()
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"),
		api.WithHTTPClient(&http.Client{Transport: contract.NewTransport(srv.Client().Transport)}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.GetCheck(t.Context(), "c1")
	if !errors.Is(err, api.ErrUnexpectedResponse) || calls != 1 || !strings.Contains(err.Error(), "response of getCheck (200) at /status: enum") ||
		strings.Contains(err.Error(), "private") {
		t.Errorf("%v after %d calls", err, calls)
	}
	_, err = client.SubmitCheck(t.Context(), "c1")
	if !errors.Is(err, api.ErrOutcomeUnknown) {
		t.Errorf("a charged operation whose answer breaks the contract: %v", err)
	}
}

// What a wrapped transport sees of a call and of its answer, redirects included, holds no identifier; and a transport
// that replaces the context, or tries again, does no harm.
func TestTransportInBetweenSeesNoIdentifierAnywhere(t *testing.T) {
	const private = "private-id"
	var seen []string
	note := func(v ...any) { seen = append(seen, fmt.Sprint(v...)) }
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/"+private):
			http.Error(w, "another address: "+r.URL.Path, 400)
		case r.Header.Get("Aver-Hidden-Call") != "":
			http.Error(w, "the number was sent", 400)
		case r.URL.Query().Get("twice") == "":
			w.Header().Set("Content-Location", r.URL.Path)
			http.Redirect(w, r, r.URL.Path+"?twice=1", http.StatusFound)
		default:
			w.Header().Set("Link", "<"+r.URL.Path+">")
			ok(theCheck)(w, r)
		}
	}
	for name, change := range map[string]func(*http.Request) *http.Request{
		"as it is":             func(r *http.Request) *http.Request { return r },
		"with another context": func(r *http.Request) *http.Request { return r.WithContext(context.Background()) },
		"a clone":              func(r *http.Request) *http.Request { return r.Clone(context.Background()) },
		"with another address": func(r *http.Request) *http.Request { r = r.Clone(r.Context()); r.URL.Path = "/elsewhere"; return r },
	} {
		client := newClient(t, handler, api.WithTransportWrapper(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				note(r.URL, r.Header, r.Host, r.RequestURI)
				if r.Response != nil {
					note(r.Response.Header, r.Response.Request.URL)
				}
				resp, err := next.RoundTrip(change(r))
				if resp != nil {
					note(resp.Header, resp.Request.URL, resp.Request.Header)
				}
				return resp, err
			})
		}))
		check, err := client.GetCheck(t.Context(), private)
		if err != nil || check.ID != "c1" {
			t.Errorf("%s: %v, %v", name, check, err)
		}
		raw, err := client.Raw().GetCheck(t.Context(), private)
		if err != nil || raw.StatusCode != 200 || raw.Request.URL.Path != "/api/check/"+private || raw.Header.Get("Link") == "" {
			t.Errorf("%s, raw: %v, %v", name, raw, err)
		} else {
			raw.Body.Close()
		}
	}
	if text := strings.Join(seen, "\n"); strings.Contains(text, private) || len(seen) != 4*2*2*2 {
		t.Errorf("it saw %d things: %s", len(seen), text)
	}
	client := newClient(t, handler, quick, api.WithTransportWrapper(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			another, err := http.NewRequest(r.Method, r.URL.String(), r.Body)
			if err != nil {
				return nil, err
			}
			return next.RoundTrip(another)
		})
	}))
	if _, err := client.GetCheck(t.Context(), private); err == nil || !strings.Contains(err.Error(), "keep the header Aver-Hidden-Call") {
		t.Errorf("a request of its own: %v", err)
	}
}

// The provider of tokens and the client belong to one service.
func TestAnotherBaseURLForTheTokensIsRefused(t *testing.T) {
	box := sandbox.Start(t)
	for name, opts := range map[string][]api.Option{
		"of the tokens":                    {api.WithBaseURL(box.URL), api.WithAuth(authprovider.WithBaseURL("http://127.0.0.1:1/api"))},
		"of the tokens alone":              {api.WithAuth(authprovider.WithBaseURL(box.URL))},
		"of the tokens, with sandbox only": {api.WithSandboxOnly(), api.WithAuth(authprovider.WithBaseURL(box.URL))},
	} {
		if _, err := api.New("k", "s", opts...); err == nil || !strings.Contains(err.Error(), "use api.WithBaseURL") {
			t.Errorf("%s: %v", name, err)
		}
	}
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL), api.WithSandboxOnly(),
		api.WithAuth(authprovider.WithBaseURL(box.URL), authprovider.WithMargin(time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
}

// A POST that is answered with 301 would become a GET, whose success says nothing.
func TestRedirectThatChangesTheMethodIsNoSuccess(t *testing.T) {
	for _, status := range []int{301, 302, 303} {
		client, s := scripted(t, map[string][]http.HandlerFunc{
			"POST /check/c1/phone": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/api/check/c1/moved", status) }},
			"GET /check/c1/moved":  {ok(`"success"`)},
		})
		err := client.AddPhone(t.Context(), "c1", api.AddPhoneRequest{Number: "1", Country: "US"})
		if !errors.Is(err, api.ErrUnexpectedResponse) || s.total("GET /check/c1/moved") != 0 {
			t.Errorf("%d: %v, calls %v", status, err, s.calls)
		}
	}
}
