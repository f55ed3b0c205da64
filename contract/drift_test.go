package contract_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/contract"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the overlays that differences are expected to become")

// A drifted is a service that differs from the contract in one way. Each of its texts that is personal holds "Zephyrine".
type drifted struct {
	Name    string
	Call    string // GET /check/c1
	Body    string
	Status  int    // 200 when 0
	Answer  string // with # the number of the call
	Plain   bool   // the answer is no JSON
	Differs string // what the first difference says
	Nothing bool   // nothing is proposed
}

const check = `{"id":"c1","groupId":"g1","thirdPartyIdentifier":"Zephyrine","status":"Created","checkTypes":["Watchlist"]%s}`

// drifts reads the services.
func drifts(t testing.TB) (all []drifted) {
	t.Helper()
	text, err := os.ReadFile("testdata/drifts.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &all)
	}
	if err != nil || len(all) < 30 {
		t.Fatalf("%d services, %v", len(all), err)
	}
	return all
}

func with(object string, more ...string) string {
	text := strings.Join(append([]string{""}, more...), ",")
	return fmt.Sprintf(object, strings.TrimSuffix(text, ","))
}

// said returns the answer to the i-th call: of what stands between question marks, one alternative after the other.
func (d drifted) said(i int) string {
	text := strings.ReplaceAll(d.Answer, "#", fmt.Sprint(i))
	if before, rest, ok := strings.Cut(text, "?"); ok {
		choice, after, _ := strings.Cut(rest, "?")
		all := strings.Split(choice, "|")
		text = before + all[i%len(all)] + after
	}
	return text
}

// raced tells that the race detector is on, under which reading a contract takes ten times as long.
var raced bool

// calls is how often each service is called: often enough for a property that is always there to be required.
const calls = 21

// traffic has a drift gather what a service does, and returns what violates the contract.
func (d drifted) traffic(t testing.TB, c *contract.Contract, drift *contract.Drift) (violations []contract.Violation) {
	t.Helper()
	i := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		if d.Plain {
			w.Header().Set("Content-Type", "text/html")
		}
		if d.Status != 0 {
			w.WriteHeader(d.Status)
		}
		_, _ = io.WriteString(w, d.said(i))
	}))
	defer srv.Close()
	transport := contract.NewTransport(srv.Client().Transport, contract.WithContract(c), contract.WithDrift(drift),
		contract.WithReport(func(v []contract.Violation) { violations = append(violations, v...) }))
	method, path, _ := strings.Cut(d.Call, " ")
	for i = range calls {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/api"+path, strings.NewReader(d.Body))
		if err != nil {
			t.Fatal(err)
		}
		if d.Body == "" {
			req.Body = nil
		} else {
			req.Header.Set("Content-Type", "application/json")
		}
		req.Header.Set("Authorization", "Bearer t")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return violations
}

// observed has a drift see a call and its answer, and returns what violates the contract; requests may be of any kind.
func observed(t testing.TB, drift *contract.Drift, method, url string, status int, contentType, body string) (violations []contract.Violation) {
	t.Helper()
	transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := answered(r, body)
		resp.StatusCode = status
		resp.Header.Set("Content-Type", contentType)
		return resp, err
	}), contract.WithContract(drift.Contract), contract.WithDrift(drift), contract.WithReport(func(found []contract.Violation) {
		for _, v := range found {
			if v.Direction == contract.Response || v.Rule == contract.RuleParameter && strings.Contains(url, "?") {
				violations = append(violations, v)
			}
		}
	}))
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return violations
}

// What differs becomes an overlay, and with it the same traffic differs no more; that of another service does as before.
func TestDriftBecomesAnOverlay(t *testing.T) {
	all := drifts(t)
	for i, d := range all {
		t.Run(d.Name, func(t *testing.T) {
			var drift contract.Drift
			violations := d.traffic(t, contract.Embedded(), &drift)
			found := drift.Differences()
			proposal := drift.Overlay()
			if told := fmt.Sprint(found, string(proposal)); strings.Contains(told, "Zephyrine") || strings.Contains(told, "@example") {
				t.Errorf("a value is shown: %s", told)
			}
			if d.Nothing {
				if proposal != nil || d.Differs != "" && (len(found) != 1 || !strings.HasPrefix(found[0].What, d.Differs) || found[0].Proposed) {
					t.Errorf("%v\n%s", found, proposal)
				}
				return
			}
			if len(found) == 0 || !strings.HasPrefix(found[0].What, d.Differs) || !found[0].Proposed || !strings.Contains(found[0].String(), " in ") {
				t.Fatalf("%v", found)
			}
			golden := filepath.Join("testdata", "drift", d.Name+".overlay.yaml")
			if *update {
				if err := os.WriteFile(golden, proposal, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(proposal, want) {
				t.Errorf("%v; the overlay is\n%s", err, proposal)
			}
			if raced && i%5 > 0 {
				return // all of them are applied together below
			}
			c, err := contract.New(aver.Spec, contract.WithOverlay(d.Name, proposal))
			if err != nil {
				t.Fatalf("%v\n%s", err, proposal)
			}
			again := contract.Drift{Contract: c}
			if left := d.traffic(t, c, &again); len(left) > 0 || again.Overlay() != nil {
				t.Errorf("of %d violations are left %v; %v\n%s", len(violations), left, again.Differences(), proposal)
			}
			other := all[(i+1)%len(all)]
			was, is := contract.Drift{}, contract.Drift{Contract: c}
			before, after := other.traffic(t, contract.Embedded(), &was), other.traffic(t, c, &is)
			left := is.Differences()
			for _, difference := range was.Differences() {
				if !slices.Contains(left, difference) {
					t.Errorf("%s: %v is no difference any more", other.Name, difference)
				}
			}
			if len(after) < len(before) {
				t.Errorf("%s: of %d violations %d are left", other.Name, len(before), len(after))
			}
		})
	}
}

// A property is proposed as required when it was always there in enough answers, and not before.
func TestDriftAsksForEnoughAnswers(t *testing.T) {
	var drift contract.Drift
	transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(with(check, `"nickname":"x"`)))}, nil
	}), contract.WithDrift(&drift))
	for i := range 20 {
		if strings.Contains(string(drift.Overlay()), "required") {
			t.Errorf("required after %d answers", i)
		}
		if _, err := get(t, transport, "/check/c1"); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(string(drift.Overlay()), "required") {
		t.Error("not required after 20 answers")
	}
}

// All at once is one overlay too, whatever concerns one place.
func TestDriftsTogether(t *testing.T) {
	var drift contract.Drift
	all := drifts(t)
	for _, d := range all {
		d.traffic(t, contract.Embedded(), &drift)
	}
	proposal := drift.Overlay()
	const golden = "testdata/drift/all.overlay.yaml" // from which the tests of the examples generate a client
	if *update {
		if err := os.WriteFile(golden, proposal, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(proposal, want) {
		t.Errorf("%v; the overlay is\n%s", err, proposal)
	}
	c, err := contract.New(aver.Spec, contract.WithOverlay("all", proposal))
	if err != nil {
		t.Fatalf("%v\n%s", err, proposal)
	}
	for _, d := range all {
		again := contract.Drift{Contract: c}
		if left := d.traffic(t, c, &again); !d.Nothing && !strings.Contains(fmt.Sprint(left), "required") && (len(left) > 0 ||
			again.Overlay() != nil) {
			t.Errorf("%s: left are %v, %v", d.Name, left, again.Differences())
		}
	}
}

// A service cannot have a drift hold all that it sends.
func TestDriftIsBounded(t *testing.T) {
	var drift contract.Drift
	i := 0
	answer := func() string {
		many := make(map[string]int)
		for j := range 500 {
			many[fmt.Sprintf("p%d", i*500+j)] = j
		}
		text, _ := json.Marshal(many)
		return with(check, strings.Trim(string(text), "{}"))
	}
	for i = range 40 {
		drifted{Call: "GET /check/c1", Answer: strings.ReplaceAll(answer(), "#", "")}.traffic(t, contract.Embedded(), &drift)
	}
	if n := len(drift.Differences()); n > 10_000 {
		t.Errorf("%d differences are held", n)
	}
}
