package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/sandbox"

	"example.com/extended/averclient"
)

// What is added works like what was there: authenticated, checked before it is sent, printed without what is private,
// repeated by its policy, and held against the extended contract.
func TestExtendedClient(t *testing.T) {
	box := sandbox.Start(t)
	attempts, status := 0, http.StatusOK
	mux := http.NewServeMux()
	mux.Handle("/", box)
	mux.HandleFunc("POST /api/check/{id}/notes", func(w http.ResponseWriter, r *http.Request) {
		attempts++
		probe := httptest.NewRequest(http.MethodGet, "/api/check/none", nil)
		probe.Header.Set("Authorization", r.Header.Get("Authorization"))
		answer := httptest.NewRecorder()
		box.ServeHTTP(answer, probe)
		if answer.Code != http.StatusNotFound {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"id":"n1"}`)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	spec, err := contract.New(averclient.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var violations []contract.Violation
	transport := contract.NewTransport(srv.Client().Transport, contract.WithContract(spec),
		contract.WithReport(func(v []contract.Violation) { violations = append(violations, v...) }))
	client, err := averclient.New(box.Key, box.Secret, averclient.WithBaseURL(srv.URL+"/api"),
		averclient.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()

	created, err := client.CreateCheck(ctx, averclient.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: box.GroupID, Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	note, err := client.AddNote(ctx, created.CheckID, averclient.AddNoteRequest{Text: "private"})
	if err != nil || note.ID != "n1" || len(violations) > 0 {
		t.Fatalf("%v, %v, %v", note, err, violations)
	}
	if check, err := client.GetCheck(ctx, created.CheckID); err != nil || check.Branch != "" {
		t.Errorf("%v, %v", check, err)
	}
	if _, err := client.AddNote(ctx, created.CheckID, averclient.AddNoteRequest{}); !errors.Is(err, averclient.ErrInvalidRequest) {
		t.Errorf("an empty note: %v", err)
	}
	if text := fmt.Sprintf("%v", averclient.AddNoteRequest{Text: "private"}); strings.Contains(text, "private") {
		t.Errorf("printed as %s", text)
	}
	attempts, status = 0, http.StatusInternalServerError
	if _, err := client.AddNote(ctx, created.CheckID, averclient.AddNoteRequest{Text: "private"}); !errors.Is(err, averclient.ErrOutcomeUnknown) ||
		attempts != 1 {
		t.Errorf("%v after %d attempts", err, attempts)
	}
	if len(violations) != 1 || violations[0].Rule != contract.RuleStatus {
		t.Errorf("%v", violations)
	}
}
