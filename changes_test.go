package aver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/internal/generator"
)

// A contractChange is a kind of change to a contract, and what becomes of it: a call that works, or a refusal with its line.
type contractChange struct {
	Change string
	Adds   map[string]any `yaml:",inline"` // operations, by method and path, and components, by their kind

	Credentials map[string]string // for security schemes

	Call    string            // an expression in Go for the result and the error; it may use client, ctx and w, a buffer
	Sends   string            // the request: its line, what is special of its headers, and its body
	Answers map[string]string // status, type and body of the answer
	Returns string            // the result in JSON
	Prints  string            // and as it is printed; %v of it
	Fails   string            // a part of the error

	Unchecked bool // the answer breaks the contract, and the client itself must notice

	Refused string // a part of the refusal
	At      string // a part of the line that it names
}

func changesIn(t *testing.T) []contractChange {
	t.Helper()
	files, err := filepath.Glob("testdata/changes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all []contractChange
	seen := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []contractChange
		if err := yaml.Unmarshal(text, &some); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range some {
			if (c.Call == "") == (c.Refused == "") || seen[c.Change] {
				t.Errorf("%s: %s: want a call or a refusal, and a name of its own", file, c.Change)
			}
			seen[c.Change] = true
		}
		all = append(all, some...)
	}
	return all
}

// addTo merges the change into a contract, and states the policies that it leaves open.
func (c *contractChange) addTo(contract map[string]any) {
	under := func(names ...string) map[string]any {
		at := contract
		for _, name := range names {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at = at[name].(map[string]any)
		}
		return at
	}
	for name, added := range c.Adds {
		method, path, isOperation := strings.Cut(name, " ")
		if !isOperation {
			state(added, name == "schemas")
			if name == "webhooks" {
				maps.Copy(under("webhooks"), added.(map[string]any))
				continue
			}
			maps.Copy(under("components", name), added.(map[string]any))
			continue
		}
		state(added, false)
		if op := added.(map[string]any); method != "all" {
			for name, value := range map[string]any{"x-retry": "always", "responses": map[string]any{"204": map[string]any{"description": "Done."}}} {
				if op[name] == nil {
					op[name] = value
				}
			}
			under("paths", path)[method] = op
		} else {
			maps.Copy(under("paths", path), op)
		}
	}
}

// state says of each property and parameter below that it is not private, unless it is said already.
func state(v any, schemas bool) {
	switch v := v.(type) {
	case map[string]any:
		if v["in"] != nil && v["name"] != nil && v["type"] != "apiKey" && v["x-sensitive"] == nil {
			v["x-sensitive"] = false
		}
		for name, below := range v {
			if properties, ok := below.(map[string]any); ok && name == "properties" && !schemas {
				for _, property := range properties {
					if p, ok := property.(map[string]any); ok && p["x-sensitive"] == nil {
						p["x-sensitive"] = false
					}
				}
			}
			state(below, false)
		}
	case []any:
		for _, below := range v {
			state(below, false)
		}
	}
}

// small is the contract to which what is refused is added.
const small = `openapi: 3.1.0
info: {title: Small, version: '1'}
security: [{bearerAuth: []}]
paths:
  /auth/token:
    get:
      operationId: getAuthToken
      security: [{basicAuth: []}]
      x-retry: always
      responses: {'200': {description: A token., content: {application/json: {schema: {$ref: '#/components/schemas/AuthToken'}}}}}
components:
  securitySchemes: {basicAuth: {type: http, scheme: basic}, bearerAuth: {type: http, scheme: bearer}}
  schemas:
    AuthToken: {type: object, required: [token], properties: {token: {type: string, x-sensitive: true}}}
`

// What cannot be had of a contract is refused, with the line in which it is asked for.
func TestChangesThatAreRefused(t *testing.T) {
	for _, c := range changesIn(t) {
		if c.Refused == "" {
			continue
		}
		t.Run(c.Change, func(t *testing.T) {
			contract := contractOf(t, small, c)
			_, err := generator.Generate(os.DirFS("."), []string{"generated", "authprovider", "api"}, contract)
			if err == nil || !strings.Contains(err.Error(), c.Refused) {
				t.Fatalf("%v\nwant %s\n%s", err, c.Refused, contract)
			}
			var line int
			if _, scan := fmt.Sscanf(err.Error(), "line %d:", &line); scan != nil || line == 0 {
				t.Fatalf("%v: no line", err)
			}
			if at := strings.Split(string(contract), "\n")[line-1]; !strings.Contains(at, c.At) || c.At == "" {
				t.Errorf("%v\nline %d is %q, want %q", err, line, at, c.At)
			}
		})
	}
}

func contractOf(t *testing.T, base string, changes ...contractChange) []byte {
	t.Helper()
	var contract map[string]any
	if err := yaml.Unmarshal([]byte(base), &contract); err != nil {
		t.Fatal(err)
	}
	contract = texts(contract).(map[string]any)
	for _, c := range changes {
		c.Adds, _ = texts(c.Adds).(map[string]any)
		c.addTo(contract)
	}
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	if err := e.Encode(contract); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// texts returns a YAML value with all keys as texts.
func texts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, value := range v {
			m[name] = texts(value)
		}
		return m
	case map[any]any:
		m := make(map[string]any, len(v))
		for name, value := range v {
			m[fmt.Sprint(name)] = texts(value)
		}
		return m
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = texts(v[i])
		}
		return all
	}
	return v
}

// What can be had works: all such changes are made to a copy of the module at once, it is generated and built, and each is
// called against a server that holds what was sent.
func TestChangesThatWork(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	changes := slices.DeleteFunc(changesIn(t), func(c contractChange) bool { return c.Call == "" })
	dir := copyModule(t)
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), contractOf(t, string(aver.Spec), changes...), 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "generate", ".")
	var calls strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&calls, "\t%q: func(ctx context.Context, client *api.Client, w *strings.Builder) (any, error) { return %s },\n", c.Change, c.Call)
	}
	table, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("testdata/changes/calls_test.go")
	if err != nil {
		t.Fatal(err)
	}
	code = bytes.Replace(code, []byte("\t// the calls\n"), []byte(calls.String()), 1)
	for name, content := range map[string][]byte{"calls_test.go": code, "calls.json": table} {
		if err := os.WriteFile(filepath.Join(dir, "api", name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "go", "vet", "./api", "./authprovider", "./generated", "./contract/...", "./sandbox/...")
	run(t, dir, "go", "test", "./api", "-run", "TestCalls", "-count=1")
}
