package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/wire/dataurl"
)

type aheadReader struct {
	full, empty chan []byte
	cur, rest   []byte
	err         error
}

func ahead(r io.Reader, size, n int) *aheadReader {
	a := &aheadReader{full: make(chan []byte, n), empty: make(chan []byte, n)}
	for range n {
		a.empty <- make([]byte, size)
	}
	go func() {
		for b := range a.empty {
			n, err := io.ReadFull(r, b[:cap(b)])
			a.full <- b[:n]
			if err != nil {
				close(a.full)
				return
			}
		}
	}()
	return a
}

func (a *aheadReader) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.cur != nil {
			a.empty <- a.cur
		}
		b, ok := <-a.full
		if !ok {
			return 0, io.EOF
		}
		a.cur, a.rest = b, b
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func BenchmarkAhead(b *testing.B) {
	a, err := newAnswers()
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(a)
	defer srv.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	defer transport.CloseIdleConnections()
	all, err := clients(srv.URL+"/api", transport)
	if err != nil {
		b.Fatal(err)
	}
	image := picture()
	body := preEncoded(image)
	size := int64(len(body))
	send := func(ctx context.Context, r io.Reader) error {
		req, _ := http.NewRequestWithContext(ctx, "POST", srv.URL+"/api/check/c1/iddocument", r)
		req.ContentLength = size
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer token")
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != 200 {
			return errors.New("status")
		}
		return nil
	}
	pre := `{"docType":"PassportImage","fileContent":"data:image/jpeg;base64,`
	post := `","fileName":"front.jpg","side":"Front"}`
	enc := func() io.Reader {
		return io.MultiReader(bytes.NewReader([]byte(pre)), dataurl.Encode(struct{ io.Reader }{bytes.NewReader(image)}), bytes.NewReader([]byte(post)))
	}
	c, err := api.New("key", "secret", api.WithBaseURL(srv.URL+"/api"), api.WithHTTPClient(&http.Client{Transport: transport}))
	_ = c
	for _, c := range []client{all[0], {name: "direct", upload: func(ctx context.Context, _ []byte) error { return send(ctx, enc()) }},
		{name: "ahead 32x2", upload: func(ctx context.Context, _ []byte) error { return send(ctx, ahead(enc(), 32<<10, 2)) }},
		{name: "ahead 64x2", upload: func(ctx context.Context, _ []byte) error { return send(ctx, ahead(enc(), 64<<10, 2)) }},
		{name: "ahead 32x4", upload: func(ctx context.Context, _ []byte) error { return send(ctx, ahead(enc(), 32<<10, 4)) }},
		{name: "bytes", upload: func(ctx context.Context, image []byte) error {
			return c.AddIDDocumentWithImage(ctx, "c1", api.AddIDDocumentWithImageRequest{
				Type: api.DocumentTypePassportImage, Side: api.DocumentSideFront, Image: api.ImageBytes("front.jpg", image),
			})
		}},
		all[1]} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.upload(context.Background(), image); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
