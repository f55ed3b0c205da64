package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An operation that was added is a command.
func TestAddedOperationIsACommand(t *testing.T) {
	sent := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/auth/token") {
			_, _ = io.WriteString(w, `{"token":"opaque"}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		sent = r.Method + " " + r.URL.String() + " " + string(body)
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer srv.Close()
	t.Setenv("AVER_API_KEY", "key")
	t.Setenv("AVER_API_SECRET", "secret")
	t.Setenv("AVER_BASE_URL", srv.URL)
	out, err := aver(t.Context(), "call", "writeNote", "--id", "c1", "--note-id", "7", "--text", "seen", "--weight", "5", "--names", "a,b", "--married",
		"--mood", "GOOD", "--place", `{"floor":3}`, "--pinned")
	const want = "POST /check/c1/notes/7?pinned=true "
	if err == nil || !strings.Contains(err.Error(), "400") || !strings.HasPrefix(sent, want) {
		t.Fatalf("%v, sent %s\n%s", err, sent, out)
	}
	for _, piece := range []string{`"text":"seen"`, `"weight":5`, `"names":["a","b"]`, `"married":true`, `"mood":"good"`, `"floor":3`} {
		if !strings.Contains(sent, piece) {
			t.Errorf("sent %s, without %s", sent, piece)
		}
	}
	if help, err := aver(t.Context(), "call", "writeNote", "--help"); err != nil ||
		!strings.Contains(help, "How much it counts. One of 1, 5. (required)") {
		t.Errorf("%v\n%s", err, help)
	}
}
