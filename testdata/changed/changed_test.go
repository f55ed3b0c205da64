package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/contract"
)

// The root package's tests change a copy of the contract and then run this test in the copy.
func TestChangedContract(t *testing.T) {
	attempts := 0
	var last string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last = r.URL.RequestURI() + " " + string(body)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/auth/token"):
			_, _ = io.WriteString(w, `{"token":"opaque"}`)
		case strings.HasSuffix(r.URL.Path, "/phone"):
			attempts++
			w.WriteHeader(http.StatusInternalServerError)
		case strings.HasSuffix(r.URL.Path, "/searchedlists"):
			_, _ = io.WriteString(w, `[]`)
		default:
			_, _ = io.WriteString(w, `"success"`)
		}
	}))
	defer srv.Close()
	var violations []contract.Violation
	checked := contract.NewTransport(srv.Client().Transport, contract.WithReport(func(v []contract.Violation) {
		violations = append(violations,
			v...)
	}))
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"), api.WithHTTPClient(&http.Client{Transport: checked}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()

	// Properties, one of them sensitive; and a retry policy.
	phone := api.AddPhoneRequest{Number: "PRIVATE-NUMBER", Extension: "PRIVATE-EXTENSION", Carrier: "a carrier", Country: "US"}
	if printed := fmt.Sprintf("%v %+v", phone, &phone); strings.Contains(printed, "PRIVATE") || !strings.Contains(printed, "a carrier") {
		t.Errorf("printed as %s", printed)
	}
	err = client.AddPhone(ctx, "c1", phone)
	if !errors.Is(err, api.ErrOutcomeUnknown) || attempts != 1 || !strings.Contains(last, `"extension":"PRIVATE-EXTENSION"`) {
		t.Errorf("%v after %d attempts, %s", err, attempts, last)
	}

	// An enumeration value, also where an image is streamed.
	image := api.ImageBytes("a.jpg", []byte("\xff\xd8\xff\xe0\x00\x04ab"))
	if err := client.AddIDDocumentWithImage(ctx, "c1", api.AddIDDocumentWithImageRequest{Type: api.DocumentTypePassportImage,
		Side: api.DocumentSideSpine, Pages: 3, Image: image}); err != nil || !strings.Contains(last, `"side":"Spine"`) ||
		!strings.Contains(last, `"pages":3`) {
		t.Errorf("%v, %s", err, last)
	}

	// A query parameter.
	if _, err := client.ListSearchedLists(ctx, "w1", &api.ListSearchedListsParams{Since: new("2026")}); err != nil || !strings.Contains(last,
		"?since=2026") {
		t.Errorf("%v, %s", err, last)
	}

	// A second webhook.
	expired := api.DocumentExpiredNotification{Document: "d1", Holder: "PRIVATE"}
	if printed := fmt.Sprint(expired); strings.Contains(printed, "PRIVATE") || !strings.Contains(printed, "d1") {
		t.Errorf("printed as %s", printed)
	}
	got, err := api.ReadNotification([]byte(`{"document":"d1","holder":"h"}`))
	if err != nil || got.Webhook != "documentExpired" || got.Value.(*api.DocumentExpiredNotification).Holder != "h" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := api.ReadNotification([]byte(`{"statusMessage":{"type":"LiveCheck","id":"c","status":"Failed"}}`)); err != nil ||
		got.Webhook != "statusChanged" {
		t.Errorf("%v, %v", got, err)
	}
	for body, ok := range map[string]bool{`{"document":"d1","holder":"h"}`: true,
		`{"statusMessage":{"type":"LiveCheck","id":"c","groupId":"g","status":"Failed"}}`: true, `{"document":7}`: false} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if err := contract.CheckWebhook(r); (err == nil) != ok {
			t.Errorf("%s: %v", body, err)
		}
	}

	// Both sides keep the contract, but for the failure that is not in it.
	if len(violations) != 1 || violations[0].Operation != "addPhone" || !strings.Contains(violations[0].Got, "500") {
		t.Errorf("%v", violations)
	}
}
