package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oapi-codegen/runtime/types"

	"github.com/goaver/aver-go/contract"

	"example.com/foreign/payments"
	"example.com/foreign/petstore30"
	"example.com/foreign/petstore31"
	"example.com/foreign/tracker"
)

// A service answers each request as its table says, and holds both sides against the contract.
type service struct {
	*httptest.Server
	sent   []string
	client *http.Client
}

// answers are the media type, or the status, and the body by method and path.
type answers map[string][2]string

func serve(t *testing.T, spec []byte, table answers) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.RequestURI()
		for _, name := range []string{"Authorization", "Api_key", "Idempotency-Key", "Content-Type"} {
			if value := r.Header.Get(name); value != "" {
				line += " " + name + "=" + value
			}
		}
		s.sent = append(s.sent, strings.TrimSpace(line+" "+string(body)))
		answer, ok := table[r.Method+" "+r.URL.Path]
		status := http.StatusOK
		if !ok {
			status = http.StatusNotFound
		}
		if _, err := fmt.Sscan(answer[0], &status); err != nil && answer[0] != "" {
			w.Header().Set("Content-Type", answer[0])
		} else if answer[1] != "" {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer[1])
	}))
	t.Cleanup(s.Close)
	held, err := contract.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Transport: contract.NewTransport(http.DefaultTransport, contract.WithContract(held))}
	return s
}

func (s *service) expect(t *testing.T, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Errorf("%v; sent %q", err, s.sent)
	}
	if got := strings.Join(s.sent, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("sent\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	s.sent = nil
}

const pet = `{"id": 7, "name": "Rex", "photoUrls": ["u"], "status": "sold"}`

func TestPetstore30(t *testing.T) {
	s := serve(t, petstore30.Spec, answers{
		"GET /api/v3/store/inventory":    {"", `{"sold": 3}`},
		"GET /api/v3/pet/findByStatus":   {"", `[` + pet + `]`},
		"GET /api/v3/pet/7":              {"", pet},
		"POST /api/v3/pet":               {"", pet},
		"POST /api/v3/pet/7":             {"204", ""},
		"POST /api/v3/pet/7/uploadImage": {"", `{"code": 1, "message": "kept"}`},
		"POST /api/v3/user":              {"", `{"id": 1, "password": "hidden"}`},
		"GET /api/v3/user/login":         {"", `"session"`},
		"DELETE /api/v3/store/order/3":   {"", ""},
	})
	if _, err := petstore30.New(petstore30.WithCredential("api_key", "k")); err == nil || !strings.Contains(err.Error(),
		"the contract names no server") {
		t.Errorf("without a base URL: %v", err)
	}
	if _, err := petstore30.New(petstore30.WithBaseURL(s.URL), petstore30.WithCredential("apikey", "k")); err == nil ||
		!strings.Contains(err.Error(), "it has api_key, petstore_auth") {
		t.Errorf("a misspelt scheme: %v", err)
	}
	client, err := petstore30.New(petstore30.WithBaseURL(s.URL+"/api/v3"), petstore30.WithHTTPClient(s.client),
		petstore30.WithCredential("api_key", "k"), petstore30.WithCredential("petstore_auth", "o"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()

	inventory, err := client.GetInventory(ctx)
	s.expect(t, err, "GET /api/v3/store/inventory Api_key=k")
	found, err := client.FindPetsByStatus(ctx, &petstore30.FindPetsByStatusParams{Status: new(petstore30.FindPetsByStatusParamsStatusSold)})
	s.expect(t, err, "GET /api/v3/pet/findByStatus?status=sold Authorization=Bearer o")
	if len(found) != 1 || found[0].Name != "Rex" || inventory["sold"] != 3 {
		t.Errorf("%v, %v", found, inventory)
	}
	_, err = client.GetPetByID(ctx, 7)
	s.expect(t, err, "GET /api/v3/pet/7 Api_key=k")
	_, err = client.AddPet(ctx, petstore30.Pet{Name: "Rex", PhotoUrls: []string{}})
	s.expect(t, err, `POST /api/v3/pet Authorization=Bearer o Content-Type=application/json {"name":"Rex","photoUrls":[]}`)
	s.expect(t, client.UpdatePetWithForm(ctx, 7, &petstore30.UpdatePetWithFormParams{Name: new("A B")}),
		"POST /api/v3/pet/7?name=A+B Authorization=Bearer o")
	uploaded, err := client.UploadFile(ctx, 7, nil, strings.NewReader("bytes"))
	s.expect(t, err, "POST /api/v3/pet/7/uploadImage Authorization=Bearer o Content-Type=application/octet-stream bytes")
	if uploaded.Message != "kept" {
		t.Errorf("%v", uploaded)
	}
	user, err := client.CreateUser(ctx, nil)
	s.expect(t, err, "POST /api/v3/user")
	if text := fmt.Sprintf("%+v", user); strings.Contains(text, "hidden") || *user.Password != "hidden" {
		t.Errorf("printed as %s", text)
	}
	session, err := client.LoginUser(ctx, &petstore30.LoginUserParams{Username: new("a")})
	s.expect(t, err, "GET /api/v3/user/login?username=a")
	if session != "session" {
		t.Error(session)
	}
	s.expect(t, client.DeleteOrder(ctx, 3), "DELETE /api/v3/store/order/3")
	if _, err := client.GetOrderByID(ctx, 4); !errors.Is(err, petstore30.ErrNotFound) {
		t.Error(err)
	}
}

func TestPetstore31(t *testing.T) {
	s := serve(t, petstore31.Spec, answers{"GET /api/v31/pet/7": {"", `{"name": "Rex", "photoUrls": [], "status": null, "weight": 2.5, "kind": "pet"}`}})
	client, err := petstore31.New(petstore31.WithBaseURL(s.URL+"/api/v31"), petstore31.WithHTTPClient(s.client),
		petstore31.WithCredential("petstore_auth", "o"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, err := client.GetPetByID(t.Context(), 7)
	s.expect(t, err, "GET /api/v31/pet/7 Authorization=Bearer o")
	if *got.Weight != 2.5 {
		t.Errorf("%v", got)
	}
	if _, err := client.AddPet(t.Context(), petstore31.Pet{Name: "Rex", PhotoUrls: []string{}, Weight: new(-1.0)}); !errors.Is(err,
		petstore31.ErrInvalidRequest) || len(s.sent) > 0 {
		t.Errorf("%v, %q", err, s.sent)
	}
}

func TestPayments(t *testing.T) {
	customer := `{"id": "cus_1", "object": "customer", "email": "noor@example.com",
		"default_source": {"type": "card", "number": "4242424242424242"}, "referred_by": {"id": "cus_0", "object": "customer"}}`
	s := serve(t, payments.Spec, answers{
		"POST /v1/customers":            {"201", customer},
		"GET /v1/customers":             {"", `{"data": [` + customer + `], "has_more": false}`},
		"GET /v1/customers/cus_1":       {"", `{"id": "cus_1", "deleted": true}`},
		"PATCH /v1/customers/cus_1":     {"204", ""},
		"DELETE /v1/customers/cus_1":    {"204", ""},
		"POST /v1/charges":              {"202", `{"id": "ch_1", "retry_after": 30}`},
		"POST /v1/files":                {"", `{"id": "f1", "size": 7}`},
		"GET /v1/files/f1/contents":     {"application/octet-stream", "content"},
		"GET /v1/reports/balance.csv":   {"text/csv", "a,b\n"},
		"GET /v1/health":                {"text/plain", "up"},
		"GET /v1/files/other/contents":  {"500", ""},
		"GET /v1/customers/cus_unknown": {"application/problem+json", ""},
	})
	client, err := payments.New(payments.WithBaseURL(s.URL+"/v1"), payments.WithHTTPClient(s.client), payments.WithCredential("linkToken", "l"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()
	key := "01000000-0000-0000-0000-000000000000"

	if _, err := client.ListCustomers(ctx, nil); err == nil || !strings.Contains(err.Error(), "needs the credential secretKey") || len(s.sent) > 0 {
		t.Errorf("without the key: %v", err)
	}
	var bytes bytes.Buffer
	got, err := client.DownloadEvidence(ctx, "f1", &bytes)
	s.expect(t, err, "GET /v1/files/f1/contents?token=l")
	if bytes.String() != "content" || got.Size != 7 {
		t.Errorf("%q, %v", bytes.String(), got)
	}

	client, err = payments.New(payments.WithBaseURL(s.URL+"/v1"), payments.WithHTTPClient(s.client), payments.WithCredential("secretKey", "sk"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	created, err := client.CreateCustomer(ctx, &payments.CreateCustomerParams{IdempotencyKey: key},
		payments.CreateCustomerBody{Email: "noor@example.com", Tags: []string{"a", "b"}, Metadata: map[string]string{"k": "v"}})
	s.expect(t, err, "POST /v1/customers Authorization=Bearer sk Idempotency-Key="+key+
		" Content-Type=application/x-www-form-urlencoded email=noor%40example.com&metadata=%7B%22k%22%3A%22v%22%7D&tags=a&tags=b")
	if text := fmt.Sprint(created); strings.Contains(text, "noor") || strings.Contains(text, "4242") || created.ReferredBy.ID != "cus_0" {
		t.Errorf("%s, %v", text, created.ReferredBy)
	}
	if source, err := created.DefaultSource.ValueByDiscriminator(); err != nil || source.(payments.Card).Number != "4242424242424242" {
		t.Errorf("%v, %v", source, err)
	}
	page, err := client.ListCustomers(ctx, &payments.ListCustomersParams{Limit: new(3), Created: &payments.Range{Gte: new(int64(5))},
		Expand: []payments.ListCustomersParamsExpand{payments.ListCustomersParamsExpandCards}})
	s.expect(t, err, "GET /v1/customers?limit=3&created[gte]=5&expand=cards Authorization=Bearer sk")
	if len(page.Data) != 1 {
		t.Errorf("%v", page)
	}
	if _, err := client.ListCustomers(ctx, &payments.ListCustomersParams{Limit: new(101)}); !errors.Is(err, payments.ErrInvalidRequest) ||
		len(s.sent) > 0 {
		t.Errorf("a limit of 101: %v", err)
	}
	either, err := client.GetCustomer(ctx, "cus_1")
	s.expect(t, err, "GET /v1/customers/cus_1 Authorization=Bearer sk")
	if deleted, err := either.AsDeletedCustomer(); err != nil || deleted.ID != "cus_1" {
		t.Errorf("%v, %v", deleted, err)
	}
	if _, err := client.GetCustomer(ctx, "nobody"); !errors.Is(err, payments.ErrInvalidRequest) || len(s.sent) > 0 {
		t.Errorf("another ID: %v", err)
	}
	patched, err := client.PatchCustomer(ctx, "cus_1", payments.CustomerPatch{Email: new("n@example.com")})
	s.expect(t, err, `PATCH /v1/customers/cus_1 Authorization=Bearer sk Content-Type=application/merge-patch+json {"email":"n@example.com"}`)
	if patched.Status != 204 || patched.OK != nil {
		t.Errorf("%v", patched)
	}
	s.expect(t, client.DeleteCustomer(ctx, "cus_1"), "DELETE /v1/customers/cus_1 Authorization=Bearer sk")

	var source payments.Source
	if err := source.FromCard(payments.Card{Number: "4242424242424242"}); err != nil {
		t.Fatal(err)
	}
	charge, err := client.CreateCharge(ctx, &payments.CreateChargeParams{IdempotencyKey: key}, payments.Charge{Amount: 5, Currency: "EUR",
		Source: source, Capture: new(false)})
	s.expect(t, err, "POST /v1/charges Authorization=Bearer sk Idempotency-Key="+key+
		` Content-Type=application/json {"amount":5,"capture":false,"currency":"EUR","source":{"number":"4242424242424242","type":"card"}}`)
	if charge.Status != 202 || charge.Accepted.RetryAfter != 30 || charge.OK != nil {
		t.Errorf("%v", charge)
	}
	if err := source.FromCard(payments.Card{Number: "42"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateCharge(ctx, &payments.CreateChargeParams{IdempotencyKey: key}, payments.Charge{Amount: 5, Currency: "EUR",
		Source: source}); !errors.Is(err, payments.ErrInvalidRequest) || len(s.sent) > 0 {
		t.Errorf("a short number: %v", err)
	}
	var file types.File
	file.InitFromBytes([]byte("content"), "passport.jpg")
	if stored, err := client.UploadEvidence(ctx, payments.UploadEvidenceBody{Purpose: "identity", File: file}); err != nil ||
		stored.Size != 7 || !strings.Contains(s.sent[0], `filename="passport.jpg"`) {
		t.Errorf("%v, %v, %q", stored, err, s.sent)
	}
	if _, err := client.GetBalanceReport(ctx, &payments.GetBalanceReportParams{Day: "today"}); !errors.Is(err, payments.ErrInvalidRequest) {
		t.Errorf("no date: %v", err)
	}
	if text, err := client.GetBalanceReport(ctx, &payments.GetBalanceReportParams{Day: "2026-11-25"}); err != nil || text != "a,b\n" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := client.Health(ctx); err != nil || text != "up" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTracker(t *testing.T) {
	project := "02000000-0000-0000-0000-000000000000"
	at := "/api/projects/" + project + "/issues/4"
	s := serve(t, tracker.Spec, answers{
		"POST /api/session": {"", `{"access_token": "issued"}`},
		"GET /api/projects": {"", `[{"id": "` + project + `", "name": "p"}]`},
		"GET " + at: {"application/vnd.tracker.v4+json",
			`{"number": 4, "title": "t", "sub_issues": [{"number": 5, "title": "u"}], "closed_at": null}`},
		"PUT " + at:                          {"201", `{"number": 4, "title": "t"}`},
		"GET " + at + "/events":              {"", `[{"kind": "Renamed", "from": "a", "to": "b"}, {"kind": "Closed"}]`},
		"PUT " + at + "/attachments/a b.txt": {"201", ""},
		"POST /api/search":                   {"", `{"total": 1, "hits": [{"score": 0.5}]}`},
		"GET /api/settings":                  {"", `{"a": [1]}`},
	})
	client, err := tracker.New("user", "password", tracker.WithBaseURL(s.URL+"/api"), tracker.WithHTTPClient(s.client))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()

	projects, err := client.ListProjects(ctx, &tracker.ListProjectsParams{Sort: new(tracker.ListProjectsParamsSortName)})
	s.expect(t, err, "POST /api/session Authorization=Basic dXNlcjpwYXNzd29yZA==", "GET /api/projects?sort=name Authorization=Bearer issued")
	if len(projects) != 1 || projects[0].ID != project {
		t.Errorf("%v", projects)
	}
	issue, err := client.IssuesGet(ctx, project, 4)
	s.expect(t, err, "GET "+at+" Authorization=Bearer issued")
	if issue.SubIssues[0].Number != 5 {
		t.Errorf("%v", issue)
	}
	put, err := client.IssuesPut(ctx, project, 4, tracker.NewIssue{Title: "t", Labels: []tracker.Label{tracker.LabelBug}})
	s.expect(t, err, "PUT "+at+` Authorization=Bearer issued Content-Type=application/json {"labels":["bug"],"title":"t"}`)
	if put.Status != 201 || put.Created.Number != 4 {
		t.Errorf("%v", put)
	}
	_, err = client.IssuesPut(ctx, project, 4, tracker.NewIssue{Title: "t", Body: new(""), Labels: []tracker.Label{}}) // set, though to nothing
	s.expect(t, err, "PUT "+at+` Authorization=Bearer issued Content-Type=application/json {"body":"","labels":[],"title":"t"}`)
	if _, err := client.IssuesPut(ctx, project, 0, tracker.NewIssue{Title: "t"}); !errors.Is(err, tracker.ErrInvalidRequest) || len(s.sent) > 0 {
		t.Errorf("number 0: %v", err)
	}
	events, err := client.IssuesEvents(ctx, project, 4, nil)
	s.expect(t, err, "GET "+at+"/events Authorization=Bearer issued")
	if renamed, err := events[0].ValueByDiscriminator(); err != nil || renamed.(tracker.Renamed).To != "b" {
		t.Errorf("%v, %v", renamed, err)
	}
	s.expect(t, client.IssuesAttach(ctx, project, 4, "a b.txt", nil, strings.NewReader("words")),
		"PUT "+at+"/attachments/a%20b.txt Authorization=Bearer issued Content-Type=text/plain; charset=utf-8 words")
	_, err = client.Search(ctx, tracker.Query{Not: &tracker.Query{Text: new("x")}, All: []tracker.Query{{Text: new("y")}}})
	s.expect(t, err, `POST /api/search Authorization=Bearer issued Content-Type=application/json {"all":[{"text":"y"}],"not":{"text":"x"}}`)
	settings, err := client.GetSettings(ctx)
	s.expect(t, err, "GET /api/settings Authorization=Bearer issued")
	if fmt.Sprint(settings["a"]) != "[1]" {
		t.Errorf("%v", settings)
	}
}
