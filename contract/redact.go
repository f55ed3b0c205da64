package contract

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/rules"
)

// A redactor puts placeholders in the place of values that are marked as sensitive, and of all that the contract does not know.
// The same value becomes the same placeholder, of a form that the schema takes; which one depends on a key that is kept
// nowhere.
type redactor struct {
	document *spec.Document
	key      [32]byte
	blank    bool // every placeholder of a type is the same, so that messages can be compared
}

func newRedactor(document *spec.Document) *redactor {
	r := &redactor{document: document}
	_, _ = rand.Read(r.key[:]) // it does not fail
	return r
}

// hash returns bytes that depend on a value and the key.
func (r *redactor) hash(v string) []byte {
	mac := hmac.New(sha256.New, r.key[:])
	mac.Write([]byte(v))
	return mac.Sum(nil)
}

// body redacts a body: JSON by its schema. It reports whether anything of it may be shown.
func (r *redactor) body(f *findings, contents spec.Contents) ([]byte, bool) {
	value, ok := f.json()
	if !ok {
		return nil, false
	}
	s := contents.Of("application/json")
	redacted := r.value(s, value)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(redacted); err != nil {
		return nil, false
	}
	return bytes.TrimSpace(b.Bytes()), true
}

// value redacts a value by its schema; nil for none, so that nothing of it is known.
func (r *redactor) value(s *spec.Schema, v any) any {
	w := redaction{redactor: r, schema: s, sights: sightsOf(r.document, s, v)}
	return w.walk(v, nil)
}

// A redaction is that of one value.
type redaction struct {
	*redactor
	schema *spec.Schema
	sights sightings
}

func (w *redaction) walk(v any, place []string) any {
	switch v := v.(type) {
	case map[string]any:
		redacted := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := append(slices.Clip(place), key)
			redacted[w.name(place, key)] = w.walk(v[key], at)
		}
		return redacted
	case []any:
		redacted := make([]any, len(v))
		for i := range v {
			redacted[i] = w.walk(v[i], append(slices.Clip(place), fmt.Sprint(i)))
		}
		return redacted
	case nil:
		return nil
	}
	here := w.sights.at(place)
	if w.shown(v, place, here) {
		return v
	}
	if w.blank {
		return "<" + strings.Replace(spec.TypeOf(v), "integer", "number", 1) + ">"
	}
	return w.placeholder(v, here)
}

// name returns the name of a member: of a map, whose names are data, or one that looks like data, a placeholder.
func (w *redaction) name(place []string, key string) string {
	here := w.sights.at(place)
	for _, s := range here {
		if spec.Member(s.Node["properties"], key) != nil {
			return key
		}
	}
	isMap := slices.ContainsFunc(here, func(s spec.Sight) bool {
		_, described := s.Node["additionalProperties"].(map[string]any)
		return described || s.Node["properties"] == nil && spec.Kinds(s.Node) != nil
	})
	if !isMap && isName(key) && !placeholderName.MatchString(key) {
		return key
	}
	return w.nameOf(key)
}

// placeholderName is one that stands in a recording for another.
var placeholderName = regexp.MustCompile(`^name-[0-9a-f]{12}$`)

// nameOf returns what stands for a name that may be data.
func (r *redactor) nameOf(key string) string {
	if r.blank {
		return "<name>"
	}
	return fmt.Sprintf("name-%x", r.hash(key)[:6])
}

// shown reports whether a value may stay: the contract knows it, and does not mark it as sensitive.
func (w *redaction) shown(v any, place []string, here []spec.Sight) bool {
	if w.schema == nil || len(here) == 0 {
		return false
	}
	for _, s := range here { // a name where a boolean stands is not known
		if !w.document.Meets(s.Pointer, v) {
			return false
		}
	}
	sensitive, stated, shown := w.document.Marks(w.schema.Node, place)
	if sensitive || slices.Contains(shown, "*") {
		return false
	}
	enumerated, listed := false, false
	for _, s := range here {
		values, is := s.Node["enum"].([]any)
		if constant, ok := s.Node["const"]; ok {
			values, is = []any{constant}, true
		}
		enumerated = enumerated || is
		listed = listed || slices.ContainsFunc(values, func(value any) bool { return strings.EqualFold(fmt.Sprint(value), fmt.Sprint(v)) })
	}
	return listed || stated && !enumerated
}

// placeholder returns a value for another: one that the schemas take which take the value itself.
func (w *redaction) placeholder(v any, here []spec.Sight) any {
	here = slices.DeleteFunc(slices.Clone(here), func(s spec.Sight) bool { return !w.document.Meets(s.Pointer, v) })
	fits := func(candidate any) bool {
		return !slices.ContainsFunc(here, func(s spec.Sight) bool { return !w.document.Meets(s.Pointer, candidate) })
	}
	for _, candidate := range w.candidates(v, here) {
		if fits(candidate) {
			return candidate
		}
	}
	switch v.(type) {
	case string:
		return ""
	case bool:
		return false
	}
	return json.Number("0")
}

// candidates returns placeholders for a value, the best first.
func (w *redaction) candidates(v any, here []spec.Sight) []any {
	var all []any
	for _, s := range here {
		if values := spec.List(s.Node["enum"]); len(values) > 0 {
			all = append(all, spec.Plain(values[w.number(fmt.Sprint(v), len(values))]))
		}
	}
	switch v := v.(type) {
	case bool:
		return append(all, false, true)
	case json.Number:
		n := w.number(v.String(), 1000)
		if strings.ContainsAny(v.String(), ".eE") {
			all = append(all, json.Number(fmt.Sprintf("%d.5", n)), json.Number("0.5"))
		}
		return append(all, json.Number(fmt.Sprint(n)), json.Number(fmt.Sprint(n%100)), json.Number("1"), json.Number("0"))
	case string:
		return append(all, w.texts(v)...)
	}
	return all
}

// embeddable are the media types of a Data URL that are told.
var embeddable = []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "application/pdf"}

// texts returns placeholders for a text.
func (w *redaction) texts(v string) []any {
	if v == "" {
		return []any{""}
	}
	h := w.hash(v)
	word := w.word(v)
	day, month := 1+int(h[0])%28, 1+int(h[1])%12
	forms := map[string]string{
		"uuid":           fmt.Sprintf("%x-%x-4%03x-8%03x-%x", h[:4], h[4:6], int(h[6])*16, int(h[8])*16, h[10:16]),
		"date-time":      fmt.Sprintf("2000-%02d-%02dT%02d:%02d:00Z", month, day, h[2]%24, h[3]%60),
		"date":           fmt.Sprintf("2000-%02d-%02d", month, day),
		"month-day-year": fmt.Sprintf("%02d/%02d/2000", month, day),
		"email":          "person-" + word + "@example.com",
		"ipv4":           fmt.Sprintf("192.0.2.%d", h[0]),
		"ipv6":           fmt.Sprintf("2001:db8::%x", h[:2]),
		"uri":            "https://example.com/" + word,
	}
	var all []any
	if media, content, ok := strings.Cut(v, ";base64,"); ok && strings.HasPrefix(media, "data:") {
		media, _, _ = strings.Cut(strings.TrimPrefix(media, "data:"), ";") // whose parameters may be the name of a file
		if !slices.Contains(embeddable, media) {
			media = "application/octet-stream"
		}
		told := fmt.Sprintf("%s, %d bytes, %x", media, base64.StdEncoding.DecodedLen(len(content)), h)
		all = append(all, "data:"+media+";base64,"+base64.StdEncoding.EncodeToString([]byte(told)))
	}
	for _, format := range []string{"uuid", "date-time", "date", "month-day-year", "email", "ipv4", "ipv6"} {
		if rules.IsFormat(format, v) {
			all = append(all, forms[format])
		}
	}
	if strings.Contains(v, "://") {
		all = append(all, forms["uri"])
	}
	all = append(all, "text-"+word, fmt.Sprint(1000000+w.number(v, 9000000)), forms["uri"], forms["email"],
		fmt.Sprintf("%d/%d/2000 1:02:03 AM", month, day), w.alike(v))
	return all
}

// alike returns a text with other letters and digits.
func (w *redaction) alike(v string) string {
	h := w.hash(v)
	i := 0
	return strings.Map(func(r rune) rune {
		i++
		b := rune(h[i%len(h)]) + rune(i/len(h))
		switch {
		case unicode.IsDigit(r):
			return '0' + b%10
		case unicode.IsUpper(r):
			return 'A' + b%26
		case unicode.IsLetter(r):
			return 'a' + b%26
		case r < unicode.MaxASCII:
			return r
		}
		return '-'
	}, v)
}

func (w *redaction) word(v string) string { return fmt.Sprintf("%x", w.hash(v)[:6]) }

func (w *redaction) number(v string, below int) int {
	return int(binary.BigEndian.Uint32(w.hash(v)) % uint32(below))
}
