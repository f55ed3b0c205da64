package contract_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goaver/aver-go/contract"
)

// A kind is a difference from a small contract of which T is the schema of the answer of GET /t.
type kind struct {
	name, version, schemas string
	query                  string
	status                 int
	contentType            string
	answers                []string
	byHand                 bool // it is listed, and not proposed
	holds                  string
}

var kindsOfDrift = []kind{
	{name: "null beside an enumeration of several types", schemas: `T: {properties: {a: {type: [string, integer], enum: [x, 1]}}}`,
		answers: []string{`{"a":null}`}},
	{name: "null beside a constant", schemas: `T: {properties: {a: {type: string, const: x}}}`, answers: []string{`{"a":null}`}, byHand: true},
	{name: "required by two", schemas: `{A: {type: object, required: [p]}, B: {type: object, required: [p]},
		T: {allOf: [{$ref: '#/components/schemas/A'},
		{$ref: '#/components/schemas/B'}]}}`, answers: []string{`{}`}, holds: "once in"},
	{name: "a type of two", schemas: `{A: {type: object, properties: {p: {type: string}}}, B: {type: object, properties: {p: {type: string}}},
		T: {allOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}]}}`, answers: []string{`{"p":4}`, `{"p":null}`}},
	{name: "closed by two", schemas: `{A: {type: object, additionalProperties: false, properties: {p: {type: string}}},
		B: {type: object, additionalProperties: false, properties: {p: {type: string}}},
		T: {allOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}]}}`, answers: []string{`{"p":"a","n":1}`}},
	{name: "maps of maps", schemas: `T: {type: object, properties: {x: {type: string}}}`,
		answers: []string{`{"m":{"k":{"a":"text"},"l":{"1 1":5},"z z":{"a":"u"}}}`}},
	{name: "keys that are data", schemas: `T: {type: object, properties: {x: {type: string}}}`, holds: "additionalProperties",
		answers: []string{`{"m":{"a3f0c1d2-1111-4222-8333-944445555666":1,"C01X00T47":2,"sk_live_4eC39HqLyjWDarjtT1zdp7dc":1}}`}},
	{name: "an integer of no client", schemas: `T: {type: object, properties: {x: {type: string}}}`, holds: "type: number",
		answers: []string{`{"b":123456789012345678901234567890}`}},
	{name: "alternatives that nothing tells apart", byHand: true, answers: []string{`{}`},
		schemas: `{A: {type: object, required: [k], properties: {k: {const: a}}}, B: {type: object, required: [k], properties: {k: {const: b}}},
		T: {oneOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}], discriminator: {propertyName: k,
		mapping: {a: '#/components/schemas/A', b: '#/components/schemas/B'}}}}`},
	{name: "a repeated parameter", schemas: `T: {type: object}`, query: "?z=1&z=2", answers: []string{`{}`}, holds: "type: array"},
	{name: "a status of another media type", schemas: `T: {type: object}`, status: 418,
		contentType: "text/html", answers: []string{`<p>no`}, byHand: true},
	{name: "a status with a body at times", schemas: `T: {type: object}`, status: 418, answers: []string{`{"m":"x"}`, ``}, byHand: true},
	{name: "null in 3.0", version: "3.0.3", schemas: `T: {type: object, properties: {b: {type: integer}}}`, answers: []string{`{"b":null}`},
		holds: "nullable: true"},
	{name: "null of a reference in 3.0", version: "3.0.3", byHand: true, answers: []string{`{"a":null}`},
		schemas: `{N: {type: string}, T: {type: object, properties: {a: {$ref: '#/components/schemas/N'}}}}`},
	{name: "a rule behind a reference in 3.0", version: "3.0.3", byHand: true, answers: []string{`{"a":"long text"}`},
		schemas: `{N: {type: string, nullable: true, maxLength: 3}, T: {type: object, properties: {a: {$ref: '#/components/schemas/N'}}}}`},
	{name: "a property in 3.0", version: "3.0.3", schemas: `T: {type: object, properties: {x: {type: string}}}`,
		answers: []string{`{"n":null}`, `{"n":"a"}`},
		holds:   "nullable: true"},
	{name: "names of every kind", schemas: `T: {type: object, properties: {"a/b~c'd": {type: string},
		'x.y': {type: object, properties: {z: {type: integer}}}}}`,
		answers: []string{`{"a/b~c'd":null,"x.y":{"z":null}}`}},
}

// document returns the contract of a kind.
func (k kind) document() []byte {
	version := k.version
	if version == "" {
		version = "3.1.0"
	}
	schemas := k.schemas
	if !strings.HasPrefix(schemas, "{") {
		schemas = "{" + schemas + "}"
	}
	return fmt.Appendf(nil, `{openapi: %s, info: {title: t, version: '1'}, components: {schemas: %s},
		paths: {/t: {get: {operationId: t, responses: {'200':
		{description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/T'}}}}}}}}}`, version, schemas)
}

// Proposals for contracts beyond our own apply, and are enough: the same traffic passes then.
func TestDriftOfOtherContracts(t *testing.T) {
	for _, k := range kindsOfDrift {
		t.Run(k.name, func(t *testing.T) {
			traffic := func(c *contract.Contract) (*contract.Drift, []contract.Violation) {
				drift := &contract.Drift{Contract: c}
				var violations []contract.Violation
				for _, answer := range k.answers {
					violations = append(violations, observed(t, drift, http.MethodGet, "https://example.com/t"+k.query,
						cmp.Or(k.status, http.StatusOK), cmp.Or(k.contentType, "application/json"), answer)...)
				}
				return drift, violations
			}
			c, err := contract.New(k.document())
			if err != nil {
				t.Fatal(err)
			}
			drift, violations := traffic(c)
			proposal := string(drift.Overlay())
			if k.byHand {
				if proposal != "" || len(drift.Differences()) == 0 {
					t.Errorf("%v\n%s", drift.Differences(), proposal)
				}
				return
			}
			if proposal == "" || !strings.Contains(proposal, k.holds) || strings.Contains(proposal, "sk_live") {
				t.Fatalf("%v, %v\n%s", violations, drift.Differences(), proposal)
			}
			changed, err := contract.New(k.document(), contract.WithOverlay("o", []byte(proposal)))
			if err != nil {
				t.Fatalf("%v\n%s", err, proposal)
			}
			if again, left := traffic(changed); len(left) > 0 || again.Overlay() != nil {
				t.Errorf("left are %v, %v\n%s", left, again.Differences(), proposal)
			}
		})
	}
}

// What several operations share becomes the own of the one that differs.
func TestDriftOfASharedParameter(t *testing.T) {
	document := []byte(`{openapi: 3.1.0, info: {title: t, version: '1'},
		components: {parameters: {P: {name: p, in: query, required: true, schema: {type: string, maxLength: 2}}}},
		paths: {/g: {get: {operationId: g, parameters: [{$ref: '#/components/parameters/P'}], responses: {'200': {description: ok}}}},
			/u: {get: {operationId: u, parameters: [{$ref: '#/components/parameters/P'}], responses: {'200': {description: ok}}}},
			/v: {parameters: [{$ref: '#/components/parameters/P'}], get: {operationId: v, responses: {'200': {description: ok}}},
				delete: {operationId: w, responses: {'200': {description: ok}}}}}}`)
	for _, path := range []string{"/g", "/g?p=long", "/v", "/v?p=long"} {
		call := func(c *contract.Contract, method, path string, drift *contract.Drift) (n int) {
			transport := contract.NewTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
			}), contract.WithContract(c), contract.WithDrift(drift), contract.WithReport(func(v []contract.Violation) { n += len(v) }))
			req, err := http.NewRequestWithContext(t.Context(), method, "https://example.com"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := transport.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
			return n
		}
		c, err := contract.New(document)
		if err != nil {
			t.Fatal(err)
		}
		drift := &contract.Drift{Contract: c}
		if call(c, http.MethodGet, path, drift) != 1 {
			t.Fatalf("%s is no violation", path)
		}
		changed, err := contract.New(document, contract.WithOverlay("o", drift.Overlay()))
		if err != nil {
			t.Fatalf("%v\n%s", err, drift.Overlay())
		}
		nothing := &contract.Drift{Contract: changed}
		if call(changed, http.MethodGet, path, nothing) != 0 {
			t.Errorf("%s still violates\n%s", path, drift.Overlay())
		}
		query := strings.TrimLeft(path, "/gv")
		if call(changed, http.MethodGet, "/u"+query, nothing) != 1 || call(changed, http.MethodDelete, "/v"+query, nothing) != 1 {
			t.Errorf("others are looser too\n%s", drift.Overlay())
		}
	}
}
