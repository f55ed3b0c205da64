package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/contract"
)

// mark puts a marker in each value that the contract does not say is harmless, and adds what the contract does not know.
func mark(schemas []*openapi3.Schema, v any, harmless bool) any {
	var parts []*openapi3.Schema
	for i := 0; i < len(schemas); i++ {
		parts = append(parts, schemas[i])
		for _, below := range []openapi3.SchemaRefs{schemas[i].AllOf, schemas[i].AnyOf, schemas[i].OneOf} {
			for _, ref := range below {
				schemas = append(schemas, ref.Value)
			}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			var below []*openapi3.Schema
			safe := false
			for _, s := range parts {
				if p := s.Properties[key]; p != nil {
					below = append(below, p.Value)
					safe = p.Extensions["x-sensitive"] == false || p.Value.Extensions["x-sensitive"] == false
				}
			}
			v[key] = mark(below, v[key], safe)
		}
		v["unknownName"] = map[string]any{"inner": "Zephyrine", "list": []any{"Zephyrine", 987654321}}
		v["Zephyrine of "+fmt.Sprint(len(v))] = 7
	case []any:
		for i := range v {
			var below []*openapi3.Schema
			for _, s := range parts {
				if s.Items != nil {
					below = append(below, s.Items.Value)
				}
			}
			v[i] = mark(below, v[i], harmless)
		}
	case string:
		if !harmless {
			return "Zephyrine " + v
		}
	case float64:
		if !harmless {
			return 987654321
		}
	}
	return v
}

func marked(media *openapi3.MediaType) string {
	example := media.Example
	for _, e := range media.Examples {
		example = e.Value.Value
	}
	text, _ := json.Marshal(example)
	var copied any
	_ = json.Unmarshal(text, &copied)
	text, _ = json.Marshal(mark([]*openapi3.Schema{media.Schema.Value}, copied, false))
	return string(text)
}

// No value that is sensitive or unknown is recorded, of any operation and any status, in whatever part of a message.
func TestRecordingHoldsNothingPersonal(t *testing.T) {
	spec, err := openapi3.NewLoader().LoadFromData(aver.Spec)
	if err != nil {
		t.Fatal(err)
	}
	answer, status, contentType := "", 200, "application/json"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Set-Cookie", "a=Zephyrine")
		w.Header().Set("Retry-After", "Zephyrine")
		w.Header().Set("X-Zephyrine", "Zephyrine")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	var har bytes.Buffer
	recorder := contract.Record(srv.Client().Transport, &har)
	exchanges := 0
	call := func(method, path, body string) {
		t.Helper()
		exchanges++
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/api"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer Zephyrine")
		req.Header.Set("Cookie", "a=Zephyrine")
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("User-Agent", "Zephyrine")
		resp, err := recorder.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	for path, item := range spec.Paths.Map() {
		path = strings.NewReplacer("{id}", "c1", "{docId}", "d1", "{checkId}", "c1").Replace(path)
		path = strings.Replace(path, "thirdpartyidentifier/c1", "thirdpartyidentifier/Zephyrine", 1)
		for method, op := range item.Operations() {
			body := ""
			if op.RequestBody != nil {
				body = marked(op.RequestBody.Value.Content["application/json"])
			}
			for code, response := range op.Responses.Map() {
				for media, content := range response.Value.Content {
					if _, err := fmt.Sscan(code, &status); err != nil {
						continue
					}
					contentType, answer = media, marked(content)
					call(method, path+"?q=Zephyrine&Zephyrine%20of=1", body)
				}
			}
		}
	}
	status = 200
	for _, odd := range []struct{ contentType, answer string }{
		{"text/html", "<p>Zephyrine"}, {"application/json", `{"id":"Zephyrine`},
		{"application/json", `"Zephyrine"`}, {"application/json", `[["Zephyrine"]]`},
		{"application/Zephyrine", "{}"}, {"application/json", `{"status":"Zephyrine","checkTypes":["Zephyrine"]}`},
		{"application/json", strings.Repeat(" ", 100) + "\xffZephyrine"}, {"application/json; charset=Zephyrine", `{}`},
	} {
		contentType, answer = odd.contentType, odd.answer
		call("GET", "/check/c1", odd.answer)
	}
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	for _, marker := range []string{"Zephyrine", "987654321", "127.0.0.1", srv.URL} {
		if at := bytes.Index(bytes.ToLower(har.Bytes()), []byte(strings.ToLower(marker))); at >= 0 {
			t.Errorf("the recording holds %s: …%s…", marker, har.Bytes()[max(0, at-300):min(at+60, har.Len())])
		}
	}
	entries, others, err := contract.CheckHAR(&har)
	if err != nil || len(entries) != exchanges || others > 0 {
		t.Errorf("%d of %d exchanges, %d others, %v", len(entries), exchanges, others, err)
	}
}

// spoken sends texts through a recorder, as the third-party identifiers of checks, and returns the recording.
func spoken(t *testing.T, names ...string) []byte {
	t.Helper()
	var har bytes.Buffer
	i := 0
	recorder := contract.Record(roundTripper(func(r *http.Request) (*http.Response, error) {
		text, _ := json.Marshal(names[i])
		body := strings.Replace(with(check), `"Zephyrine"`, string(text), 1)
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}), &har)
	for i = range names {
		get(t, recorder, "/check/c1")
	}
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	return har.Bytes()
}

// get sends a GET and returns the body of the answer, or the error.
func get(t *testing.T, transport http.RoundTripper, path string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.goaver.com/api"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer t")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// The same value is the same placeholder within a recording, and another in another.
func TestPlaceholdersAreStable(t *testing.T) {
	identifier := func(recording []byte) (all []string) {
		var archive struct {
			Log struct {
				Entries []struct {
					Response struct{ Content struct{ Text string } }
				}
			}
		}
		if err := json.Unmarshal(recording, &archive); err != nil {
			t.Fatal(err)
		}
		for _, e := range archive.Log.Entries {
			var check struct{ ThirdPartyIdentifier string }
			if err := json.Unmarshal([]byte(e.Response.Content.Text), &check); err != nil {
				t.Fatal(err)
			}
			all = append(all, check.ThirdPartyIdentifier)
		}
		return all
	}
	first := identifier(spoken(t, "Zoë", "Ада", "Zoë", "zoe@example.com", "3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11", ""))
	second := identifier(spoken(t, "Zoë"))
	if first[0] != first[2] || first[0] == first[1] || first[0] == second[0] {
		t.Errorf("%q, %q", first, second)
	}
	if !strings.HasSuffix(first[3], "@example.com") || strings.Count(first[4], "-") != 4 || len(first[4]) != 36 || first[5] != "" {
		t.Errorf("%q", first)
	}
}

func TestReplay(t *testing.T) {
	recording := spoken(t, "Zoë", "Ада")
	answers, err := contract.Replay(bytes.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	first, err := get(t, answers, "/check/c1")
	if err != nil {
		t.Fatal(err)
	}
	if left := answers.Unused(); len(left) != 1 || left[0] != "entry 2, getCheck" {
		t.Errorf("unused: %v", left)
	}
	second, err := get(t, answers, "/check/c1")
	if err != nil || second == first {
		t.Errorf("the second answer is the first, %v", err)
	}
	if third, err := get(t, answers, "/check/c1"); err != nil || third != second { // it may be repeated
		t.Errorf("%s, %v", third, err)
	}
	for path, want := range map[string]string{
		"/check/c2":         "getCheck like this; the nearest is entry 1, which differs at /path",
		"/check/c1?a=b":     "getCheck like this; the nearest is entry 1, which differs at /query",
		"/check/c1/results": "getCheckResults at all; recorded are getCheck",
		"/nowhere":          "GET to a path that the contract does not have",
	} {
		if _, err := get(t, answers, path); !errors.Is(err, contract.ErrNotRecorded) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	strict, err := contract.Replay(bytes.NewReader(recording), contract.WithStrictOrder())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, strict, "/check/c2"); !errors.Is(err, contract.ErrNotRecorded) {
		t.Error(err)
	}
	for range 2 {
		if _, err := get(t, strict, "/check/c1"); err != nil {
			t.Error(err)
		}
	}
	if _, err := get(t, strict, "/check/c1"); !errors.Is(err, contract.ErrNotRecorded) || !strings.Contains(err.Error(), "after the last") {
		t.Error(err)
	}
	for _, text := range []string{"", "{}", "[]", `{"log":{}}`, `{"log":{"entries":[]}}`, `{"log":{"entries":[{"request":{"url":"::"}}]}}`} {
		if _, err := contract.Replay(strings.NewReader(text)); err == nil {
			t.Errorf("%s is a recording", text)
		}
	}
}

// What leaked once: parameters of a Data URL, values of another type than the contract knows, names that are data.
func TestRecordingOfDisguises(t *testing.T) {
	var har bytes.Buffer
	recorder := contract.Record(roundTripper(func(r *http.Request) (*http.Response, error) {
		return answered(r, with(check, `"organizationId":987654321,"statusReason":{"text":"Zephyrine"},"note":"data:Zephyrine;base64,QUJD",
			"more":{"a3f0c1d2-1111-4222-8333-944445555666":1,"C01X00T47":2}`))
	}), &har)
	if _, err := get(t, recorder, "/check/c1?x=data:Zephyrine;base64,QQ&C01X00T47=1&sk_live_4eC39HqLyjWDarjtT1zdp7dc=1"); err != nil {
		t.Fatal(err)
	}
	for method, send := range map[string]string{
		"/check/create":           `{"groupId":"g","skipPersonalAccessCode":"Zephyrine","language":"en"}`,
		"/check/c1/photodocument": `{"fileName":"Zephyrine.png","fileContent":"data:image/png;name=Zephyrine.png;base64,QUJD"}`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.goaver.com/api"+method, strings.NewReader(send))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := recorder.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	for _, marker := range []string{"Zephyrine", "987654321", "a3f0c1d2", "C01X00T47", "sk_live"} {
		if at := bytes.Index(har.Bytes(), []byte(marker)); at >= 0 {
			t.Errorf("the recording holds %s: …%s…", marker, har.Bytes()[max(0, at-200):min(at+60, har.Len())])
		}
	}
}

// Replay answers the very request that was recorded, whatever of it the recording holds.
func TestReplayAnswersWhatWasRecorded(t *testing.T) {
	call := func(transport http.RoundTripper, path, contentType, body string, read bool) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.goaver.com/api"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		resp, err := transport.RoundTrip(req)
		if err == nil && read {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	for _, sent := range []struct{ path, contentType, body string }{
		{"/check/c1/phone", "text/plain", "hello"}, {"/check/c1/phone", "application/json", `{"number":`},
		{"/check/c1/phone", "application/json", `{"we ird":"x","number":"1"}`},
		{"/check/c1/phone?we+ird=1&name-53ddea53a7ab=2", "application/json", `{}`},
		{"/check/c1/phone", "application/vnd.some.company.with.a.very.long.name.v4+json", `{"number":"1"}`},
	} {
		var har bytes.Buffer
		recorder := contract.Record(roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return answered(r, `"success"`)
		}), &har)
		if err := errors.Join(call(recorder, sent.path, sent.contentType, sent.body, true), recorder.Close()); err != nil {
			t.Fatal(err)
		}
		answers, err := contract.Replay(&har)
		if err != nil {
			t.Fatal(err)
		}
		if err := call(answers, sent.path, sent.contentType, sent.body, true); err != nil {
			t.Errorf("%s %s: %v", sent.path, sent.body, err)
		}
	}
	var har bytes.Buffer
	recorder := contract.Record(roundTripper(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return answered(r, `"success"`)
	}), &har)
	if err := errors.Join(call(recorder, "/check/c1/phone", "application/json", "{}", false), recorder.Close()); err != nil {
		t.Fatal(err)
	}
	answers, err := contract.Replay(&har)
	if err != nil {
		t.Fatal(err)
	}
	if err := call(answers, "/check/c1/phone", "application/json", "{}", true); err == nil || !strings.Contains(err.Error(), "has no body") {
		t.Errorf("an answer that nobody read is a success without a body: %v", err)
	}
}

// What breaks while it is recorded is recorded as far as it is known, and an archive is complete whenever it is closed.
func TestRecordingOfWhatBreaks(t *testing.T) {
	var har bytes.Buffer
	recorder := contract.Record(roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/c2") {
			return nil, errors.New("no answer")
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), &failing{}))}, nil
	}), &har)
	if _, err := get(t, recorder, "/check/c1"); err == nil {
		t.Error("a broken body is whole")
	}
	if _, err := get(t, recorder, "/check/c2"); err == nil {
		t.Error("no answer is one")
	}
	if _, err := get(t, recorder, "/elsewhere"); err == nil {
		t.Error("a broken body is whole")
	}
	if err := errors.Join(recorder.Close(), recorder.Close()); err != nil {
		t.Fatal(err)
	}
	answers, err := contract.Replay(bytes.NewReader(har.Bytes()))
	if err != nil {
		t.Fatalf("%v\n%s", err, &har)
	}
	if _, err := get(t, answers, "/check/c1"); err == nil || !strings.Contains(err.Error(), "entry 1 of the recording has no body") {
		t.Error(err)
	}
	if _, err := get(t, answers, "/check/c2"); err == nil || !strings.Contains(err.Error(), "entry 2 of the recording got no answer") {
		t.Error(err)
	}
	empty := contract.Record(nil, io.Discard)
	if err := empty.Close(); err != nil {
		t.Error(err)
	}
	full := contract.Record(roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
	}), writer(func([]byte) (int, error) { return 0, errors.New("full") }))
	_, _ = get(t, full, "/check/c1")
	if err := full.Close(); err == nil || err.Error() != "full" {
		t.Error(err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }

type writer func([]byte) (int, error)

func (f writer) Write(p []byte) (int, error) { return f(p) }
