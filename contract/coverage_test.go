package contract_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/sandbox"
)

// Of parts of messages a ledger tells how often they were there, null, or left out.
func TestCoverage(t *testing.T) {
	ledger := &contract.Ledger{}
	transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
		return answered(r, with(check, `"organiationId":"o","statusReason":"expireddocuments"`))
	}), contract.WithLedger(ledger))
	for range 3 {
		if _, err := get(t, transport, "/check/c1"); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]contract.Coverage{
		"response Check.organizationId":                   {Seen: 3}, // under its other name
		"response Check.checkTypes":                       {Seen: 3},
		"response CheckStatus = Created":                  {Seen: 3},
		"response StatusReason = ExpiredDocuments":        {Seen: 3},
		"response CheckStatus = Completed":                {},
		"request getCheck id":                             {Seen: 3},
		"request Language = de":                           {Seen: -1},
		"webhook StatusChangedNotification.statusMessage": {},
	}
	for _, c := range ledger.Coverage() {
		if is, asked := want[c.What]; asked {
			if is.Seen < 0 || c.Seen != is.Seen || c.Null != is.Null || c.Absent != is.Absent {
				t.Errorf("%+v, want %+v", c, is)
			}
			delete(want, c.What)
		}
	}
	if delete(want, "request Language = de"); len(want) > 0 {
		t.Errorf("not covered: %v", want)
	}
	if err := ledger.CheckCoverage(contract.Except("*", "everything")); err != nil {
		t.Error(err)
	}
	err := ledger.CheckCoverage(contract.Except("request *", "not here"), contract.Except("webhook*", "not here"), contract.Except("nothing*", "x"))
	if err == nil || !strings.Contains(err.Error(), "response CheckStatus = Completed was never seen") ||
		strings.Contains(err.Error(), ": request ") ||
		!strings.Contains(err.Error(), `the exception "nothing*" is not in the contract`) {
		t.Error(err)
	}
}

// The values of a parameter are parts of the contract too.
func TestCoverageOfParameters(t *testing.T) {
	c, err := contract.New([]byte(`{openapi: 3.1.0, info: {title: t, version: '1'}, paths: {/t: {get: {operationId: g,
		parameters: [{name: q, in: query, schema: {$ref: '#/components/schemas/Q'}}], responses: {'200': {description: ok}}}}},
		components: {schemas: {Q: {type: string, enum: [a, b]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	ledger := &contract.Ledger{Contract: c}
	transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}), contract.WithContract(c), contract.WithLedger(ledger))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/t?q=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	err = ledger.CheckCoverage()
	if err == nil || !strings.HasSuffix(err.Error(), "= b was never seen") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, of %v", err, ledger.Coverage())
	}
}

func answered(r *http.Request, body string) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.WriteString(body)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func TestExceptionsArePatterns(t *testing.T) {
	ledger := &contract.Ledger{}
	transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) { return answered(r, with(check)) }),
		contract.WithLedger(ledger))
	if _, err := get(t, transport, "/check/c1"); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Check(contract.Except("getCheck 4*", "a"), contract.Except("*", "a")); err != nil {
		t.Error(err)
	}
	for pattern, want := range map[string]string{
		"getCheck 200": `the exception "getCheck 200" was seen`, "getCheck *00": `the exception "getCheck *00" was seen`,
		"getcheck *": "is not in the contract", "*5": "is not in the contract",
	} {
		if err := ledger.Check(contract.Except(pattern, "a"), contract.Except("*", "a")); err == nil || err.Error() != "contract: the exception "+
			strings.TrimPrefix(want, "the exception ") && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	if err := ledger.Check(contract.Except("*", "")); err == nil || !strings.Contains(err.Error(), "has no reason") {
		t.Error(err)
	}
}

// What a sandbox was asked to do wrong is no violation; what it does wrong by itself would be one.
func TestFaultsOfASandboxAreNoViolations(t *testing.T) {
	for _, kind := range sandbox.AllFaults() {
		box := sandbox.Start(t, sandbox.WithFaults(sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{kind}}))
		srv := httptest.NewServer(box)
		transport := contract.NewTransport(srv.Client().Transport, contract.WithReport(func(v []contract.Violation) { t.Errorf("%s: %v", kind, v) }))
		for range 3 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/auth/token", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth(box.Key, box.Secret)
			if resp, err := transport.RoundTrip(req); err == nil { // or the fault is that there is no answer
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}
		srv.Close()
	}
}

// A message names what was there.
func TestViolationsNameWhatWasThere(t *testing.T) {
	for body, want := range map[string]string{
		"\ufeff{}":                          "a byte-order mark before it",
		`{"id":"\xff"}`:                     "something else at byte",
		"{\"id\":\"\xff\"}":                 "bytes that are not UTF-8 at byte 7",
		`{"status":1,"status":2}`:           "the name status twice at byte 12",
		`{"Zephyrine M":1,"Zephyrine M":2}`: "a name that occurs twice at byte 17",
		`{"id":`:                            "one that ends too early",
		`{} {}`:                             "something behind it at byte",
		`{}x`:                               "something behind it at byte 2",
		`<p>`:                               "something else at byte 0",
	} {
		var found []contract.Violation
		transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) { return answered(r, body) }),
			contract.WithReport(func(v []contract.Violation) { found = append(found, v...) }))
		if _, err := get(t, transport, "/check/c1"); err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 || found[0].Rule != contract.RuleJSON || !strings.HasPrefix(found[0].Got, want) {
			t.Errorf("%q: %v", body, found)
		}
	}
	transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) { return answered(r, "") }))
	_, err := get(t, transport, "/check/Zephyrine/notes/17")
	if err == nil || !strings.Contains(err.Error(), "got GET /api/check/…/notes/…") {
		t.Error(err)
	}
}
