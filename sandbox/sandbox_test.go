package sandbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/goleak"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

func TestMain(m *testing.M) {
	// After refusing an oversized body, net/http's server lingers for half a second before it closes the connection.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const (
	png  = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	jpeg = "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="
)

// A fakeClock is a clock that tests move by hand.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func start(t *testing.T, opts ...sandbox.Option) (*sandbox.Server, *api.Client) {
	t.Helper()
	sb := sandbox.Start(t, opts...)
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return sb, client
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, sb *sandbox.Server, client *api.Client, identifier, email string) string {
	t.Helper()
	return must(client.CreateCheck(t.Context(), api.CreateCheckRequest{
		ThirdPartyIdentifier: identifier, GroupID: sb.GroupID, Email: email,
	}))(t).CheckID
}

// complete adds everything that the default group asks for.
func complete(t *testing.T, client *api.Client, id string) {
	t.Helper()
	ctx := t.Context()
	done(t, client.AddPersonalInfo(ctx, id, api.AddPersonalInfoRequest{
		FirstName: "Maria", LastName: "Lindqvist", DateOfBirth: api.NewDate(1988, time.April, 17), StreetAddress1: "218 Harbor Street", Country: "US",
		IPAddress: "203.0.113.24",
	}))
	done(t, client.AddPhone(ctx, id, api.AddPhoneRequest{Number: "2075550143", Country: "US"}))
	done(t, client.AddIDDocument(ctx, id, api.AddIDDocumentRequest{Type: api.DocumentTypeNADriverLicense, Side: api.DocumentSideFront,
		FileName: "f.jpg", FileContent: jpeg}))
	done(t, client.AddIDDocument(ctx, id, api.AddIDDocumentRequest{Type: api.DocumentTypeNADriverLicense, Side: api.DocumentSideBack,
		FileName: "b.png", FileContent: png}))
	done(t, client.AddPhotoDocument(ctx, id, api.AddPhotoDocumentRequest{FileName: "s.png", FileContent: png}))
}

func TestCheckGoesFromCreatedToCompleted(t *testing.T) {
	clock := newClock()
	sb, client := start(t, sandbox.WithClock(clock.Now), sandbox.WithProcessing(3*time.Second, time.Minute))
	id := create(t, sb, client, "p1", "maria+review@example.com")
	status := func() api.CheckStatus { return must(client.GetCheck(t.Context(), id))(t).Status }

	if got := status(); got != api.CheckStatusCreated {
		t.Errorf("new: %s", got)
	}
	complete(t, client, id)
	if got := status(); got != api.CheckStatusAwaitingUser {
		t.Errorf("with data: %s", got)
	}
	if submitted := must(client.SubmitCheck(t.Context(), id))(t); submitted.Status != api.CheckStatusAwaitingAutomation ||
		submitted.CheckResults != nil {
		t.Errorf("submitted: %+v", submitted)
	}
	for _, want := range []api.CheckStatus{api.CheckStatusAwaitingAutomation, api.CheckStatusAwaitingReview, api.CheckStatusInReview,
		api.CheckStatusCompleted} {
		if got := status(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if results := must(client.GetCheckResults(t.Context(), id))(t); (results.CheckResults != nil) != (want == api.CheckStatusCompleted) {
			t.Errorf("%s: results are %v", want, results.CheckResults)
		}
		clock.Add(time.Second)
	}
	if n := sb.Submissions(id); n != 1 {
		t.Errorf("charged %d times", n)
	}
}

func TestSubmitNamesWhatIsMissing(t *testing.T) {
	sb, client := start(t, sandbox.WithGroup(sandbox.Group{
		CheckTypes:                []string{"DocumentVerification", "PhotoVerification", "PhoneVerification"},
		SupplementalDocumentTypes: []string{"UtilityBill"},
	}))
	id := create(t, sb, client, "p1", "a@example.com")
	missing := func() []string {
		t.Helper()
		_, err := client.SubmitCheck(t.Context(), id)
		var failure *api.Error
		if !errors.As(err, &failure) || failure.Status != 400 {
			t.Fatalf("submit: %v", err)
		}
		names := make([]string, 0)
		for name := range failure.Fields {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	if got := missing(); !slices.Equal(got, []string{"idDocument.back", "idDocument.front", "personalInfo", "phone", "photoDocument",
		"supplementalDocument.UtilityBill"}) {
		t.Errorf("missing %q", got)
	}
	// A passport has no back.
	done(t, client.AddIDDocument(t.Context(), id, api.AddIDDocumentRequest{Type: api.DocumentTypePassportImage, Side: api.DocumentSideFront,
		FileName: "f", FileContent: png}))
	done(t, client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B"}))
	done(t, client.AddSupplementalDocument(t.Context(), id, api.AddSupplementalDocumentRequest{Type: api.SupplementalDocumentTypeUtilityBill,
		FileName: "u", FileContent: png}))
	if got := missing(); !slices.Equal(got, []string{"phone", "photoDocument"}) {
		t.Errorf("missing %q", got)
	}
	if sb.Submissions(id) != 0 {
		t.Error("an incomplete check was charged")
	}
}

func TestSubmittedCheckIsClosed(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p1", "a@example.com")
	complete(t, client, id)
	must(client.SubmitCheck(t.Context(), id))(t)
	_, again := client.SubmitCheck(t.Context(), id)
	info := client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B"})
	_, link := client.CreateAccessLink(t.Context(), id, api.CreateAccessLinkRequest{})
	for _, err := range []error{again, info, link} {
		if !errors.Is(err, api.ErrConflict) {
			t.Errorf("%v", err)
		}
	}
	if sb.Submissions(id) != 1 {
		t.Error("charged twice")
	}
}

func TestThirdPartyIdentifierIsUnique(t *testing.T) {
	sb, client := start(t)
	first := create(t, sb, client, "p1", "a@example.com")
	request := api.CreateCheckRequest{ThirdPartyIdentifier: "p1", GroupID: sb.GroupID, Email: "a@example.com"}
	if _, err := client.CreateCheck(t.Context(), request); !errors.Is(err, api.ErrConflict) {
		t.Fatalf("second create: %v", err)
	}
	request.OverrideThirdPartyIdentifier = true
	second := must(client.CreateCheck(t.Context(), request))(t).CheckID
	found := must(client.LookupChecks(t.Context(), api.LookupChecksRequest{ThirdPartyIdentifier: "p1"}))(t)
	if len(found) != 2 || found[0].ID != first || found[1].ID != second {
		t.Errorf("found %v", found)
	}
	//lint:ignore SA1019 the deprecated operation is served as well
	if newest := must(client.GetCheckByThirdPartyIdentifier(t.Context(), "p1"))(t); newest.ID != second {
		t.Errorf("newest is %s", newest.ID)
	}
}

func TestLookupMatchesEveryCriterion(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p1", "maria@example.com")
	if found := must(client.LookupChecks(t.Context(), api.LookupChecksRequest{Email: "maria@example.com"}))(t); len(found) != 1 {
		t.Errorf("without a person: %v", found)
	}
	for i := range 5 {
		create(t, sb, client, fmt.Sprint("many", i), "many@example.com")
	}
	many := must(client.LookupChecks(t.Context(), api.LookupChecksRequest{Email: "many@example.com"}))(t)
	if len(many) != 5 || !slices.IsSortedFunc(many, func(a, b api.Check) int { return strings.Compare(a.ID, b.ID) }) {
		t.Errorf("%v", many)
	}
	create(t, sb, client, "p2", "other@example.com")
	done(t, client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: "Maria", LastName: "Lindqvist"}))
	tests := []struct {
		criteria api.LookupChecksRequest
		found    int
	}{
		{api.LookupChecksRequest{Email: "MARIA@example.com"}, 1},
		{api.LookupChecksRequest{FirstName: "maria", LastName: "lindqvist"}, 1},
		{api.LookupChecksRequest{FirstName: "maria", ThirdPartyIdentifier: "p2"}, 0},
		{api.LookupChecksRequest{LastName: "nobody"}, 0},
		{api.LookupChecksRequest{LastName: "LINDQVIST"}, 1},
		{api.LookupChecksRequest{FirstName: "maria", Email: "other@example.com"}, 0},
		{api.LookupChecksRequest{ThirdPartyIdentifier: "p1", LastName: "lindqvist", Email: "maria@EXAMPLE.com"}, 1},
	}
	for _, tt := range tests {
		if found := must(client.LookupChecks(t.Context(), tt.criteria))(t); len(found) != tt.found || found == nil {
			t.Errorf("%+v: found %v", tt.criteria, found)
		}
	}
	if _, err := client.LookupChecks(t.Context(), api.LookupChecksRequest{}); !errors.Is(err, api.ErrInvalidRequest) {
		t.Errorf("no criterion: %v", err)
	}
}

// A person is found by the name of now, whatever the case of its letters in whatever script.
func TestLookupFollowsThePerson(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p1", "maria@example.com")
	names := []string{"Kǅ", "ÉLODIE", "Σίσυφος", "Smith", "smith"}
	for i, name := range names {
		done(t, client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: name, LastName: "Same"}))
		for j, other := range names {
			for _, spelled := range []string{other, strings.ToLower(other), strings.ToUpper(other), strings.ToTitle(other)} {
				want := 0
				if strings.EqualFold(spelled, names[i]) {
					want = 1
				}
				if found := must(client.LookupChecks(t.Context(), api.LookupChecksRequest{FirstName: spelled}))(t); len(found) != want {
					t.Errorf("%s is found %d times as %s (%d)", name, len(found), spelled, j)
				}
			}
		}
		if found := must(client.LookupChecks(t.Context(), api.LookupChecksRequest{LastName: "same"}))(t); len(found) != 1 {
			t.Errorf("found %d times by the name that stays", len(found))
		}
	}
}

func TestEveryOutcomeCanBeChosen(t *testing.T) {
	sb, client := start(t)
	outcomes := map[string]func(*api.CheckResults) bool{
		"rejected": func(r *api.CheckResults) bool {
			return r.Status == api.CheckStatusRejected && r.StatusReason == ""
		},
		"canceled": func(r *api.CheckResults) bool {
			return r.Status == api.CheckStatusCanceled && r.CheckResults == nil
		},
		"slow":   func(r *api.CheckResults) bool { return r.Status == api.CheckStatusAwaitingAutomation },
		"review": func(r *api.CheckResults) bool { return r.Status == api.CheckStatusCompleted },
		"wait":   func(r *api.CheckResults) bool { return r.Status == api.CheckStatusInReview && r.CheckResults == nil },
	}
	n := 0
	for word, does := range sandbox.Outcomes() {
		if strings.HasPrefix(word, "hits-") || strings.HasPrefix(word, "media-") || word == "failed" || word == "error" || word == "unreadable" {
			continue // of watchlist searches and of images
		}
		n++
		id := create(t, sb, client, word, "maria+"+strings.ToUpper(word)+"@example.com")
		complete(t, client, id)
		must(client.SubmitCheck(t.Context(), id))(t)
		r := must(client.GetCheckResults(t.Context(), id))(t)
		ok, known := outcomes[word]
		switch {
		case known:
			if !ok(r) {
				t.Errorf("%s: %+v", word, r)
			}
		case strings.Contains(does, "Rejected"):
			if r.Status != api.CheckStatusRejected || !r.StatusReason.Known() || !strings.EqualFold(string(r.StatusReason), word) {
				t.Errorf("%s: %s, %q", word, r.Status, r.StatusReason)
			}
		default:
			if r.Status != api.CheckStatusCompleted || len(r.Warnings) != 1 || !r.Warnings[0].Known() || !strings.EqualFold(string(r.Warnings[0]),
				word) {
				t.Errorf("%s: %s, %q", word, r.Status, r.Warnings)
			}
		}
	}
	if n != 5+6+13 {
		t.Errorf("tried %d outcomes; the contract has 6 reasons and 13 warnings", n)
	}
}

func TestResultsAgreeWithTheOutcome(t *testing.T) {
	sb, client := start(t)
	results := func(words string) *api.CheckResults {
		id := create(t, sb, client, "person "+words, "maria+"+words+"@example.com")
		complete(t, client, id)
		must(client.SubmitCheck(t.Context(), id))(t)
		return must(client.GetCheckResults(t.Context(), id))(t)
	}
	r := results("Age+IPVpnTor+FacialVerificationFailed+ExpiredDocuments").CheckResults
	if *r.Attestations.Over18 || !*r.RiskProfile.IPAndDeviceAnalysisResults.VPNOrTor || *r.RiskProfile.FacialMatchConfidence != 97 {
		t.Errorf("%+v", r) // the last reason counts
	}
	if expires, err := r.IdentificationDocument.ExpirationDate.Time(); err != nil || expires.After(time.Now()) {
		t.Errorf("expired document expires %v, %v", expires, err)
	}
	fine := results("").CheckResults
	if !*fine.Attestations.Over18 || !*fine.AddressVerification.ValidAddress || fine.PersonalInformation.LastName != "Lindqvist" {
		t.Errorf("%+v", fine)
	}
}

func TestImagesComeBackBitForBit(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p1", "a@example.com")
	complete(t, client, id)
	must(client.SubmitCheck(t.Context(), id))(t)
	r := must(client.GetCheckResults(t.Context(), id))(t).CheckResults
	for docID, want := range map[string]string{
		r.IdentificationDocument.FrontID: jpeg,
		r.IdentificationDocument.BackID:  png,
		r.PhotoVerification.ID:           png,
	} {
		if got := must(client.GetCheckDocument(t.Context(), id, docID))(t).DataURL; got != want {
			t.Errorf("%s: %.60s", docID, got)
		}
	}
	if _, err := client.GetCheckDocument(t.Context(), id, "other"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("unknown image: %v", err)
	}
}

func TestImagesOfAnotherKindAreRefused(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p1", "a@example.com")
	for _, content := range []string{
		"data:image/gif;base64,R0lGODlhAQABAAAAACw=",
		"data:image/png;base64,/9j/4AAQ", // a JPEG
		"data:image/png;base64,====",
		"iVBORw0KGgo=",
	} {
		err := client.AddPhotoDocument(t.Context(), id, api.AddPhotoDocumentRequest{FileName: "x", FileContent: content})
		var failure *api.Error
		if !errors.As(err, &failure) || len(failure.Fields["fileContent"]) == 0 {
			t.Errorf("%s: %v", content, err)
		}
	}
}

func TestWatchlists(t *testing.T) {
	sb, client := start(t)
	search := func(r api.SearchWatchlistsRequest) *api.WatchlistSearchResults {
		t.Helper()
		r.GroupID = sb.GroupID
		created := must(client.SearchWatchlists(t.Context(), r))(t)
		return must(client.GetWatchlistSearchResults(t.Context(), created.ID))(t)
	}
	none := search(api.SearchWatchlistsRequest{FirstName: "Maria", LastName: "Lindqvist", Country: "US"})
	if none.Status != api.WatchlistStatusCompleted || len(none.WatchlistResults) != 0 || none.SearchType != api.WatchlistSearchTypeText ||
		none.SearchCriteria.FirstName != "Maria" {
		t.Errorf("%+v", none)
	}
	if made, err := none.SearchDate.Time(); err != nil || time.Since(made).Abs() > time.Minute {
		t.Errorf("made %v, %v", made, err)
	}
	hits := search(api.SearchWatchlistsRequest{FirstName: "Maria", LastName: "Lindqvist+hits-3+media-2", FileName: "f", FileContent: png})
	if len(hits.WatchlistResults) != 3 || len(hits.AdverseMediaResults) != 2 || hits.SearchType != api.WatchlistSearchTypeTextAndVisual ||
		hits.WatchlistResults[0].MatchName != "Maria Lindqvist" {
		t.Errorf("%+v", hits)
	}
	if published, err := hits.AdverseMediaResults[0].DatePublished.Time(); err != nil || published.IsZero() {
		t.Errorf("published %v, %v", published, err)
	}
	if business := search(api.SearchWatchlistsRequest{BusinessName: "Example Ltd+WatchlistHitsFound"}); len(business.WatchlistResults) != 2 ||
		business.WatchlistResults[0].MatchName != "Example Ltd" {
		t.Errorf("%+v", business)
	}
	if failed := search(api.SearchWatchlistsRequest{FirstName: "A", LastName: "B+failed+hits-9"}); failed.Status != api.WatchlistStatusFailed ||
		len(failed.WatchlistResults) != 0 {
		t.Errorf("%+v", failed)
	}
	lists := must(client.ListSearchedLists(t.Context(), none.ID))(t)
	if len(lists) != 4 || lists[0].Version == "" {
		t.Errorf("lists %v", lists)
	}
	for name, r := range map[string]api.SearchWatchlistsRequest{
		"lastName":     {FirstName: "only"},
		"fileName":     {BusinessName: "b", FileContent: png},
		"categories.0": {BusinessName: "b", Categories: []api.WatchlistCategory{"Knitting"}},
	} {
		r.GroupID = sb.GroupID
		_, err := client.SearchWatchlists(t.Context(), r)
		var failure *api.Error
		if !errors.As(err, &failure) || len(failure.Fields[name]) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckMakesItsWatchlistSearch(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p1", "a+WatchlistHitsFound+AdverseMediaFound@example.com")
	if _, err := client.GetWatchlistSearchByCheckID(t.Context(), id); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	complete(t, client, id)
	must(client.SubmitCheck(t.Context(), id))(t)
	search := must(client.GetWatchlistSearchByCheckID(t.Context(), id))(t)
	results := must(client.GetCheckResults(t.Context(), id))(t)
	if search.CheckID != id || search.ID != results.CheckResults.WatchlistSearchID ||
		must(client.GetWatchlistSearch(t.Context(), search.ID))(t).ID != search.ID {
		t.Errorf("%+v", search)
	}
	found := must(client.GetWatchlistSearchResults(t.Context(), search.ID))(t)
	if len(found.WatchlistResults) != 2 || len(found.AdverseMediaResults) != 1 {
		t.Errorf("%+v", found)
	}
}

// call sends a request without any client of ours.
func call(t *testing.T, method, url, authorization, contentType, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	noRedirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := noRedirect.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer noRedirect.CloseIdleConnections()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

func basic(key, secret string) string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(key, secret)
	return r.Header.Get("Authorization")
}

func exchange(t *testing.T, sb *sandbox.Server) string {
	t.Helper()
	resp, body := call(t, "GET", sb.URL+"/auth/token", basic(sb.Key, sb.Secret), "", "")
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != 200 {
		t.Fatalf("exchange: %s %s", resp.Status, body)
	}
	return answer.Token
}

func TestAuthentication(t *testing.T) {
	clock := newClock()
	sb := sandbox.Start(t, sandbox.WithClock(clock.Now), sandbox.WithTokenTTL(time.Minute))
	token := exchange(t, sb)
	forged := token[:len(token)-3] + "abc"
	tests := []struct {
		name, path, authorization string
		status                    int
	}{
		{"no credentials", "/auth/token", "", 401},
		{"wrong secret", "/auth/token", basic(sb.Key, "x"), 401},
		{"wrong key", "/auth/token", basic("x", sb.Secret), 401},
		{"bearer for the exchange", "/auth/token", "Bearer " + token, 401},
		{"no token", "/check/none", "", 401},
		{"basic for a call", "/check/none", basic(sb.Key, sb.Secret), 401},
		{"forged", "/check/none", "Bearer " + forged, 401},
		{"nonsense", "/check/none", "Bearer a.b", 401},
		{"good", "/check/none", "Bearer " + token, 404},
		{"scheme in lower case", "/check/none", "bearer " + token, 404},
	}
	for _, tt := range tests {
		resp, body := call(t, "GET", sb.URL+tt.path, tt.authorization, "", "")
		if resp.StatusCode != tt.status {
			t.Errorf("%s: %s %s", tt.name, resp.Status, body)
		}
		if tt.status == 401 && resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", tt.name)
		}
		if resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no X-Request-Id", tt.name)
		}
	}
	clock.Add(61 * time.Second)
	if resp, _ := call(t, "GET", sb.URL+"/check/none", "Bearer "+token, "", ""); resp.StatusCode != 401 {
		t.Errorf("expired: %s", resp.Status)
	}
}

func TestRefresh(t *testing.T) {
	sb := sandbox.Start(t)
	token := exchange(t, sb)
	for _, path := range []string{"/auth/refresh", "/auth/refresh/"} { // one of the vendor's SDKs adds the slash
		resp, body := call(t, "POST", sb.URL+path, "Bearer "+token, "application/json", `{"token":"`+token+`"}`)
		var answer struct{ Token string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != 200 || answer.Token == token {
			t.Fatalf("%s: %s %s", path, resp.Status, body)
		}
		if resp, _ := call(t, "GET", sb.URL+"/check/none", "Bearer "+answer.Token, "", ""); resp.StatusCode != 404 {
			t.Errorf("%s: the new token: %s", path, resp.Status)
		}
	}
	if resp, _ := call(t, "POST", sb.URL+"/auth/refresh", "Bearer "+token, "application/json", `{"token":"other"}`); resp.StatusCode != 401 {
		t.Errorf("refreshing another token: %s", resp.Status)
	}
}

func TestRequestsAreCheckedAgainstTheContract(t *testing.T) {
	sb := sandbox.Start(t)
	bearer := "Bearer " + exchange(t, sb)
	good := fmt.Sprintf(`{"thirdPartyIdentifier":"p","groupId":%q,"email":"a@example.com"`, sb.GroupID)
	tests := []struct {
		name, media, body string
		status            int
		text              string
	}{
		{"wrong media type", "text/plain", good + "}", 415, "application/json"},
		{"no JSON", "application/json", "{", 400, "not valid JSON"},
		{"trailing garbage", "application/json", good + "} x", 400, "not valid JSON"},
		{"a name twice", "application/json", good + `,"groupId":"g"}`, 400, "occurs twice"},
		{"invalid UTF-8", "application/json", good + ",\"returnUrl\":\"\xff\"}", 400, "not UTF-8"},
		{"a huge number", "application/json", good + `,"watchlistRecheckInterval":` + strings.Repeat("9", 900_000) + `}`, 400, "too long"},
		{"null", "application/json", "null", 400, `"*":["is required"]`},
		{"missing", "application/json", `{"groupId":"g"}`, 400, `"email":["is required"]`},
		{"wrong type", "application/json", good + `,"checkTypes":"all"}`, 400, `"checkTypes":["must be an array"]`},
		{"unknown value", "application/json", good + `,"language":"tlh"}`, 400, `"language":["must be one of en, zh-Hans, es, fr"]`},
		{"bad email", "application/json", `{"thirdPartyIdentifier":"p","groupId":"g","email":"private"}`, 400, `"email":["must be an email address"]`},
		{"unknown property", "application/json", good + `,"emial":"x"}`, 400, `"emial":["is not a property of this request"]`},
		{"unknown group", "application/json", `{"thirdPartyIdentifier":"p","groupId":"g","email":"a@example.com"}`, 400, "not a check group"},
		{"good", "application/json; charset=utf-8", good + `}`, 200, "checkId"},
	}
	for _, tt := range tests {
		resp, body := call(t, "POST", sb.URL+"/check/create", bearer, tt.media, tt.body)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.text) {
			t.Errorf("%s: %s %s", tt.name, resp.Status, body)
		}
		if strings.Contains(body, "private") {
			t.Errorf("%s: the answer repeats a value: %s", tt.name, body)
		}
	}
	if n := len(sb.Checks()); n != 1 {
		t.Errorf("%d checks exist", n)
	}
	big := strings.NewReplacer("X", strings.Repeat("A", 65<<20)).Replace(`{"token":"X"}`)
	if resp, _ := call(t, "POST", sb.URL+"/auth/refresh", bearer, "application/json", big); resp.StatusCode != 413 {
		t.Errorf("a body of 65 MiB: %s", resp.Status)
	}
}

func TestUnknownAddresses(t *testing.T) {
	sb := sandbox.Start(t)
	bearer := "Bearer " + exchange(t, sb)
	for path, want := range map[string]int{"/nothing": 404, "/check/create": 404, "/check/none/phone": 405} {
		resp, body := call(t, "GET", sb.URL+path, bearer, "", "")
		if resp.StatusCode != want || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("GET %s: %s %s", path, resp.Status, body)
		}
	}
}

func TestNoLinkWithoutDocumentVerification(t *testing.T) {
	sb := sandbox.Start(t)
	body := fmt.Sprintf(`{"thirdPartyIdentifier":"p","groupId":%q,"email":"a@example.com","checkTypes":["EmailVerification"]}`, sb.GroupID)
	_, answer := call(t, "POST", sb.URL+"/check/create", "Bearer "+exchange(t, sb), "application/json", body)
	if !strings.Contains(answer, `"url":null`) {
		t.Error(answer)
	}
}

// A router around the sandbox must not make it forget who may call.
func TestSandboxInsideAnotherRouter(t *testing.T) {
	box := sandbox.Start(t)
	router := chi.NewRouter()
	router.Handle("/api/*", box)
	for path, want := range map[string]int{"/api/auth/token": 401, "/api/check/none": 401} {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != want {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	authorized := httptest.NewRequest(http.MethodGet, "/api/auth/token", nil)
	authorized.SetBasicAuth(box.Key, box.Secret)
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, authorized)
	if answer.Code != 200 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestSlashAtTheEndOfAnIDIsPartOfIt(t *testing.T) {
	sb, client := start(t)
	plain, slashed := create(t, sb, client, "a", "a@example.com"), create(t, sb, client, "a/", "a@example.com")
	for identifier, want := range map[string]string{"a": plain, "a/": slashed} {
		//lint:ignore SA1019 the deprecated operation takes an identifier in its path
		if got := must(client.GetCheckByThirdPartyIdentifier(t.Context(), identifier))(t).ID; got != want {
			t.Errorf("%q: %s, want %s", identifier, got, want)
		}
	}
}

func TestAttestedAges(t *testing.T) {
	sb, client := start(t)
	for years, want := range map[int][2]bool{17: {false, false}, 19: {true, false}, 30: {true, true}} {
		id := create(t, sb, client, fmt.Sprint(years), "a@example.com")
		complete(t, client, id)
		born := time.Now().AddDate(-years, 0, -1)
		done(t, client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B", StreetAddress1: "1",
			DateOfBirth: api.NewDate(born.Date())}))
		must(client.SubmitCheck(t.Context(), id))(t)
		a := must(client.GetCheckResults(t.Context(), id))(t).CheckResults.Attestations
		if *a.Over18 != want[0] || *a.Over21 != want[1] {
			t.Errorf("%d years: over 18 %v, over 21 %v", years, *a.Over18, *a.Over21)
		}
	}
	id := create(t, sb, client, "no day", "a@example.com")
	err := client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B", DateOfBirth: "02/30/1990"})
	if !errors.Is(err, api.ErrInvalidRequest) || !strings.Contains(err.Error(), "dateOfBirth") {
		t.Errorf("02/30: %v", err)
	}
}

func TestGroupKeepsWhatItSets(t *testing.T) {
	sb, client := start(t, sandbox.WithGroup(sandbox.Group{ID: "g", SupplementalDocumentTypes: []string{"UtilityBill"}}))
	id := create(t, sb, client, "p", "a@example.com")
	complete(t, client, id)
	var failure *api.Error
	if _, err := client.SubmitCheck(t.Context(), id); sb.GroupID != "g" || !errors.As(err, &failure) || len(failure.Fields) != 1 {
		t.Errorf("%v", err)
	}
}

func TestSearchOfACheckIsTheNewest(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p", "a@example.com")
	for range 2 {
		made := must(client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, CheckID: id, BusinessName: "b"}))(t)
		if found := must(client.GetWatchlistSearchByCheckID(t.Context(), id))(t); found.ID != made.ID {
			t.Errorf("found %s, want %s", found.ID, made.ID)
		}
	}
	if _, err := client.SearchWatchlists(t.Context(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, CheckID: "none",
		BusinessName: "b"}); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestTokensLiveExactlyAsLongAsTheyShould(t *testing.T) {
	clock := newClock()
	clock.Add(900 * time.Millisecond)
	sb := sandbox.Start(t, sandbox.WithClock(clock.Now), sandbox.WithTokenTTL(200*time.Millisecond))
	token := exchange(t, sb)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var c struct{ Exp, Iat float64 }
	if err != nil || json.Unmarshal(payload, &c) != nil || math.Abs(c.Exp-c.Iat-0.2) > 1e-6 || c.Iat > float64(clock.Now().Unix()) {
		t.Errorf("%s, %v", payload, err)
	}
	for _, want := range []int{404, 404, 401} {
		if resp, _ := call(t, "GET", sb.URL+"/check/none", "Bearer "+token, "", ""); resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
		clock.Add(100 * time.Millisecond)
	}
}

func TestEnrollmentFillsInWhatIsMissing(t *testing.T) {
	sb, client := start(t)
	created := must(client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: sb.GroupID,
		Email: "a@example.com"}))(t)
	done(t, client.AddIDDocument(t.Context(), created.CheckID, api.AddIDDocumentRequest{Type: api.DocumentTypeNADriverLicense,
		Side: api.DocumentSideFront, FileName: "f", FileContent: png}))
	call(t, "POST", created.URL, "", "", "")
	r := must(client.GetCheckResults(t.Context(), created.CheckID))(t)
	if r.CheckResults == nil || r.CheckResults.IdentificationDocument.BackID == "" || r.CheckResults.PhotoVerification == nil ||
		*r.CheckResults.Attestations.AccreditedInvestor {
		t.Errorf("%+v", r)
	}
}

// What an option was given may be changed afterwards.
func TestOptionsAreCopied(t *testing.T) {
	group := sandbox.Group{CheckTypes: []string{"EmailVerification"}}
	faults := sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{sandbox.Fault500}}
	sb, client := start(t, sandbox.WithGroup(group), sandbox.WithFaults(faults))
	group.CheckTypes[0], faults.Kinds[0] = "changed", "changed"
	if resp, _, err := once(t, sb, "GET", "/check/none", "x", ""); err != nil || resp.StatusCode != 500 {
		t.Errorf("%v, %v", err, sb.FaultCounts())
	}
	faults.Kinds[0] = sandbox.Fault500
	if err := sb.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
	faults.Kinds[0] = "changed"
	_, _, _ = once(t, sb, "GET", "/check/none", "x", "")
	if counts := sb.FaultCounts(); counts["changed"] != 0 || counts[sandbox.Fault500] == 0 {
		t.Errorf("%v", counts)
	}
	if err := sb.SetFaults(sandbox.Faults{}); err != nil {
		t.Fatal(err)
	}
	created := must(client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: sb.GroupID,
		Email: "a@example.com"}))(t)
	if check := must(client.GetCheck(t.Context(), created.CheckID))(t); check.CheckTypes[0] != api.CheckTypeEmailVerification {
		t.Errorf("%v", check.CheckTypes)
	}
}

// A lenient is a test that goes on after a fatal error.
type lenient struct{ testing.TB }

func (lenient) Fatalf(string, ...any) {}

func TestStartEndsWithAFatalError(t *testing.T) {
	if sb := sandbox.Start(lenient{t}, sandbox.WithTokenTTL(0)); sb != nil {
		t.Error("a server was returned")
	}
}

// What an option does not know is refused when the sandbox is made.
func TestOptionsAreRefused(t *testing.T) {
	for want, opt := range map[string]sandbox.Option{
		`"typo" is not a quirk`:                     sandbox.WithQuirks("typo"),
		`"typo" is no fault`:                        sandbox.WithFaults(sandbox.Faults{Kinds: []sandbox.Fault{"typo"}}),
		"the rate of faults must be from 0 to 1":    sandbox.WithFaults(sandbox.Faults{Rate: math.NaN()}),
		`"Passport" is no check type`:               sandbox.WithGroup(sandbox.Group{CheckTypes: []string{"Passport"}}),
		`"Will" is no type of a supplemental`:       sandbox.WithGroup(sandbox.Group{SupplementalDocumentTypes: []string{"Will"}}),
		`"Sport" is no watchlist category`:          sandbox.WithGroup(sandbox.Group{WatchlistCategories: []string{"Sport"}}),
		"WithGroup: the recheck interval":           sandbox.WithGroup(sandbox.Group{RecheckInterval: -1}),
		"WithTokenTTL: the time must be positive":   sandbox.WithTokenTTL(0),
		"WithProcessing: a time is negative":        sandbox.WithProcessing(0, -1),
		"WithClock: the clock is nil":               sandbox.WithClock(nil),
		"WithCredentials: the key contains a colon": sandbox.WithCredentials("a:b", "c"),
		"WithCredentials: there is a control":       sandbox.WithCredentials("a", "c\n"),
	} {
		if s, err := sandbox.New(nil, opt); s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if s, err := sandbox.Listen(opt); s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestQuirks(t *testing.T) {
	tests := []struct {
		quirk sandbox.Quirk
		path  string // with ID for the check's
		text  string
	}{
		{sandbox.QuirkOrganiationID, "/check/ID", `"organiationId":`},
		{sandbox.QuirkEnumCase, "/check/ID/results", `"warnings":["iPVpnTor"]`},
		{sandbox.QuirkEnumCase, "/check/ID/results", `"photoVerification":{"id":`},
		{sandbox.QuirkEnumCase, "/check/ID/results", `"type":"CamPhoto"`},
		{sandbox.QuirkOrganiationID, "/watchlist/getbycheckid/ID", `"organizationId":`},
		{sandbox.QuirkEnumCase, "/check/ID/results", `"firstName":"Maria"`},
		{sandbox.QuirkEnumCase, "/watchlist/getbycheckid/ID", `"searchType":"Text"`},
		{sandbox.QuirkEnumCase, "/check/ID/photoinstruction", `"instruction":"None"`},
		{sandbox.QuirkScalars, "/check/ID/results", `"fraudScore":"81"`},
		{sandbox.QuirkSubmitStatus, "/check/ID/submit", `{"status":"Completed"}`},
		{sandbox.QuirkSubmitString, "/check/ID/submit", `"Completed"`},
	}
	for _, tt := range tests {
		sb, client := start(t, sandbox.WithQuirks(tt.quirk))
		id := create(t, sb, client, "p", "a+IPVpnTor@example.com")
		complete(t, client, id)
		bearer := "Bearer " + exchange(t, sb)
		if !strings.HasSuffix(tt.path, "/submit") {
			must(client.SubmitCheck(t.Context(), id))(t)
		}
		_, body := call(t, "GET", sb.URL+strings.Replace(tt.path, "ID", id, 1), bearer, "", "")
		if !strings.Contains(body, tt.text) {
			t.Errorf("%s: %s", tt.quirk, body)
		}
	}
}

func TestClientUnderstandsAllQuirks(t *testing.T) {
	sb, client := start(t, sandbox.WithQuirks(sandbox.Quirks()...))
	id := create(t, sb, client, "p", "a+Country@example.com")
	complete(t, client, id)
	if s := must(client.SubmitCheck(t.Context(), id))(t); !s.Status.Is(api.CheckStatusCompleted) {
		t.Errorf("submitted: %+v", s)
	}
	r := must(client.GetCheckResults(t.Context(), id))(t)
	if r.OrganizationID == "" || !r.Warnings[0].Is(api.CheckWarningCountry) {
		t.Errorf("%+v", r)
	}
	if n, ok := r.CheckResults.RiskProfile.IPAndDeviceAnalysisResults.FraudScore.Float64(); !ok || n != 4 {
		t.Errorf("fraud score %v", n)
	}
	if got := must(client.GetCheckDocument(t.Context(), id, r.CheckResults.PhotoVerification.ID))(t).DataURL; got != png {
		t.Errorf("image %.40s", got)
	}
}

func TestParseQuirks(t *testing.T) {
	if all, err := sandbox.ParseQuirks("all"); err != nil || len(all) != 8 {
		t.Errorf("%v, %v", all, err)
	}
	if two, err := sandbox.ParseQuirks(" enumCase, scalars "); err != nil || !slices.Equal(two, []sandbox.Quirk{"enumCase", "scalars"}) {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := sandbox.ParseQuirks("enumcase"); err == nil {
		t.Error("an unknown quirk was accepted")
	}
}

// The photo instruction and the second photograph belong to groups that ask for them.
func TestExtendedPhotograph(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p", "a@example.com")
	if got := must(client.GetPhotoInstruction(t.Context(), id))(t).Instruction; got != api.PhotoPoseNone {
		t.Errorf("a group that asks for none: %s", got)
	}
	complete(t, client, id)
	must(client.SubmitCheck(t.Context(), id))(t)

	sb, client = start(t, sandbox.WithGroup(sandbox.Group{ExtendedPhoto: true}))
	seen := make(map[api.PhotoPose]bool)
	for i := range 4 {
		id = create(t, sb, client, fmt.Sprint(i), "a@example.com")
		instruction := must(client.GetPhotoInstruction(t.Context(), id))(t).Instruction
		if !instruction.Known() || instruction == api.PhotoPoseNone {
			t.Errorf("%q", instruction)
		}
		seen[instruction] = true
	}
	if len(seen) != 4 {
		t.Errorf("seen %v", seen)
	}
	complete(t, client, id)
	var failure *api.Error
	if _, err := client.SubmitCheck(t.Context(), id); !errors.As(err, &failure) || len(failure.Fields) != 1 ||
		len(failure.Fields["photoDocument.extended"]) != 1 {
		t.Errorf("without it: %v", err)
	}
	done(t, client.AddPhotoDocument(t.Context(), id, api.AddPhotoDocumentRequest{FileName: "s.png", FileContent: png, Extended: true}))
	must(client.SubmitCheck(t.Context(), id))(t)
}

// An image that cannot be read is refused, so that the person can try again, or kept on request; then the check takes
// longer and ends as unreadable.
func TestImagesThatCannotBeRead(t *testing.T) {
	clock := newClock()
	sb, client := start(t, sandbox.WithClock(clock.Now), sandbox.WithProcessing(time.Second, time.Minute))
	ctx := t.Context()
	front := func(name string, force bool) api.AddIDDocumentRequest {
		return api.AddIDDocumentRequest{Type: api.DocumentTypePassportImage, Side: api.DocumentSideFront, FileName: name, FileContent: png,
			ForceCommit: force}
	}
	id := create(t, sb, client, "p1", "a@example.com")
	complete(t, client, id)
	if err := client.AddIDDocument(ctx, id, front("front+unreadable.png", false)); !errors.Is(err, api.ErrInvalidRequest) ||
		!strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("%v", err)
	}
	done(t, client.AddIDDocument(ctx, id, front("front.png", false)))
	must(client.SubmitCheck(ctx, id))(t)
	clock.Add(2 * time.Second)
	if check := must(client.GetCheck(ctx, id))(t); check.Status != api.CheckStatusCompleted {
		t.Errorf("taken again: %s", check.Status)
	}

	id = create(t, sb, client, "p2", "a+unreadable@example.com")
	photo := api.AddPhotoDocumentRequest{FileName: "s.png", FileContent: png}
	if err := errors.Join(client.AddIDDocument(ctx, id, front("front.png", false)), client.AddPhotoDocument(ctx, id, photo)); !errors.Is(err,
		api.ErrInvalidRequest) {
		t.Errorf("%v", err)
	}
	forced := create(t, sb, client, "p3", "a@example.com") // and then taken again after all
	complete(t, client, forced)
	done(t, client.AddIDDocument(ctx, forced, front("front.1+unreadable.png", true)))
	done(t, client.AddIDDocument(ctx, forced, front("front.png", false)))
	must(client.SubmitCheck(ctx, forced))(t)
	clock.Add(2 * time.Second)
	if check := must(client.GetCheck(ctx, forced))(t); check.Status != api.CheckStatusCompleted {
		t.Errorf("kept, and taken again: %s", check.Status)
	}
	photo.ForceCommit = true
	done(t, client.AddIDDocument(ctx, id, front("front.png", true)))
	done(t, client.AddPhotoDocument(ctx, id, photo))
	done(t, client.AddSupplementalDocument(ctx, id, api.AddSupplementalDocumentRequest{Type: api.SupplementalDocumentTypeTaxDocument,
		FileName: "f+unreadable.png", FileContent: png}))
	done(t, client.AddPersonalInfo(ctx, id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B", StreetAddress1: "1"}))
	done(t, client.AddPhone(ctx, id, api.AddPhoneRequest{Number: "1", Country: "US"}))
	must(client.SubmitCheck(ctx, id))(t)
	clock.Add(2 * time.Second)
	if check := must(client.GetCheck(ctx, id))(t); check.Status != api.CheckStatusAwaitingAutomation {
		t.Errorf("kept, at first: %s", check.Status)
	}
	clock.Add(time.Minute)
	if check := must(client.GetCheck(ctx, id))(t); check.Status != api.CheckStatusRejected ||
		check.StatusReason != api.StatusReasonUnreadableDocumentsOrMissingVerificationInformation {
		t.Errorf("kept: %s, %s", check.Status, check.StatusReason)
	}
}

// What a submit needs follows from the check's types.
func TestSubmitNeedsWhatTheTypesUse(t *testing.T) {
	for types, want := range map[string]string{
		"EmailVerification":    "",
		"PhoneVerification":    "phone",
		"DocumentVerification": "idDocument.back idDocument.front personalInfo",
		"PhotoVerification":    "idDocument.back idDocument.front personalInfo photoDocument",
		"VisualWatchlist":      "idDocument.back idDocument.front personalInfo photoDocument",
		"AddressVerification":  "personalInfo",
		"RiskProfiling":        "personalInfo",
		"Watchlist":            "personalInfo",
		"AccreditedInvestor":   "personalInfo supplementalDocument.AccreditedInvestor",
	} {
		sb, client := start(t, sandbox.WithGroup(sandbox.Group{SupplementalDocumentTypes: []string{"UtilityBill"}}))
		created := must(client.CreateCheck(t.Context(), api.CreateCheckRequest{
			ThirdPartyIdentifier: "p", GroupID: sb.GroupID, Email: "a@example.com", CheckTypes: []api.CheckType{api.CheckType(types)},
		}))(t)
		_, err := client.SubmitCheck(t.Context(), created.CheckID)
		var failure *api.Error
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", types, err)
			}
			continue
		}
		if !errors.As(err, &failure) || strings.Join(slices.Sorted(maps.Keys(failure.Fields)), " ") != want {
			t.Errorf("%s: %v, want %s", types, err, want)
		}
	}
	sb, client := start(t, sandbox.WithGroup(sandbox.Group{CheckTypes: []string{"AddressVerification", "RiskProfiling"}}))
	id := create(t, sb, client, "p", "a@example.com")
	done(t, client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B"}))
	if _, err := client.SubmitCheck(t.Context(), id); err == nil || !strings.Contains(err.Error(), "personalInfo.streetAddress1") {
		t.Errorf("no address: %v", err)
	}
	done(t, client.AddPersonalInfo(t.Context(), id, api.AddPersonalInfoRequest{FirstName: "A", LastName: "B", StreetAddress1: "1"}))
	must(client.SubmitCheck(t.Context(), id))(t)
	if r := must(client.GetCheckResults(t.Context(), id))(t); r.CheckResults.RiskProfile.IPAndDeviceAnalysisResults != nil {
		t.Error("an IP section without an IP address")
	}
}

// checkTypes replace the group's, and its supplemental documents; the interval counts beside Watchlist alone.
func TestCheckTypesReplaceTheGroups(t *testing.T) {
	sb, client := start(t, sandbox.WithGroup(sandbox.Group{RecheckInterval: 7, SupplementalDocumentTypes: []string{"UtilityBill"}}))
	for types, want := range map[api.CheckType]int{api.CheckTypeWatchlist: 30, api.CheckTypeVisualWatchlist: 7} {
		created := must(client.CreateCheck(t.Context(), api.CreateCheckRequest{
			ThirdPartyIdentifier: string(types), GroupID: sb.GroupID, Email: "a@example.com", CheckTypes: []api.CheckType{types},
			WatchlistRecheckInterval: new(api.RecheckIntervalMonthly),
		}))(t)
		complete(t, client, created.CheckID)
		must(client.SubmitCheck(t.Context(), created.CheckID))(t)
		if search := must(client.GetWatchlistSearchByCheckID(t.Context(), created.CheckID))(t); *search.RecheckInterval != want {
			t.Errorf("%s: every %d days", types, *search.RecheckInterval)
		}
		if _, err := client.CreateAccessLink(t.Context(), created.CheckID, api.CreateAccessLinkRequest{}); !errors.Is(err, api.ErrConflict) {
			t.Errorf("a link to a submitted check: %v", err)
		}
	}
	created := must(client.CreateCheck(t.Context(), api.CreateCheckRequest{
		ThirdPartyIdentifier: "no document", GroupID: sb.GroupID, Email: "a@example.com", CheckTypes: []api.CheckType{api.CheckTypeWatchlist},
	}))(t)
	if _, err := client.CreateAccessLink(t.Context(), created.CheckID, api.CreateAccessLinkRequest{}); !errors.Is(err, api.ErrInvalidRequest) ||
		!strings.Contains(err.Error(), "DocumentVerification") {
		t.Errorf("a link without a document: %v", err)
	}
}

// The vendor's clients spell the path of an image in three ways.
func TestEverySpellingOfTheImagePath(t *testing.T) {
	sb, client := start(t)
	id := create(t, sb, client, "p1", "a@example.com")
	complete(t, client, id)
	must(client.SubmitCheck(t.Context(), id))(t)
	docID := must(client.GetCheckResults(t.Context(), id))(t).CheckResults.PhotoVerification.ID
	bearer := "Bearer " + exchange(t, sb)
	for _, spelling := range []string{"checkdoc", "checkdocument", "checkdocid"} {
		if resp, body := call(t, "GET", sb.URL+"/"+spelling+"/"+id+"/"+docID, bearer, "", ""); resp.StatusCode != 200 || !strings.Contains(body,
			png) {
			t.Errorf("%s: %s %.80s", spelling, resp.Status, body)
		}
		if resp, _ := call(t, "GET", sb.URL+"/"+spelling+"/"+id+"/"+docID+"/", "Bearer none", "", ""); resp.StatusCode != 401 {
			t.Errorf("%s, unauthorised: %s", spelling, resp.Status)
		}
		if resp, _ := call(t, "GET", sb.URL+"/"+spelling+"/a%2Fb/c", bearer, "", ""); resp.StatusCode != 404 {
			t.Errorf("%s, with a slash: %s", spelling, resp.Status)
		}
	}
}

func TestConcurrentCreatesOfOnePersonMakeOneCheck(t *testing.T) {
	sb, client := start(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	created, refused := 0, 0
	for range 20 {
		wg.Go(func() {
			_, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: sb.GroupID, Email: "a@example.com"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				created++
			case errors.Is(err, api.ErrConflict):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if created != 1 || refused != 19 || len(sb.Checks()) != 1 {
		t.Errorf("%d created, %d refused, %d exist", created, refused, len(sb.Checks()))
	}
}

func TestPrintedSandboxShowsNoSecret(t *testing.T) {
	var b bytes.Buffer
	s := sandbox.Start(t, sandbox.WithCredentials("key", "the-secret"))
	fmt.Fprintf(&b, "%v %+v %#v", s, s, s)
	if strings.Contains(b.String(), "the-secret") {
		t.Error("the secret is printed")
	}
}
