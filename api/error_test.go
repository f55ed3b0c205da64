package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/goaver/aver-go/api"
)

// quotes are the ways in which a service repeats what it was sent.
var quotes = map[string]func(string) string{
	"plain":    func(s string) string { return s },
	"upper":    strings.ToUpper,
	"lower":    strings.ToLower,
	"HTML":     html.EscapeString,
	"query":    url.QueryEscape,
	"path":     url.PathEscape,
	"spaces":   func(s string) string { return strings.Join(strings.Fields(s), "\n  ") },
	"JSON":     func(s string) string { b, _ := json.Marshal(s); return strings.Trim(string(b), `"`) },
	"the tail": func(s string) string { return s[len(s)/2:] },
}

// set gives the private texts of a request a value wherever it stays valid, and returns how many.
func set(request reflect.Value, value string) int {
	n := 0
	if request.Kind() == reflect.Pointer && !request.IsNil() {
		request = request.Elem()
	}
	if request.Kind() != reflect.Struct {
		return 0
	}
	for i := range request.NumField() {
		field := request.Field(i)
		if field.Type() != reflect.TypeFor[string]() || !field.CanSet() {
			continue
		}
		before := field.String()
		field.SetString(value)
		if strings.Contains(fmt.Sprintf("%+v", request.Interface()), value) { // which the contract calls public
			field.SetString(before)
			continue
		}
		if v := request.Addr().MethodByName("Validate"); v.IsValid() && v.Call(nil)[0].Len() > 0 {
			field.SetString(before)
			continue
		}
		n++
	}
	return n
}

// calls calls every operation with a value for each text that it takes.
func calls(t testing.TB, client *api.Client, value string, each func(operation string, err error)) {
	v := reflect.ValueOf(client)
	for i := range v.NumMethod() {
		m := v.Type().Method(i)
		if !m.Type.IsVariadic() || m.Type.In(m.Type.NumIn()-1) != reflect.TypeFor[[]api.CallOption]() {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		taken := 0
		for j := 2; j < m.Type.NumIn()-1; j++ {
			arg := argument(m.Type.In(j), value)
			switch {
			case arg.Type() == reflect.TypeFor[io.Reader]():
				taken++
			case strings.HasSuffix(m.Name, "File") && arg.Kind() == reflect.String && j == m.Type.NumIn()-2:
				arg.SetString(t.TempDir() + "/image")
			case arg.Kind() == reflect.String:
				taken++
			case arg.Kind() == reflect.Pointer:
				arg = reflect.New(arg.Type().Elem())
				taken += set(arg, value)
			case arg.Kind() == reflect.Struct:
				taken += set(arg, value)
				if image := arg.FieldByName("Image"); image.IsValid() {
					image.Set(reflect.ValueOf(api.ImageBytes(value, picture(3000))))
				}
			}
			args = append(args, arg)
		}
		if taken == 0 {
			continue
		}
		out := v.Method(i).Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		each(m.Name, err)
	}
}

// shown returns all that an error can be made to say without asking for the body.
func shown(err error) string {
	var all strings.Builder
	for err := err; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&all, "%s %v %+v %#v %q\n", err.Error(), err, err, err, err)
	}
	var failure *api.Error
	if errors.As(err, &failure) {
		fmt.Fprintln(&all, failure.Message, failure.Fields, failure.RequestID, *failure)
	}
	var network net.Error
	if errors.As(err, &network) {
		fmt.Fprintln(&all, network)
	}
	var address *url.Error
	if errors.As(err, &address) {
		fmt.Fprintln(&all, address)
	}
	return all.String()
}

// echo answers every call with a failure that quotes value, or, with status 0, fails without an answer.
func echo(t testing.TB, status int, value string, quote func(string) string) *api.Client {
	return answeringRequest(t, func(r *http.Request) (*http.Response, error) {
		if status == 0 {
			return nil, errors.New("no way to " + quote(value) + ", " + r.URL.String())
		}
		said := quote(value)
		body, _ := json.Marshal(map[string]any{"detail": "the value " + said + " is wrong", "errors": map[string][]string{said: {"it is " + said}}})
		return respond(status, string(body), "X-Request-Id", strings.ToValidUTF8(said, "")), nil
	})
}

// An error repeats no value of any script and length that was sent, however the service quotes it, and making one panics
// for none.
func TestErrorsRepeatNoValueOfAnyScript(t *testing.T) {
	values := []string{
		strings.Repeat("顧", 67), strings.Repeat("Щ", 101), "Ольга Иванова", "محمد بن علي", "नमस्ते दुनिया", "ab\xff\xfe", "\xff",
		strings.Repeat("\xe9\xa1\xa7\xe9", 60), "e\u0301\u0323a\u0308", "O'Brien & \"Sons\" <x>",
		strings.Repeat("Maria of the house of Lindqvist ", 40), "50% off\\u0041&amp;", "Ng", "Q", "李",
	}
	for i, value := range values {
		for j, name := range slices.Sorted(maps.Keys(quotes)) {
			quote := quotes[name]
			if quote(value) == "" || name == "the tail" && utf8.RuneCountInString(value) < 40 {
				continue
			}
			for k, status := range []int{400, 502, 0} {
				if (i+j+k)%3 > 0 && name != "plain" { // each meets each, but not all of them all
					continue
				}
				client := echo(t, status, value, quote)
				calls(t, client, value, func(operation string, err error) {
					if err == nil {
						t.Errorf("%s: no error", operation)
						return
					}
					text := shown(err)
					if said := quote(value); len(said) > 2 && strings.Contains(text, said) || len(said) <= 2 && strings.Contains(text, " "+said+" ") {
						t.Errorf("%s, %q quoted %s, %d: %.500q", operation, value, name, status, text)
					}
				})
			}
		}
	}
}

func FuzzErrors(f *testing.F) {
	f.Add(strings.Repeat("顧", 67), "before ", 502)
	f.Add("ab\xff\xfe", "", 400)
	f.Add("%u0041&#", "\\", 0)
	f.Fuzz(func(t *testing.T, value, before string, status int) {
		if status != 0 && (status < 402 || status > 599 || status == 429) { // these take real time
			return
		}
		client := echo(t, status, value, func(s string) string { return before + s })
		plain := len(value) > 2 && strings.Trim(value, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
		calls(t, client, value, func(operation string, err error) {
			if text := fmt.Sprint(err); plain && !strings.Contains(operation+"redacted the value is wrong no way to it was not performed", value) &&
				strings.Contains(text, "'"+value) {
				t.Fatalf("%s: %q", operation, text)
			}
		})
	})
}

// The two that panicked, with the whole expression, in which the secret, the token and the person's data stood.
func TestErrorsOfLongTextsAreMade(t *testing.T) {
	client := echo(t, 502, "", func(s string) string { return s })
	request := createRequest
	request.ThirdPartyIdentifier = strings.Repeat("顧", 67)
	if _, err := client.CreateCheck(t.Context(), request); !errors.Is(err, api.ErrOutcomeUnknown) {
		t.Errorf("%v", err)
	}
	if _, err := client.LookupChecks(t.Context(), api.LookupChecksRequest{LastName: strings.Repeat("Щ", 200)}); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if _, err := client.GetCheck(t.Context(), "ab\xff\xfe"); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// What an HTTP client of the application's says is told, but not the address.
func TestCauseIsNamedWithoutTheAddress(t *testing.T) {
	for cause, want := range map[error]string{
		errors.New("circuit breaker is open"):                                                    "circuit breaker is open",
		&url.Error{Op: "Get", URL: "https://h/private-id", Err: errors.New("no route")}:          "no route",
		errors.New("proxy refused https://h/api/check/private-id for private-id"):                "proxy refused … for REDACTED",
		&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}:              "dial tcp: connection refused",
		fmt.Errorf("private-id: %w", &net.DNSError{Err: "no such host", Name: "app.goaver.com"}): "lookup app.goaver.com: no such host",
	} {
		client := answeringRequest(t, func(*http.Request) (*http.Response, error) { return nil, cause })
		_, err := client.GetCheck(t.Context(), "private-id")
		if !errors.Is(err, api.ErrUnavailable) || !errors.Is(err, cause) || !strings.Contains(err.Error(), want) ||
			strings.Contains(shown(err), "private-id") {
			t.Errorf("%v: %s", cause, shown(err))
		}
	}
	client := newClient(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, quick)
	_, err := client.GetCheck(t.Context(), "private-id")
	if !errors.Is(err, io.EOF) || strings.Contains(shown(err), "private-id") {
		t.Errorf("%s", shown(err))
	}
}

func TestTimeoutOfTheHTTPClientIsOne(t *testing.T) {
	client := newClient(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		api.WithHTTPClient(&http.Client{Timeout: 20 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}), quick,
		api.WithMaxAttempts(1))
	_, err := client.GetCheck(t.Context(), "private-id")
	var network net.Error
	if !errors.As(err, &network) || !network.Timeout() || strings.Contains(shown(err), "private-id") {
		t.Errorf("%s", shown(err))
	}
}

func TestLogRepeatsNothingThatAServiceCallsARequestID(t *testing.T) {
	for _, status := range []int{200, 404} {
		var text strings.Builder
		client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			answer(status, "application/json", theCheck, "X-Request-Id", r.Header.Get("Authorization")+r.URL.Path)(w, r)
		}, logTo(&text))
		_, _ = client.GetCheck(t.Context(), "private-id")
		if strings.Contains(text.String(), "private-id") || strings.Contains(text.String(), "opaque") || !strings.Contains(text.String(), "request_id") {
			t.Errorf("%s", text.String())
		}
	}
}

// logTo has a client log to w.
func logTo(w io.Writer) api.Option {
	return api.WithLogger(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// A fake of a client makes an error of any class, and it behaves like one of the client's.
func TestErrorOfAFake(t *testing.T) {
	var failure error = &api.Error{Operation: "getCheck", Class: api.ErrNotFound}
	if !errors.Is(failure, api.ErrNotFound) || errors.Is(failure, api.ErrConflict) || failure.Error() != "aver: getCheck: not found" {
		t.Errorf("%v", failure)
	}
	if again := (&api.Error{Class: api.ErrUnavailable}).Retryable(); !again {
		t.Error("a service that is unavailable is not asked again")
	}
	_ = fmt.Sprint(&api.Error{})
}

func TestErrorOfAFakeIsReadable(t *testing.T) {
	for want, failure := range map[string]*api.Error{
		"aver: getCheck: not found": {Operation: "getCheck", Class: api.ErrNotFound},
		"aver: not found":           {Class: api.ErrNotFound},
		"aver":                      {},
	} {
		if got := failure.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
