package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// once returns what a plain client sees of one call under a fault.
func once(t *testing.T, sb *sandbox.Server, method, path, token, body string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, sb.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp, string(answer), err
}

func TestEveryFault(t *testing.T) {
	type seen struct {
		resp *http.Response
		body string
		err  error
	}
	status := func(want int) func(seen) bool {
		return func(s seen) bool { return s.err == nil && s.resp.StatusCode == want }
	}
	broken := func(s seen) bool { return s.err != nil }
	faults := map[sandbox.Fault]struct {
		performed string // yes, no, either or later
		looks     func(seen) bool
	}{
		sandbox.FaultRefuse:        {"no", broken},
		sandbox.FaultResetBefore:   {"no", broken},
		sandbox.FaultResetAfter:    {"yes", broken},
		sandbox.FaultDelay:         {"yes", status(200)},
		sandbox.FaultRateLimit:     {"no", func(s seen) bool { return status(429)(s) && s.resp.Header.Get("Retry-After") == "1" }},
		sandbox.FaultRateLimitBare: {"no", func(s seen) bool { return status(429)(s) && s.resp.Header.Get("Retry-After") == "" }},
		sandbox.Fault500:           {"either", status(500)},
		sandbox.Fault502:           {"either", status(502)},
		sandbox.Fault503:           {"either", status(503)},
		sandbox.FaultTruncated:     {"yes", broken},
		sandbox.FaultGarbage:       {"yes", func(s seen) bool { return status(200)(s) && !json.Valid([]byte(s.body)) }},
		sandbox.FaultContentType: {"yes", func(s seen) bool {
			return status(200)(s) && strings.HasPrefix(s.resp.Header.Get("Content-Type"), "text/html")
		}},
		sandbox.FaultExpiredToken: {"no", status(401)},
		sandbox.FaultRevokedToken: {"no", status(401)},
		sandbox.FaultDrip:         {"yes", func(s seen) bool { return status(200)(s) && json.Valid([]byte(s.body)) }},
		sandbox.FaultLag:          {"later", func(s seen) bool { return broken(s) || status(502)(s) || status(504)(s) }},
	}
	if len(faults) != len(sandbox.AllFaults()) {
		t.Fatalf("%d of %d faults are tested", len(faults), len(sandbox.AllFaults()))
	}
	for kind, want := range faults {
		sb := sandbox.Start(t)
		token := exchange(t, sb)
		bodies := make(map[bool]int)
		for i := range 12 {
			if err := sb.SetFaults(sandbox.Faults{Rate: 1, Seed: uint64(i), Kinds: []sandbox.Fault{kind}}); err != nil {
				t.Fatal(err)
			}
			before := len(sb.Checks())
			body := `{"thirdPartyIdentifier":"p` + string(rune('a'+i)) + `","groupId":"` + sb.GroupID + `","email":"a@example.com"}`
			resp, answer, err := once(t, sb, "POST", "/check/create", token, body)
			if s := (seen{resp, answer, err}); !want.looks(s) {
				t.Errorf("%s: %v %q %v", kind, resp, answer, err)
			}
			performed := len(sb.Checks()) > before
			bodies[performed]++
			if performed != (want.performed == "yes") && want.performed != "either" && want.performed != "later" {
				t.Errorf("%s: performed %v, want %s", kind, performed, want.performed)
			}
			if n := sb.FaultCounts()[kind]; n != 1 {
				t.Errorf("%s: counted %d", kind, n)
			}
			if kind == sandbox.FaultRevokedToken {
				break
			}
		}
		if want.performed == "either" && (bodies[true] == 0 || bodies[false] == 0) {
			t.Errorf("%s: performed %d times, not performed %d times", kind, bodies[true], bodies[false])
		}
		if want.performed == "later" {
			if bodies[false] < 6 {
				t.Errorf("%s: %d were not late", kind, bodies[true])
			}
			for deadline := time.Now().Add(10 * time.Second); len(sb.Checks()) < 12 && time.Now().Before(deadline); {
				time.Sleep(10 * time.Millisecond)
			}
			if n := len(sb.Checks()); n != 12 {
				t.Errorf("%s: %d were performed in the end", kind, n)
			}
		}
		if err := sb.SetFaults(sandbox.Faults{}); err != nil {
			t.Fatal(err)
		}
		wantStatus := 404
		if kind == sandbox.FaultRevokedToken {
			wantStatus = 401
		}
		if resp, _, err := once(t, sb, "GET", "/check/none", token, ""); err != nil || resp.StatusCode != wantStatus {
			t.Errorf("after %s: %v, %v", kind, resp, err)
		}
	}
}

// A request that is processed late was admitted when it came: what happens to its token meanwhile changes nothing, and
// neither does that its caller has long gone. One that is not admitted is answered at once.
func TestLateRequestsWereAdmitted(t *testing.T) {
	sb := sandbox.Start(t)
	token := exchange(t, sb)
	if err := sb.SetFaults(sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{sandbox.FaultLag}}); err != nil {
		t.Fatal(err)
	}
	body := `{"thirdPartyIdentifier":"p","groupId":"` + sb.GroupID + `","email":"a@example.com"}`
	if resp, _, err := once(t, sb, "POST", "/check/create", "wrong", body); err != nil || resp.StatusCode != 401 {
		t.Errorf("%v, %v", resp, err)
	}
	_, _, _ = once(t, sb, "POST", "/check/create", token, body)
	sb.RevokeTokens()
	for deadline := time.Now().Add(10 * time.Second); len(sb.Checks()) == 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := len(sb.Checks()); n != 1 {
		t.Errorf("%d checks", n)
	}
}

func TestRefusedConnectionIsFollowedByAnother(t *testing.T) {
	sb := sandbox.Start(t)
	token := exchange(t, sb)
	if err := sb.SetFaults(sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{sandbox.FaultRefuse}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first unread, the second refused before HTTP, which counts no call
		if _, _, err := once(t, sb, "GET", "/check/none", token, ""); err == nil {
			t.Error("no error")
		}
	}
	if n := sb.FaultCounts()[sandbox.FaultRefuse]; n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestSameSeedMakesTheSameChoices(t *testing.T) {
	run := func(seed uint64) string {
		sb := sandbox.Start(t, sandbox.WithFaults(sandbox.Faults{Rate: 0.5, Seed: seed,
			Kinds: []sandbox.Fault{sandbox.Fault500, sandbox.FaultRateLimitBare}}))
		var b strings.Builder
		for range 40 {
			resp, _, err := once(t, sb, "GET", "/check/none", "x", "")
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(resp.Status[:3] + " ")
		}
		return b.String()
	}
	if first := run(7); first != run(7) || first == run(8) {
		t.Error("the choices do not follow from the seed")
	}
}

func TestFaultsCanBeChangedWhileItRuns(t *testing.T) {
	sb, client := start(t)
	root := strings.TrimSuffix(sb.URL, "/api")
	if resp, body := call(t, "PUT", root+"/sandbox/faults", "", "application/json",
		`{"rate":1,"seed":3,"kinds":["error-503"]}`); resp.StatusCode != 200 || !strings.Contains(body, `"rate":1`) {
		t.Fatalf("%s %s", resp.Status, body)
	}
	_, err := client.GetCheck(t.Context(), "c1", api.WithMaxAttempts(2), api.WithBackoff(func(int) time.Duration { return 0 }))
	if !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if _, body := call(t, "GET", root+"/sandbox/faults", "", "", ""); !strings.Contains(body, `"error-503":`) {
		t.Error(body)
	}
	for _, bad := range []string{`{"rate":2}`, `{"kinds":["x"]}`, `{"rat":1}`, `x`} {
		if resp, _ := call(t, "PUT", root+"/sandbox/faults", "", "application/json", bad); resp.StatusCode != 400 {
			t.Errorf("%s: %s", bad, resp.Status)
		}
	}
}

// Faults can be aimed: at an operation, at the next calls, with a status, past the exchange.
func TestFaultsThatAreAimed(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "a", "a@example.com")
	get := func() error { _, err := client.GetCheck(t.Context(), id, api.WithMaxAttempts(1)); return err }
	look := func() error {
		_, err := client.GetPhotoInstruction(t.Context(), id, api.WithMaxAttempts(1))
		return err
	}
	done(t, sb.SetFaults(sandbox.Faults{Next: 2, Status: 403, Operations: []string{"getCheck"}}))
	for i, want := range []error{api.ErrForbidden, api.ErrForbidden, nil, nil} {
		if err := get(); !errors.Is(err, want) {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
		if err := look(); err != nil {
			t.Errorf("another operation: %v", err)
		}
	}
	if n := sb.FaultCounts()[sandbox.FaultStatus]; n != 2 {
		t.Errorf("%d counted", n)
	}

	// A token that expired is a 401 for the call, and the exchange has none that could expire.
	done(t, sb.SetFaults(sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{sandbox.FaultExpiredToken}}))
	sb.RevokeTokens()
	if err := get(); !errors.Is(err, api.ErrUnauthorized) {
		t.Errorf("%v", err)
	}

	// Everything but the exchange goes wrong.
	fresh := must(api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL)))(t)
	defer fresh.Close()
	done(t, sb.SetFaults(sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{sandbox.Fault503}, SpareExchange: true}))
	if _, err := fresh.Provider().Token(t.Context()); err != nil {
		t.Error(err)
	}
	if err := get(); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	for _, f := range []sandbox.Faults{
		{Operations: []string{"getChek"}}, {Next: -1}, {Next: 1, Rate: 0.5}, {Status: 200}, {Status: 600},
		{Kinds: []sandbox.Fault{sandbox.FaultStatus}},
		{Status: 403, Kinds: []sandbox.Fault{sandbox.Fault500}},
	} {
		if sb.SetFaults(f) == nil {
			t.Errorf("%+v were accepted", f)
		}
	}
}
