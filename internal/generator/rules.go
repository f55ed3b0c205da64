package generator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/wire/rules"
)

// A rulebook holds the schemas of what is sent: each body, each schema of the components that one leads to, and each object
// that is declared within one.
type rulebook struct {
	document *spec.Document
	names    map[string]string // of the Go variable, by pointer
	objects  []string          // the pointers, sorted
	params   map[string]any    // a schema for the parameters beside those of the path, by the name of the Go type
}

func newRulebook(d *spec.Document, all map[string]*traffic, goNames map[string]string) rulebook {
	b := rulebook{document: d, names: make(map[string]string), params: make(map[string]any)}
	for _, op := range d.Operations {
		name := goNames[op.Method+" "+op.Path]
		b.parameters(op, name)
		for _, media := range op.Body.Medias() {
			if schema := op.Body[media]; schema.Node != nil && all[op.Method+" "+op.Path].sends(media) {
				b.note(schema.Pointer, name+"Body")
			}
		}
	}
	for pointer := range b.names {
		b.objects = append(b.objects, pointer)
	}
	slices.Sort(b.objects)
	return b
}

// parameters adds a schema for the parameters of an operation, as the properties of an object, and another one for those of
// the path, where these are held to more than a type.
func (b *rulebook) parameters(op *spec.Operation, name string) {
	for kind, inPath := range map[string]bool{"Params": false, "Path": true} {
		of, required := make(map[string]any), []any{}
		for _, p := range op.Params {
			schema := b.document.Sent(schemaOf(p))
			if (p.In == "path") != inPath || schema == nil || inPath && !b.constrained(schema) {
				continue
			}
			b.leadsTo(schema)
			of[p.Name] = writable(p, schema)
			if p.Required {
				required = append(required, p.Name)
			}
		}
		if len(of) > 0 {
			b.params[name+kind] = map[string]any{"type": "object", "properties": of, "required": required}
		}
	}
}

// writable adds to the schema of a parameter which texts a cookie or a header can hold.
func writable(p *spec.Param, schema any) any {
	if p.Array && p.Required && p.In == "query" { // without an element there is none
		return map[string]any{"allOf": []any{schema, map[string]any{"minItems": 1.0}}}
	}
	if p.In != "cookie" && p.In != "header" || p.Object || p.Array && p.Kind != "string" || !p.Array && p.Kind != "string" {
		return schema
	}
	held := any(map[string]any{"pattern": map[string]string{"cookie": cookieText, "header": headerText}[p.In]})
	if p.Array {
		held = map[string]any{"items": held}
	}
	return map[string]any{"allOf": []any{schema, held}}
}

const (
	cookieText = `^[!#-+\--:<-\[\]-~]*$` // RFC 6265, 4.1.1
	headerText = `^[^\x00-\x08\x0a-\x1f\x7f]*$`
)

// constrained reports whether a schema says more than which Go type it is.
func (b *rulebook) constrained(schema any) bool {
	if ref, ok := spec.Member(schema, "$ref").(string); ok {
		return b.constrained(b.document.Sent(ref))
	}
	for name, value := range spec.Object(schema) {
		if name == "minLength" && number(value) == "1" {
			continue // an empty path parameter is refused anyway
		}
		if name == "format" && value != "date-time" && slices.Contains(rules.Formats[:], fmt.Sprint(value)) {
			return true // a text that is checked; a date-time is a time, which is one
		}
		if !strings.HasPrefix(name, "x-") && !slices.Contains([]string{"type", "format", "title", "description", "example", "examples", "default",
			"deprecated", "items"}, name) {
			return true
		}
	}
	items := spec.Member(schema, "items")
	return items != nil && b.constrained(items)
}

const components = "#/components/schemas/"

// note adds the schema at a pointer, and those of the components that it leads to.
func (b *rulebook) note(pointer, name string) {
	if _, ok := b.names[pointer]; ok {
		return
	}
	if component, ok := strings.CutPrefix(pointer, components); ok && !strings.Contains(component, "/") {
		name = component
	}
	b.names[pointer] = "rulesOf" + codegen.SchemaNameToTypeName(name)
	b.leadsTo(b.document.Sent(pointer))
}

// leadsTo adds the schemas of the components that a schema leads to.
func (b *rulebook) leadsTo(v any) {
	if ref, ok := spec.Member(v, "$ref").(string); ok && strings.HasPrefix(ref, components) {
		b.note(ref, "")
	}
	for _, value := range spec.Object(v) {
		b.leadsTo(value)
	}
	for _, element := range spec.List(v) {
		b.leadsTo(element)
	}
}

// allRules returns the declarations of all rules, and of the function that finds them by their names.
func (f *functions) allRules() string {
	var code strings.Builder
	var lookup strings.Builder
	declare := func(name, pointer string, node any) {
		text, err := f.rules.literal(node)
		if err != nil {
			f.errs = append(f.errs, f.document.Fault(pointer, "%v", err))
			return
		}
		fmt.Fprintf(&code, "\nvar %s = rules.Schema%s\n", name, text)
		fmt.Fprintf(&lookup, "case %q:\nreturn &%s\n", strings.TrimPrefix(name, "rulesOf"), name)
	}
	for _, pointer := range f.rules.objects {
		declare(f.rules.names[pointer], pointer, f.document.Sent(pointer))
	}
	for _, name := range sorted(f.rules.params) {
		declare("rulesOf"+name, "#/paths", f.rules.params[name])
	}
	return "// What the contract asks of each request. Rules refer to each other by name.\n" + code.String() +
		"\n// RulesNamed returns rules by their name. It is for package api.\nfunc RulesNamed(name string) *rules.Schema {\nswitch name {\n" +
		lookup.String() + "}\nreturn nil\n}\n"
}

// A literal is the composite literal of a schema, without its type.
type literal struct {
	b    *rulebook
	text strings.Builder
	err  error
}

func (b *rulebook) literal(node any) (string, error) {
	l := &literal{b: b}
	l.schema(node)
	return l.text.String(), l.err
}

func (l *literal) field(name, format string, args ...any) {
	fmt.Fprintf(&l.text, "%s: "+format+",\n", append([]any{name}, args...)...)
}

func (l *literal) schema(node any) {
	if node == false {
		l.text.WriteString("{Not: &rules.Schema{}}")
		return
	}
	l.text.WriteString("{\n")
	s := spec.Object(node)
	l.types(s)
	all := spec.List(s["allOf"])
	if ref, ok := s["$ref"].(string); ok {
		if name := l.b.names[ref]; name != "" {
			l.field("Ref", "%q", strings.TrimPrefix(name, "rulesOf"))
		} else { // a part of a component
			_, target := l.b.document.Resolve(ref)
			all = append(slices.Clip(all), target)
		}
	}
	if value, ok := s["const"]; ok {
		if s["enum"] == nil {
			l.field("Enum", "[]any{%s}", written(value))
		} else {
			all = append(slices.Clip(all), map[string]any{"enum": []any{value}})
		}
	}
	l.scalars(s)
	l.arrays(s)
	l.objects(s)
	l.group("All", all)
	l.group("Any", spec.List(s["anyOf"]))
	l.group("One", spec.List(s["oneOf"]))
	for _, part := range []struct{ keyword, field string }{{"not", "Not"}, {"if", "If"}, {"then", "Then"}, {"else", "Else"}} {
		if inner, ok := s[part.keyword]; ok {
			l.text.WriteString(part.field + ": &rules.Schema")
			l.schema(inner)
			l.text.WriteString(",\n")
		}
	}
	l.text.WriteString("}")
}

func (l *literal) group(field string, parts []any) {
	if len(parts) == 0 {
		return
	}
	l.text.WriteString(field + ": []*rules.Schema{\n")
	for _, part := range parts {
		l.schema(part)
		l.text.WriteString(",\n")
	}
	l.text.WriteString("},\n")
}

var typeNames = map[string]string{
	"null": "rules.Null", "boolean": "rules.Boolean", "integer": "rules.Integer", "number": "rules.Number",
	"string": "rules.String", "array": "rules.Array", "object": "rules.Object",
}

func (l *literal) types(s map[string]any) {
	var names []string
	for _, name := range texts(s["type"]) {
		if typeNames[name] != "" {
			names = append(names, typeNames[name])
		}
	}
	if len(names) > 0 {
		l.field("Types", "%s", strings.Join(names, " | "))
	}
}

// texts returns a text, or the texts of a list.
func texts(v any) []string {
	if text, ok := v.(string); ok {
		return []string{text}
	}
	var all []string
	for _, element := range spec.List(v) {
		if text, ok := element.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

func (l *literal) scalars(s map[string]any) {
	if values, ok := s["enum"].([]any); ok {
		l.field("Enum", "[]any{%s}", listed(values))
	}
	l.count(s, "minLength", "MinLength", false)
	l.count(s, "maxLength", "MaxLength", true)
	if pattern, ok := s["pattern"].(string); ok {
		l.field("Pattern", "%s", quoted(pattern))
		if title, ok := s["title"].(string); ok {
			l.field("Title", "%q", title)
		}
	}
	if format, ok := s["format"].(string); ok && checked(format) {
		l.field("Format", "%q", format)
	}
	for _, bound := range []struct{ keyword, field string }{
		{"minimum", "Minimum"}, {"maximum", "Maximum"}, {"exclusiveMinimum", "ExclusiveMinimum"},
		{"exclusiveMaximum", "ExclusiveMaximum"}, {"multipleOf", "MultipleOf"},
	} {
		if value, ok := s[bound.keyword]; ok {
			l.field(bound.field, "%q", number(value))
		}
	}
}

func (l *literal) arrays(s map[string]any) {
	if items, ok := s["items"]; ok {
		l.text.WriteString("Items: &rules.Schema")
		l.schema(items)
		l.text.WriteString(",\n")
	}
	l.count(s, "minItems", "MinItems", false)
	l.count(s, "maxItems", "MaxItems", true)
	if s["uniqueItems"] == true {
		l.field("Unique", "true")
	}
}

func (l *literal) objects(s map[string]any) {
	l.properties("Properties", spec.Object(s["properties"]))
	if required := texts(s["required"]); len(required) > 0 {
		l.field("Required", "%#v", required)
	}
	switch additional := s["additionalProperties"].(type) {
	case bool:
		if !additional {
			l.field("Closed", "true")
		}
	case map[string]any:
		l.text.WriteString("Additional: &rules.Schema")
		l.schema(additional)
		l.text.WriteString(",\n")
	}
	l.count(s, "minProperties", "MinProperties", false)
	l.count(s, "maxProperties", "MaxProperties", true)
	if dependent := spec.Object(s["dependentRequired"]); len(dependent) > 0 {
		l.text.WriteString("DependentRequired: []rules.Dependency{\n")
		for _, name := range sorted(dependent) {
			fmt.Fprintf(&l.text, "{Name: %q, Required: %#v},\n", name, texts(dependent[name]))
		}
		l.text.WriteString("},\n")
	}
	l.properties("DependentSchemas", spec.Object(s["dependentSchemas"]))
}

func (l *literal) properties(field string, of map[string]any) {
	if len(of) == 0 {
		return
	}
	l.text.WriteString(field + ": []rules.Property{\n")
	for _, name := range sorted(of) {
		fmt.Fprintf(&l.text, "{Name: %q, Schema: &rules.Schema", name)
		l.schema(of[name])
		l.text.WriteString("},\n")
	}
	l.text.WriteString("},\n")
}

func (l *literal) count(s map[string]any, keyword, field string, limit bool) {
	value, ok := s[keyword]
	if !ok {
		return
	}
	n, err := strconv.Atoi(number(value))
	switch {
	case err != nil:
		l.err = fmt.Errorf("%s is %v, which is no count", keyword, value)
	case limit:
		l.field(field, "\"%d\"", n)
	case n > 0:
		l.field(field, "%d", n)
	}
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// number writes a number of the document as JSON does.
func number(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func quoted(s string) string {
	if strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

func listed(values []any) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = written(v)
	}
	return strings.Join(all, ", ")
}

// written writes a value of the document in Go.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case bool:
		return strconv.FormatBool(v)
	case string:
		return strconv.Quote(v)
	case []any:
		return "[]any{" + listed(v) + "}"
	case map[string]any:
		var b strings.Builder
		for _, name := range sorted(v) {
			fmt.Fprintf(&b, "%q: %s, ", name, written(v[name]))
		}
		return "map[string]any{" + b.String() + "}"
	}
	return fmt.Sprintf("rules.Literal(%q)", number(v))
}
