package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/api"
)

const marker = "MARKER-OF-A-SECRET"

// sensitive reads from the contract which properties are sensitive, by Go type name in lower case and JSON name.
func sensitive(t *testing.T) map[string]map[string]bool {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(aver.Spec)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]map[string]bool)
	var collect func(into map[string]bool, s *openapi3.Schema)
	collect = func(into map[string]bool, s *openapi3.Schema) {
		for name, p := range s.Properties {
			beside, ok := p.Extensions["x-sensitive"].(bool)
			if !ok {
				beside, _ = p.Value.Extensions["x-sensitive"].(bool)
			}
			into[name] = beside
		}
		for _, part := range s.AllOf {
			collect(into, part.Value)
		}
	}
	for name, schema := range spec.Components.Schemas {
		properties := make(map[string]bool)
		collect(properties, schema.Value)
		found[strings.ToLower(name)] = properties
	}
	return found
}

// typesOf returns every struct type of package generated that the client's methods take or return.
func typesOf() []reflect.Type {
	seen := make(map[reflect.Type]bool)
	var types []reflect.Type
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] || !strings.HasSuffix(t.PkgPath(), "/generated") {
				return
			}
			seen[t] = true
			types = append(types, t)
			for i := range t.NumField() {
				walk(t.Field(i).Type)
			}
		}
	}
	client := reflect.TypeFor[*api.Client]()
	for i := range client.NumMethod() {
		m := client.Method(i).Type
		if !m.IsVariadic() {
			continue // not an operation
		}
		for j := range m.NumIn() {
			walk(m.In(j))
		}
		for j := range m.NumOut() {
			walk(m.Out(j))
		}
	}
	walk(reflect.TypeFor[api.StatusChangedNotification]())
	return types
}

// fill sets every field of v: sensitive ones to the marker, others to something harmless. It returns the number of
// markers set.
func fill(v reflect.Value, properties map[string]map[string]bool, secret bool) int {
	switch v.Kind() {
	case reflect.String:
		if secret {
			v.SetString(marker)
			return 1
		}
		v.SetString("plain")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(30)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), properties, secret)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 12, 12))
		n := 0
		for i := range v.Len() {
			n += fill(v.Index(i), properties, secret)
		}
		return n
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		if value.Kind() == reflect.Interface {
			value.Set(reflect.ValueOf(marker))
		} else {
			fill(value, properties, secret)
		}
		v.SetMapIndex(reflect.ValueOf(marker), value)
		return 1
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[api.Scalar]() {
			if secret {
				_ = json.Unmarshal([]byte(`"`+marker+`"`), v.Addr().Interface())
				return 1
			}
			_ = json.Unmarshal([]byte(`62`), v.Addr().Interface())
			return 0
		}
		n := 0
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			n += fill(v.Field(i), properties, properties[strings.ToLower(v.Type().Name())][name])
		}
		return n
	}
	return 0
}

// printed returns v in every printed form, by name.
func printed(v any) map[string]string {
	forms := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms[verb] = fmt.Sprintf(verb, v)
	}
	var text, structured bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("m", slog.Group("g", slog.Any("v", v)))
	forms["slog text"], forms["slog JSON"] = text.String(), structured.String()
	return forms
}

func TestSensitivePropertiesAreNeverPrintedAndAlwaysSent(t *testing.T) {
	properties := sensitive(t)
	types := typesOf()
	if len(types) < 30 {
		t.Fatalf("found %d types only", len(types))
	}
	markers := 0
	for _, typ := range types {
		v := reflect.New(typ)
		n := fill(v.Elem(), properties, false)
		markers += n
		wireForm, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(wireForm, []byte(marker)); got < n {
			t.Errorf("%s: %d of %d markers on the wire: %s", typ, got, n, wireForm)
		}
		for _, value := range []any{v.Interface(), v.Elem().Interface()} {
			for form, text := range printed(value) {
				if strings.Contains(text, marker) || strings.Contains(text, fmt.Sprintf("%x", marker)) {
					t.Errorf("%s with %s: %.300s", typ, form, text)
				}
				if n > 0 && typ.Name() != "PhoneVerification" && !strings.Contains(text, "REDACTED") {
					t.Errorf("%s with %s does not show that something is set: %.300s", typ, form, text)
				}
			}
		}
	}
	if markers < 60 {
		t.Errorf("only %d markers were set", markers)
	}
}

func TestListsOfResultsPrintTheirElementsRedacted(t *testing.T) {
	checks := make(api.Checks, 12)
	for i := range checks {
		checks[i] = api.Check{ID: "c1", Status: api.CheckStatusCreated, ThirdPartyIdentifier: marker}
	}
	for form, text := range printed(checks) {
		if strings.Contains(text, marker) || !strings.Contains(text, "c1") || !strings.Contains(text, "12") {
			t.Errorf("%s: %s", form, text)
		}
	}
	hits := api.WatchlistSearchResults{WatchlistResults: api.WatchlistHits{{MatchName: marker, WatchlistName: "list"}}}
	for form, text := range printed(hits.WatchlistResults) {
		if strings.Contains(text, marker) || !strings.Contains(text, "list") {
			t.Errorf("hits with %s: %s", form, text)
		}
	}
	var none api.Checks
	var nothing *api.Check
	if got := fmt.Sprintf("%v %v", none, nothing); got != "Checks{} <nil>" {
		t.Errorf("empty: %s", got)
	}
}

func TestPrintedRequest(t *testing.T) {
	r := api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: "e@example.com",
		WatchlistRecheckInterval: new(api.RecheckIntervalNever), CheckTypes: []api.CheckType{"Watchlist"}}
	if got := fmt.Sprint(r); got != "CreateCheckRequest{checkTypes:[Watchlist] email:REDACTED groupId:g thirdPartyIdentifier:REDACTED watchlistRecheckInterval:0}" {
		t.Error(got)
	}
}
