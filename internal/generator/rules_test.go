package generator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/internal/spec"
)

// Generated rules and the JSON Schema library say the same of 100,000 random values for random schemas.
func TestRulesAgreeWithTheLibrary(t *testing.T) {
	schemas, values := 250, 400
	if testing.Short() {
		schemas, values = 20, 100
	}
	seed := rand.Uint64()
	r := &random{Rand: rand.New(rand.NewPCG(seed, 1))}
	components := make(map[string]any)
	paths := make(map[string]any)
	for i := range schemas {
		name := fmt.Sprintf("S%d", i)
		r.schemas = i
		for components[name] = r.schema(3); len(components[name].(map[string]any)) == 1 && components[name].(map[string]any)["$ref"] != nil; {
			components[name] = r.schema(3) // not another name for the same
		}
		paths["/"+name] = map[string]any{"post": map[string]any{
			"operationId": "op" + name,
			"requestBody": map[string]any{"content": map[string]any{
				"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/" + name}},
			}},
			"responses": map[string]any{"204": map[string]any{"description": "d"}},
		}}
	}
	contract, err := json.Marshal(map[string]any{
		"openapi": "3.1.0", "info": map[string]any{"title": "t", "version": "1"}, "paths": paths, "components": map[string]any{"schemas": components},
	})
	if err != nil {
		t.Fatal(err)
	}
	document, err := spec.Lint(contract)
	if err != nil {
		t.Fatal(err)
	}
	if err := honour(document, nil); err != nil {
		t.Fatal(err)
	}
	library := jsonschema.NewCompiler() // with its own formats
	library.DefaultDraft(jsonschema.Draft2020)
	library.AssertFormat()
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(contract))
	if err != nil {
		t.Fatal(err)
	}
	if err := library.AddResource("contract.json", tree); err != nil {
		t.Fatal(err)
	}
	var input bytes.Buffer
	type question struct {
		schema string
		text   []byte
		broken bool
		places string
	}
	var questions []question
	for i := range schemas {
		name := fmt.Sprintf("S%d", i)
		compiled, err := library.Compile("contract.json#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := document.Compile(true, "#/components/schemas/"+name)
		if err != nil {
			t.Fatal(err)
		}
		for range values {
			text, err := json.Marshal(r.value(components, components[name], 4))
			if err != nil {
				t.Fatal(err)
			}
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			var places []string
			for _, p := range ours.Problems(value) {
				places = append(places, strings.Join(p.Place, ".")+": "+p.Text())
			}
			questions = append(questions, question{name, text, compiled.Validate(value) != nil, strings.Join(sortedSet(places), "; ")})
			fmt.Fprintf(&input, "%s %s\n", name, text)
		}
	}
	output := runRules(t, document, &input)
	broken, worded := 0, 0
	for i, q := range questions {
		if q.broken {
			broken++
		}
		said := output[i]
		if (said != "") != q.broken {
			schema, _ := json.Marshal(components[q.schema])
			t.Fatalf("seed %d: %s of %s: broken is %v by the library, the rules say %q", seed, q.text, schema, q.broken, said)
		}
		if said != q.places {
			worded++
		}
	}
	t.Logf("%d values, %d broken, %d of which described otherwise", len(questions), broken, worded)
	if broken < len(questions)/10 || broken > len(questions)*9/10 {
		t.Errorf("%d of %d values are broken: the test asks too little", broken, len(questions))
	}
	if worded > len(questions)/20 { // where several things are wrong at one place, the library may stop at one of them
		t.Errorf("the checker and the client describe %d violations otherwise", worded)
	}
}

func sortedSet(texts []string) []string {
	set := make(map[string]bool)
	for _, text := range texts {
		set[text] = true
	}
	return sorted(set)
}

// runRules builds a program of the rules that are generated from a document, and returns what it says of each line.
func runRules(t *testing.T, document *spec.Document, input *bytes.Buffer) []string {
	t.Helper()
	f := &functions{reading: &reading{document: document}, rules: newRulebook(document, nil, nil)}
	code := f.allRules()
	if len(f.errs) > 0 {
		t.Fatal(f.errs)
	}
	program := `package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goaver/aver-go/wire/rules"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		var places []string
		for _, p := range rules.Check([]byte(text), RulesNamed(name), RulesNamed) {
			places = append(places, strings.Join(p.Place, ".")+": "+p.Text())
		}
		slices.Sort(places)
		fmt.Println(strings.Join(slices.Compact(places), "; "))
	}
}

` + code
	// The program imports packages of this module and is laid over it, so that no other test sees a folder come and go.
	main, overlay := filepath.Join(t.TempDir(), "main.go"), filepath.Join(t.TempDir(), "overlay.json")
	here, err := filepath.Abs("laid")
	if err != nil {
		t.Fatal(err)
	}
	laid, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "main.go"): main}})
	if err == nil {
		err = errors.Join(os.WriteFile(main, []byte(program), 0o600), os.WriteFile(overlay, laid, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "-overlay", overlay, "./laid")
	cmd.Stdin = input
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	return strings.Split(string(out), "\n")
}

// random makes schemas and values.
type random struct {
	*rand.Rand
	schemas int
}

func pick[T any](r *random, from ...T) T { return from[r.IntN(len(from))] }

func (r *random) often() bool { return r.IntN(3) > 0 }
func (r *random) rare() bool  { return r.IntN(8) == 0 }

var words = []any{"", "a", "ab", "äöü", "a b", "日本語", "e\u0301", "aaaaaa", "2026-11-25", "2026-02-30", "2026-11-25T10:00:00Z",
	"2026-11-25T23:59:60Z",
	"2026-11-25t10:00:00.25+02:00", "2026-11-25T10:00:00", "3f0c9a4e-6a55-4b2e-9c50-0d5ed0b5ac11", "3f0c9a4e6a554b2e9c500d5ed0b5ac11",
	"https://a.example/x?y#z", "/relative",
	"mailto:a@b.c", "a@example.com", "a@", "127.0.0.1", "127.0.0.256", "01.2.3.4", "::1", "fe80::1%eth0", "1::2::3", "US", "12", "\u2028",
	"👩‍👩‍👧", "\"quoted\"", `back\slash`}

var numbers = []any{0, 1, 2, 3, 5, 10, -1, -7, 0.5, 0.1, 0.3, 1.5, 2.25, 1e3, 1e-3, json.Number("1.0"), json.Number("1e2"),
	json.Number("9007199254740993"), json.Number("0.30000000000000004"), json.Number("-0")}

func (r *random) scalar() any {
	return pick[any](r, nil, true, false, pick(r, words...), pick(r, words...), pick(r, numbers...), pick(r, numbers...))
}

func (r *random) schema(depth int) any {
	s := make(map[string]any)
	if r.schemas > 0 && r.rare() {
		s["$ref"] = fmt.Sprintf("#/components/schemas/S%d", r.IntN(r.schemas))
		if r.often() {
			return s
		}
	}
	kind := pick(r, "string", "string", "integer", "number", "boolean", "array", "object", "object", "")
	if depth == 0 && (kind == "array" || kind == "object") {
		kind = "string"
	}
	switch {
	case kind == "" || r.rare():
	case r.rare():
		s["type"] = []any{kind, "null"}
	default:
		s["type"] = kind
	}
	switch kind {
	case "string":
		r.text(s)
	case "integer", "number":
		for keyword, among := range map[string][]any{"minimum": {-3, 0, 0.1, 2}, "maximum": {1, 2.5, 10, 1000}, "exclusiveMinimum": {-1, 0, 0.3},
			"exclusiveMaximum": {1, 5, 1000}, "multipleOf": {1, 0.1, 0.5, 3, 0.01}} {
			if r.IntN(4) == 0 {
				s[keyword] = pick(r, among...)
			}
		}
	case "array":
		if r.often() {
			s["items"] = r.schema(depth - 1)
		}
		for keyword, among := range map[string][]any{"minItems": {0, 1, 2}, "maxItems": {0, 1, 3}, "uniqueItems": {true, false}} {
			if r.IntN(3) == 0 {
				s[keyword] = pick(r, among...)
			}
		}
	case "object":
		r.object(s, depth)
	}
	if r.rare() {
		s["enum"] = []any{r.scalar(), r.scalar(), []any{1, "a"}, map[string]any{"a": 1, "b": []any{true}}}
	}
	if r.IntN(20) == 0 {
		s["const"] = r.scalar()
	}
	if depth > 0 {
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			if r.IntN(10) == 0 {
				s[keyword] = []any{r.schema(depth - 1), r.schema(depth - 1), r.schema(0)}[:1+r.IntN(3)]
			}
		}
		if r.IntN(12) == 0 {
			s["not"] = r.schema(depth - 1)
		}
		if r.IntN(8) == 0 {
			s["if"] = r.schema(depth - 1)
			if r.often() {
				s["then"] = r.schema(depth - 1)
			}
			if r.often() {
				s["else"] = r.schema(depth - 1)
			}
		}
	}
	return s
}

func (r *random) text(s map[string]any) {
	for keyword, among := range map[string][]any{
		"minLength": {0, 1, 2, 5}, "maxLength": {0, 1, 3, 10}, "pattern": {"^[a-z]+$", "a", "^[A-Z]{2}$", `^\d+$`, "^(|a.*)$", "[äöü]"},
		"format": {"date", "date-time", "uuid", "uri", "email", "ipv4", "ipv6", "int32", "password", "of-nobody"},
	} {
		if r.IntN(4) == 0 {
			s[keyword] = pick(r, among...)
		}
	}
}

var properties = []string{"a", "b", "c", "ü", "a.b", "x/y~z"}

func (r *random) object(s map[string]any, depth int) {
	of := make(map[string]any)
	for _, name := range properties[:2+r.IntN(4)] {
		of[name] = r.schema(depth - 1)
	}
	s["properties"] = of
	name := func() string { return pick(r, properties...) }
	if r.often() {
		s["required"] = sortedSet2(name(), name())
	}
	switch r.IntN(4) {
	case 0:
		s["additionalProperties"] = false
	case 1:
		s["additionalProperties"] = r.schema(depth - 1)
	}
	if r.rare() {
		s["minProperties"] = r.IntN(3)
	}
	if r.rare() {
		s["maxProperties"] = r.IntN(4)
	}
	if r.rare() {
		s["dependentRequired"] = map[string]any{name(): sortedSet2(name())}
	}
	if r.rare() {
		s["dependentSchemas"] = map[string]any{name(): r.schema(depth - 1)}
	}
}

func sortedSet2(names ...string) []any {
	var all []any
	for _, name := range sortedSet(names) {
		all = append(all, name)
	}
	return all
}

// value returns a value that a schema may well like.
func (r *random) value(components map[string]any, schema any, depth int) any {
	s, _ := schema.(map[string]any)
	if ref, ok := s["$ref"].(string); ok && r.often() {
		return r.value(components, components[strings.TrimPrefix(ref, "#/components/schemas/")], depth)
	}
	if r.IntN(20) == 0 || depth == 0 {
		return r.scalar()
	}
	if values, ok := s["enum"].([]any); ok && r.often() {
		return pick(r, values...)
	}
	if value, ok := s["const"]; ok && r.often() {
		return value
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		if parts, ok := s[keyword].([]any); ok && r.often() {
			return r.value(components, pick(r, parts...), depth-1)
		}
	}
	kind, _ := s["type"].(string)
	if kinds, ok := s["type"].([]any); ok {
		kind, _ = pick(r, kinds...).(string)
	}
	switch kind {
	case "string":
		return pick(r, words...)
	case "integer", "number":
		return pick(r, numbers...)
	case "boolean":
		return pick(r, true, false)
	case "null":
		return nil
	case "array":
		elements := make([]any, r.IntN(4))
		for i := range elements {
			elements[i] = r.value(components, s["items"], depth-1)
		}
		return elements
	case "object":
		o := make(map[string]any)
		of, _ := s["properties"].(map[string]any)
		for name, property := range of {
			if r.IntN(4) > 0 {
				o[name] = r.value(components, property, depth-1)
			}
		}
		if r.rare() {
			o[pick(r, properties...)] = r.scalar()
		}
		return o
	}
	return r.scalar()
}
