package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Quirk is a way in which the vendor's service has been seen to differ from its own documents.
type Quirk string

// The quirks.
const (
	QuirkOrganiationID Quirk = "organiationId" // organizationId of a check is spelt organiationId
	QuirkEnumCase      Quirk = "enumCase"      // warnings begin with a small letter
	QuirkSubmitStatus  Quirk = "submitStatus"  // submitting answers with the status alone, even when the results are ready
	QuirkSubmitString  Quirk = "submitString"  // submitting answers with the status as a bare string
	QuirkDocument      Quirk = "document"      // an image comes in the property document instead of base64
	QuirkComplete      Quirk = "complete"      // notifications say Complete instead of Completed
	QuirkGroupBlank    Quirk = "groupBlank"    // notifications have a blank before the groupId
	QuirkScalars       Quirk = "scalars"       // fraudScore comes as a string, position as a number, deliverability as a boolean
)

// changes says what each quirk does to an answer. path is the path of the request.
var changes = map[Quirk]func(path string, answer any) any{
	QuirkOrganiationID: func(path string, answer any) any {
		if !strings.HasPrefix(path, "/api/watchlist/") {
			rename(answer, "organizationId", "organiationId")
		}
		return answer
	},
	QuirkEnumCase: func(_ string, answer any) any {
		each(answer, func(object map[string]any) {
			if v, ok := object["warnings"]; ok {
				object["warnings"] = lowerFirst(v)
			}
		})
		return answer
	},
	QuirkSubmitStatus: func(path string, answer any) any {
		if object, ok := answer.(map[string]any); ok && strings.HasSuffix(path, "/submit") {
			return map[string]any{"status": object["status"]}
		}
		return answer
	},
	QuirkSubmitString: func(path string, answer any) any {
		if object, ok := answer.(map[string]any); ok && strings.HasSuffix(path, "/submit") {
			return object["status"]
		}
		return answer
	},
	QuirkDocument:   nil, // the answer is streamed, see GetCheckDocument
	QuirkComplete:   nil, // these concern no answer, see message
	QuirkGroupBlank: nil,
	QuirkScalars: func(_ string, answer any) any {
		each(answer, func(object map[string]any) {
			if v, ok := object["fraudScore"].(json.Number); ok {
				object["fraudScore"] = v.String()
			}
			if _, ok := object["position"]; ok {
				object["position"] = json.Number("43.66")
			}
			if _, ok := object["deliverability"]; ok {
				object["deliverability"] = true
			}
		})
		return answer
	},
}

// SetQuirks changes with which quirks the sandbox answers from now on.
func (s *Sandbox) SetQuirks(quirks ...Quirk) error {
	for _, q := range quirks {
		if err := q.check(); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	quirks = slices.Clone(quirks)
	s.served.Store(&quirks)
	return nil
}

// quirks returns the quirks with which the sandbox answers.
func (s *Sandbox) quirks() []Quirk { return *s.served.Load() }

// Quirks returns all quirks, sorted.
func Quirks() []Quirk { return slices.Sorted(maps.Keys(changes)) }

func (q Quirk) check() error {
	if _, ok := changes[q]; !ok {
		return fmt.Errorf("%q is not a quirk; want some of %q, or all", q, Quirks())
	}
	return nil
}

// ParseQuirks reads quirks from a list with commas; "all" stands for every one.
func ParseQuirks(list string) ([]Quirk, error) {
	var found []Quirk
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); name {
		case "":
		case "all":
			found = append(found, Quirks()...)
		default:
			if err := Quirk(name).check(); err != nil {
				return nil, fmt.Errorf("sandbox: %w", err)
			}
			found = append(found, Quirk(name))
		}
	}
	return found, nil
}

// serveQuirks changes the successful answers of the API as the quirks say.
func (s *Sandbox) serveQuirks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		quirks := s.quirks()
		if len(quirks) == 0 || !strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/api/checkdoc/") {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldAnswer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(held, r)
		body := held.body.Bytes()
		if held.status == http.StatusOK && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.UseNumber()
			var answer any
			if decoder.Decode(&answer) == nil {
				for _, q := range quirks {
					if change := changes[q]; change != nil {
						answer = change(r.URL.Path, answer)
					}
				}
				body, _ = json.Marshal(answer) // it was JSON before
			}
		}
		w.WriteHeader(held.status)
		_, _ = w.Write(body)
	})
}

// A heldAnswer keeps an answer back.
type heldAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int)      { h.status = status }
func (h *heldAnswer) Write(b []byte) (int, error) { return h.body.Write(b) }

// each calls f on every object in v.
func each(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, member := range v {
			each(member, f)
		}
	case []any:
		for _, element := range v {
			each(element, f)
		}
	}
}

func rename(v any, from, to string) {
	each(v, func(object map[string]any) {
		if value, ok := object[from]; ok {
			object[to] = value
			delete(object, from)
		}
	})
}

func lowerFirst(v any) any {
	switch v := v.(type) {
	case string:
		r, size := utf8.DecodeRuneInString(v)
		return string(unicode.ToLower(r)) + v[size:]
	case []any:
		for i := range v {
			v[i] = lowerFirst(v[i])
		}
	}
	return v
}
