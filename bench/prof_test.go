package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"errors"
)

func BenchmarkUp(b *testing.B) {
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
	preEncoded(image)
	fair := func(ctx context.Context, image []byte) error {
		pr, pw := io.Pipe()
		go func() {
			io.WriteString(pw, `{"docType":"PassportImage","fileContent":"data:image/jpeg;base64,`)
			e := base64.NewEncoder(base64.StdEncoding, pw)
			io.Copy(e, struct{ io.Reader }{bytes.NewReader(image)})
			e.Close()
			io.WriteString(pw, `","fileName":"front.jpg","side":"Front"}`)
			pw.Close()
		}()
		req, _ := http.NewRequestWithContext(ctx, "POST", srv.URL+"/api/check/c1/iddocument", pr)
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
	for _, c := range []client{{name: "fair", upload: fair}, all[0], all[1]} {
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
