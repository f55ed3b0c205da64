package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/internal/overlay"
	"github.com/goaver/aver-go/sandbox"
)

// more are operations that the sandbox does not implement, beyond those of the example.
const more = `overlay: 1.1.0
info: {title: More, version: 1.0.0}
actions:
  - target: $.components.schemas
    update:
      Case:
        type: object
        required: [caseId, title, opened, weight, tags, state]
        properties:
          caseId: {type: string, format: uuid}
          title: {type: string, minLength: 3}
          opened: {type: string, format: date-time}
          weight: {type: number, minimum: 2, exclusiveMaximum: 3}
          tags: {type: array, minItems: 2, items: {type: string, pattern: '^[a-z]{2}-\d{3}$'}}
          state: {type: string, enum: [open, closed]}
          parent: {$ref: '#/components/schemas/Case'}
  - target: $.paths
    update:
      /cases:
        get:
          operationId: listCases
          parameters: [{name: limit, in: query, required: true, schema: {type: integer, maximum: 10}}]
          responses: {'200': {description: ok, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Case'}}}}}}
        post:
          operationId: openCase
          requestBody:
            required: true
            content: {application/json: {schema: {type: object, required: [title], properties: {title: {type: string}, state: {type: string}}}}}
          responses: {'201': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Case'}}}}}
      /cases/{caseId}:
        parameters: [{name: caseId, in: path, required: true, schema: {type: string}}]
        get:
          operationId: getCase
          responses:
            '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Case'}}}}
            '404': {description: none}
        patch:
          operationId: changeCase
          requestBody: {content: {application/json: {schema: {type: object, properties: {title: {type: string}}}}}}
          responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Case'}}}},
	'404': {description: none}}
        delete:
          operationId: dropCase
          responses: {'204': {description: gone}, '404': {description: none}}
      /health:
        get:
          operationId: health
          security: []
          responses: {'200': {description: ok, content: {text/plain: {schema: {type: string, example: fine}}}}}
`

// A caller calls the sandbox over HTTP, and holds what comes back against the contract.
type caller struct {
	t         *testing.T
	url       string
	token     string
	transport http.RoundTripper
}

func (c *caller) call(method, path, body string) (int, string, map[string]any) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body == "" {
		req.Body = nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if made := resp.Header.Get("X-Aver-Sandbox"); made != "example" && resp.StatusCode < 400 {
		c.t.Errorf("%s %s: the header says %q", method, path, made)
	}
	var value map[string]any
	_ = json.Unmarshal(text, &value)
	return resp.StatusCode, string(text), value
}

func whole(t *testing.T) []byte {
	t.Helper()
	notes, err := os.ReadFile("../examples/extended/extension.overlay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, err := overlay.Apply(overlay.File{Name: "openapi.yaml", Text: aver.Spec}, overlay.File{Name: "notes", Text: notes},
		overlay.File{Name: "more", Text: []byte(more)})
	if err != nil {
		t.Fatal(err)
	}
	return document.Text
}

// Operations that only the contract knows are served from it: authenticated, checked, remembered, and always as the contract says.
func TestOperationsOfAnExtendedContract(t *testing.T) {
	document := whole(t)
	box := sandbox.Start(t, sandbox.WithContract(document))
	spec, err := contract.New(document)
	if err != nil {
		t.Fatal(err)
	}
	checked := contract.NewTransport(http.DefaultTransport, contract.WithContract(spec), contract.WithResponsesOnly(),
		contract.WithReport(func(v []contract.Violation) {
			for _, violation := range v {
				if violation.Status < 400 { // the contract of this test documents few errors
					t.Error(violation)
				}
			}
		}))
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	c := &caller{t: t, url: box.URL, transport: checked}
	if status, text, _ := c.call("GET", "/health", ""); status != 200 || text != "fine" {
		t.Errorf("%d %s", status, text)
	}
	if status, _, _ := c.call("GET", "/cases?limit=1", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	c.token = token(t, box)
	for body, want := range map[string]int{`{"title":7}`: 400, `{}`: 400, `{"title":"Stolen","state":"closed"}`: 201, `{"title":"x"}`: 201} {
		if status, text, _ := c.call("POST", "/cases", body); status != want {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	for path, want := range map[string]int{"/cases": 400, "/cases?limit=11": 400, "/cases?limit=x": 400, "/cases?limit=2": 200} {
		if status, text, _ := c.call("GET", path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	_, _, opened := c.call("POST", "/cases", `{"title":"Stolen card","state":"closed"}`)
	id, _ := opened["caseId"].(string)
	if opened["title"] != "Stolen card" || opened["state"] != "closed" || id == "" {
		t.Fatalf("%v", opened)
	}
	if _, _, got := c.call("GET", "/cases/"+id, ""); got["title"] != "Stolen card" || got["caseId"] != id || got["state"] != "closed" {
		t.Errorf("%v", got)
	}
	if _, _, got := c.call("PATCH", "/cases/"+id, `{"title":"Found card"}`); got["title"] != "Found card" || got["caseId"] != id {
		t.Errorf("%v", got)
	}
	if _, text, _ := c.call("GET", "/cases?limit=9", ""); !strings.Contains(text, "Found card") || strings.Count(text, "caseId") < 3 {
		t.Errorf("%s", text)
	}
	for _, want := range []int{204, 404} {
		if status, _, _ := c.call("DELETE", "/cases/"+id, ""); status != want {
			t.Errorf("deleted: %d", status)
		}
	}
	if status, _, _ := c.call("GET", "/cases/"+id, ""); status != 404 {
		t.Errorf("what was deleted: %d", status)
	}
	if status, _, note := c.call("POST", "/check/c1/notes", `{"text":"x"}`); status != 200 || note["id"] == "" {
		t.Errorf("%d %v", status, note)
	}
}

// Faults go for them as for all.
func TestFaultsOfAnExtendedContract(t *testing.T) {
	box := sandbox.Start(t, sandbox.WithContract(whole(t)),
		sandbox.WithFaults(sandbox.Faults{Rate: 1, Status: 503, Operations: []string{"listCases"}}))
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, box.URL+"/cases?limit=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token(t, box))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("X-Aver-Sandbox") != "fault" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if _, err := sandbox.New(sandbox.WithFaults(sandbox.Faults{Rate: 1, Operations: []string{"listCases"}})); err == nil {
		t.Error("an operation that the contract lacks is to go wrong")
	}
	for _, text := range []string{"", "x", "openapi: 3.1.0"} {
		if _, err := sandbox.New(sandbox.WithContract([]byte(text))); err == nil || !strings.Contains(err.Error(), "WithContract") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func token(t *testing.T, box *sandbox.Server) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, box.URL+"/auth/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(box.Key, box.Secret)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Token
}
