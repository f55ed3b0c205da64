package webhook_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/webhook"
)

// A honest service knows one check, which is done.
type honest struct{}

func (honest) GetCheck(_ context.Context, id string, _ ...api.CallOption) (*api.Check, error) {
	if id == "c1" {
		return &api.Check{ID: "c1", Status: api.CheckStatusCompleted}, nil
	}
	return nil, api.ErrNotFound
}

func (honest) GetWatchlistSearch(context.Context, string, ...api.CallOption) (*api.WatchlistSearch, error) {
	return nil, api.ErrNotFound
}

// Whatever is sent, the handler hears of what is true alone, once, and nobody without the secret is heard.
func FuzzReceiver(f *testing.F) {
	f.Add(secret, "application/json", []byte(notification("LiveCheck", "c1", "Completed")))
	f.Add("", "text/html", []byte("<html>"))
	f.Add(secret, "", []byte(`{"statusMessage":{"id":"c1","type":"\ud800","status":null}}`))
	f.Fuzz(func(t *testing.T, header, contentType string, body []byte) {
		events := 0
		var last webhook.Delivery
		r, err := webhook.New(func(_ context.Context, e webhook.Event) error {
			if events++; e.Check == nil || e.ID != "c1" || e.Key() != "check/c1/Completed" {
				t.Errorf("%v", e)
			}
			return nil
		}, webhook.WithSecret("X-Proof", secret), webhook.WithClient(honest{}), webhook.WithHook(func(_ context.Context,
			d webhook.Delivery) {
			last = d
		}))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			req.Header["X-Proof"], req.Header["Content-Type"] = []string{header}, []string{contentType}
			w := httptest.NewRecorder()
			r.ServeHTTP(w, req)
			if w.Code != last.Status || w.Code == 500 || header != secret && w.Code != 401 || fmt.Sprint(last) == "" {
				t.Errorf("%d, %v", w.Code, last)
			}
		}
		if events > 1 || events == 1 && header != secret {
			t.Errorf("%d events", events)
		}
	})
}
