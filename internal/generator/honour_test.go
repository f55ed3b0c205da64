package generator

import (
	"os"
	"strings"
	"testing"

	"github.com/goaver/aver-go/internal/spec"
)

const contractHead = `openapi: 3.1.0
info: {title: t, version: '1'}
paths:
  /a:
    post:
      operationId: a
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/A'}
      responses: {'204': {description: d}}
components:
  schemas:
`

// What generated code would not check is refused, with its line and the way out.
func TestWhatCannotBeHonouredIsRefused(t *testing.T) {
	for schema, want := range map[string]string{
		"    A: {type: string, pattern: '^(?=a)b$'}": "line 14: Go cannot run the pattern ^(?=a)b$ (invalid or unsupported Perl syntax: " +
			"`(?=`)",
		"    A:\n      type: string\n      format: hostname": "line 16: the format hostname is not checked before a request is sent; use a " +
			"pattern, or one of",
		"    A: {type: array, items: {$ref: '#/components/schemas/B'}}\n    B:\n      type: array\n      prefixItems: [{type: string}]": "line 17: " +
			"prefixItems is not checked before a request is sent",
		"    A:\n      type: object\n      properties:\n        a:\n          type: object\n" +
			"          patternProperties: {'^x': {type: string}}": "line 19: " +
			"patternProperties is not checked",
	} {
		document, err := spec.Read([]byte(contractHead + schema + "\n"))
		if err == nil {
			err = faultsOf(honour(document, nil))
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant %s", schema, err, want)
		}
	}
	document, err := spec.Read([]byte(contractHead + "    A: {type: object, properties: {a: {$ref: '#/components/schemas/A'}," +
		" b: {type: string, format: phone}}}\n" +
		"    B: {type: string, format: hostname}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := honour(document, nil); err != nil {
		t.Errorf("a recursive request, a format that nobody checks, and one of what is not sent: %v", err)
	}
}

// Names that Go cannot tell apart are refused, with the line of one.
func TestNamesThatGoCannotTellApart(t *testing.T) {
	for schema, want := range map[string]string{
		"    A: {type: object, properties: {a_b: {type: string},\n      aB: {type: string}}}": "line 14: the properties aB and a_b are both " +
			"called AB in Go; give one of them an x-go-name",
		"    A: {type: object}\n    a: {type: object}": "line 15: the schemas A and a are both called A in " +
			"Go",
		"    A: {type: object, properties: {x-y: {type: string, x-go-name: Other}, xY: {type: string}}}": "",
		"    A: {type: object, properties: {b: {type: array, items: {properties: {c: {}, C: {}}, type: object}}}}": "line 14: the properties C " +
			"and c are both called C in Go",
	} {
		_, err := Generate(os.DirFS("../.."), []string{"generated"}, []byte(contractHead+schema+"\n"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s:\n%v\nwant %s", schema, err, want)
		}
	}
}
