package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// The root package's tests add two operations to a copy of the contract and then run this test in the copy.
func TestAddedOperation(t *testing.T) {
	box := sandbox.Start(t)
	mux := http.NewServeMux()
	mux.Handle("/", box)
	authenticated := func(r *http.Request) bool {
		probe := httptest.NewRequest(http.MethodGet, "/api/check/none", nil)
		probe.Header.Set("Authorization", r.Header.Get("Authorization"))
		answer := httptest.NewRecorder()
		box.ServeHTTP(answer, probe)
		return answer.Code == http.StatusNotFound // and not 401
	}
	mux.HandleFunc("POST /api/check/{id}/notes/{note}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !authenticated(r) || r.PathValue("note") != "7" || r.FormValue("pinned") != "true" || !strings.Contains(string(body), `"text":"seen"`) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"n-`+r.PathValue("id")+`"}`)
	})
	mux.HandleFunc("PUT /api/check/{id}/notes/{note}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if authenticated(r) && string(body) == `{"caption":"PRIVATE","content":"data:image/jpeg;base64,/9j/4AAEYWI=","title":"a.jpg"}` {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	})
	mux.HandleFunc("DELETE /api/check/{id}/notes/{note}", func(w http.ResponseWriter, r *http.Request) {
		if authenticated(r) {
			w.WriteHeader(http.StatusNoContent)
		}
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(srv.URL+"/api"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	note, err := client.WriteNote(t.Context(), "c1", 7, &api.WriteNoteParams{Pinned: new(true)}, api.Note{Text: "seen", Weight: 5})
	if err != nil || note.ID != "n-c1" {
		t.Fatalf("WriteNote = %v, %v", note, err)
	}
	if _, err := client.WriteNote(t.Context(), "", 7, nil, api.Note{Text: "seen", Weight: 5}); !errors.Is(err, api.ErrInvalidRequest) {
		t.Fatalf("an empty ID: %v", err)
	}
	// The contract's policies hold for what is new: values are checked, and what is personal does not print.
	bad := api.Note{Text: "", Weight: 2, Mood: "odd"}
	if errs := bad.Validate(); len(errs["text"]) != 1 || len(errs["weight"]) != 1 || len(errs["mood"]) != 1 || len(errs) != 3 {
		t.Errorf("Validate = %v", errs)
	}
	private := api.Note{Text: "PRIVATE", Age: 77123, Names: []string{"PRIVATE"}, Married: new(true), Weight: 5}
	if err := json.Unmarshal([]byte(`{"place":{"street":"PRIVATE","floor":3}}`), &private); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "note", private)
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v %s", private, private, &private, private), log.String()} {
		if strings.Contains(printed, "PRIVATE") || strings.Contains(printed, "77123") || !strings.Contains(printed, "REDACTED") ||
			!strings.Contains(printed, "floor") {
			t.Errorf("printed as %s", printed)
		}
	}
	if texts := strings.Join(private.Sensitive(), " "); texts != "77123 PRIVATE PRIVATE PRIVATE" {
		t.Errorf("Sensitive = %q", texts)
	}
	if err := client.UploadNoteImage(t.Context(), "c1", 7, api.NoteImageUpload{Caption: "PRIVATE",
		Image: api.ImageBytes("a.jpg", []byte("\xff\xd8\xff\xe0\x00\x04ab"))}); err != nil {
		t.Fatalf("UploadNoteImage: %v", err)
	}
	if printed := fmt.Sprint(api.NoteImageUpload{Caption: "PRIVATE"}); strings.Contains(printed, "PRIVATE") {
		t.Errorf("printed as %s", printed)
	}
	if err := client.DeleteNote(t.Context(), "c1", 7); err != nil {
		t.Fatalf("DeleteNote: %v", err)
	}
}
