package aver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/sandbox"
)

// testdata/vendor holds, a file each, every request and answer that the vendor's documents, examples and SDKs print: the
// same shapes, with each null, missing and odd field, around values of our own. A file is named by the operation, by what
// it is, and by where it was found.
func vendorFiles(t *testing.T, kind string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/vendor/*." + kind + ".*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	found := make(map[string][]byte)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimSuffix(filepath.Base(file), ".json")] = content
	}
	return found
}

// vendorRequests says where a request of an operation goes, and how the typed client makes it.
var vendorRequests = map[string]struct {
	path  string
	typed func(context.Context, *api.Client, string, []byte) error
}{
	"refreshAuthToken": {"/auth/refresh/", typed(func(ctx context.Context, c *api.Client, _ string, r api.RefreshAuthTokenRequest) error {
		_, err := c.RefreshAuthToken(ctx, r)
		return err
	})},
	"createCheck": {"/check/create", typed(func(ctx context.Context, c *api.Client, _ string, r api.CreateCheckRequest) error {
		r.ThirdPartyIdentifier += " (typed)"
		_, err := c.CreateCheck(ctx, r)
		return err
	})},
	"createAccessLink": {"/check/$CHECK/accesslink", typed(func(ctx context.Context, c *api.Client, id string, r api.CreateAccessLinkRequest) error {
		_, err := c.CreateAccessLink(ctx, id, r)
		return err
	})},
	"addPersonalInfo": {"/check/$CHECK/personalinfo", typed(func(ctx context.Context, c *api.Client, id string, r api.AddPersonalInfoRequest) error {
		return c.AddPersonalInfo(ctx, id, r)
	})},
	"addPhone": {"/check/$CHECK/phone", typed(func(ctx context.Context, c *api.Client, id string, r api.AddPhoneRequest) error {
		return c.AddPhone(ctx, id, r)
	})},
	"addIdDocument": {"/check/$CHECK/iddocument", typed(func(ctx context.Context, c *api.Client, id string, r api.AddIDDocumentRequest) error {
		return c.AddIDDocument(ctx, id, r)
	})},
	"addPhotoDocument": {"/check/$CHECK/photodocument", typed(func(ctx context.Context, c *api.Client, id string, r api.AddPhotoDocumentRequest) error {
		return c.AddPhotoDocument(ctx, id, r)
	})},
	"addSupplementalDocument": {"/check/$CHECK/supplementaldocument",
		typed(func(ctx context.Context, c *api.Client, id string, r api.AddSupplementalDocumentRequest) error {
			return c.AddSupplementalDocument(ctx, id, r)
		})},
	"lookupChecks": {"/checklookup", typed(func(ctx context.Context, c *api.Client, _ string, r api.LookupChecksRequest) error {
		_, err := c.LookupChecks(ctx, r)
		return err
	})},
	"searchWatchlists": {"/watchlist/search", typed(func(ctx context.Context, c *api.Client, _ string, r api.SearchWatchlistsRequest) error {
		_, err := c.SearchWatchlists(ctx, r)
		return err
	})},
}

// typed reads a body as the client's type, which must lose nothing but what stands for absent, and has it sent.
func typed[T any](send func(context.Context, *api.Client, string, T) error) func(context.Context, *api.Client, string, []byte) error {
	return func(ctx context.Context, client *api.Client, id string, body []byte) error {
		var request T
		if err := json.Unmarshal(body, &request); err != nil {
			return err
		}
		again, err := json.Marshal(request)
		if err != nil {
			return err
		}
		if lost := missing(body, again); lost != "" {
			return fmt.Errorf("the type loses %s: %s", lost, again)
		}
		return send(ctx, client, id, request)
	}
}

// missing returns a text or a number of one JSON text that another lacks; nothing when there is none.
func missing(text, from []byte) string {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err.Error()
	}
	var walk func(any) string
	walk = func(v any) string {
		switch v := v.(type) {
		case map[string]any:
			for _, member := range v {
				if lost := walk(member); lost != "" {
					return lost
				}
			}
		case []any:
			for _, element := range v {
				if lost := walk(element); lost != "" {
					return lost
				}
			}
		case string, float64:
			if b, _ := json.Marshal(v); v != "" && !bytes.Contains(from, b) {
				return string(b)
			}
		case bool:
			if v && bytes.Count(from, []byte("true")) < bytes.Count(text, []byte("true")) {
				return "a true"
			}
		}
		return ""
	}
	return walk(v)
}

// Whatever the vendor prints as a request passes the checker and the sandbox, and the typed client can make it.
func TestVendorsRequestsPass(t *testing.T) {
	box := sandbox.Start(t)
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL), api.WithHTTPClient(&http.Client{Transport: contract.NewTransport(nil)}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	token, err := client.Provider().Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checker := contract.NewTransport(nil)
	defer checker.CloseIdleConnections()
	seen := make(map[string]bool)
	for name, body := range vendorFiles(t, "request") {
		operation, _, _ := strings.Cut(name, ".")
		if operation == "statusChanged" {
			continue
		}
		to, ok := vendorRequests[operation]
		if !ok {
			t.Fatalf("%s is of no operation with a body", name)
		}
		seen[operation] = true
		check, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: name, GroupID: box.GroupID, Email: "a@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		fill := strings.NewReplacer("$CHECK", check.CheckID, "$GROUP", box.GroupID, "$TOKEN", token.Value())
		sent := fill.Replace(string(body))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, box.URL+fill.Replace(to.path), strings.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token.Value())
		resp, err := checker.RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s %v", name, resp.Status, answer, err)
		}
		if err := to.typed(t.Context(), client, check.CheckID, []byte(sent)); err != nil {
			t.Errorf("%s, by the typed client: %v", name, err)
		}
	}
	if len(seen) != len(vendorRequests) {
		t.Errorf("requests of %d operations", len(seen))
	}
}

// vendorAnswers calls each operation with the typed client.
var vendorAnswers = map[string]func(context.Context, *api.Client) (any, error){
	"getAuthToken": func(ctx context.Context, c *api.Client) (any, error) { return c.GetAuthToken(ctx) },
	"refreshAuthToken": func(ctx context.Context, c *api.Client) (any, error) {
		return c.RefreshAuthToken(ctx, api.RefreshAuthTokenRequest{Token: "t"})
	},
	"createCheck": func(ctx context.Context, c *api.Client) (any, error) {
		return c.CreateCheck(ctx, api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: "a@example.com"})
	},
	"createAccessLink": func(ctx context.Context, c *api.Client) (any, error) {
		return c.CreateAccessLink(ctx, "c1", api.CreateAccessLinkRequest{})
	},
	"addPersonalInfo": func(ctx context.Context, c *api.Client) (any, error) {
		return "success", c.AddPersonalInfo(ctx, "c1", api.AddPersonalInfoRequest{FirstName: "A", LastName: "B"})
	},
	"addPhone": func(ctx context.Context, c *api.Client) (any, error) {
		return "success", c.AddPhone(ctx, "c1", api.AddPhoneRequest{Number: "1", Country: "US"})
	},
	"addIdDocument": func(ctx context.Context, c *api.Client) (any, error) {
		return "success", c.AddIDDocumentWithImage(ctx, "c1", api.AddIDDocumentWithImageRequest{Type: api.DocumentTypePassportImage,
			Side: api.DocumentSideFront, Image: tinyJPEG})
	},
	"addPhotoDocument": func(ctx context.Context, c *api.Client) (any, error) {
		return "success", c.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: tinyJPEG})
	},
	"addSupplementalDocument": func(ctx context.Context, c *api.Client) (any, error) {
		return "success", c.AddSupplementalDocumentWithImage(ctx, "c1",
			api.AddSupplementalDocumentWithImageRequest{Type: api.SupplementalDocumentTypeTaxDocument, Image: tinyJPEG})
	},
	"getPhotoInstruction": func(ctx context.Context, c *api.Client) (any, error) { return c.GetPhotoInstruction(ctx, "c1") },
	"submitCheck":         func(ctx context.Context, c *api.Client) (any, error) { return c.SubmitCheck(ctx, "c1") },
	"getCheck":            func(ctx context.Context, c *api.Client) (any, error) { return c.GetCheck(ctx, "c1") },
	"getCheckByThirdPartyIdentifier": func(ctx context.Context, c *api.Client) (any, error) {
		//lint:ignore SA1019 older documents print it
		return c.GetCheckByThirdPartyIdentifier(ctx, "p")
	},
	"lookupChecks": func(ctx context.Context, c *api.Client) (any, error) {
		return c.LookupChecks(ctx, api.LookupChecksRequest{Email: "a@example.com"})
	},
	"getCheckResults":  func(ctx context.Context, c *api.Client) (any, error) { return c.GetCheckResults(ctx, "c1") },
	"getCheckDocument": func(ctx context.Context, c *api.Client) (any, error) { return c.GetCheckDocument(ctx, "c1", "d1") },
	"searchWatchlists": func(ctx context.Context, c *api.Client) (any, error) {
		return c.SearchWatchlists(ctx, api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "b"})
	},
	"getWatchlistSearch":          func(ctx context.Context, c *api.Client) (any, error) { return c.GetWatchlistSearch(ctx, "w1") },
	"getWatchlistSearchByCheckId": func(ctx context.Context, c *api.Client) (any, error) { return c.GetWatchlistSearchByCheckID(ctx, "c1") },
	"getWatchlistSearchResults":   func(ctx context.Context, c *api.Client) (any, error) { return c.GetWatchlistSearchResults(ctx, "w1") },
	"listSearchedLists":           func(ctx context.Context, c *api.Client) (any, error) { return c.ListSearchedLists(ctx, "w1") },
}

var tinyJPEG = api.ImageBytes("a.jpg", []byte("\xff\xd8\xff\xe0\x00\x04JF"))

// Whatever the vendor prints as an answer passes the checker, and the typed client reads all of it.
func TestVendorsAnswersPass(t *testing.T) {
	seen := make(map[string]bool)
	for name, body := range vendorFiles(t, "answer") {
		operation, _, _ := strings.Cut(name, ".")
		call, ok := vendorAnswers[operation]
		if !ok {
			t.Fatalf("%s is of no operation", name)
		}
		seen[operation] = true
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			switch {
			case strings.HasSuffix(r.URL.Path, "/auth/token") && operation != "getAuthToken":
				_, _ = io.WriteString(w, `{"token":"opaque"}`)
			case strings.HasSuffix(r.URL.Path, "/checklookup") && operation == "createCheck":
				_, _ = io.WriteString(w, `[]`)
			default:
				_, _ = w.Write(body)
			}
		}))
		client, err := api.New("k", "s", api.WithBaseURL(srv.URL+"/api"),
			api.WithHTTPClient(&http.Client{Transport: contract.NewTransport(srv.Client().Transport)}))
		if err != nil {
			t.Fatal(err)
		}
		result, err := call(t.Context(), client)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if again, err := json.Marshal(result); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if lost := missing(body, again); lost != "" {
			t.Errorf("%s: the type loses %s", name, lost)
		}
		_ = client.Close()
		srv.Close()
	}
	if len(seen) != len(vendorAnswers) {
		t.Errorf("answers of %d operations", len(seen))
	}
}

// Whatever the vendor prints as a notification passes the checker, with a header or without.
func TestVendorsNotificationsPass(t *testing.T) {
	seen := 0
	for name, body := range vendorFiles(t, "request") {
		if !strings.HasPrefix(name, "statusChanged.") {
			continue
		}
		seen++
		for _, header := range []string{"", "my_security_header_value"} {
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			if err := contract.CheckWebhook(r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		var notification api.StatusChangedNotification
		if err := json.Unmarshal(body, &notification); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, _ := json.Marshal(notification)
		if lost := missing(bytes.Replace(body, []byte(`" 12345"`), []byte(`"12345"`), 1), again); lost != "" {
			t.Errorf("%s: the type loses %s", name, lost)
		}
		if group := notification.StatusMessage.GroupID; group != strings.TrimSpace(group) {
			t.Errorf("%s: the group is %q", name, group)
		}
	}
	if seen < 4 {
		t.Errorf("%d notifications", seen)
	}
	for _, bad := range []string{`{}`, `{"statusMessage":{}}`, `{"statusMessage":{"type":"","id":"c","status":"Completed"}}`,
		`{"statusMessage":{"type":"LiveCheck","id":7,"status":"Completed"}}`, `[]`} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(bad))
		r.Header.Set("Content-Type", "application/json")
		if err := contract.CheckWebhook(r); err == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

// What is wrong in the vendor's clients stays wrong: a request that carries it is refused, by its name.
func TestBugsOfVendorsClientsAreNotAccepted(t *testing.T) {
	box := sandbox.Start(t)
	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	token, err := client.Provider().Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: box.GroupID, Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ path, body string }{
		"side:": {"/iddocument", `{"docType":"PassportImage","side:":"Front","fileName":"f","fileContent":"data:image/jpeg;base64,/9j/4AAQ"}`},
		"state": {"/personalinfo", `{"firstName":"A","lastName":"B","state":"TX"}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, box.URL+"/check/"+check.CheckID+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token.Value())
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		var problem struct{ Errors map[string][]string }
		_ = json.NewDecoder(resp.Body).Decode(&problem)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !slices.Contains(problem.Errors[name], "is not a property of this request") {
			t.Errorf("%s: %s %v", name, resp.Status, problem.Errors)
		}
	}
}
