package generator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/rules"
)

// honour refuses what a contract asks for and generated code would not do: with the line, and the way out.
func honour(d *spec.Document, all map[string]*traffic) []*spec.Fault {
	h := &judge{Document: d}
	seen := make(map[string]bool)
	for _, op := range d.Operations {
		for _, p := range op.Params {
			h.parameter(op, p, seen)
		}
		for _, media := range op.Body.Medias() {
			if s := op.Body[media]; s.Node != nil && all[op.Method+" "+op.Path].sends(media) {
				h.request(s.Pointer, seen)
			}
		}
	}
	return h.faults
}

// faultsOf returns an error with a line for each fault, in their order in the contract.
func faultsOf(faults []*spec.Fault) error {
	slices.SortStableFunc(faults, func(a, b *spec.Fault) int { return a.Line - b.Line })
	var all []error
	for _, fault := range faults {
		all = append(all, fault)
	}
	return errors.Join(all...)
}

type judge struct {
	*spec.Document
	faults []*spec.Fault
}

func (h *judge) refuse(pointer, format string, args ...any) {
	h.faults = append(h.faults, h.Fault(pointer, format, args...))
}

// unchecked are the keywords of JSON Schema that say what may be sent and that generated code does not check.
var unchecked = []string{
	"prefixItems", "contains", "minContains", "maxContains", "patternProperties", "propertyNames", "unevaluatedProperties",
	"unevaluatedItems", "$dynamicRef", "$recursiveRef", "contentEncoding", "contentMediaType", "contentSchema", "dependencies",
}

// asserted are the formats that JSON Schema defines and generated code does not check.
var asserted = []string{
	"time", "duration", "hostname", "idn-hostname", "idn-email", "uri-reference", "iri", "iri-reference", "uri-template",
	"json-pointer", "relative-json-pointer", "regex", "period", "semver",
}

// checked reports whether generated code checks a format.
func checked(format string) bool { return slices.Contains(rules.Formats[:], format) }

// parameter refuses a parameter that cannot be written as it asks for.
func (h *judge) parameter(op *spec.Operation, p *spec.Param, seen map[string]bool) {
	if p.In == "path" && (p.Style != "simple" || p.Object) {
		h.refuse(p.Pointer, "the path parameter %s has the style %s of %s, which is not written; use the style simple of a scalar or an array",
			p.Name, p.Style, article(p))
	}
	if p.In != "path" && p.Object && p.Style != "deepObject" && spec.Member(p.Node(), "content") == nil {
		h.refuse(p.Pointer, "the parameter %s is an object in the style %s, which would send what is not set; use the style deepObject, or "+
			"content application/json", p.Name, p.Style)
	}
	if p.Array && (p.Kind == "object" || p.Kind == "array") {
		h.refuse(p.Pointer, "the parameter %s is a list of %ss, for which there is no style; use content application/json", p.Name, p.Kind)
	}
	if p.In == "path" && p.Array && p.Kind == "string" {
		h.refuse(p.Pointer, "the path parameter %s is a list of texts, whose commas nothing tells apart; use a query", p.Name)
	}
	if p.In == "cookie" && p.Array {
		h.refuse(p.Pointer, "the cookie %s is a list, which no cookie holds; use a header or a query", p.Name)
	}
	if spec.Member(p.Node(), "allowReserved") == true {
		h.refuse(p.Pointer+"/allowReserved", "allowReserved is not honoured: reserved characters are escaped; take it out")
	}
	if p.In == "header" && strings.EqualFold(p.Name, "User-Agent") {
		h.refuse(p.Pointer, "the header User-Agent is the client's own (WithUserAgent); take the parameter out")
	}
	for _, alternative := range op.Security {
		for name := range alternative {
			scheme := h.SecuritySchemes()[name]
			if spec.Member(scheme, "in") == p.In && spec.Member(scheme, "name") == p.Name {
				h.refuse(p.Pointer, "the parameter %s is the credential of the security scheme %s, which the client sends; take it out", p.Name, name)
			}
		}
	}
	for media := range spec.Object(spec.Member(p.Node(), "content")) {
		if formOf(media, false) != asJSON {
			h.refuse(p.Pointer+"/content", "the parameter %s is %s, which is not written; use application/json", p.Name, media)
		}
	}
	if at, node := h.Resolve(schemaOf(p)); node != nil {
		h.request(at, seen)
	}
}

// schemaOf returns where the schema of a parameter is declared.
func schemaOf(p *spec.Param) string {
	for media := range spec.Object(spec.Member(p.Node(), "content")) {
		return p.Pointer + "/content/" + spec.Escape(media) + "/schema"
	}
	return p.Pointer + "/schema"
}

func article(p *spec.Param) string {
	switch {
	case p.Object:
		return "an object"
	case p.Array:
		return "an array"
	}
	return "a scalar"
}

// request refuses what a schema asks of a request and nobody would check.
func (h *judge) request(pointer string, seen map[string]bool) {
	if seen[pointer] {
		return
	}
	seen[pointer] = true
	_, node := h.Resolve(pointer)
	s := spec.Object(node)
	for _, keyword := range unchecked {
		if _, ok := s[keyword]; ok {
			h.refuse(pointer+"/"+keyword, "%s is not checked before a request is sent; say it in other words, or take it out", keyword)
		}
	}
	if format, ok := s["format"].(string); ok && slices.Contains(asserted, format) {
		h.refuse(pointer+"/format", "the format %s is not checked before a request is sent; use a pattern, or one of %s", format,
			strings.Join(rules.Formats[:], ", "))
	}
	for _, below := range h.below(pointer, s) {
		h.request(below, seen)
	}
}

// below returns where the schemas within a schema are declared.
func (h *judge) below(pointer string, s map[string]any) []string {
	var all []string
	add := func(at string) {
		at, node := h.Resolve(at)
		if spec.Object(node) != nil {
			all = append(all, at)
		}
	}
	for _, keyword := range []string{"items", "additionalProperties", "not", "if", "then", "else"} {
		if spec.Object(s[keyword]) != nil {
			add(pointer + "/" + keyword)
		}
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		for i := range spec.List(s[keyword]) {
			add(fmt.Sprintf("%s/%s/%d", pointer, keyword, i))
		}
	}
	for _, keyword := range []string{"properties", "dependentSchemas"} {
		for _, name := range sorted(spec.Object(s[keyword])) {
			add(pointer + "/" + keyword + "/" + spec.Escape(name))
		}
	}
	return all
}
