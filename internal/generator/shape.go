package generator

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// shapes refuses what has no type in Go, or one that would lose a part of it, and servers that would not be called.
func shapes(d *spec.Document) []*spec.Fault {
	h := &judge{Document: d}
	h.addresses()
	h.Walk(func(place spec.Place, pointer string) {
		if place != spec.OnSchema && place != spec.OnProperty {
			return
		}
		if s := spec.Object(h.Declared(pointer)); s != nil {
			h.reference(pointer, s)
			h.types(pointer, s)
			h.discriminator(pointer, s)
			h.union(pointer, s)
			h.propertyNames(pointer, s)
			h.circle(pointer)
		}
	})
	return h.faults
}

// component is a reference that oapi-codegen makes a type of.
var component = regexp.MustCompile(`^#/components/[^/]+/[^/]+$`)

func (h *judge) reference(pointer string, s map[string]any) {
	ref, ok := s["$ref"].(string)
	if !ok {
		return
	}
	if !component.MatchString(ref) {
		h.refuse(pointer+"/$ref", "%s is no component; declare what it leads to under #/components/schemas, and refer to that", ref)
	}
	for _, keyword := range []string{"properties", "items", "additionalProperties", "allOf", "anyOf", "oneOf", "enum"} {
		if s[keyword] != nil {
			h.refuse(pointer+"/"+keyword, "%s beside a $ref has no place in its type; put the reference and it into an allOf", keyword)
		}
	}
}

func (h *judge) types(pointer string, s map[string]any) {
	kinds, _ := s["type"].([]any)
	kinds = slices.DeleteFunc(slices.Clone(kinds), func(kind any) bool { return kind == "null" })
	if len(kinds) > 1 && s["x-go-type"] == nil {
		h.refuse(pointer+"/type", "a value of the types %s has no type in Go; write anyOf with one type each, or give it an x-go-type",
			strings.Trim(fmt.Sprint(kinds), "[]"))
	}
}

// propertyNames refuses what cannot stand in the tag of a struct's field.
func (h *judge) propertyNames(pointer string, s map[string]any) {
	for name := range spec.Object(s["properties"]) {
		if name == "" || strings.ContainsAny(name, "\"`',\\") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			h.refuse(pointer+"/properties/"+spec.Escape(name), "a property cannot be named %q: the tag of a Go field may not contain that", name)
		}
	}
}

// discriminator refuses one that does not tell the alternatives apart that the schema lists.
func (h *judge) discriminator(pointer string, s map[string]any) {
	d := spec.Object(s["discriminator"])
	if d == nil {
		return
	}
	at := pointer + "/discriminator"
	alternatives := append(slices.Clone(spec.List(s["oneOf"])), spec.List(s["anyOf"])...)
	if len(alternatives) == 0 {
		h.refuse(at, "a discriminator without oneOf tells apart what is nowhere listed; list the alternatives with oneOf where a value may be one of them")
		return
	}
	name := fmt.Sprint(d["propertyName"])
	for _, alternative := range alternatives {
		ref, _ := spec.Member(alternative, "$ref").(string)
		if ref == "" {
			h.refuse(at, "a discriminator tells apart schemas that have names; declare each alternative under #/components/schemas")
			return
		}
		_, target := h.Resolve(ref)
		if spec.Member(target, "oneOf") != nil || spec.Member(target, "anyOf") != nil {
			h.refuse(at, "%s is one of several itself, so that %s cannot tell it apart; list its alternatives here", ref, name)
		}
		if kind := spec.Member(h.Property(ref, name), "type"); kind != nil && kind != "string" {
			h.refuse(at, "the property %s of %s, which tells it apart, is no text", name, ref)
		}
	}
}

// union refuses what a union cannot hold beside its value.
func (h *judge) union(pointer string, s map[string]any) {
	seen := make(map[string]bool)
	for _, alternative := range slices.Concat(spec.List(s["oneOf"]), spec.List(s["anyOf"])) {
		ref, _ := spec.Member(alternative, "$ref").(string)
		if ref != "" && seen[ref] {
			h.refuse(pointer, "%s is listed twice among the alternatives; list it once", ref)
		}
		seen[ref] = true
	}
	if (s["oneOf"] != nil || s["anyOf"] != nil) && spec.Object(s["additionalProperties"]) != nil {
		h.refuse(pointer+"/additionalProperties", "additionalProperties with a schema beside oneOf or anyOf have no place in its type; declare "+
			"them in each alternative")
	}
}

// circle refuses a schema that is made of itself.
func (h *judge) circle(pointer string) {
	if !strings.HasPrefix(pointer, components) || strings.Count(pointer, "/") != 3 {
		return
	}
	seen := make(map[string]bool)
	var leads func(at string) bool
	leads = func(at string) bool {
		at, s := h.Resolve(at)
		if seen[at] {
			return at == pointer
		}
		seen[at] = true
		for i := range spec.List(spec.Member(s, "allOf")) {
			if leads(fmt.Sprintf("%s/allOf/%d", at, i)) {
				return true
			}
		}
		return false
	}
	if leads(pointer) {
		h.refuse(pointer, "the schema is made of itself (allOf), so that no value meets it; take the reference out")
	}
}

// addresses refuses servers that would not be called.
func (h *judge) addresses() {
	for _, op := range h.Operations {
		for _, at := range []string{op.Pointer, path.Dir(op.Pointer)} { // and of its path
			if _, described := h.Resolve(at); spec.Member(described, "servers") != nil {
				h.refuse(at+"/servers", "the operation %s has servers of its own; credentials go to one server alone, so generate another client for "+
					"those (--spec) and take them out here", op.ID)
			}
		}
	}
}
