package spec

import (
	"maps"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Example returns a value that meets a schema of what is sent or of an answer: one that the document gives, or one that is made. It
// reports whether there is one.
func (d *Document) Example(sent bool, pointer string) (any, bool) {
	m := maker{d, sent}
	for _, optional := range []bool{true, false} { // what need not be there may be what is wrong
		if v := Plain(m.make(pointer, 0, optional)); m.meets(pointer, v) {
			return v, true
		}
	}
	return nil, false
}

// BodyExample returns an example of the body of a request: that of its media type, or of its schema.
func (d *Document) BodyExample(op *Operation, media string) (any, bool) {
	at, _ := d.Resolve(op.Pointer + "/requestBody")
	return d.mediaExample(true, at+"/content/"+Escape(media))
}

// AnswerExample returns an example of an answer of an operation: that of its media type, or of its schema.
func (d *Document) AnswerExample(op *Operation, status, media string) (any, bool) {
	at, _ := d.Resolve(op.Pointer + "/responses/" + Escape(status))
	return d.mediaExample(false, at+"/content/"+Escape(media))
}

// mediaExample returns an example of what is described at a pointer.
func (d *Document) mediaExample(sent bool, pointer string) (any, bool) {
	var found any
	d.examplesOf(sent, pointer, func(_ bool, schema, example string) {
		if _, v := d.Resolve(example); found == nil && d.meets(sent, schema, Plain(v)) {
			found = Plain(v)
		}
	})
	if found != nil {
		return found, true
	}
	return d.Example(sent, pointer+"/schema")
}

// maxMade is how long a text or a list is made at most.
const maxMade = 1 << 20

type maker struct {
	*Document
	sent bool
}

func (m maker) meets(pointer string, value any) bool { return m.Document.meets(m.sent, pointer, value) }

// make makes a value for the schema at a pointer, which may still break rules that this does not know.
func (m maker) make(pointer string, depth int, optional bool) any {
	at, node := m.declared(pointer)
	s := Object(node)
	if s == nil || depth > 12 {
		return nil
	}
	for _, given := range m.given(s) {
		if m.meets(at, Plain(given)) {
			return given
		}
	}
	if ref, ok := s["$ref"].(string); ok {
		return m.make(ref, depth+1, optional)
	}
	if all := List(s["allOf"]); len(all) > 0 {
		return m.joined(at, len(all), depth, optional)
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		for i := range List(s[keyword]) {
			v := m.make(at+"/"+keyword+"/"+strconv.Itoa(i), depth+1, optional)
			if m.meets(at, Plain(v)) {
				return v
			}
		}
	}
	kinds := slices.DeleteFunc(Kinds(s), func(kind string) bool { return kind == "null" })
	kind := ""
	if len(kinds) > 0 {
		kind = kinds[0]
	}
	switch {
	case kind == "object" || kind == "" && s["properties"] != nil:
		return m.object(at, s, depth, optional)
	case kind == "array":
		n := max(1, whole(s["minItems"]))
		if n > maxMade {
			return nil
		}
		list := make([]any, n)
		for i := range list {
			list[i] = m.make(at+"/items", depth+1, optional)
		}
		return list
	case kind == "string":
		return m.text(s)
	case kind == "integer" || kind == "number":
		return m.number(s)
	case kind == "boolean":
		return true
	case slices.Contains(Kinds(s), "null"):
		return nil
	}
	return "text"
}

// given returns the values that a schema gives itself.
func (m maker) given(s map[string]any) []any {
	var all []any
	if v, ok := s["const"]; ok {
		all = append(all, v)
	}
	if v, ok := s["example"]; ok {
		all = append(all, v)
	}
	all = append(all, List(s["examples"])...)
	if v, ok := s["default"]; ok {
		all = append(all, v)
	}
	return append(all, List(s["enum"])...)
}

// joined makes a value for all parts of an allOf.
func (m maker) joined(at string, parts, depth int, optional bool) any {
	joined := make(map[string]any)
	var other any
	for i := range parts {
		v := m.make(at+"/allOf/"+strconv.Itoa(i), depth+1, optional)
		if object, ok := v.(map[string]any); ok {
			maps.Copy(joined, object)
		} else if v != nil {
			other = v
		}
	}
	maps.Copy(joined, Object(m.object(at, Object(m.at(at)), depth, optional)))
	if len(joined) > 0 || other == nil {
		return joined
	}
	return other
}

func (m maker) object(at string, s map[string]any, depth int, optional bool) any {
	made := make(map[string]any)
	required := List(s["required"])
	other := "writeOnly"
	if m.sent {
		other = "readOnly"
	}
	for _, name := range slices.Sorted(maps.Keys(Object(s["properties"]))) {
		if !slices.Contains(required, any(name)) && (!optional || depth > 4) {
			continue
		}
		if Member(m.at(at+"/properties/"+Escape(name)), other) == true {
			continue
		}
		made[name] = m.make(at+"/properties/"+Escape(name), depth+1, optional)
	}
	for _, name := range required { // of properties that are declared nowhere
		if text, ok := name.(string); ok && made[text] == nil && Member(s["properties"], text) == nil {
			made[text] = "text"
		}
	}
	return made
}

var formatted = map[string]string{
	"date": "2000-01-01", "date-time": "2000-01-01T00:00:00Z", "uuid": "00000000-0000-4000-8000-000000000000", "uri": "https://example.com/",
	"email": "somebody@example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "month-day-year": "01/01/2000", "byte": "dGV4dA==",
}

// text makes a text that meets the format, the pattern and the length of a schema, as far as they can be met together.
func (m maker) text(s map[string]any) string {
	format, _ := s["format"].(string)
	text := formatted[format]
	if pattern, ok := s["pattern"].(string); ok && text == "" {
		if parsed, err := syntax.Parse(pattern, syntax.Perl); err == nil {
			text = matching(parsed)
		}
	}
	if text == "" {
		text = "text"
	}
	if n := whole(s["minLength"]) - utf8.RuneCountInString(text); n > 0 && n < maxMade {
		text += strings.Repeat(text[len(text)-1:], n)
	}
	if n := whole(s["maxLength"]); n > 0 && len([]rune(text)) > n {
		text = string([]rune(text)[:n])
	}
	return text
}

// matching returns a text that an expression matches.
func matching(e *syntax.Regexp) string {
	var b strings.Builder
	switch e.Op {
	case syntax.OpLiteral:
		b.WriteString(string(e.Rune))
	case syntax.OpCharClass:
		b.WriteRune(within(e.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpCapture, syntax.OpPlus:
		b.WriteString(matching(e.Sub[0]))
	case syntax.OpRepeat:
		for range e.Min {
			b.WriteString(matching(e.Sub[0]))
		}
	case syntax.OpConcat:
		for _, sub := range e.Sub {
			b.WriteString(matching(sub))
		}
	case syntax.OpAlternate:
		return matching(e.Sub[0])
	}
	return b.String()
}

// within returns a rune of a class: one that can be read, if there is one.
func within(ranges []rune) rune {
	for _, wanted := range []string{"a1A", "-_."} {
		for _, r := range wanted {
			for i := 0; i+1 < len(ranges); i += 2 {
				if ranges[i] <= r && r <= ranges[i+1] {
					return r
				}
			}
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= min(ranges[i+1], ranges[i]+200); r++ {
			if unicode.IsPrint(r) {
				return r
			}
		}
	}
	if len(ranges) > 0 {
		return ranges[0]
	}
	return 'a'
}

// number makes a number within the bounds of a schema.
func (m maker) number(s map[string]any) any {
	for _, candidate := range []float64{
		1, 0, real(s["minimum"]), real(s["maximum"]), real(s["exclusiveMinimum"]) + 1, real(s["exclusiveMaximum"]) - 1, real(s["multipleOf"]),
		(real(s["minimum"]) + real(s["maximum"])) / 2,
		(real(s["exclusiveMinimum"]) + real(s["exclusiveMaximum"])) / 2,
	} {
		fits := s["minimum"] == nil || candidate >= real(s["minimum"])
		fits = fits && (s["maximum"] == nil || candidate <= real(s["maximum"]))
		fits = fits && (s["exclusiveMinimum"] == nil || candidate > real(s["exclusiveMinimum"]))
		fits = fits && (s["exclusiveMaximum"] == nil || candidate < real(s["exclusiveMaximum"]))
		step := real(s["multipleOf"])
		fits = fits && (step == 0 || candidate/step == float64(int64(candidate/step)))
		if fits && (kindOf(s) != "integer" || candidate == float64(int64(candidate))) {
			return candidate
		}
	}
	return 1
}

func real(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func whole(v any) int { return int(real(v)) }
