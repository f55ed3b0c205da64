package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/generated"
)

// logged returns what slog's handlers print of v with RedactAttr.
func logged(v any) map[string]string {
	options := &slog.HandlerOptions{ReplaceAttr: api.RedactAttr}
	var text, structured bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, options), slog.NewJSONHandler(&structured, options)} {
		slog.New(handler).Info("m", "v", v)
		slog.New(handler).With("w", v).WithGroup("g").Info("m", slog.Group("h", slog.Any("v", v)))
	}
	return map[string]string{"text": text.String(), "JSON": structured.String()}
}

type job struct {
	Name     string         `json:"name"`
	Check    *api.Check     `json:"check"`
	Hits     []api.Check    `json:"hits,omitempty"`
	ByName   map[string]any `json:"byName"`
	Skipped  string         `json:"-"`
	Hidden   api.Check      `json:"-"`
	person   api.AddPersonalInfoRequest
	pointer  *api.AddPersonalInfoRequest
	list     []any
	password string
	next     *job
	When     time.Time
	Err      error
}

func TestRedactAttrReachesEveryPart(t *testing.T) {
	check := api.Check{ID: "c1", Status: api.CheckStatusCreated, ThirdPartyIdentifier: marker}
	person := api.AddPersonalInfoRequest{FirstName: marker, LastName: marker}
	upload := api.AddPhotoDocumentWithImageRequest{Image: api.ImageBytes(marker, nil)}
	deep := any(check)
	for range 12 {
		deep = []any{map[string]any{"deeper": &deep}}
		inner := deep
		deep = struct{ In any }{inner}
	}
	loop := &job{Name: "loop", Check: &check}
	loop.next = loop
	values := map[string]any{
		"struct": job{Name: "shown", Check: &check, Hits: []api.Check{check}, ByName: map[string]any{"x": []*api.Check{&check}}, person: person,
			pointer: &person, list: []any{person}, password: marker, Skipped: marker, Hidden: check, When: time.Now(), Err: errors.New("e")},
		"unexported only": struct{ person any }{&person},
		"pointer":         &job{Name: "shown", person: person},
		"slice":           []api.Check{check, check},
		"long slice":      make([]api.Check, 3000),
		"pointers":        []*api.AddPersonalInfoRequest{&person, nil},
		"array":           [2]api.AddPersonalInfoRequest{person},
		"map":             map[string]api.Check{"a": check},
		"map of maps":     map[int]map[string][]any{1: {"a": {check, upload}}},
		"keys":            map[api.AddPersonalInfoRequest]int{person: 1},
		"interface":       []any{1, "a", nil, check},
		"loop":            loop,
		"itself":          deep,
		"generated":       &generated.GetCheckResponse{Body: []byte(marker), HTTPResponse: &http.Response{}, JSON200: &check},
		"channel": struct {
			C chan api.Check
			F func()
			P person2
		}{P: person2{person}},
	}
	for name, v := range values {
		for form, text := range logged(v) {
			if strings.Contains(text, marker) || strings.Contains(text, "TUFSS0VS") || strings.Contains(text, "!PANIC") ||
				!strings.Contains(text, "REDACTED") && name != "long slice" {
				t.Errorf("%s, %s: %.600s", name, form, text)
			}
			if form == "JSON" {
				for line := range strings.Lines(text) {
					if !json.Valid([]byte(line)) {
						t.Errorf("%s is no JSON: %s", name, line)
					}
				}
			}
		}
	}
	text := logged(values["struct"])["JSON"]
	for _, want := range []string{`"name":"shown"`, `"id":"c1"`, `"status":"Created"`, `"person":"REDACTED"`, `"byName":{"x":{"0":{"id":"c1"`,
		`"Err":"e"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	if strings.Contains(text, "password") || strings.Contains(text, "Skipped") || strings.Contains(text, "Hidden") {
		t.Errorf("it shows more than without: %s", text)
	}
}

// An error within a value is marshalled field by field, and fmt cannot ask it where it is not exported.
type bodyError struct{ Body api.AddPersonalInfoRequest }

func (bodyError) Error() string { return "the application failed" }

type bytesValuer []byte

func (bytesValuer) LogValue() slog.Value { return slog.StringValue("REDACTED") }

func TestRedactAttrLooksIntoErrors(t *testing.T) {
	err := bodyError{api.AddPersonalInfoRequest{FirstName: marker}}
	for name, v := range map[string]any{
		"exported": struct{ Err error }{err}, "pointer": struct{ Err error }{&err}, "list": []error{err}, "map": map[string]error{"a": err},
		"unexported": struct {
			n int
			e bodyError
		}{1, err}, "unexported interface": struct{ e error }{err}, "bytes": struct{ B bytesValuer }{bytesValuer(marker)},
		"byte lists":     []bytesValuer{bytesValuer(marker)},
		"unexported map": struct{ m map[string]any }{map[string]any{"a": err}},
		"typed map":      struct{ m map[string]bodyError }{map[string]bodyError{"a": err}},
	} {
		for form, text := range logged(v) {
			if strings.Contains(text, marker) || strings.Contains(text, "77 65 82") || strings.Contains(text, "TUFSS0VS") ||
				!strings.Contains(text, "REDACTED") && !strings.Contains(text, "the application failed") {
				t.Errorf("%s, %s: %s", name, form, text)
			}
		}
	}
}

// What is not printed is not looked at: it may be guarded by a lock, and a map that changes meanwhile ends the process.
func TestRedactAttrLeavesWhatIsNotPrintedAlone(t *testing.T) {
	client := newClient(t, ok(theCheck))
	type app struct {
		Name   string
		Client *api.Client
		HTTP   *http.Client
		Server *http.Server
		lock   *sync.Mutex
		state  *struct{ m map[string]any }
	}
	state := &struct{ m map[string]any }{map[string]any{}}
	v := app{"shop", client, http.DefaultClient, &http.Server{}, new(sync.Mutex), state}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				state.m[fmt.Sprint(i%100)] = i
				_, _ = client.GetCheck(t.Context(), "c1")
			}
		}
	})
	for range 300 {
		if got := api.RedactAttr(nil, slog.Any("v", v)); got.Value.Kind() != slog.KindAny {
			t.Fatalf("it became %v", got)
		}
	}
	close(stop)
	wg.Wait()
	server := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if got := api.RedactAttr(nil, slog.Any("r", r)); got.Value.Kind() != slog.KindAny {
			t.Errorf("a request became %v", got.Value.Kind())
		}
		ok(theCheck)(w, r)
	})
	if _, err := server.GetCheck(t.Context(), "c1"); err != nil {
		t.Error(err)
	}
}

type person2 struct{ api.AddPersonalInfoRequest }

// A value that holds itself, or has very many parts, costs little and prints little.
func TestRedactAttrEnds(t *testing.T) {
	type ring struct {
		Check api.Check
		Next  *ring
	}
	loop := &ring{Check: api.Check{ThirdPartyIdentifier: marker}}
	loop.Next = loop
	many := make([]any, 25_000)
	for i := range many {
		many[i] = []any{i}
	}
	for name, v := range map[string]any{"loop": loop, "many": many} {
		for form, text := range logged(v) {
			if len(text) > 4000 || strings.Contains(text, marker) || !strings.Contains(text, "REDACTED") && !strings.Contains(text, "25000") {
				t.Errorf("%s, %s: %d bytes: %.300s", name, form, len(text), text)
			}
		}
	}
}

// Every type of the contract, in a slice and in a struct, keeps what is sensitive to itself.
func TestRedactAttrKnowsEveryType(t *testing.T) {
	properties := sensitive(t)
	for _, typ := range typesOf() {
		v := reflect.New(typ)
		fill(v.Elem(), properties, false)
		for _, value := range []any{[]any{v.Interface()}, struct{ V any }{v.Elem().Interface()}, struct{ v any }{v.Interface()}} {
			for form, text := range logged(value) {
				if strings.Contains(text, marker) {
					t.Errorf("%s, %s: %.300s", typ, form, text)
				}
			}
		}
	}
}

func TestRedactAttrLeavesTheRestAlone(t *testing.T) {
	type node struct {
		Value    int
		Children []*node
		Parent   *node `json:"-"`
	}
	root := &node{Value: 1}
	for range 200 {
		root.Children = append(root.Children, &node{Parent: root})
	}
	var none *api.Check
	for _, v := range []any{
		nil, 1, "text", 2.5, []byte("bytes"), []int{1}, map[string]any{"a": 1, "b": []string{"x"}}, struct{ A, b int }{1, 2}, time.Now(), time.Second,
		errors.New("e"), &api.Error{Operation: "o"}, http.Header{"A": {"b"}}, []any{nil}, none, (*job)(nil), []*api.Check(nil),
		struct{ E error }{fmt.Errorf("x")},
		&http.Client{},
	} {
		attr := slog.Any("k", v)
		if got := api.RedactAttr(nil, attr); !reflect.DeepEqual(got, attr) {
			t.Errorf("%v became %v", attr, got)
		}
	}
	if got := api.RedactAttr(nil, slog.Any("k", root)); got.Value.Kind() != slog.KindGroup { // a loop: it could not be printed anyway
		t.Errorf("%v", got.Value.Kind())
	}
}

func ExampleRedactAttr() {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(groups []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return api.RedactAttr(groups, attr)
	}}))
	type order struct {
		Number int
		Person api.AddPersonalInfoRequest
	}
	logger.Info("verifying", "order", order{7, api.AddPersonalInfoRequest{FirstName: "Maria", LastName: "Lindqvist"}})
	// Output: {"level":"INFO","msg":"verifying","order":{"Number":7,"Person":{"firstName":"REDACTED","lastName":"REDACTED"}}}
}
