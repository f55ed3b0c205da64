package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/wire/rules"
)

// The same document twice: for what is sent, and more lenient, for what is received.
const (
	requests = "requests.yaml"
	answers  = "answers.yaml"
)

// A Schema is what a body or a parameter must meet.
type Schema struct {
	Compiled *jsonschema.Schema // nil when it is not checked
	Node     any                // as it stands in the document
	Pointer  string             // where that is

	document *Document
}

// compile makes the document ready for [Document.Compile].
func (d *Document) compile() error {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	for _, format := range append(integers(), formats()...) {
		c.RegisterFormat(format)
	}
	c.AssertFormat()
	bound(d.Tree)
	d.sent = d.directed(d.Tree, "readOnly", false)
	if err := c.AddResource(requests, d.sent); err != nil {
		return tidy(err)
	}
	if err := c.AddResource(answers, d.directed(d.Tree, "writeOnly", true)); err != nil {
		return tidy(err)
	}
	d.compiler = c
	return nil
}

// Compile returns the schema at a pointer, of what is sent or received.
func (d *Document) Compile(sent bool, pointer string) (*Schema, error) {
	resource := answers
	if sent {
		resource = requests
	}
	compiled, err := d.compiler.Compile(resource + encodes.Replace(pointer))
	at, node := d.declared(pointer)
	if err != nil {
		return &Schema{Node: node, Pointer: at, document: d}, d.Fault(at, "%s", strings.TrimPrefix(tidy(err).Error(), "jsonschema: "))
	}
	return &Schema{compiled, node, at, d}, nil
}

// integers are formats of OpenAPI that JSON Schema does not have.
func integers() []*jsonschema.Format {
	return []*jsonschema.Format{integer("int32", 31), integer("int64", 63)}
}

func integer(name string, bits uint) *jsonschema.Format {
	limit := new(big.Int).Lsh(big.NewInt(1), bits)
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		number, ok := v.(json.Number)
		if !ok {
			return nil
		}
		rat, ok := new(big.Rat).SetString(number.String())
		if !ok || !rat.IsInt() {
			return nil // another rule's
		}
		if n := rat.Num(); n.Cmp(limit) >= 0 || n.Cmp(new(big.Int).Neg(limit)) < 0 {
			return fmt.Errorf("outside of %s", name)
		}
		return nil
	}}
}

// formats are those that generated clients check, so that everybody checks them alike.
func formats() []*jsonschema.Format {
	all := make([]*jsonschema.Format, 0, len(rules.Formats))
	for _, name := range rules.Formats {
		all = append(all, &jsonschema.Format{Name: name, Validate: func(v any) error {
			if text, ok := v.(string); ok && !rules.IsFormat(name, text) {
				return errors.New("another format")
			}
			return nil
		}})
	}
	return all
}

// bound has every integer without a format be one of 64 bits, as clients read it.
func bound(v any) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			bound(v[i])
		}
	case map[string]any:
		if v["format"] == nil && kindOf(v) == "integer" {
			v["format"] = "int64"
		}
		for name := range v {
			if name != "example" && name != "examples" && name != "enum" && name != "default" && name != "const" {
				bound(v[name])
			}
		}
	}
}

// ignoringCase marks the pattern that stands for an enumeration whose letter case does not matter.
const ignoringCase = "(?i:"

// directed returns a copy of a document for one direction, in which a property of the other is not required. What is
// received is lenient: enumerations that are marked with x-ignore-case take any letter case.
func (d *Document) directed(v any, other string, lenient bool) any {
	switch v := v.(type) {
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = d.directed(v[i], other, lenient)
		}
		return copied
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, value := range v {
			copied[name] = d.directed(value, other, lenient)
		}
		if names, ok := v["required"].([]any); ok && v["properties"] != nil {
			copied["required"] = slices.DeleteFunc(slices.Clone(names), func(name any) bool {
				return Member(Member(v["properties"], fmt.Sprint(name)), other) == true
			})
		}
		if values, ok := v["enum"].([]any); ok && lenient && v["x-ignore-case"] == true {
			quoted := make([]string, len(values))
			for i, value := range values {
				quoted[i] = regexp.QuoteMeta(fmt.Sprint(value))
			}
			delete(copied, "enum")
			copied["pattern"] = "^" + ignoringCase + strings.Join(quoted, "|") + ")$"
		}
		d.tellApart(copied)
		return copied
	}
	return v
}

// tellApart has the discriminator of a schema decide which of its alternatives a value must meet, rather than that it meets
// exactly one: objects that may have more properties than they list often meet several.
func (d *Document) tellApart(s map[string]any) {
	name, _ := Member(s["discriminator"], "propertyName").(string)
	values := d.Alternatives(s)
	if name == "" || len(values) == 0 {
		return
	}
	var known []any
	var parts []any
	for _, value := range slices.Sorted(maps.Keys(values)) {
		known = append(known, value)
		parts = append(parts, map[string]any{
			"if":   map[string]any{"properties": map[string]any{name: map[string]any{"const": value}}, "required": []any{name}},
			"then": map[string]any{"$ref": values[value]},
		})
	}
	told := map[string]any{"type": "object", "required": []any{name}, "properties": map[string]any{name: map[string]any{"enum": known}}}
	delete(s, "oneOf")
	delete(s, "anyOf")
	s["allOf"] = append(append(slices.Clone(List(s["allOf"])), told), parts...)
}

// Alternatives returns the references of the alternatives of a schema by the values of its discriminator: those that it
// states, those that the alternatives state themselves, or their names. Nothing when it does not tell all of them apart.
func (d *Document) Alternatives(s map[string]any) map[string]string {
	name, _ := Member(s["discriminator"], "propertyName").(string)
	all := append(slices.Clone(List(s["oneOf"])), List(s["anyOf"])...)
	values := make(map[string]string)
	mapped := make(map[string]bool)
	for value, ref := range Object(Member(s["discriminator"], "mapping")) {
		to := fmt.Sprint(ref)
		if !strings.Contains(to, "/") {
			to = "#/components/schemas/" + Escape(to)
		}
		values[value], mapped[to] = to, true
	}
	for _, alternative := range all {
		ref, ok := Member(alternative, "$ref").(string)
		if !ok {
			return nil
		}
		if mapped[ref] {
			continue
		}
		value := unescape(ref[strings.LastIndexByte(ref, '/')+1:])
		if stated, ok := d.constant(ref, name).(string); ok {
			value = stated
		}
		values[value] = ref
	}
	return values
}

// constant returns the one value that a property of a schema may have; nil when there are several.
func (d *Document) constant(pointer, name string) any {
	p := d.Property(pointer, name)
	if values := List(Member(p, "enum")); len(values) == 1 {
		return values[0]
	}
	return Member(p, "const")
}

// Property returns a property of a schema, or of one of all that it is made of, references followed; nil when it has none.
func (d *Document) Property(pointer, name string) any { return d.property(pointer, name, 0) }

func (d *Document) property(pointer, name string, depth int) any {
	at, s := d.Resolve(pointer)
	if Member(Member(s, "properties"), name) != nil {
		_, p := d.Resolve(at + "/properties/" + Escape(name))
		return p
	}
	for i := range List(Member(s, "allOf")) {
		if depth > 10 {
			break
		}
		if p := d.property(fmt.Sprintf("%s/allOf/%d", at, i), name, depth+1); p != nil {
			return p
		}
	}
	return nil
}

// raise says a document of OpenAPI 3.0 in the words of 3.1.
func raise(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = raise(v[i])
		}
	case map[string]any:
		for name := range v {
			if name != "example" && name != "default" && name != "value" && name != "enum" {
				v[name] = raise(v[name])
			}
		}
		if v["nullable"] == true {
			switch {
			case v["$ref"] != nil: // beside which nothing counts in 3.0
			case v["type"] != nil:
				if kind, ok := v["type"].(string); ok {
					v["type"] = []any{kind, "null"}
				}
				if values, ok := v["enum"].([]any); ok && !slices.Contains(values, nil) {
					v["enum"] = append(slices.Clip(values), nil)
				}
			}
		}
		for bound, exclusive := range map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"} {
			if v[exclusive] == true && v[bound] != nil {
				v[exclusive] = v[bound]
				delete(v, bound)
			} else if _, ok := v[exclusive].(bool); ok {
				delete(v, exclusive)
			}
		}
	}
	return v
}

// Private reports whether the value at a place below a schema may be personal or secret: the document says so, or says
// nothing. It also returns the place with an asterisk for each name that the document does not know.
func (d *Document) Private(root any, place []string) (bool, []string) {
	sensitive, stated, shown := d.Marks(root, place)
	return sensitive || !stated, shown
}

// Marks returns whether the document marks the value at a place below a schema, or anything that it is in, as sensitive, and
// whether it says so or otherwise at all; and the place as [Document.Private] does.
func (d *Document) Marks(root any, place []string) (sensitive, stated bool, shown []string) {
	nodes := []any{root}
	note := func(node any) {
		if mark, ok := Member(node, "x-sensitive").(bool); ok {
			stated, sensitive = true, sensitive || mark
		}
	}
	for _, node := range d.alternatives(nodes) {
		note(node)
	}
	shown = make([]string, len(place))
	for i, token := range place {
		shown[i] = "*"
		var next []any
		for _, node := range d.alternatives(nodes) {
			if property := Member(Member(node, "properties"), token); property != nil {
				shown[i] = token
				next = append(next, property)
			} else if items := Member(node, "items"); items != nil && isIndex(token) {
				shown[i] = token
				next = append(next, items)
			} else if extra, ok := Member(node, "additionalProperties").(map[string]any); ok {
				next = append(next, extra)
			}
		}
		nodes = next
		for _, node := range d.alternatives(nodes) {
			note(node)
		}
	}
	return sensitive, stated, shown
}

func isIndex(token string) bool { return strings.Trim(token, "0123456789") == "" }

// alternatives returns nodes and all that they refer to or are made of.
func (d *Document) alternatives(nodes []any) []any {
	var all []any
	for i := 0; i < len(nodes) && i < 1000; i++ {
		node := nodes[i]
		all = append(all, node)
		if ref, ok := Member(node, "$ref").(string); ok {
			_, target := d.Resolve(ref)
			nodes = append(nodes[:len(nodes):len(nodes)], target)
		}
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			nodes = append(nodes[:len(nodes):len(nodes)], List(Member(node, keyword))...)
		}
	}
	return all
}
