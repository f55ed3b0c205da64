package authprovider

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever the service answers, there is a usable token or an error that repeats nothing of it.
func FuzzTokenAnswer(f *testing.F) {
	for _, seed := range []string{`{"token":"t"}`, `{"token":"a b"}`, `{"token":null}`, `[]`, ``, `{"token":"` + jwt(`{"exp":9,"iat":1}`) + `"}`,
		`{"token":"x","token":"y"}`} {
		f.Add(200, seed)
	}
	f.Add(401, "wrong")
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 100 || status > 999 {
			return
		}
		p, err := New("k", "s", WithHTTPClient(http.DefaultClient))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		token, err := p.receive(Exchange, time.Now(), func() (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})
		switch {
		case (token == nil) == (err == nil):
			t.Fatalf("%d %q: %v, %v", status, body, token, err)
		case err != nil && len(err.Error()) > 200:
			t.Fatalf("%d %q: %v", status, body, err)
		case token != nil && (status != 200 || checkToken(token.value) != nil || !strings.Contains(body, "token") &&
			!strings.Contains(strings.ToLower(body), "t")):
			t.Fatalf("%d %q gave a token", status, body)
		}
	})
}
