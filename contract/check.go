package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/goaver/aver-go/internal/spec"
)

// A message is a request or an answer, read to its end.
type message struct {
	op        *operation
	direction Direction
	status    int
	header    http.Header
	body      []byte
	part      part
}

// A part is what of a message is checked.
type part int

const (
	all       part = iota
	headOnly       // everything but the content of the body, which is there
	bodyOnly       // the content of the body alone
	malformed      // the body was found to be no JSON
)

// checkRequest says how a request breaks the contract.
func (c *Contract) checkRequest(op *operation, values map[string]string, u *url.URL, m message) []Violation {
	f := &findings{c: c, m: m}
	if m.part <= headOnly {
		if want := op.authorized(m.header); want != "" {
			f.add(RuleSecurity, "Authorization", want, "")
		}
		for _, p := range op.params {
			f.param(p, values, u)
		}
	}
	f.contents(op.body, op.required)
	return f.violations
}

// checkResponse says how an answer breaks the contract.
func (c *Contract) checkResponse(m message) []Violation {
	f := &findings{c: c, m: m}
	documented, ok := m.op.response(m.status)
	if !ok {
		if m.part > headOnly {
			return nil
		}
		f.add(RuleStatus, "", "one of the documented statuses "+m.op.statuses(), fmt.Sprint(m.status))
		return f.violations
	}
	f.contents(documented, len(documented) > 0 && m.op.method != http.MethodHead)
	return f.violations
}

// findings collects violations of one message.
type findings struct {
	c          *Contract
	m          message
	violations []Violation
}

func (f *findings) add(rule Rule, place, want, got string) *Violation {
	f.violations = append(f.violations, Violation{
		Operation: f.m.op.id, Direction: f.m.direction, Status: f.m.status, Place: place, Rule: rule, Want: want, Got: got,
	})
	return &f.violations[len(f.violations)-1]
}

// contents checks the body by its media type.
func (f *findings) contents(documented contents, required bool) {
	body := f.m.body
	encoded := f.m.header.Get("Content-Encoding")
	switch {
	case len(documented) == 0 && (len(body) > 0 || f.m.part == headOnly):
		f.add(RuleBody, "", "no body", "one")
		return
	case f.m.part == headOnly:
	case len(bytes.TrimSpace(body)) == 0 && f.m.part != malformed:
		if required {
			f.add(RuleBody, "", "a body", "none")
		}
		return
	}
	contentType := f.m.header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(contentType)
	s := documented.of(media)
	if err != nil || s == nil {
		if f.m.part > headOnly {
			return
		}
		medias := make([]string, 0, len(documented))
		for name := range documented {
			medias = append(medias, name)
		}
		slices.Sort(medias)
		got := media
		if contentType == "" {
			got = "none"
		} else if err != nil {
			got = "a malformed one"
		}
		f.add(RuleContentType, "Content-Type", strings.Join(medias, " or "), got)
		return
	}
	if f.m.part == headOnly || s.compiled == nil || encoded != "" && encoded != "identity" || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return
	}
	if f.m.part == malformed || !jsontext.Value(body).IsValid() {
		f.add(RuleJSON, "", "one valid JSON value with unique names and nothing behind it", "")
		return
	}
	if spec.HugeNumber(body) {
		f.add(RuleFormat, "", "numbers of a size that can be handled", "")
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		f.add(RuleJSON, "", "valid JSON", "")
		return
	}
	f.value(s, value, func(place []string) string {
		pointer := ""
		for _, token := range place {
			pointer += "/" + escape(token)
		}
		return pointer
	})
}

// param checks a parameter.
func (f *findings) param(p param, values map[string]string, u *url.URL) {
	var texts []string
	switch p.in {
	case "path":
		if v, ok := values[p.name]; ok {
			texts = []string{v}
		}
	case "query":
		texts = u.Query()[p.name]
	case "header":
		texts = f.m.header.Values(p.name)
	default:
		return
	}
	if len(texts) == 0 {
		if p.required {
			f.add(RuleParameter, p.in+" parameter "+p.name, "a value", "none")
		}
		return
	}
	var value any = scalar(p.kind, texts[0])
	if p.array {
		if len(texts) == 1 {
			texts = strings.Split(texts[0], ",")
		}
		elements := make([]any, len(texts))
		for i := range texts {
			elements[i] = scalar(p.kind, texts[i])
		}
		value = elements
	}
	f.value(p.schema, value, func([]string) string { return p.in + " parameter " + p.name })
}

// scalar reads the text of a parameter as its type.
func scalar(kind, text string) any {
	switch kind {
	case "integer", "number":
		if jsontext.Value(text).Kind() == '0' && jsontext.Value(text).IsValid() {
			return json.Number(text)
		}
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}

// value checks a value against a schema.
func (f *findings) value(s *schema, value any, at func([]string) string) {
	if s.compiled == nil {
		return
	}
	err, ok := validate(s.compiled, value)
	if !ok {
		f.add(RuleFormat, "", "numbers of a size that can be handled", "")
		return
	}
	var failure *jsonschema.ValidationError
	if !errors.As(err, &failure) {
		return
	}
	for _, leaf := range spec.Leaves(failure) {
		private, shown := f.c.private(s.node, leaf.InstanceLocation)
		found := find(value, leaf.InstanceLocation)
		got := describe(found, private)
		place := at(shown)
		switch k := leaf.ErrorKind.(type) {
		case *kind.Required:
			for _, name := range k.Missing {
				f.add(RuleRequired, at(append(slices.Clip(shown), name)), "a value", "none")
			}
		case *kind.DependentRequired:
			for _, name := range k.Missing {
				f.add("dependentRequired", at(append(slices.Clip(shown), name)), "a value, together with "+k.Prop, "none")
			}
		case *kind.AdditionalProperties:
			for _, name := range k.Properties {
				v := f.add(RuleClosed, at(append(slices.Clip(shown), name)), "no such property", describe(member(found, name), true))
				v.Suggest = suggest(member(found, name), true)
			}
		case *kind.Type:
			v := f.add(RuleType, place, strings.Join(k.Want, " or "), got)
			v.Suggest = suggest(found, private)
		case *kind.Enum:
			want := make([]string, len(k.Want))
			for i, v := range k.Want {
				want[i] = fmt.Sprint(v)
			}
			v := f.add(RuleEnum, place, "one of "+strings.Join(want, ", "), got)
			v.Suggest = suggestEnum(found, private)
		case *kind.Pattern:
			if values, ok := strings.CutPrefix(k.Want, "^"+ignoringCase); ok {
				values = strings.ReplaceAll(strings.TrimSuffix(values, ")$"), "|", ", ")
				v := f.add(RuleEnum, place, "one of "+strings.ReplaceAll(values, `\`, "")+", in any letter case", got)
				v.Suggest = suggestEnum(found, private)
				break
			}
			f.add("pattern", place, "a match of "+k.Want, got)
		case *kind.Format:
			f.add(RuleFormat, place, k.Want, got)
		case *kind.AnyOf, *kind.OneOf:
			v := f.add(RuleAlternative, place, "one of the alternatives", got)
			v.Suggest = suggest(found, private)
		case *kind.MinLength:
			f.add("minLength", place, fmt.Sprintf("at least %d characters", k.Want), got)
		case *kind.Not: // no rule says more of what it excludes
			f.add("not", place, "something that the contract does not exclude, such as one property that is not null", got)
		case *kind.MinProperties:
			f.add("minProperties", place, fmt.Sprintf("at least %d properties", k.Want), got)
		default:
			path := k.KeywordPath()
			f.add(Rule(strings.Join(path, "/")), place, "what the schema says", got)
		}
	}
}

// validate validates a value. It reports whether that could be done: the library cannot handle a number like 1e9999999.
func validate(s *jsonschema.Schema, value any) (err error, ok bool) {
	defer func() {
		if recover() != nil {
			err, ok = nil, false
		}
	}()
	return s.Validate(value), true
}

// find returns the value at a place.
func find(v any, place []string) any {
	for _, token := range place {
		if elements, ok := v.([]any); ok {
			var i int
			if _, err := fmt.Sscan(token, &i); err != nil || i >= len(elements) {
				return nil
			}
			v = elements[i]
			continue
		}
		v = member(v, token)
	}
	return v
}

// describe names a value: its type, and if nobody minds, itself.
func describe(v any, private bool) string {
	name := typeOf(v)
	switch v := v.(type) {
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case map[string]any:
		return "an object"
	case nil:
		return "null"
	case string:
		if v == "" {
			return "an empty string"
		}
	}
	if private {
		return "a " + name + " (not shown)"
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) > 80 {
		return "a " + name
	}
	return string(text)
}

// suggest returns a schema for a value; of what may be personal, without the names of its members.
func suggest(v any, private bool) string {
	text, err := json.Marshal(suggestion(v, private))
	if err != nil || len(text) > 400 {
		return ""
	}
	return string(text)
}

func suggestEnum(v any, private bool) string {
	if text, ok := v.(string); ok && !private && len(text) <= 60 {
		return fmt.Sprintf("enum: [..., %s]", text)
	}
	return ""
}
