package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/api"
)

// valid returns a request that passes validation.
func valid(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch r := v.Addr().Interface().(type) {
	case *api.RefreshAuthTokenRequest:
		r.Token = "t"
	case *api.CreateCheckRequest:
		*r = createRequest
	case *api.AddPersonalInfoRequest:
		r.FirstName, r.LastName = "A", "B"
	case *api.AddPhoneRequest:
		r.Number, r.Country = "1", "US"
	case *api.AddIDDocumentRequest:
		*r = api.AddIDDocumentRequest{Type: api.DocumentTypePassportImage, Side: api.DocumentSideFront, FileName: "f",
			FileContent: "data:image/png;base64,AAAA"}
	case *api.AddPhotoDocumentRequest:
		r.FileName, r.FileContent = "f", "data:image/png;base64,AAAA"
	case *api.AddSupplementalDocumentRequest:
		*r = api.AddSupplementalDocumentRequest{Type: api.SupplementalDocumentTypeTaxDocument, FileName: "f",
			FileContent: "data:image/png;base64,AAAA"}
	case *api.LookupChecksRequest:
		r.Email = "a@example.com"
	case *api.SearchWatchlistsRequest:
		r.GroupID, r.BusinessName = "g", "b"
	}
	return v
}

// operations calls every operation of a client, found by reflection.
func operations(t testing.TB, client *api.Client, each func(name string, result reflect.Value, err error)) {
	if n, want := some(t, client, "", each), len(successes(t)); n != want {
		t.Fatalf("%d operations, want %d", n, want)
	}
}

// some calls the operation of a name, in any letter case, or all of them without one, and returns how many it called.
func some(t testing.TB, client *api.Client, name string, each func(name string, result reflect.Value, err error)) int {
	v := reflect.ValueOf(client)
	n := 0
	for i := range v.NumMethod() {
		m := v.Type().Method(i)
		if !m.Type.IsVariadic() || m.Type.In(m.Type.NumIn()-1) != reflect.TypeFor[[]api.CallOption]() {
			continue // not an operation
		}
		if strings.HasPrefix(m.Name, "Upload") || strings.HasPrefix(m.Name, "Download") || strings.HasSuffix(m.Name, "WithImage") {
			continue // the same operation, with an image that is streamed
		}
		if name != "" && !strings.EqualFold(m.Name, name) {
			continue
		}
		n++
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for j := 2; j < m.Type.NumIn()-1; j++ {
			args = append(args, argument(m.Type.In(j), "id-of-something"))
		}
		out := v.Method(i).Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		each(m.Name, out[0], err) // an operation that only says yes has an error alone
	}
	return n
}

// argument returns an argument of an operation that can be sent.
func argument(of reflect.Type, id string) reflect.Value {
	arg := reflect.New(of).Elem()
	switch {
	case of == reflect.TypeFor[io.Writer]():
		arg.Set(reflect.ValueOf(io.Discard))
	case of == reflect.TypeFor[io.Reader]():
		arg.Set(reflect.ValueOf(strings.NewReader(id)))
	case of.Kind() == reflect.String:
		arg.SetString(id)
	default:
		arg.Set(valid(of))
	}
	return arg
}

// successes returns the statuses of the documented successes of each operation, by its name in small letters.
func successes(t testing.TB) map[string][]string {
	spec, err := openapi3.NewLoader().LoadFromData(aver.Spec)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]string)
	for _, item := range spec.Paths.Map() {
		for _, op := range item.Operations() {
			name := strings.ToLower(op.OperationID)
			for status := range op.Responses.Map() {
				if strings.HasPrefix(status, "2") {
					found[name] = append(found[name], status)
				}
			}
		}
	}
	return found
}

// answering returns a client of a service that gives every call the same answer.
func answering(t testing.TB, resp func() *http.Response) *api.Client {
	return answeringRequest(t, func(*http.Request) (*http.Response, error) { return resp(), nil })
}

// answeringRequest returns a client of a service that hands a token out and answers every call with h.
func answeringRequest(t testing.TB, h func(*http.Request) (*http.Response, error)) *api.Client {
	client, err := api.New("key", "secret",
		api.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Body != nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
			}
			if r.Header.Get("Authorization") != "Bearer opaque" {
				answer := respond(200, `{"token":"opaque"}`)
				answer.Request = r
				return answer, nil
			}
			answer, err := h(r)
			if answer != nil {
				answer.Request = r
			}
			return answer, err
		})}),
		api.WithBackoff(func(int) time.Duration { return 0 }), api.WithMaxAttempts(2), api.WithRecoveryWindow(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Whatever the service answers, there is a typed error or a value, never a panic and never neither.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{theCheck, `"success"`, `"failed"`, `[` + theCheck + `]`, `{"id":"w"}`, `null`, ``, `{"`, `[null]`,
		`{"base64":"data:"}`, `{"message":"m","errors":{"a":["b"]}}`, `{"token":"t"}`, "\xff\xfe", strings.Repeat("[", 20000)} {
		f.Add(200, "application/json", "", seed)
		f.Add(400, "application/problem+json", "1", seed)
	}
	f.Add(503, "text/html", "Wed, 21 Oct 2015 07:28:00 GMT", "<html>")
	documented := successes(f)
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter, body string) {
		if status < 200 || status > 599 || retryAfter != "" && len(retryAfter) < 6 && retryAfter > "0" {
			return // no such answer, or one that takes real time
		}
		client := answering(t, func() *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter},
				"X-Request-Id": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}
		})
		operations(t, client, func(name string, result reflect.Value, err error) {
			var failure *api.Error
			switch {
			case err == nil && result.Kind() == reflect.Pointer && result.IsNil():
				t.Fatalf("%s: neither a value nor an error", name)
			case err != nil && !errors.As(err, &failure):
				t.Fatalf("%s: %T", name, err)
			case err != nil && (len(err.Error()) > 4000 || strings.ContainsAny(err.Error(), "\n\r\x00")):
				t.Fatalf("%s: %q", name, err)
			case err == nil && name != "GetAuthToken" && !slices.Contains(documented[strings.ToLower(name)], strconv.Itoa(status)):
				t.Fatalf("%s: %d is no success", name, status)
			}
		})
	})
}

// An endless source of bytes that looks like the beginning of JSON.
type endless struct {
	left int64
	text string
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(b) {
		n += copy(b[n:], e.text)
	}
	e.left -= int64(n)
	return n, nil
}

func TestGigabyteOfAnswerCostsLittleMemory(t *testing.T) {
	for _, status := range []int{200, 500} {
		for _, text := range []string{"x", `"aaaaaaaa`, " ", `[`, "{\"a\":1,"} {
			client := answering(t, func() *http.Response {
				return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(&endless{left: 1 << 30, text: text})}
			})
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := client.GetCheck(t.Context(), "c1", api.WithMaxAttempts(1))
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%d %q: no error", status, text)
			}
			// Eight MiB are read at most; that costs less than 40 MiB of allocations in all, a small part of which lives at once.
			if cost := after.TotalAlloc - before.TotalAlloc; cost > 40<<20 || status != 200 && cost > 1<<20 {
				t.Errorf("%d %q: %s", status, text, fmt.Sprintf("%.1f MiB", float64(cost)/(1<<20)))
			}
		}
	}
}

func TestErrorsRepeatNothingPrivate(t *testing.T) {
	secrets := []string{"maria.lindqvist@example.com", "Lindqvist", "opaque-token-of-the-call", "the-secret-of-the-key", "eyJhbGciOi.eyJpYXQi.c2ln",
		"other@example.org", "2075550143"}
	echo := `{"title":"echo","detail":"` + strings.Join(secrets, " and ") + ` Bearer abc.def","errors":{"email":["` + secrets[0] + ` is taken"]}}`
	client, err := api.New("key", "the-secret-of-the-key", api.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		resp := respond(400, echo)
		if strings.HasSuffix(r.URL.Path, "/auth/token") {
			resp = respond(200, `{"token":"opaque-token-of-the-call"}`)
		}
		resp.Request = r
		return resp, nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	first := client.AddPersonalInfo(t.Context(), "c1", api.AddPersonalInfoRequest{FirstName: "Maria", LastName: "Lindqvist", Email: secrets[0]})
	second := client.AddPhone(t.Context(), "c1", api.AddPhoneRequest{Number: "2075550143", Country: "US"})
	for i, err := range []error{first, second} {
		var failure *api.Error
		if !errors.As(err, &failure) || !strings.Contains(err.Error(), "REDACTED") {
			t.Fatalf("%v", err)
		}
		for _, secret := range append(secrets[2:6:6], "abc.def", [][]string{{secrets[0], "Lindqvist"}, {secrets[0], "2075550143"}}[i][1]) {
			if strings.Contains(err.Error()+failure.Message+fmt.Sprint(failure.Fields), secret) {
				t.Errorf("%q repeats %q", err, secret)
			}
		}
	}
}

func TestFailedUploadOfALargeImageCostsLittleMore(t *testing.T) {
	client := answering(t, func() *http.Response { return respond(400, `"data:image/png;base64,AAAA is no face"`) })
	upload := api.AddPhotoDocumentRequest{FileName: "f", FileContent: "data:image/png;base64," + strings.Repeat("A", 16<<20)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := client.AddPhotoDocument(t.Context(), "c1", upload)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, api.ErrInvalidRequest) {
		t.Error(err)
	}
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 100<<20 { // encoding/json alone takes 50 MiB
		t.Errorf("%d MiB", cost>>20)
	}
}

func TestErrorsRepeatNoFormOfWhatWasSent(t *testing.T) {
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		message := "no " + r.URL.EscapedPath() + " for " + strings.ToUpper(string(body)) + r.Header.Get("Authorization")
		answer(400, "application/json", fmt.Sprintf("%q", strings.NewReplacer("\"", "'").Replace(message)))(w, r)
	})
	_, first := client.GetCheckByThirdPartyIdentifier(t.Context(), "Maria Lindqvist 1988")
	second := client.AddPersonalInfo(t.Context(), "c1", api.AddPersonalInfoRequest{FirstName: "Ann", LastName: "Annabel"})
	for _, err := range []error{first, second} {
		for _, private := range []string{"Lindqvist", "1988", "ANN", "ABEL", "opaque"} {
			if strings.Contains(err.Error(), private) {
				t.Errorf("%q repeats %s", err, private)
			}
		}
	}
}
