package api_test

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/contract"
)

//go:embed calls.json
var callsJSON []byte

// Each call of the table is made to a server that answers as the table says. The root package's tests fill this in.
func TestCalls(t *testing.T) {
	var table []struct {
		Change, Sends, Returns, Prints, Fails string
		Answers, Credentials                  map[string]string
		Unchecked                             bool
	}
	if err := json.Unmarshal(callsJSON, &table); err != nil {
		t.Fatal(err)
	}
	for _, c := range table {
		t.Run(c.Change, func(t *testing.T) {
			var sent []string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api/auth/token" {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, `{"token":"t"}`)
					return
				}
				sent = append(sent, describe(r))
				status, _ := strconv.Atoi(c.Answers["status"])
				if status == 0 && c.Answers["body"] == "" {
					status = http.StatusNoContent
				}
				if media := c.Answers["type"]; media != "" || c.Answers["body"] != "" {
					if media == "" {
						media = "application/json"
					}
					w.Header().Set("Content-Type", media)
				}
				w.WriteHeader(max(status, 200))
				_, _ = io.WriteString(w, c.Answers["body"])
			}))
			defer srv.Close()
			checker := contract.NewTransport(nil)
			opts := []api.Option{api.WithBaseURL(srv.URL + "/api"), api.WithMaxAttempts(1)}
			if !c.Unchecked {
				opts = append(opts, api.WithHTTPClient(&http.Client{Transport: checker}))
			}
			for scheme, value := range c.Credentials {
				opts = append(opts, api.WithCredential(scheme, value))
			}
			client, err := api.New("k", "s", opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			defer checker.CloseIdleConnections()
			var streamed strings.Builder
			got, err := changes[c.Change](t.Context(), client, &streamed)
			if c.Fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.Fails) {
					t.Fatalf("%v, want %s", err, c.Fails)
				}
				if c.Sends == "" && len(sent) > 0 {
					t.Errorf("sent all the same: %q", sent)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v; sent %q", err, sent)
			}
			if want := strings.TrimSpace(c.Sends); want != "" && (len(sent) != 1 || strings.TrimSpace(sent[0]) != want) {
				t.Errorf("sent\n%s\nwant\n%s", strings.Join(sent, "\n"), want)
			}
			if returned := written(got) + streamed.String(); c.Returns != "" && returned != strings.TrimSpace(c.Returns) {
				t.Errorf("returned\n%s\nwant\n%s", returned, c.Returns)
			}
			if printed := fmt.Sprintf("%v", got); c.Prints != "" && printed != c.Prints {
				t.Errorf("printed\n%s\nwant\n%s", printed, c.Prints)
			}
		})
	}
}

// written returns a value in JSON.
func written(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

var boundary = regexp.MustCompile(`[0-9a-f]{60}`)

// describe writes a request down: what is the same of all is left out.
func describe(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, strings.TrimPrefix(r.URL.RequestURI(), "/api"))
	var names []string
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(r.Header[name], ", ")
		if value != "application/json" && value != "Bearer t" && !slices.Contains([]string{"User-Agent", "Accept-Encoding", "Content-Length"}, name) {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if len(r.TransferEncoding) > 0 {
		fmt.Fprintf(&b, "Transfer-Encoding: %s\n", r.TransferEncoding)
	}
	body, _ := io.ReadAll(r.Body)
	b.Write(body)
	return strings.ReplaceAll(boundary.ReplaceAllString(b.String(), "BOUNDARY"), "\r\n", "\n")
}

// none is the result of a call that returns an error alone.
func none(err error) (any, error) { return nil, err }

// file returns a file of a multipart body.
func file(name, content string) (f types.File) {
	f.InitFromBytes([]byte(content), name)
	return f
}

// union fills a union in: with one of its From methods.
func union[T, V any](from func(*T, V) error, v V) T {
	var t T
	if err := from(&t, v); err != nil {
		panic(err)
	}
	return t
}

var (
	_ = errors.Is
	_ = time.UTC
	_ = types.File{}
)

var changes = map[string]func(ctx context.Context, client *api.Client, w *strings.Builder) (any, error){
	// the calls
}
