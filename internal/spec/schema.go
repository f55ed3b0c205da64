package spec

import (
	"encoding/json"
	"errors"
	"fmt"
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
	d.sent = directed(d.Tree, "readOnly", false)
	if err := c.AddResource(requests, d.sent); err != nil {
		return tidy(err)
	}
	if err := c.AddResource(answers, directed(d.Tree, "writeOnly", true)); err != nil {
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
	compiled, err := d.compiler.Compile(resource + strings.NewReplacer("{", "%7B", "}", "%7D", " ", "%20").Replace(pointer))
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
func directed(v any, other string, lenient bool) any {
	switch v := v.(type) {
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = directed(v[i], other, lenient)
		}
		return copied
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, value := range v {
			copied[name] = directed(value, other, lenient)
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
		return copied
	}
	return v
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
	nodes := []any{root}
	sensitive, stated := false, false
	note := func(node any) {
		if mark, ok := Member(node, "x-sensitive").(bool); ok {
			stated, sensitive = true, sensitive || mark
		}
	}
	for _, node := range d.alternatives(nodes) {
		note(node)
	}
	shown := make([]string, len(place))
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
	return sensitive || !stated, shown
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
