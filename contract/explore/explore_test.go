package explore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/explore"
	"github.com/goaver/aver-go/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// explorerOf returns an explorer of a sandbox.
func explorerOf(t *testing.T, sb *sandbox.Server) explore.Explorer {
	t.Helper()
	provider, err := authprovider.New(sb.Key, sb.Secret, authprovider.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	return explore.Explorer{URL: sb.URL, Authorize: provider.Intercept, Values: map[string]string{"groupId": sb.GroupID}, Seed: 1}
}

// changing is a transport that changes answers before anybody sees them.
type changing func(req *http.Request, body []byte, resp *http.Response)

func (c changing) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		c(req, body, resp)
	}
	return resp, err
}

// raced tells that the race detector is on, under which a request takes five times as long.
var raced bool

// There is nothing to be found in the sandbox, however it is configured.
func TestTheSandboxKeepsTheContract(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	extended := sandbox.DefaultGroup()
	extended.ExtendedPhoto = true
	for name, opts := range map[string][]sandbox.Option{
		"as it is":       nil,
		"slow":           {sandbox.WithProcessing(300*time.Millisecond, 300*time.Millisecond)},
		"extended photo": {sandbox.WithGroup(extended)},
		"quirk":          {sandbox.WithQuirks(sandbox.QuirkDocument)},
	} {
		t.Run(name, func(t *testing.T) {
			e := explorerOf(t, sandbox.Start(t, opts...))
			if e.Requests, e.Time = 6000, 5*time.Minute; raced {
				e.Requests = 1000
			}
			report, err := e.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Failures {
				t.Errorf("%s\n%s", f, f.Test())
			}
			if len(report.Unreached) > 0 {
				t.Errorf("never answered with success: %v", report.Unreached)
			}
		})
	}
}

// A plan that refuses most of what the contract has is no failure of the service.
func TestAPlanIsNoFailure(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	e := explorerOf(t, sandbox.Start(t, sandbox.WithBasicPlan()))
	e.Requests, e.Patience = 700, time.Second
	report, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Failures) > 0 || !slices.Contains(report.Unreached, "submitCheck") {
		t.Errorf("failures %v, unreached %v", report.Failures, report.Unreached)
	}
}

var dragon = regexp.MustCompile(`"number":"[^"]*龍`)

// A failure comes with the smallest story that shows it, which is a Go test and lines for a shell.
func TestAFailureIsSmall(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	sb := sandbox.Start(t)
	e := explorerOf(t, sb)
	e.Requests = 2000
	e.Transport = changing(func(req *http.Request, body []byte, resp *http.Response) {
		if strings.HasSuffix(req.URL.Path, "/phone") && dragon.Match(body) {
			resp.StatusCode = 500
		}
	})
	report, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Failures) != 1 {
		t.Fatalf("failures: %v", report.Failures)
	}
	f := report.Failures[0]
	if f.Kind != explore.ServerError || f.Operation != "addPhone" || len(f.Steps) != 2 || f.Once {
		t.Errorf("%+v", f)
	}
	var sent map[string]string
	if err := json.Unmarshal([]byte(f.Steps[1].Body), &sent); err != nil || sent["number"] != "龍" || len(sent) != 2 {
		t.Errorf("the smallest request is %s, %v", f.Steps[1].Body, err)
	}

	source := "package p\n\n" + f.Test()
	if _, err := parser.ParseFile(token.NewFileSet(), "", source, 0); err != nil {
		t.Errorf("%v in\n%s", err, source)
	}
	shown := &recorded{TB: t}
	e.Try(shown, f.Steps...)
	if len(shown.errors) != 1 || !strings.Contains(shown.errors[0], "answered with 500") {
		t.Errorf("the steps show %q", shown.errors)
	}
	e.Transport = nil
	e.Try(t, f.Steps...) // and nothing once the service is mended
}

// recorded is a test whose errors are kept.
type recorded struct {
	testing.TB
	errors []string
}

func (r *recorded) Errorf(format string, args ...any) {
	r.errors = append(r.errors, strings.TrimSpace(strings.ReplaceAll(format, "%s", "")+" "+sprint(args)))
}
func (r *recorded) Fatalf(format string, args ...any) { r.Errorf(format, args...) }

func sprint(args []any) string {
	var b strings.Builder
	for _, arg := range args {
		if text, ok := arg.(string); ok {
			b.WriteString(text + " ")
		}
		if err, ok := arg.(error); ok {
			b.WriteString(err.Error() + " ")
		}
	}
	return b.String()
}

// The lines for a shell do the same.
func TestCurlShowsTheFailure(t *testing.T) {
	for _, program := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	sb := sandbox.Start(t)
	e := explorerOf(t, sb)
	e.Requests = 2000
	e.Transport = changing(func(req *http.Request, body []byte, resp *http.Response) { // fails nothing that keeps the contract
		if strings.HasSuffix(req.URL.Path, "/phone") && resp.StatusCode == 400 && bytes.Contains(body, []byte(`"country":"US`)) {
			resp.StatusCode = 500
		}
	})
	report, err := e.Run(t.Context())
	if err != nil || len(report.Failures) == 0 {
		t.Fatalf("%v, %v", report, err)
	}
	token, err := authorization(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Failures {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", f.Curl(sb.URL))
		cmd.Env = append(cmd.Environ(), "TOKEN="+token, "groupId="+sb.GroupID, "KEY="+sb.Key, "SECRET="+sb.Secret)
		out, _ := cmd.Output()
		if !strings.Contains(string(out), "400 Bad Request") { // that is what the sandbox itself says
			t.Errorf("%s\n%s\n%s", f, f.Curl(sb.URL), out)
		}
	}
}

// authorization returns the token of an explorer's requests.
func authorization(e explore.Explorer) (string, error) {
	req, err := http.NewRequest(http.MethodGet, e.URL+"/check/1", nil)
	if err != nil {
		return "", err
	}
	err = e.Authorize(context.Background(), req)
	return strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), err
}

// Nothing is sent to another machine unless it is named, and the error says how.
func TestAnotherMachineIsLeftAlone(t *testing.T) {
	called := false
	for _, url := range []string{"https://app.goaver.com/api", "http://192.0.2.1", "http://127.0.0.1.example.com/api", "http://[2001:db8::1]/"} {
		_, err := explore.Explorer{URL: url, Transport: changing(func(*http.Request, []byte, *http.Response) { called = true })}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "--i-pay") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{"", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://%zz"} {
		if _, err := (explore.Explorer{URL: url}).Run(t.Context()); err == nil {
			t.Errorf("%q: no error", url)
		}
	}
	if called {
		t.Error("something was sent")
	}
	refused := changing(func(*http.Request, []byte, *http.Response) {})
	e := explore.Explorer{URL: "http://paid.example.com/api", Paying: "paid.example.com", Requests: 1, Patience: time.Second, Transport: refused}
	e.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
		called = true
		return nil, io.EOF
	})
	if _, err := e.Run(t.Context()); err != nil || !called {
		t.Errorf("the host that is named: called %v, %v", called, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Servers that hang, drip, lie and die are told of, and do not hold it up.
func TestServersThatMisbehave(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"dies": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"dies in the middle": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"checkId":`)
			panic(http.ErrAbortHandler)
		},
		"stops in the middle": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"checkId":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"is no HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("\xff\xfe\x00garbage\r\n"))
				_ = conn.Close()
			}
		},
		"answers null": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "null")
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(serve)
			defer server.Close()
			begun := time.Now()
			e := explore.Explorer{URL: server.URL, Authorize: func(_ context.Context, r *http.Request) error {
				r.Header.Set("Authorization", "Bearer one.two.three-secret-token")
				return nil
			}, Values: map[string]string{"groupId": "g"}, Requests: 60, Patience: 30 * time.Millisecond, Time: 20 * time.Second, Seed: 1}
			report, err := e.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Failures) == 0 || time.Since(begun) > 15*time.Second {
				t.Errorf("%d failures after %v", len(report.Failures), time.Since(begun))
			}
			for _, f := range report.Failures {
				if all := f.String() + f.Test() + f.Curl(e.URL); strings.Contains(all, "secret-token") {
					t.Errorf("the credentials are told: %s", all)
				}
			}
		})
	}
}

// It ends when the context does, with what was found.
func TestItEndsWithTheContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // nobody answers
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int32
	e := explore.Explorer{URL: "http://" + listener.Addr().String(), Patience: time.Hour, Authorize: func(context.Context, *http.Request) error {
		if asked.Add(1) == 1 {
			cancel()
		}
		return nil
	}}
	report, err := e.Run(ctx)
	if err != nil || report.Complete || len(report.Failures) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A service that dies in the middle is told of, with what was found before; one that refuses the credentials is no report.
func TestWhatIsFoundIsKept(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	e := explorerOf(t, sandbox.Start(t))
	e.Requests = 300
	requests := 0
	e.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		if requests++; requests > 40 {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		return http.DefaultTransport.RoundTrip(req)
	})
	report, err := e.Run(t.Context())
	if err != nil || len(report.Failures) == 0 || report.Failures[0].Kind != explore.NoAnswer {
		t.Errorf("%+v, %v", report, err)
	}

	sb := sandbox.Start(t)
	wrong, err := authprovider.New(sb.Key, "wrong", authprovider.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	_, err = explore.Explorer{URL: sb.URL, Authorize: wrong.Intercept, Requests: 300}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the credentials cannot be set") {
		t.Errorf("with wrong credentials: %v", err)
	}
}

// What a state refuses is no failure: without what was tried it is refused too.
func TestAStateThatRefusesIsNoFailure(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	e := explorerOf(t, sandbox.Start(t))
	e.Requests = 1500
	taken := make(map[string]int)
	e.Transport = changing(func(req *http.Request, _ []byte, resp *http.Response) {
		if !strings.HasSuffix(req.URL.Path, "/supplementaldocument") || resp.StatusCode != http.StatusOK {
			return
		}
		if taken[req.URL.Path]++; taken[req.URL.Path] > 1 { // a check takes one paper alone
			resp.StatusCode = http.StatusBadRequest
		}
	})
	report, err := e.Run(t.Context())
	if err != nil || len(report.Failures) > 0 || len(taken) < 10 {
		t.Errorf("%d checks took papers; %v, %v", len(taken), report.Failures, err)
	}
}

// The same seed finds the same.
func TestASeedRepeatsItself(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	sb := sandbox.Start(t)
	e := explorerOf(t, sb)
	e.Seed, e.Requests = 7, 1500
	e.Transport = changing(func(req *http.Request, body []byte, resp *http.Response) {
		if len(body)%97 == 13 {
			resp.StatusCode = 500
		}
	})
	var first []string
	for range 2 {
		report, err := e.Run(t.Context())
		if err != nil || len(report.Failures) == 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		var kinds []string
		for _, f := range report.Failures {
			kinds = append(kinds, string(f.Kind)+" "+f.Operation)
		}
		if first == nil {
			first = kinds
		} else if !slices.Equal(kinds, first) {
			t.Errorf("%v, and then %v", first, kinds)
		}
	}
}

// What is known is excepted, and counted.
func TestExceptions(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	e := explorerOf(t, sandbox.Start(t))
	e.Requests = 1500
	e.Transport = changing(func(req *http.Request, _ []byte, resp *http.Response) {
		if strings.HasSuffix(req.URL.Path, "/phone") {
			resp.StatusCode = 500
		}
	})
	e.Except = []contract.Exception{contract.Except("server error add*", "somebody mends it"),
		contract.Except("never succeeds submitCheck", "the same")}
	report, err := e.Run(t.Context())
	if err != nil || report.Excepted == 0 || len(report.Failures) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
