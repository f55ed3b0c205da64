package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/rules"
)

// A message is a request or an answer, read to its end.
type message struct {
	op        *spec.Operation
	direction Direction
	status    int
	header    http.Header
	body      []byte
	part      part
	recorded  bool // by somebody who leaves credentials out
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
func (c *Contract) checkRequest(op *spec.Operation, values map[string]string, u *url.URL, m message) *findings {
	f := &findings{c: c, m: m, extra: make(map[string][]string), absent: make(map[string]*spec.Param)}
	if m.part <= headOnly {
		if want := op.Credentials(m.header, u); want != "" && !(m.recorded && m.header.Get("Authorization") == "") {
			f.add(RuleSecurity, "Authorization", want, "")
		}
		for _, p := range op.Params {
			f.param(p, values, u)
		}
		f.query(op, u)
	}
	f.contents(op.Body, op.Required)
	return f
}

// checkResponse says how an answer breaks the contract.
func (c *Contract) checkResponse(m message) *findings {
	f := &findings{c: c, m: m}
	documented, ok := m.op.Answer(m.status)
	if !ok {
		if m.part <= headOnly {
			f.add(RuleStatus, "", "one of the documented statuses "+statuses(m.op), fmt.Sprint(m.status))
		}
		return f
	}
	f.contents(documented, len(documented) > 0 && m.op.Method != http.MethodHead)
	return f
}

// findings collects violations of one message, and what else a [Drift] asks for.
type findings struct {
	c          *Contract
	m          message
	violations []Violation

	values []checkedValue
	faults []fault
	params []string               // those that were sent
	extra  map[string][]string    // query parameters that the operation does not have
	absent map[string]*spec.Param // by the place of the violation
}

// A checkedValue is the value of a body or a parameter, and the schema that it was held against.
type checkedValue struct {
	schema *spec.Schema
	value  any
}

// A fault is what is wrong with a value.
type fault struct {
	violation, value int // their places in the findings
	problem          rules.Problem
}

// json returns the value of the body, if it is JSON.
func (f *findings) json() (any, bool) {
	media, _, err := mime.ParseMediaType(f.m.header.Get("Content-Type"))
	if err != nil || f.m.part != all || media != "application/json" && !strings.HasSuffix(media, "+json") ||
		!jsontext.Value(f.m.body).IsValid() || spec.HugeNumber(f.m.body) {
		return nil, false
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.m.body))
	return value, err == nil
}

func (f *findings) add(rule Rule, place, want, got string) *Violation {
	f.violations = append(f.violations, Violation{
		Operation: f.m.op.ID, Direction: f.m.direction, Status: f.m.status, Place: place, Rule: rule, Want: want, Got: got,
		Line: f.c.spec.Line(f.m.op.Pointer),
	})
	return &f.violations[len(f.violations)-1]
}

// contents checks the body by its media type.
func (f *findings) contents(documented spec.Contents, required bool) {
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
	s := documented.Of(media)
	if err != nil || s == nil {
		if f.m.part > headOnly {
			return
		}
		got := media
		if contentType == "" {
			got = "none"
		} else if err != nil {
			got = "a malformed one"
		}
		f.add(RuleContentType, "Content-Type", strings.Join(documented.Medias(), " or "), got)
		return
	}
	if f.m.part == headOnly || s.Compiled == nil || encoded != "" && encoded != "identity" || media != "application/json" &&
		!strings.HasSuffix(media, "+json") {
		return
	}
	if f.m.part == malformed || !jsontext.Value(body).IsValid() {
		f.add(RuleJSON, "", "one valid JSON value with unique names and nothing behind it", f.garbage())
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
			pointer += "/" + spec.Escape(token)
		}
		return pointer
	})
}

// garbage says why a body is not JSON, and where.
func (f *findings) garbage() string {
	if f.m.part == malformed {
		return "something else" // of a body that is not held
	}
	if bytes.HasPrefix(f.m.body, []byte("\ufeff")) {
		return "a byte-order mark before it"
	}
	d := jsontext.NewDecoder(bytes.NewReader(f.m.body))
	if _, err := d.ReadValue(); err != nil {
		return syntaxFault(err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return fmt.Sprintf("something behind it at byte %d", d.InputOffset())
	}
	return "something else"
}

// syntaxFault says what is wrong with JSON, without a value of it.
func syntaxFault(err error) string {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "one that ends too early"
	case !errors.As(err, &syntax):
		return "something else"
	}
	at := fmt.Sprintf(" at byte %d", syntax.ByteOffset)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		last := syntax.JSONPointer.LastToken()
		if !isName(last) {
			return "a name that occurs twice" + at
		}
		return "the name " + last + " twice" + at
	case strings.Contains(syntax.Err.Error(), "UTF-8"):
		return "bytes that are not UTF-8" + at
	}
	return "something else" + at
}

// param checks a parameter.
func (f *findings) param(p *spec.Param, values map[string]string, u *url.URL) {
	texts, here := p.Texts(values, u, f.m.header)
	if !here {
		return
	}
	if len(texts) == 0 {
		if p.Required {
			f.absent[f.add(RuleParameter, p.In+" parameter "+p.Name, "a value", "none").Place] = p
		}
		return
	}
	f.params = append(f.params, p.Name)
	if !p.Array && len(texts) > 1 && p.Schema.Compiled != nil && p.In == "query" {
		f.add(RuleParameter, p.In+" parameter "+p.Name, "one value", fmt.Sprint(len(texts)))
	}
	value := p.Value(texts)
	f.value(p.Schema, value, func([]string) string { return p.In + " parameter " + p.Name })
}

// query finds what of a query no parameter is named.
func (f *findings) query(op *spec.Operation, u *url.URL) {
	if f.m.direction == Webhook {
		return // whose address is the receiver's
	}
	for _, p := range op.Params {
		if p.In == "query" && p.Object && p.Explode && p.Style == "form" {
			return // whatever its properties are called
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Query())) {
		known := op.InQuery(name) || slices.ContainsFunc(op.Params, func(p *spec.Param) bool {
			return p.In == "query" && (p.Name == name || p.Style == "deepObject" && strings.HasPrefix(name, p.Name+"["))
		})
		if !known {
			f.add(RuleParameter, "query", "no other query parameters than those of the operation", "another one")
			f.extra[name] = u.Query()[name]
		}
	}
}

// value checks a value against a schema.
func (f *findings) value(s *spec.Schema, value any, at func([]string) string) {
	f.values = append(f.values, checkedValue{s, value})
	for _, p := range s.Problems(value) {
		f.faults = append(f.faults, fault{len(f.violations), len(f.values) - 1, p})
		private, shown := f.c.spec.Private(s.Node, p.Place)
		found := spec.Find(value, p.Place)
		v := f.add(Rule(p.Rule), at(shown), p.Want, spec.Describe(found, private))
		v.Line = f.line(s, value, p)
		switch v.Rule {
		case RuleRequired, ruleDependentRequired:
			v.Place, v.Got = at(named(shown, p.Place)), "none"
		case RuleClosed:
			v.Place, v.Got = at(named(shown, p.Place)), spec.Describe(found, true)
			v.Suggest = suggest(found, true)
		case RuleType, RuleAlternative, ruleAnyOf:
			v.Suggest = suggest(found, private)
		case RuleEnum:
			v.Suggest = suggestEnum(found, private)
		}
	}
}

// line returns the line of the schema that a value does not meet.
func (f *findings) line(s *spec.Schema, value any, p rules.Problem) int {
	place := p.Place
	if p.Rule == "required" || p.Rule == "additionalProperties" {
		place = place[:len(place)-1]
	}
	line := f.c.spec.Line(s.Pointer)
	f.c.spec.Visit(s.Pointer, value, func(sight spec.Sight) {
		if slices.Equal(sight.Place, place) {
			if _, stated := sight.Node[p.Rule]; stated || len(place) > 0 && sight.Use == sight.Pointer {
				line = f.c.spec.Line(sight.Pointer)
			}
		}
	})
	return line
}

// named returns a place with its last name, which no value has there that the contract allows.
func named(shown, place []string) []string {
	return append(slices.Clip(shown[:len(shown)-1]), place[len(place)-1])
}
