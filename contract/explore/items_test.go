package explore_test

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/contract/explore"
)

// items is the service of testdata/items.yaml.
type items struct {
	mu   sync.Mutex
	kept map[string]map[string]any
	next int

	forgetful bool // a changed name is not kept
}

func (s *items) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strings.CutPrefix(r.URL.Path, "/items/")
	item := s.kept[id]
	switch {
	case r.URL.Path == "/items" && r.Method == http.MethodPost:
		body, ok := read(w, r, "name", "weight", "state", "left", "right", "notInTheContract")
		if name, isText := body["name"].(string); ok && (!isText || name == "" || !isItem(body, 0)) {
			answer(w, 422, map[string]any{"error": "no item"})
		} else if ok {
			s.next++
			body["id"] = fmt.Sprint(s.next - 1) // the first one is 0
			body["state"] = "sent"              // by itself
			s.kept[fmt.Sprint(s.next-1)] = body
			answer(w, 201, body)
		}
	case r.URL.Path == "/items" && r.Method == http.MethodGet:
		q := r.URL.Query()
		limit, err := strconv.Atoi(q.Get("limit"))
		odd := slices.ContainsFunc(q["tag"], func(tag string) bool { return tag != "a" && tag != "b" })
		seen, none := r.Cookie("seen")
		if err != nil || limit < 1 || limit > 9 || odd || len(q["tag"]) > 2 || none == nil && (len(seen.Value) < 2 || len(seen.Value) > 20) {
			answer(w, 400, map[string]any{"error": "another query"})
			return
		}
		all := make([]any, 0)
		for _, item := range s.kept {
			if len(all) < limit {
				all = append(all, item)
			}
		}
		answer(w, 200, all)
	case item == nil:
		answer(w, 404, map[string]any{"error": "nothing"})
	case r.Method == http.MethodGet:
		answer(w, 200, item)
	case r.Method == http.MethodPatch:
		body, ok := read(w, r, "name", "weight")
		if !ok {
			return
		}
		for name, value := range body {
			_, isText := value.(string)
			_, isNumber := value.(float64)
			ok = ok && (name == "name" && isText || name == "weight" && isNumber)
		}
		if !ok {
			answer(w, 422, map[string]any{"error": "no change"})
			return
		}
		for name, value := range body {
			if !s.forgetful || name != "name" {
				item[name] = value
			}
		}
		answer(w, 200, item)
	case r.Method == http.MethodDelete:
		delete(s.kept, id)
		w.WriteHeader(204)
	default:
		answer(w, 405, map[string]any{"error": "another method"})
	}
}

// isItem reports whether a value is an item, and all that it holds are.
func isItem(v map[string]any, depth int) bool {
	for name, part := range v {
		below, isObject := part.(map[string]any)
		_, isText := part.(string)
		_, isNumber := part.(float64)
		switch name {
		case "name":
			if !isText || part == "" || utf8.RuneCountInString(part.(string)) > 100 {
				return false
			}
		case "weight":
			if !isNumber {
				return false
			}
		case "state":
			if part != "draft" && part != "sent" {
				return false
			}
		case "left", "right":
			if _, named := below["name"]; !isObject || !named || !isItem(below, depth+1) {
				return false
			}
		}
	}
	return true
}

func read(w http.ResponseWriter, r *http.Request, names ...string) (map[string]any, bool) {
	text, _ := io.ReadAll(r.Body)
	var body map[string]any
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "application/json" || !utf8.Valid(text) || json.Unmarshal(text, &body) != nil || body == nil {
		answer(w, 400, map[string]any{"error": "no JSON"})
		return nil, false
	}
	for name := range body {
		if !slices.Contains(names, name) && len(names) < 3 {
			answer(w, 400, map[string]any{"error": "an unknown property"})
			return nil, false
		}
	}
	return body, true
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func exploreItems(t *testing.T, s *items) *explore.Report {
	t.Helper()
	text, err := os.ReadFile("testdata/items.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.New(text)
	if err != nil {
		t.Fatal(err)
	}
	s.kept = make(map[string]map[string]any)
	server := httptest.NewServer(s)
	defer server.Close()
	e := explore.Explorer{URL: server.URL, Contract: c, Seed: 1, Requests: 3000, Time: 2 * time.Minute}
	if raced {
		e.Requests = 700
	}
	report, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Nothing is said against a service that keeps another contract, with updates and deletes; what cannot be tried is named.
func TestAnotherContract(t *testing.T) {
	report := exploreItems(t, &items{})
	for _, f := range report.Failures {
		t.Errorf("%s\n%s", f, f.Test())
	}
	if len(report.Unreached) > 0 || len(report.Skipped) != 1 || !strings.Contains(report.Skipped[0], "postForm: its body is no JSON") {
		t.Errorf("unreached %v, skipped %v", report.Unreached, report.Skipped)
	}
}

// An update that is forgotten is noticed.
func TestAForgottenUpdate(t *testing.T) {
	report := exploreItems(t, &items{forgetful: true})
	if len(report.Failures) == 0 || report.Failures[0].Kind != explore.Contradiction || report.Failures[0].Operation != "changeItem" {
		t.Errorf("failures: %v", report.Failures)
	}
}

// Contracts that ask for too much end in time all the same.
func TestOddContractsEnd(t *testing.T) {
	const frame = `{"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
		"paths": {"/p": {"post": {"operationId": "p",
			"requestBody": {"required": true, "content": {"application/json": {"schema": %s}}},
			"responses": {"200": {"description": "."}, "400": {"description": "."}}}}},
		"components": {"schemas": {"T": {"type": "object", "properties": {
			"a": {"$ref": "#/components/schemas/T"}, "b": {"$ref": "#/components/schemas/T"},
			"c": {"type": "array", "items": {"$ref": "#/components/schemas/T"}}}}}}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	defer server.Close()
	for _, schema := range []string{
		`{"$ref": "#/components/schemas/T"}`, `{"type": "string", "minLength": 2000000}`,
		`{"type": "array", "items": {"type": "string"}, "minItems": 3000000}`,
		`{"type": "string", "minLength": 5, "maxLength": 3}`, `{"type": "null"}`, `{"type": "string", "maxLength": 900000}`, `{}`, `{"not": {}}`,
	} {
		c, err := contract.New(fmt.Appendf(nil, frame, schema))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		report, err := explore.Explorer{URL: server.URL, Contract: c, Seed: 1, Time: 400 * time.Millisecond}.Run(t.Context())
		if took := time.Since(begun); err != nil || took > 20*time.Second {
			t.Errorf("%s: %v after %v", schema, err, took)
		}
		for _, f := range report.Failures {
			if f.Kind == explore.NeverSucceeds || f.Kind == explore.ValidRefused {
				t.Errorf("%s: %s", schema, f)
			}
		}
	}
}

// What makes exploring useless is an error, at once, and says what to mend.
func TestWhatCannotBeExplored(t *testing.T) {
	empty, err := contract.New([]byte(`{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	for want, e := range map[string]explore.Explorer{
		"no operations":          {URL: "http://127.0.0.1:1", Contract: empty},
		"cannot be reached":      {URL: "http://127.0.0.1:1"},
		"more than scheme":       {URL: "http://user:hunter2@127.0.0.1:1"},
		"holds more than scheme": {URL: "http://127.0.0.1:1/api?x=1"},
		"a limit is negative":    {URL: "http://127.0.0.1:1", Requests: -1},
		`no failure is called`:   {URL: "http://127.0.0.1:1", Except: []contract.Exception{contract.Except("nonsense foo", "why")}},
	} {
		if _, err := e.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
