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
)

var update = flag.Bool("update", false, "write the overlays that differences are expected to become")

// A drifted is a service that differs from the contract in one way. Each of its texts that is personal holds "Zephyrine".
type drifted struct {
	name    string
	call    string // GET /check/c1
	body    string
	status  int    // 200 when 0
	answer  string // with # the number of the call
	plain   bool   // the answer is no JSON
	differs string // what the first difference says
	nothing bool   // nothing is proposed
}

const (
	check   = `{"id":"c1","groupId":"g1","thirdPartyIdentifier":"Zephyrine","status":"Created","checkTypes":["Watchlist"]%s}`
	results = `{"id":"c1","groupId":"g1","thirdPartyIdentifier":"Zephyrine","status":"Completed","checkTypes":[]%s}`
	search  = `{"id":"w1","groupId":"g1","checkId":null,"status":"Completed","searchDate":"","searchType":"Text","recheckInterval":0,"lastRecheckDate":"","searchCriteria":{}%s}`
	created = `{"checkId":"c1","thirdPartyIdentifier":"Zephyrine","url":null}`
)

var drifts = []drifted{
	{name: "property", call: "GET /check/c1", answer: with(check, `"nickname":"Zephyrine #"`), differs: "the property nickname of Check, such as a text of 11 to 12 bytes"},
	{name: "property-uuid-null", call: "GET /check/c1", answer: with(check, `"caseId":?"3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11"|null?`), differs: "the property caseId of Check"},
	{name: "property-date-time", call: "GET /watchlist/w1", answer: with(search, `"createdAt":"2026-11-25T10:00:00Z"`), differs: "the property createdAt of WatchlistSearch"},
	{name: "property-object", call: "GET /check/c1/results", answer: with(results, `"device":{"model":"Zephyrine","seenAt":"2026-11-25T10:00:00Z","screens":[{"width":1,"dpi":1.5},{"width":2}],"nothing":null}`),
		differs: "the property device of CheckResults, such as an object with model, nothing, screens, seenAt"},
	{name: "property-map", call: "GET /check/c1", answer: with(check, `"labels":{"Zephyrine Müller":1,"x@example.com":2}`), differs: "the property labels of Check, such as an object whose names are data"},
	{name: "property-sometimes", call: "GET /check/c1", answer: with(check, `?"branch":7|"b":true?`), differs: "the property "},
	{name: "property-null", call: "GET /check/c1", answer: with(check, `"later":null`), differs: "the property later of Check, null alone", nothing: true},
	{name: "property-data", call: "GET /check/c1", answer: with(check, `"Zephyrine Müller":1`), differs: "a property whose name looks like data (not shown)", nothing: true},
	{name: "property-both", call: "GET /check/c1/results", answer: with(results, `"shade":"Zephyrine"`), differs: "the property shade of CheckResults"},
	{name: "value", call: "GET /check/c1", answer: strings.Replace(with(check), "Created", "Archived", 1), differs: "the value Archived of CheckStatus"},
	{name: "value-in-list", call: "GET /check/c1", answer: strings.Replace(with(check), `"Watchlist"`, `"Biometric"`, 1), differs: "the value Biometric of CheckType"},
	{name: "value-nullable", call: "GET /check/c1", answer: with(check, `"statusReason":"TooTired"`), differs: "the value TooTired of StatusReason"},
	{name: "value-data", call: "GET /check/c1", answer: strings.Replace(with(check), "Created", "Zephyrine Müller", 1), differs: "enum: want one of Created", nothing: true},
	{name: "null", call: "GET /check/c1", answer: strings.Replace(with(check), `"g1"`, "null", 1), differs: "null in Check.groupId"},
	{name: "null-reference", call: "GET /watchlist/w1", answer: strings.Replace(with(search), `"Text"`, "null", 1), differs: "null in WatchlistSearch.searchType"},
	{name: "null-list", call: "GET /check/c1", answer: strings.Replace(with(check), `["Watchlist"]`, "null", 1), differs: "null in Check.checkTypes"},
	{name: "null-object", call: "GET /watchlist/w1", answer: strings.Replace(with(search), `"searchCriteria":{}`, `"searchCriteria":null`, 1), differs: "null in WatchlistSearch.searchCriteria"},
	{name: "number", call: "GET /watchlist/w1", answer: strings.Replace(with(search), `"recheckInterval":0`, `"recheckInterval":0.5`, 1), differs: "WatchlistSearch.recheckInterval of another type, a number"},
	{name: "scalar", call: "GET /watchlist/w1", answer: with(search, `"organizationId":?7|true|null?`), differs: "WatchlistSearch.organizationId of another type"},
	{name: "anything", call: "GET /watchlist/w1", answer: strings.Replace(with(search), `"searchCriteria":{}`, `"searchCriteria":{"country":{"of":"Zephyrine"}}`, 1), differs: "SearchCriteria.country of another type, an object with of"},
	{name: "beyond-64-bits", call: "GET /watchlist/w1", answer: strings.Replace(with(search), `"recheckInterval":0`, `"recheckInterval":9223372036854775808`, 1), differs: "WatchlistSearch.recheckInterval of another type"},
	{name: "absent", call: "GET /check/c1", answer: strings.Replace(with(check), `"groupId":"g1",`, "", 1), differs: "Check without groupId"},
	{name: "number-null", call: "GET /watchlist/w1", answer: strings.Replace(with(search), `"recheckInterval":0`, `"recheckInterval":?0.5|null?`, 1), differs: "WatchlistSearch.recheckInterval of another type, a number"},
	{name: "absent-in-part", call: "GET /watchlist/w1/results", answer: with(search), differs: "WatchlistSearchResults without "},
	{name: "pattern", call: "GET /watchlist/w1", answer: strings.Replace(with(search), `"searchDate":""`, `"searchDate":"yesterday"`, 1), differs: "WatchlistSearch.searchDate that does not meet its pattern"},
	{name: "length", call: "GET /check/c1", answer: strings.Replace(with(check), `"c1"`, `""`, 1), differs: "Check.id that does not meet its minLength"},
	{name: "bound", call: "GET /watchlist/w1/results", answer: with(search, `"adverseMediaResults":[],"watchlistResults":[{"matchConfidence":-1,"watchlistName":"l","matchName":null,"firstNameMatch":"Match","lastNameMatch":"Match","middleNameMatch":"Match","businessNameMatch":"Match","stateMatch":"Match","countryMatch":"Match"}]`),
		differs: "WatchlistHit.matchConfidence that does not meet its minimum"},
	{name: "map-value", call: "GET /watchlist/w1/results", answer: with(search, `"adverseMediaResults":[],"watchlistResults":[{"additionalInformation":{"Zephyrine":7},"watchlistName":"l","matchName":null,"firstNameMatch":"Match","lastNameMatch":"Match","middleNameMatch":"Match","businessNameMatch":"Match","stateMatch":"Match","countryMatch":"Match"}]`),
		differs: "WatchlistHit.additionalInformation.* of another type, an integer"},
	{name: "status-error", call: "GET /check/c1", status: 418, answer: `{"message":"Zephyrine"}`, differs: "the status 418"},
	{name: "status-success", call: "GET /watchlist/w1/searchedlists", status: 203, answer: `{"copy":"Zephyrine"}`, differs: "the status 203"},
	{name: "status-empty", call: "GET /watchlist/w1/searchedlists", status: 204, plain: true, differs: "the status 204"},
	{name: "parameter", call: "GET /check/c1/photoinstruction?expand=Zephyrine", answer: `{"instruction":"None"}`, differs: "the query parameter expand"},
	{name: "request-property", call: "POST /check/c1/phone", body: `{"number":"1","country":"US","kind":"Zephyrine"}`, answer: `"success"`, differs: "the property kind of AddPhoneRequest"},
	{name: "request-absent", call: "POST /check/c1/phone", body: `{"number":"1"}`, answer: `"success"`, differs: "AddPhoneRequest without country"},
	{name: "request-value", call: "POST /check/create", body: `{"thirdPartyIdentifier":"Zephyrine","groupId":"g","email":"a@example.com","language":"de"}`, answer: created, differs: "the value de of Language"},
	{name: "request-refused", call: "POST /check/c1/phone", body: `{"number":"1","country":"US","kind":"Zephyrine"}`, status: 400, answer: `{"message":"no"}`, nothing: true},
	{name: "media-type", call: "GET /check/c1", plain: true, answer: "<h1>Zephyrine</h1>", differs: "content-type: want application/json", nothing: true},
	{name: "garbage", call: "GET /check/c1", answer: with(check) + "Zephyrine", differs: "json: want one valid JSON value", nothing: true},
	{name: "whole-body", call: "GET /check/c1", answer: "[]", differs: "Check of another type, an empty array", nothing: true},
	{name: "no-operation", call: "GET /zephyrine/c1", answer: "[]", differs: "GET to a path of which the contract has no operation", nothing: true},
}

func with(object string, more ...string) string {
	text := strings.Join(append([]string{""}, more...), ",")
	return fmt.Sprintf(object, strings.TrimSuffix(text, ","))
}

// said returns the answer to the i-th call: of what stands between question marks, one alternative after the other.
func (d drifted) said(i int) string {
	text := strings.ReplaceAll(d.answer, "#", fmt.Sprint(i))
	if before, rest, ok := strings.Cut(text, "?"); ok {
		choice, after, _ := strings.Cut(rest, "?")
		all := strings.Split(choice, "|")
		text = before + all[i%len(all)] + after
	}
	return text
}

// calls is how often each service is called: often enough for a property that is always there to be required.
const calls = 21

// traffic has a drift gather what a service does, and returns what violates the contract.
func (d drifted) traffic(t testing.TB, c *contract.Contract, drift *contract.Drift) (violations []contract.Violation) {
	t.Helper()
	i := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		if d.plain {
			w.Header().Set("Content-Type", "text/html")
		}
		if d.status != 0 {
			w.WriteHeader(d.status)
		}
		_, _ = io.WriteString(w, d.said(i))
	}))
	defer srv.Close()
	transport := contract.NewTransport(srv.Client().Transport, contract.WithContract(c), contract.WithDrift(drift),
		contract.WithReport(func(v []contract.Violation) { violations = append(violations, v...) }))
	method, path, _ := strings.Cut(d.call, " ")
	for i = range calls {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/api"+path, strings.NewReader(d.body))
		if err != nil {
			t.Fatal(err)
		}
		if d.body == "" {
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

// What differs becomes an overlay, and with it the same traffic differs no more; that of another service does as before.
func TestDriftBecomesAnOverlay(t *testing.T) {
	for i, d := range drifts {
		t.Run(d.name, func(t *testing.T) {
			var drift contract.Drift
			violations := d.traffic(t, contract.Embedded(), &drift)
			found := drift.Differences()
			proposal := drift.Overlay()
			if told := fmt.Sprint(found, string(proposal)); strings.Contains(told, "Zephyrine") || strings.Contains(told, "@example") {
				t.Errorf("a value is shown: %s", told)
			}
			if d.nothing {
				if proposal != nil || d.differs != "" && (len(found) != 1 || !strings.HasPrefix(found[0].What, d.differs) || found[0].Proposed) {
					t.Errorf("%v\n%s", found, proposal)
				}
				return
			}
			if len(found) == 0 || !strings.HasPrefix(found[0].What, d.differs) || !found[0].Proposed || !strings.Contains(found[0].String(), " in ") {
				t.Fatalf("%v", found)
			}
			golden := filepath.Join("testdata", "drift", d.name+".overlay.yaml")
			if *update {
				if err := os.WriteFile(golden, proposal, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(proposal, want) {
				t.Errorf("%v; the overlay is\n%s", err, proposal)
			}
			c, err := contract.New(aver.Spec, contract.WithOverlay(d.name, proposal))
			if err != nil {
				t.Fatalf("%v\n%s", err, proposal)
			}
			again := contract.Drift{Contract: c}
			if left := d.traffic(t, c, &again); len(left) > 0 || again.Overlay() != nil {
				t.Errorf("of %d violations are left %v; %v\n%s", len(violations), left, again.Differences(), proposal)
			}
			other := drifts[(i+1)%len(drifts)]
			was, is := contract.Drift{}, contract.Drift{Contract: c}
			before, after := other.traffic(t, contract.Embedded(), &was), other.traffic(t, c, &is)
			left := is.Differences()
			for _, difference := range was.Differences() {
				if !slices.Contains(left, difference) {
					t.Errorf("%s: %v is no difference any more", other.name, difference)
				}
			}
			if len(after) < len(before) {
				t.Errorf("%s: of %d violations %d are left", other.name, len(before), len(after))
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
	for _, d := range drifts {
		d.traffic(t, contract.Embedded(), &drift)
	}
	all := drift.Overlay()
	const golden = "testdata/drift/all.overlay.yaml" // from which the tests of the examples generate a client
	if *update {
		if err := os.WriteFile(golden, all, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(all, want) {
		t.Errorf("%v; the overlay is\n%s", err, all)
	}
	c, err := contract.New(aver.Spec, contract.WithOverlay("all", all))
	if err != nil {
		t.Fatalf("%v\n%s", err, all)
	}
	for _, d := range drifts {
		again := contract.Drift{Contract: c}
		if left := d.traffic(t, c, &again); !d.nothing && !strings.Contains(fmt.Sprint(left), "required") && (len(left) > 0 || again.Overlay() != nil) {
			t.Errorf("%s: left are %v, %v", d.name, left, again.Differences())
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
		drifted{call: "GET /check/c1", answer: strings.ReplaceAll(answer(), "#", "")}.traffic(t, contract.Embedded(), &drift)
	}
	if n := len(drift.Differences()); n > 10_000 {
		t.Errorf("%d differences are held", n)
	}
}
