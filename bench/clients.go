package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/bench/peer/ogen"
	"github.com/goaver/aver-go/bench/peer/plain"
	"github.com/goaver/aver-go/wire/dataurl"
)

// A client does the same work as the others, its own way. What it cannot do is nil.
type client struct {
	name     string
	check    func(context.Context) error         // a small typed GET
	results  func(context.Context) error         // results with many hits
	upload   func(context.Context, []byte) error // an image from a reader
	download func(context.Context) error         // an image, dropped
}

const (
	ours       = "aver-go"
	hand       = "hand-written net/http + encoding/json"
	fairName   = "hand-written, encoding while it sends"
	plainOAPI  = "plain oapi-codegen"
	ogenClient = "ogen"
)

// clients returns each client of the service behind a transport.
func clients(url string, transport http.RoundTripper) ([]client, error) {
	own, err := newOwn(url, transport)
	if err != nil {
		return nil, err
	}
	oapi, err := newPlain(url, transport)
	if err != nil {
		return nil, err
	}
	ogenerated, err := newOgen(url, transport)
	if err != nil {
		return nil, err
	}
	source := oauth2.ReuseTokenSource(nil, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token", Expiry: time.Now().Add(time.Hour)}))
	return []client{
		newHand(hand, url, &http.Client{Transport: transport}, "Bearer token"),
		own, oapi, ogenerated,
		newHand("hand-written with x/oauth2's Transport", url, &http.Client{Transport: &oauth2.Transport{Source: source, Base: transport}}, ""),
	}, nil
}

func newOwn(url string, transport http.RoundTripper) (client, error) {
	c, err := api.New("key", "secret", api.WithBaseURL(url), api.WithHTTPClient(&http.Client{Transport: transport}),
		api.WithMaxImageSize(64<<20))
	if err != nil {
		return client{}, err
	}
	return client{
		name: ours,
		check: func(ctx context.Context) error {
			_, err := c.GetCheck(ctx, "c1")
			return err
		},
		results: func(ctx context.Context) error {
			_, err := c.GetWatchlistSearchResults(ctx, "w1")
			return err
		},
		upload: func(ctx context.Context, image []byte) error {
			return c.AddIDDocumentWithImage(ctx, "c1", api.AddIDDocumentWithImageRequest{
				Type: api.DocumentTypePassportImage, Side: api.DocumentSideFront, Image: api.ImageReader("front.jpg", bytes.NewReader(image)),
			})
		},
		download: func(ctx context.Context) error {
			_, err := c.DownloadCheckDocument(ctx, "c1", "d1", io.Discard)
			return err
		},
	}, nil
}

// readDataURL reads an image and returns it as a Data URL, as a client must that has no way to stream it.
func readDataURL(image []byte) (string, error) {
	content, err := io.ReadAll(dataurl.Encode(bytes.NewReader(image)))
	return dataurl.Prefix("image/jpeg") + string(content), err
}

func newPlain(url string, transport http.RoundTripper) (client, error) {
	c, err := plain.NewClientWithResponses(url, plain.WithHTTPClient(&http.Client{Transport: transport}),
		plain.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
			req.Header.Set("Authorization", "Bearer token")
			return nil
		}))
	return client{
		name: plainOAPI,
		check: func(ctx context.Context) error {
			r, err := c.GetCheckWithResponse(ctx, "c1")
			return some(r, err, func() bool { return r.JSON200 != nil })
		},
		results: func(ctx context.Context) error {
			r, err := c.GetWatchlistSearchResultsWithResponse(ctx, "w1")
			return some(r, err, func() bool { return r.JSON200 != nil })
		},
		upload: func(ctx context.Context, image []byte) error {
			url, err := readDataURL(image)
			if err != nil {
				return err
			}
			r, err := c.AddIdDocumentWithResponse(ctx, "c1", plain.AddIdDocumentRequest{DocType: "PassportImage", Side: "Front", FileName: "front.jpg",
				FileContent: url})
			return some(r, err, func() bool { return r.JSON200 != nil })
		},
		download: func(ctx context.Context) error {
			r, err := c.GetCheckDocumentWithResponse(ctx, "c1", "d1")
			return some(r, err, func() bool { return r.JSON200 != nil })
		},
	}, err
}

func some[T any](_ T, err error, there func() bool) error {
	if err == nil && !there() {
		return fmt.Errorf("no answer")
	}
	return err
}

type fixedToken struct{}

func (fixedToken) BearerAuth(context.Context, ogen.OperationName) (ogen.BearerAuth, error) {
	return ogen.BearerAuth{Token: "token"}, nil
}

func newOgen(url string, transport http.RoundTripper) (client, error) {
	c, err := ogen.NewClient(url, fixedToken{}, ogen.WithClient(&http.Client{Transport: transport}))
	return client{
		name: ogenClient,
		check: func(ctx context.Context) error {
			_, err := c.GetCheck(ctx, ogen.GetCheckParams{ID: "c1"})
			return err
		},
		results: func(ctx context.Context) error {
			_, err := c.GetWatchlistSearchResults(ctx, ogen.GetWatchlistSearchResultsParams{ID: "w1"})
			return err
		},
		upload: func(ctx context.Context, image []byte) error {
			url, err := readDataURL(image)
			if err != nil {
				return err
			}
			_, err = c.AddIdDocument(ctx, &ogen.AddIdDocumentRequest{DocType: "PassportImage", Side: "Front", FileName: "front.jpg",
				FileContent: ogen.DataURL(url)}, ogen.AddIdDocumentParams{ID: "c1"})
			return err
		},
		download: func(ctx context.Context) error {
			_, err := c.GetCheckDocument(ctx, ogen.GetCheckDocumentParams{ID: "c1", DocId: "d1"})
			return err
		},
	}, err
}

// newHand returns what a careful engineer writes in an afternoon for a few operations.
func newHand(name, url string, c *http.Client, authorization string) client {
	do := func(ctx context.Context, method, path string, body io.Reader, length int64, answer any) error {
		req, err := http.NewRequestWithContext(ctx, method, url+path, body)
		if err != nil {
			return err
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		req.Header.Set("Accept", "application/json")
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
			req.ContentLength = length
		}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return json.NewDecoder(resp.Body).Decode(answer)
	}
	return client{
		name:  name,
		check: func(ctx context.Context) error { return do(ctx, "GET", "/check/c1", nil, 0, new(plain.Check)) },
		results: func(ctx context.Context) error {
			return do(ctx, "GET", "/watchlist/w1/results", nil, 0, new(plain.WatchlistSearchResults))
		},
		upload: func(ctx context.Context, image []byte) error { // the limit: encoded before the clock starts
			body := preEncoded(image)
			return do(ctx, "POST", "/check/c1/iddocument", struct{ io.Reader }{strings.NewReader(body)}, int64(len(body)), new(string))
		},
		download: func(ctx context.Context) error {
			return do(ctx, "GET", "/checkdoc/c1/d1", nil, 0, new(plain.CheckDocument))
		},
	}
}

// newFair returns a client that uploads as one writes it by hand: the image is encoded while it is sent.
func newFair(url string, c *http.Client) client {
	return client{name: fairName, upload: func(ctx context.Context, image []byte) error {
		body, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, `{"docType":"PassportImage","fileContent":"`+dataurl.Prefix("image/jpeg"))
			content := base64.NewEncoder(base64.StdEncoding, w)
			_, _ = io.Copy(content, struct{ io.Reader }{bytes.NewReader(image)})
			_ = content.Close()
			_, err := io.WriteString(w, `","fileName":"front.jpg","side":"Front"}`)
			_ = w.CloseWithError(err)
		}()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/check/c1/iddocument", body)
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer token")
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return json.NewDecoder(resp.Body).Decode(new(string))
	}}
}

var encoded struct {
	image []byte
	body  string
}

// preEncoded returns the body of an upload. It is made once for an image.
func preEncoded(image []byte) string {
	if len(encoded.image) != len(image) || &encoded.image[0] != &image[0] {
		url, _ := readDataURL(image)
		body, _ := json.Marshal(map[string]string{"docType": "PassportImage", "fileContent": url, "fileName": "front.jpg", "side": "Front"})
		encoded.image, encoded.body = image, string(body)
	}
	return encoded.body
}
