package spec_test

import (
	"fmt"
	"strings"
	"testing"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/internal/spec"
)

// What is wrong with a document is told with its line.
func TestInvalidDocumentsNameTheLine(t *testing.T) {
	for _, tt := range []struct{ old, new, line, want string }{
		{"operationId: refreshAuthToken", "operationId: [", "", "line "},
		{"schema: {$ref: '#/components/schemas/RefreshAuthTokenRequest'}", "schema: {$ref: '#/components/schemas/Nothing'}",
			"schema: {$ref: '#/components/schemas/RefreshAuthTokenRequest'}", "Nothing"},
		{"  /auth/token:\n    get:\n      operationId: getAuthToken", "  /auth/token:\n    get:\n      operationId: getCheck", "", "getCheck"},
		{"x-retry: recover", "x-retry: sometimes", "x-retry: recover", "x-retry must be always, never or recover"},
		{"image: fileContent, name: fileName}", "image: picture, name: fileName}", "image: fileContent, name: fileName}", "names the property picture"},
		{"x-large-response: true\n", "x-large-response: maybe\n", "x-large-response: true\n", "x-large-response must be true or false"},
		{"x-bare-string: status\n", "x-bare-string: state\n", "x-bare-string: status\n", "names the property state"},
		{"x-aliases: [organiationId]", "x-aliases: organiationId", "x-aliases: [organiationId]", "x-aliases must be a list"},
		{"x-large-response: true\n", "x-large-reponse: true\n", "x-large-response: true\n", "x-large-reponse is not known; is x-large-response meant?"},
		{"x-retry: recover\n", "x-retry: recover\n      x-aliases: [a]\n", "x-retry: recover\n",
			"x-aliases means nothing on an operation; it belongs on a property"},
		{"x-retry: recover\n", "deprecated: true\n", "    post:\n      operationId: createCheck\n", "does not state x-retry"},
		{"description: Given name., x-sensitive: true}", "description: Given name.}",
			"firstName: {type: string, minLength: 1, description: Given name.", "the property firstName does not state x-sensitive"},
		{"x-sensitive: true, example: customer-20417}", "example: customer-20417}",
			"- {name: id, in: path, required: true, description: The identifier that", "the parameter id does not state x-sensitive"},
		{"              email: maria.lindqvist@example.com\n              language: en", "              email: maria\n              language: en",
			"              email: maria.lindqvist@example.com\n              language: en",
			"email of the example: want an email address, got a string (not shown)"},
		{"              language: en\n", "              language: tlh\n", "              language: en\n",
			`language of the example: want one of en, zh-Hans, es, fr, got "tlh"`},
		{"x-final: [Rejected, Completed, Canceled]", "x-final: [Rejected, Done]", "x-final: [Rejected, Completed, Canceled]",
			"x-final names Done, which the enumeration does not have"},
		{"refreshAuthToken: {operationId: refreshAuthToken,", "refreshAuthToken: {operationId: refreshToken,",
			"refreshAuthToken: {operationId: refreshAuthToken,", "there is no operation refreshToken"},
		{"addPhone, parameters: {id:", "addPhone, parameters: {checkId:", "addPhone: {operationId: addPhone", "addPhone has no parameter checkId"},
		{"{operationId: addPhone, parameters: {id: '$response.body#/checkId'}}", "{operationId: addPhone, parameters: {id: '$response.body#/check'}}",
			"addPhone: {operationId: addPhone", "$response.body#/check is nothing that the answer has"},
		{"requestBody: {checkId: '$response", "requestBody: {check: '$response", "searchWatchlists: {operationId: searchWatchlists",
			"the request of searchWatchlists has no property check"},
		{"getCheckResults: {operationId: getCheckResults, parameters: {id: $request.path.id}}",
			"getCheckResults: {operationId: getCheckResults, parameters: {id: $request.paths.id}}",
			"getCheckResults: {operationId: getCheckResults", "$request.paths.id is no runtime expression"},
		{"    SearchedList:\n      type: object", "    SearchedList:\n      type: objekt", "    SearchedList:\n      type: object", "objekt"},
	} {
		document := strings.Replace(string(aver.Spec), tt.old, tt.new, 1)
		if document == string(aver.Spec) {
			t.Fatalf("%q is not in the contract", tt.old)
		}
		_, err := spec.Lint([]byte(document))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%.40s: %v", tt.new, err)
			continue
		}
		if tt.line != "" {
			before, _, _ := strings.Cut(string(aver.Spec), tt.line)
			at := strings.Count(before, "\n") + 1
			var told int
			_, rest, _ := strings.Cut(err.Error(), "line ")
			if _, err := fmt.Sscan(rest, &told); err != nil || told < at || told > at+1 {
				t.Errorf("%.40s: told line %d, it is %d", tt.new, told, at)
			}
		}
	}
}

// The table in the contract's own description is the vocabulary.
func TestTheContractDescribesTheVocabulary(t *testing.T) {
	indented := "    " + strings.ReplaceAll(strings.TrimSpace(spec.Table()), "\n", "\n    ") + "\n"
	if !strings.Contains(string(aver.Spec), indented) {
		t.Errorf("the table in openapi.yaml is not\n%s", indented)
	}
}
