package contract

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The same document twice: as it stands, for what is sent, and more lenient, for what is received.
const (
	requests = "requests.yaml"
	answers  = "answers.yaml"
)

// formats are those of OpenAPI that JSON Schema does not have.
var formats = []*jsonschema.Format{integer("int32", 31), integer("int64", 63)}

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

// bound has every integer without a format be one of 64 bits, as clients read it.
func bound(v any) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			bound(v[i])
		}
	case map[string]any:
		kind, ok := v["type"].(string)
		if kinds, several := v["type"].([]any); several {
			for _, k := range kinds {
				if k == "integer" {
					kind, ok = "integer", true
				}
			}
		}
		if ok && kind == "integer" && v["format"] == nil {
			v["format"] = "int64"
		}
		for name := range v {
			if name != "example" && name != "examples" && name != "enum" && name != "default" {
				bound(v[name])
			}
		}
	}
}

// ignoringCase marks the pattern that stands for an enumeration whose letter case does not matter.
const ignoringCase = "(?i:"

// lenient returns a copy of a document in which enumerations that are marked with x-ignore-case take any letter case.
func lenient(v any) any {
	switch v := v.(type) {
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = lenient(v[i])
		}
		return copied
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, value := range v {
			copied[name] = lenient(value)
		}
		if values, ok := v["enum"].([]any); ok && v["x-ignore-case"] == true {
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
			v[name] = raise(v[name])
		}
		if kind, ok := v["type"].(string); ok && v["nullable"] == true {
			v["type"] = []any{kind, "null"}
			if values, ok := v["enum"].([]any); ok {
				v["enum"] = append(values, nil)
			}
		}
		for bound, exclusive := range map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"} {
			if v[exclusive] == true {
				v[exclusive] = v[bound]
				delete(v, bound)
			} else if v[exclusive] == false {
				delete(v, exclusive)
			}
		}
	}
	return v
}

// private reports whether the value at a place may be personal or secret: the contract says so, or says nothing. It
// also returns the place with an asterisk for each name that the contract does not know.
func (c *Contract) private(root any, place []string) (bool, []string) {
	r := &reader{tree: c.tree}
	nodes := []any{root}
	sensitive, stated := false, false
	note := func(node any) {
		if mark, ok := member(node, "x-sensitive").(bool); ok {
			stated, sensitive = true, sensitive || mark
		}
	}
	for _, node := range r.alternatives(nodes) {
		note(node)
	}
	shown := make([]string, len(place))
	for i, token := range place {
		shown[i] = "*"
		var next []any
		for _, node := range r.alternatives(nodes) {
			if property := member(member(node, "properties"), token); property != nil {
				shown[i] = token
				next = append(next, property)
			} else if items := member(node, "items"); items != nil && isIndex(token) {
				shown[i] = token
				next = append(next, items)
			} else if extra, ok := member(node, "additionalProperties").(map[string]any); ok {
				next = append(next, extra)
			}
		}
		nodes = next
		for _, node := range r.alternatives(nodes) {
			note(node)
		}
	}
	return sensitive || !stated, shown
}

func isIndex(token string) bool { return strings.Trim(token, "0123456789") == "" }

// alternatives returns nodes and all that they refer to or are made of.
func (r *reader) alternatives(nodes []any) []any {
	var all []any
	for i := 0; i < len(nodes) && i < 1000; i++ {
		node := nodes[i]
		all = append(all, node)
		if ref, ok := member(node, "$ref").(string); ok {
			_, target := r.resolve(ref)
			nodes = append(nodes[:len(nodes):len(nodes)], target)
		}
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			nodes = append(nodes[:len(nodes):len(nodes)], list(member(node, keyword))...)
		}
	}
	return all
}

// typeOf returns the JSON type of a value.
func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if rat, ok := new(big.Rat).SetString(v.String()); ok && rat.IsInt() {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// suggestion returns a schema that a value meets, as a person may write it into the contract. It repeats no value, and of
// what may be personal no names.
func suggestion(v any, private bool) map[string]any {
	s := map[string]any{"type": typeOf(v)}
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			s["items"] = suggestion(v[0], private)
		}
	case map[string]any:
		if private {
			break
		}
		properties := make(map[string]any)
		for name := range v {
			properties[name] = suggestion(v[name], private)
		}
		s["properties"] = properties
	}
	return s
}
