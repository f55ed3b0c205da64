package authprovider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Every verb and every log, for every type that holds a secret or is near one.
func TestNothingSecretIsPrinted(t *testing.T) { synctest.Test(t, testNothingSecretIsPrinted) }

func testNothingSecretIsPrinted(t *testing.T) {
	s := newService(t)
	p := s.provider(t)
	token, err := p.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.Invalidate(token)
	token, err = p.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.issued) != 2 || token.Value() != s.issued[1] {
		t.Errorf("the invalidated token was replaced by the last of %d", len(s.issued))
	}
	p.Invalidate(Token{}) // changes nothing
	synctest.Wait()       // a copied provider is read without its lock
	secrets := append([]string{"the-key", "the-secret", "dGhlLWtleTp0aGUtc2VjcmV0"}, s.issued...)

	values := map[string]any{
		"provider":         p,
		"provider, copied": reflect.ValueOf(p).Elem().Interface(),
		"nil provider":     (*Provider)(nil),
		"settings":         *p.settings,
		"settings pointer": p.settings,
		"Token":            token,
		"Token pointer":    &token,
		"token":            *token.get(),
		"token pointer":    token.get(),
		"Doer":             p.Doer(s.Client),
		"in a struct":      struct{ P, T any }{p, token},
		"unexported":       struct{ t Token }{token},
		"unexported ptr":   struct{ p *Provider }{p},
		"in a slice":       []any{p, token},
		"in a map":         map[string]any{"p": p, "t": token},
		"Option":           WithBaseURL("x"),
		"Error":            &Error{Kind: Refresh, Status: 401},
		"Event":            Event{Kind: Exchange, Err: errors.New("e"), Lifetime: time.Minute},
	}
	check := func(where, printed string) {
		for _, secret := range secrets {
			if strings.Contains(printed, secret) {
				t.Errorf("%s shows %.10s…", where, secret)
			}
		}
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			printed := fmt.Sprintf(verb, v)
			check(name+" "+verb, printed)
			for _, secret := range secrets {
				check(name+" "+verb+" in hex", strings.ReplaceAll(printed, fmt.Sprintf("%x", secret), secret))
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", slog.Group("g", "v", v))
		check(name+" slog", log.String())
		if b, err := json.Marshal(v); err == nil {
			check(name+" JSON", string(b))
		}
		var dump strings.Builder
		dumpExported(&dump, reflect.ValueOf(v), 0)
		check(name+" reflection", dump.String())
	}
	if got := fmt.Sprint(token); got != "REDACTED" {
		t.Errorf("a token prints as %q", got)
	}
	if got, err := json.Marshal([]any{token, p}); err != nil || string(got) != `["REDACTED","authprovider.Provider(http://localhost:80)"]` {
		t.Errorf("JSON: %s, %v", got, err)
	}
	if got := fmt.Sprintf("%+v", p); got != "authprovider.Provider(http://localhost:80)" {
		t.Errorf("a provider prints as %q", got)
	}
}

// dumpExported prints what reflection reaches over exported fields, like a dumper for debugging.
func dumpExported(w *strings.Builder, v reflect.Value, depth int) {
	if depth > 8 || !v.IsValid() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		dumpExported(w, v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				dumpExported(w, v.Field(i), depth+1)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			dumpExported(w, v.Index(i), depth+1)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			dumpExported(w, v.MapIndex(key), depth+1)
		}
	case reflect.String:
		w.WriteString(v.String() + "\n")
	}
}
