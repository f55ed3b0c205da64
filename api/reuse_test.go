package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
)

// A reader is free again only when nobody reads it any more: not while progress is told of a call that was cancelled, although HTTP/2
// lets such a call go at once.
func TestReaderIsFreeWhenNobodyReadsIt(t *testing.T) {
	srv := httptest.NewUnstartedServer(exchanging(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `"success"`)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	client, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"), api.WithHTTPClient(srv.Client()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	image := api.ImageReader("a.jpg", bytes.NewReader(picture(300_000)))
	send := func(ctx context.Context, progress func(sent, total int64)) error {
		return client.AddPhotoDocumentWithImage(ctx, "c1", api.AddPhotoDocumentWithImageRequest{Image: image}, api.WithUploadProgress(progress))
	}
	ctx, leave := context.WithCancel(t.Context())
	told, goOn, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	go func() {
		var once sync.Once
		first <- send(ctx, func(sent, total int64) {
			if sent == total {
				once.Do(func() { close(told); <-goOn })
			}
		})
	}()
	<-told
	leave()
	for begun := time.Now(); time.Since(begun) < 200*time.Millisecond; { // the first call notices meanwhile that it was cancelled
		if err := send(t.Context(), nil); !errors.Is(err, api.ErrInvalidRequest) {
			t.Fatalf("while it is read: %v", err)
		}
	}
	release()
	if err := <-first; !errors.Is(err, context.Canceled) && !errors.Is(err, api.ErrOutcomeUnknown) && err != nil {
		t.Errorf("the first: %v", err)
	}
	sent := int64(0)
	if err := send(t.Context(), func(n, _ int64) { sent = n }); err != nil || sent != 300_000 {
		t.Errorf("afterwards: %d bytes, %v", sent, err)
	}
}
