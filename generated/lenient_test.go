package generated_test

import (
	"encoding/json"
	"testing"

	"github.com/goaver/aver-go/generated"
)

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestBothSpellingsOfOrganizationAreRead(t *testing.T) {
	for _, name := range []string{"organizationId", "organiationId"} {
		text := `{"id":"c","` + name + `":"org"}`
		if got := decode[generated.Check](t, text).OrganizationID; got != "org" {
			t.Errorf("Check from %s: %q", name, got)
		}
		if got := decode[generated.CheckResults](t, text).OrganizationID; got != "org" {
			t.Errorf("CheckResults from %s: %q", name, got)
		}
		if got := decode[generated.SubmittedCheck](t, text).OrganizationID; got != "org" {
			t.Errorf("SubmittedCheck from %s: %q", name, got)
		}
		if got := decode[generated.WatchlistSearch](t, text).OrganizationID; got != "org" {
			t.Errorf("WatchlistSearch from %s: %q", name, got)
		}
		if got := decode[generated.WatchlistSearchResults](t, text).OrganizationID; got != "org" {
			t.Errorf("WatchlistSearchResults from %s: %q", name, got)
		}
	}
}

func TestBothNamesOfAnImageAreRead(t *testing.T) {
	for _, name := range []string{"base64", "document"} {
		if got := decode[generated.CheckDocument](t, `{"`+name+`":"data:x"}`).DataURL; got != "data:x" {
			t.Errorf("from %s: %q", name, got)
		}
	}
}

func TestSubmittedCheckReadsEveryAnswer(t *testing.T) {
	for _, text := range []string{`"AwaitingReview"`, `{"status":"AwaitingReview"}`, `{"status":"AwaitingReview","checkResults":null,"new":1}`} {
		got := decode[generated.SubmittedCheck](t, text)
		if got.Status != generated.CheckStatusAwaitingReview || got.CheckResults != nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
	full := decode[generated.SubmittedCheck](t, `{"id":"c","status":"Completed","warnings":["Age"],"checkResults":{"attestations":{"over18":true}}}`)
	if full.ID != "c" || len(full.Warnings) != 1 || full.CheckResults == nil || !*full.CheckResults.Attestations.Over18 {
		t.Errorf("full results: %+v", full)
	}
	var v generated.SubmittedCheck
	if json.Unmarshal([]byte(`17`), &v) == nil {
		t.Error("a number was accepted")
	}
}

func TestUnknownAndDifferentlyCasedValuesSurvive(t *testing.T) {
	results := decode[generated.CheckResults](t, `{"status":"completed","warnings":["country","SomethingNew"],"statusReason":null}`)
	if results.Status != "completed" || !results.Status.Is(generated.CheckStatusRejected, generated.CheckStatusCompleted) ||
		results.Status.Canonical() != generated.CheckStatusCompleted {
		t.Errorf("status %q", results.Status)
	}
	country, other := results.Warnings[0], results.Warnings[1]
	if country != "country" || !country.Is(generated.CheckWarningCountry) || !country.Known() {
		t.Errorf("warning %q", country)
	}
	if other != "SomethingNew" || other.Known() || other.Canonical() != other {
		t.Errorf("warning %q", other)
	}
	if generated.RecheckInterval(2).Valid() || !generated.RecheckIntervalMonthly.Valid() {
		t.Error("RecheckInterval.Valid")
	}
}

func TestAbsentIsNeitherFalseNorZero(t *testing.T) {
	sections := decode[generated.CheckResultSections](t, `{"attestations":{"over18":false},"riskProfile":{"emailAnalysisResults":{"overallScore":0}}}`)
	a := sections.Attestations
	if a.Over18 == nil || *a.Over18 || a.Over21 != nil {
		t.Errorf("over18 %v, over21 %v", a.Over18, a.Over21)
	}
	e := sections.RiskProfile.EmailAnalysisResults
	if e.OverallScore == nil || *e.OverallScore != 0 || e.SMTPConfigScore != nil || e.Suspect != nil {
		t.Errorf("email analysis: %+v", e)
	}
	if sections.AddressVerification != nil || sections.RiskProfile.IPAndDeviceAnalysisResults != nil {
		t.Error("absent sections are not nil")
	}
}

func TestScalarsAreReadInEveryForm(t *testing.T) {
	for _, score := range []string{`81`, `"81"`} {
		got := decode[generated.IPAndDeviceAnalysis](t, `{"fraudScore":`+score+`,"position":"43.66,-70.25"}`)
		if n, ok := got.FraudScore.Float64(); !ok || n != 81 || got.Position.String() != "43.66,-70.25" {
			t.Errorf("fraudScore %s: %v", score, got.FraudScore)
		}
	}
	got := decode[generated.EmailAnalysis](t, `{"deliverability":true}`)
	if b, ok := got.Deliverability.Bool(); !ok || !b {
		t.Errorf("deliverability: %v", got.Deliverability)
	}
	if !decode[generated.EmailAnalysis](t, `{"deliverability":null}`).Deliverability.IsZero() {
		t.Error("null is not absent")
	}
}

func TestSearchDatesAreRead(t *testing.T) {
	s := decode[generated.WatchlistSearch](t, `{"searchDate":"10/4/2019 5:26:11 PM","lastRecheckDate":"","recheckInterval":0}`)
	if made, err := s.SearchDate.Time(); err != nil || made.Hour() != 17 {
		t.Errorf("searchDate: %v, %v", made, err)
	}
	if again, err := s.LastRecheckDate.Time(); err != nil || !again.IsZero() {
		t.Errorf("lastRecheckDate: %v, %v", again, err)
	}
	if s.RecheckInterval == nil || *s.RecheckInterval != 0 {
		t.Errorf("recheckInterval: %v", s.RecheckInterval)
	}
}

func TestRequestsLeaveOutWhatIsNotSet(t *testing.T) {
	tests := []struct {
		request any
		want    string
	}{
		{generated.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: "e@example.com"},
			`{"email":"e@example.com","groupId":"g","thirdPartyIdentifier":"p"}`},
		{generated.CreateCheckRequest{WatchlistRecheckInterval: new(generated.RecheckIntervalNever)},
			`{"email":"","groupId":"","thirdPartyIdentifier":"","watchlistRecheckInterval":0}`},
		{generated.CreateAccessLinkRequest{}, `{}`},
		{generated.AddPersonalInfoRequest{FirstName: "A", LastName: "B", DateOfBirth: "04/17/1988"},
			`{"dateOfBirth":"04/17/1988","firstName":"A","lastName":"B"}`},
	}
	for _, tt := range tests {
		if got, err := json.Marshal(tt.request); err != nil || string(got) != tt.want {
			t.Errorf("%T: %s, want %s (%v)", tt.request, got, tt.want, err)
		}
	}
}
