package spec_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/goaver/aver-go/internal/spec"
)

// The checker and the sandbox word each rule as generated clients do.
func TestEachRuleHasItsWords(t *testing.T) {
	for _, tt := range [][3]string{
		{`{multipleOf: 0.5}`, `0.75`, "must be a multiple of 0.5"},
		{`{minimum: 2}`, `1`, "must be at least 2"},
		{`{maximum: 2}`, `3`, "must be at most 2"},
		{`{exclusiveMinimum: 2}`, `2`, "must be more than 2"},
		{`{exclusiveMaximum: 2}`, `2`, "must be less than 2"},
		{`{minLength: 2}`, `"a"`, "must be a text of at least 2 characters"},
		{`{minLength: 2}`, `""`, "is required"},
		{`{maxLength: 1}`, `"ab"`, "must be a text of at most 1 character"},
		{`{pattern: '^a', title: of an a}`, `"b"`, "must be a text of the form of an a"},
		{`{format: ipv4}`, `"1.2.3"`, "must be an address of IPv4"},
		{`{const: a}`, `"b"`, "must be a"},
		{`{enum: [a, null]}`, `"b"`, "must be one of a, null"},
		{`{minItems: 1}`, `[]`, "must be an array of at least 1 element"},
		{`{maxItems: 1}`, `[1, 2]`, "must be an array of at most 1 element"},
		{`{uniqueItems: true}`, `[1, 1.0]`, "must be an array without equal elements"},
		{`{minProperties: 1}`, `{}`, "at least one property is required"},
		{`{maxProperties: 0}`, `{"a": 1}`, "must be an object of at most 0 properties"},
		{`{type: [integer, 'null']}`, `"a"`, "must be an integer"},
		{`{type: integer}`, `null`, "is required"},
		{`{required: [a]}`, `{}`, "a: is required"},
		{`{dependentRequired: {a: [b]}}`, `{"a": 1}`, "b: is required together with a"},
		{`{additionalProperties: false}`, `{"a": 1}`, "a: is not a property of this request"},
		{`{oneOf: [{minimum: 1}, {minimum: 2}]}`, `3`, "must be exactly one of the alternatives"},
	} {
		d, err := spec.Read([]byte("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\ncomponents: {schemas: {A: " + tt[0] + "}}\n"))
		if err != nil {
			t.Errorf("%s: %v", tt[0], err)
			continue
		}
		s, err := d.Compile(true, "#/components/schemas/A")
		if err != nil {
			t.Errorf("%s: %v", tt[0], err)
			continue
		}
		got := ""
		for _, p := range s.ProblemsOf(json.RawMessage(tt[1])) {
			got += strings.TrimPrefix(fmt.Sprintf("%s: %s", strings.Join(p.Place, "."), p.Text()), ": ")
		}
		if got != tt[2] {
			t.Errorf("%s of %s: %q, want %q", tt[1], tt[0], got, tt[2])
		}
	}
}
