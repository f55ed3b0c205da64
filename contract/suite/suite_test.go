package suite_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.uber.org/goleak"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/suite"
	"github.com/goaver/aver-go/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every operation with every documented status goes over the wire once, and both sides keep the contract.
func TestSandboxKeepsTheContract(t *testing.T) {
	ledger := &contract.Ledger{}
	box := sandbox.Start(t)
	srv := httptest.NewServer(contract.Handler(box, contract.WithResponsesOnly(), contract.WithTest(t), contract.WithLedger(ledger)))
	defer srv.Close()
	target := suite.Target{URL: srv.URL + "/api", Key: box.Key, Secret: box.Secret, GroupID: box.GroupID}
	findings, err := suite.Run(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
	refusals(t, box.Sandbox, srv.URL)

	notification := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"statusMessage":{"type":"LiveCheck","id":"c1","groupId":"g1","status":"Complete"}}`))
	notification.Header.Set("Content-Type", "application/json")
	if err := contract.CheckWebhook(notification, contract.WithLedger(ledger)); err != nil {
		t.Error(err)
	}
	basicPlan(t, ledger)
	ledger.Require(t)
	if t.Failed() {
		t.Log("\n" + ledger.Report())
	}
}

// basicPlan calls every operation that needs the Advanced plan without it.
func basicPlan(t *testing.T, ledger *contract.Ledger) {
	box := sandbox.Start(t, sandbox.WithBasicPlan())
	srv := httptest.NewServer(contract.Handler(box, contract.WithResponsesOnly(), contract.WithTest(t), contract.WithLedger(ledger)))
	defer srv.Close()
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(srv.URL+"/api"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: box.GroupID, Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateAccessLink(ctx, created.CheckID, api.CreateAccessLinkRequest{}); err != nil {
		t.Error(err)
	}
	face := api.ImageBytes("face.jpg", []byte("\xff\xd8\xff\xe0\x00\x04JF"))
	person := api.AddPersonalInfoRequest{FirstName: "Maria", LastName: "Lindqvist"}
	_, instruction := client.GetPhotoInstruction(ctx, created.CheckID)
	_, submit := client.SubmitCheck(ctx, created.CheckID)
	_, types := client.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: "q", GroupID: box.GroupID, Email: "a@example.com",
		CheckTypes: []api.CheckType{api.CheckTypeWatchlist}})
	_, visual := client.SearchWatchlistsWithImage(ctx, api.SearchWatchlistsWithImageRequest{GroupID: box.GroupID, FirstName: "Maria",
		LastName: "Lindqvist", Image: face})
	for name, err := range map[string]error{
		"personalinfo": client.AddPersonalInfo(ctx, created.CheckID, person),
		"phone":        client.AddPhone(ctx, created.CheckID, api.AddPhoneRequest{Number: "1", Country: "US"}),
		"iddocument": client.AddIDDocumentWithImage(ctx, created.CheckID,
			api.AddIDDocumentWithImageRequest{Type: api.DocumentTypePassportImage, Side: api.DocumentSideFront, Image: face}),
		"photo": client.AddPhotoDocumentWithImage(ctx, created.CheckID, api.AddPhotoDocumentWithImageRequest{Image: face}),
		"supplemental": client.AddSupplementalDocumentWithImage(ctx, created.CheckID,
			api.AddSupplementalDocumentWithImageRequest{Type: api.SupplementalDocumentTypeTaxDocument, Image: face}),
		"instruction": instruction, "submit": submit, "check types": types, "visual search": visual,
	} {
		if !errors.Is(err, api.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.SearchWatchlists(ctx, api.SearchWatchlistsRequest{GroupID: box.GroupID, FirstName: "Maria", LastName: "Lindqvist"}); err != nil {
		t.Error(err)
	}
}

// refusals provokes each error that the contract documents.
func refusals(t *testing.T, box *sandbox.Sandbox, url string) {
	spec, err := openapi3.NewLoader().LoadFromData(aver.Spec)
	if err != nil {
		t.Fatal(err)
	}
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(url+"/api"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	token, err := client.Provider().Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var submitted string
	for _, id := range box.Checks() {
		submitted = id // the suite's own
	}
	fresh, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "fresh", GroupID: box.GroupID, Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			call := func(id, authorization, body string) {
				target := strings.NewReplacer("{id}", id, "{docId}", "d1", "{checkId}", id).Replace(path)
				req, err := http.NewRequestWithContext(t.Context(), method, url+"/api"+target, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", authorization)
				if body != "" {
					req.Header.Set("Content-Type", "application/json")
				}
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
			}
			example := ""
			if op.RequestBody != nil && op.RequestBody.Value.Content["application/json"] != nil {
				b, _ := json.Marshal(op.RequestBody.Value.Content["application/json"].Example)
				example = string(b)
			}
			bearer := "Bearer " + token.Value()
			call("none", "Bearer none", example) // 401
			call("none", bearer, example)        // 404
			if op.RequestBody != nil {
				call(fresh.CheckID, bearer, `{"unknown":1}`) // 400
			}
			switch op.OperationID {
			case "createCheck":
				body := fmt.Sprintf(`{"thirdPartyIdentifier":"fresh","groupId":%q,"email":"a@example.com"}`, box.GroupID)
				call("", bearer, body) // 409
			case "submitCheck":
				call(fresh.CheckID, bearer, "") // 400: incomplete
				call(submitted, bearer, "")     // 409
			case "searchWatchlists":
				call("", bearer, fmt.Sprintf(`{"groupId":%q,"businessName":"B","checkId":"none"}`, box.GroupID)) // 404
			default:
				if method == http.MethodPost {
					call(submitted, bearer, example) // 409
				}
			}
			if err := box.SetFaults(sandbox.Faults{Rate: 1, Kinds: []sandbox.Fault{sandbox.FaultRateLimit}}); err != nil {
				t.Fatal(err)
			}
			call("none", bearer, example) // 429
			if err := box.SetFaults(sandbox.Faults{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// What the vendor is known to do differently is allowed by the contract.
func TestQuirksAreLegal(t *testing.T) {
	for _, quirk := range sandbox.Quirks() {
		t.Run(string(quirk), func(t *testing.T) {
			box := sandbox.Start(t, sandbox.WithQuirks(quirk))
			srv := httptest.NewServer(box)
			defer srv.Close()
			findings, err := suite.Run(t.Context(), suite.Target{URL: srv.URL + "/api", Key: box.Key, Secret: box.Secret, GroupID: box.GroupID})
			if err != nil || len(findings) > 0 {
				t.Errorf("%v, %v", findings, err)
			}
		})
	}
}

// A service that differs from the contract is found out, without a word of what is personal.
func TestDifferencesAreFound(t *testing.T) {
	box := sandbox.Start(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/results") && strings.Contains(r.URL.Path, "/check/") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"id":"c","groupId":"g","organizationId":"o","thirdPartyIdentifier":"private","status":"Archived","checkTypes":[],"checkResults":{"personalInformation":{"firstName":["private"]}}}`)
			return
		}
		box.ServeHTTP(w, r)
	}))
	defer srv.Close()
	findings, err := suite.Run(t.Context(), suite.Target{URL: srv.URL + "/api", Key: box.Key, Secret: box.Secret, GroupID: box.GroupID})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(findings)
	for _, want := range []string{
		`response of getCheckResults (200) at /status: enum: want one of Created, AwaitingUser, AwaitingAutomation, AwaitingReview, InReview, Rejected, Completed, Canceled`, `got "Archived"`, "to allow it: enum: [..., Archived]",
		`at /checkResults/personalInformation/firstName: type: want a string or null, got an array of 1`, `{"items":{"type":"string"},"type":"array"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "private") {
		t.Errorf("shows a value: %s", text)
	}
}
