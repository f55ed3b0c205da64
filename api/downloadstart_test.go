package api_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goaver/aver-go/api"
)

// A proxy knows the media type before it has to pass on the first byte.
func TestDownloadTellsTheMediaTypeFirst(t *testing.T) {
	whole := `{"base64":"data:image/png;base64,` + base64.StdEncoding.EncodeToString(picture(50_000)) + `"}`
	steps := func(all ...http.HandlerFunc) map[string][]http.HandlerFunc {
		return map[string][]http.HandlerFunc{"GET /checkdoc/c1/d1": all}
	}
	client, _ := scripted(t, steps(answer(503, "", ""), ok(whole)))
	var w bytes.Buffer
	var told []string
	tell := api.WithDownloadStart(func(mediaType string) {
		if w.Len() > 0 {
			t.Error("told after the first byte")
		}
		told = append(told, mediaType)
	})
	if _, err := client.DownloadCheckDocument(t.Context(), "c1", "d1", &w, tell); err != nil || strings.Join(told, " ") != "image/png" ||
		w.Len() != 50_000 {
		t.Errorf("%v, %q, %d bytes", err, told, w.Len())
	}

	told = nil
	w.Reset()
	client, _ = scripted(t, steps(ok(whole[:40_000]), ok(whole)))
	if _, err := client.DownloadCheckDocumentFile(t.Context(), "c1", "d1", filepath.Join(t.TempDir(), "f"), tell); err != nil ||
		strings.Join(told, " ") != "image/png image/png" {
		t.Errorf("to a file, begun anew: %v, %q", err, told)
	}

	told = nil
	client, _ = scripted(t, steps(ok(`{"base64":"/9j/"}`)))
	if _, err := client.DownloadCheckDocument(t.Context(), "c1", "d1", &w, tell); !errors.Is(err, api.ErrUnexpectedResponse) || len(told) > 0 {
		t.Errorf("no image: %v, %q", err, told)
	}
	client, s := scripted(t, steps(ok(whole)))
	panics := api.WithDownloadStart(func(string) { panic("private") })
	if _, err := client.DownloadCheckDocument(t.Context(), "c1", "d1", &w, panics); err == nil || strings.Contains(err.Error(), "private") ||
		s.total("GET /checkdoc/c1/d1") != 1 || w.Len() > 0 {
		t.Errorf("a panic: %v, %d bytes", err, w.Len())
	}
}
