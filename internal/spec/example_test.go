package spec

import (
	"regexp"
	"regexp/syntax"
	"testing"
)

// Every answer of the contract has an example that it takes, also where none is given.
func TestExamplesAreValid(t *testing.T) {
	d := Embedded()
	for name := range Object(Member(Member(d.Tree, "components"), "schemas")) {
		if v, ok := d.Example(false, "#/components/schemas/"+Escape(name)); !ok {
			t.Errorf("%s: %v", name, v)
		}
	}
	for _, op := range d.Operations {
		for _, status := range op.Statuses() {
			for media := range op.Answers[status] {
				if v, ok := d.AnswerExample(op, status, media); !ok {
					t.Errorf("%s %s: %v", op.ID, status, v)
				}
			}
		}
	}
}

func TestExampleOfASchema(t *testing.T) {
	for _, schema := range []string{
		`{type: string, pattern: '^[A-Z]{2}-\d{3,5}(x|y)?$'}`,
		`{type: string, minLength: 9}`,
		`{type: string, maxLength: 2}`,
		`{type: string, format: uuid}`,
		`{type: string, pattern: '^(a|b)+.[^a]$', minLength: 3}`,
		`{type: integer, minimum: 7, maximum: 9}`,
		`{type: number, exclusiveMinimum: 0, exclusiveMaximum: 1}`,
		`{type: integer, multipleOf: 5, minimum: 3, maximum: 5}`,
		`{type: [string, 'null']}`,
		`{type: 'null'}`,
		`{type: boolean}`,
		`{}`,
		`{type: array, minItems: 3, items: {type: object, required: [a], properties: {a: {type: integer}}}}`,
		`{type: object, required: [a, b], properties: {a: {type: string}}}`,
		`{allOf: [{$ref: '#/components/schemas/T'}, {type: object, required: [z], properties: {z: {enum: [q]}}}]}`,
		`{oneOf: [{type: integer, minimum: 3}, {type: string}]}`,
		`{anyOf: [{$ref: '#/components/schemas/T'}, {type: 'null'}]}`,
		`{const: 7}`,
		`{type: object, properties: {child: {$ref: '#/components/schemas/S'}}}`,
		`{type: string, example: 7}`,
		`{type: object, additionalProperties: false, minProperties: 0}`,
	} {
		d, err := Read([]byte(`{openapi: 3.1.0, info: {title: t, version: '1'}, paths: {}, components: {schemas: {
			T: {type: object, required: [id], properties: {id: {type: string, format: uuid}}}, S: ` + schema + `}}}`))
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		if v, ok := d.Example(false, "#/components/schemas/S"); !ok {
			t.Errorf("%s: %v", schema, v)
		}
	}
}

func FuzzMatching(f *testing.F) {
	for _, pattern := range []string{`^[A-Z]{2}$`, `a+b?c*`, `[^a-z]`, `(?i:foo)`, `\d{3}`, `^$`, `x|y`} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		parsed, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil || len(pattern) > 50 {
			return
		}
		_ = matching(parsed.Simplify())
		_ = regexp.MustCompile(pattern)
	})
}
