package overlay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const document = `openapi: 3.1.0
info: {title: Pets, version: 1.0.0}
paths:
  /pets/{id}:
    get:
      operationId: getPet
      tags: [a, b]
      responses:
        '200': {description: A pet.}
components:
  schemas:
    Pet:
      type: object
      required: [id, name]
      properties:
        id: {type: string, minLength: 1}
        name: {type: string}
        kind: {type: string, enum: [cat, dog]}
`

func overlaid(version, actions string) string {
	return "overlay: " + version + "\ninfo: {title: t, version: '1'}\nactions:\n" + actions
}

func TestApply(t *testing.T) {
	for _, c := range []struct{ name, actions, want string }{
		{"a property", "- {target: $.components.schemas.Pet.properties, update: {age: {type: integer}}}", "age: {type: integer}"},
		{"an element", "- {target: $.components.schemas.Pet.properties.kind.enum, update: [bird]}", "enum: [cat, dog, bird]"},
		{"without one", "- {target: \"$.components.schemas.Pet.required[?@ == 'name']\", remove: true}", "required: [id]\n"},
		{"a filter", "- {target: \"$.paths.*.*.responses[?@.description == 'A pet.']\", update: {description: One.}}", "description: One."},
		{"another type", "- {target: $.components.schemas.Pet.properties.id.minLength, update: '1x'}", "minLength: '1x'"},
		{"a quoted path", "- {target: \"$['paths']['/pets/{id}'].get\", update: {x-retry: never}}", "x-retry: never"},
		{"a copy", "- {target: $.components.schemas, update: {Dog: {}}}\n- {target: $.components.schemas.Dog, copy: $.components.schemas.Pet}",
			"    Dog:\n      type: object"},
		{"a key", "- {target: $.components.schemas.Pet.properties.kind, remove: true}", "name: {type: string}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			made, err := Apply(File{"pets.yaml", []byte(document)}, File{"o.yaml", []byte(overlaid("1.1.0", c.actions))})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(made.Text), c.want) {
				t.Errorf("%s", made.Text)
			}
		})
	}
	if made, err := Apply(File{"pets.yaml", []byte(document)}); err != nil || string(made.Text) != document {
		t.Errorf("without an overlay it changed: %v", err)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for _, c := range []struct{ name, version, actions, want string }{
		{"nothing matched", "1.1.0", "- {target: $.info, update: {title: x}}\n- target: $.paths['/dogs']\n  remove: true",
			`o.yaml: line 5: "$.paths['/dogs']" matches nothing`},
		{"nothing matched by 1.0", "1.0.0", "- {target: $.nothing, remove: true}", `o.yaml: line 4: "$.nothing" matches nothing`},
		{"no copy source", "1.1.0", "- {target: $.info, copy: $.nothing}", `o.yaml: line 4: copy source`},
		{"copy in 1.0", "1.0.0", "- {target: $.info, copy: $.paths}", "line 4: copy is of Overlay 1.1"},
		{"no action", "1.1.0", "- {target: $.info}", "line 4: the action on $.info has none of"},
		{"two actions", "1.1.0", "- {target: $.info, copy: $.paths, update: {a: 1}}", "line 4: the action on $.info has several"},
		{"remove and update", "1.1.0", "- {target: $.info, remove: true, update: {a: 1}}", "o.yaml: line 1: "},
		{"a wrong name", "1.1.0", "- target: $.info\n  updates: {a: 1}", "o.yaml: line 5: an action has no updates"},
		{"a path that is none", "1.1.0", "- {target: '$.[', remove: true}", "o.yaml: line 4: "},
		{"a list for an object", "1.1.0", "- {target: $.info, update: [1]}", "o.yaml: line 4: target is object but update is array"},
		{"another version", "2.0.0", "- {target: $.info, remove: true}", "overlay version must be one of"},
		{"no version", "", "- {target: $.info, remove: true}", "o.yaml: line 1: "},
		{"actions that are none", "1.1.0", "- 7", "o.yaml: "},
		{"the whole removed", "1.1.0", "- {target: $, remove: true}", "line 4: nothing can be removed at $"},
		{"a name twice", "1.1.0", "- target: $.info\n  update: {a: 1, b: 2, a: 3}", "line 5: the name a occurs twice"},
		{"two documents", "1.1.0", "- {target: $.info, update: {a: 1}}\n---\na: 1", "a second document begins"},
		{"no YAML", "1.1.0", "- {", "o.yaml: line "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Apply(File{"pets.yaml", []byte(document)}, File{"o.yaml", []byte(overlaid(c.version, c.actions))})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
		})
	}
	for _, text := range []string{"", "7", "a: [", "- 1", "openapi: 3.1.0\nactions: 7", "overlay: 1.1.0\nwrong: 1", "\xff"} {
		if _, err := Apply(File{"pets.yaml", []byte(document)}, File{"o.yaml", []byte(text)}); err == nil ||
			!strings.HasPrefix(err.Error(), "o.yaml: ") {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := Apply(File{"pets.yaml", []byte(text)}, File{"o.yaml",
			[]byte(overlaid("1.1.0", "- {target: $.info, remove: true}"))}); err == nil {
			t.Errorf("%q as a document passes", text)
		}
	}
}

// A fault of the outcome is told with the line of the file in which it was written.
func TestBlame(t *testing.T) {
	first := overlaid("1.1.0", "  - target: $.components.schemas.Pet.properties\n    update:\n      # how old\n      age: {type: integer}\n      "+
		"home:\n        type: string # where\n")
	second := overlaid("1.0.0", "  - target: $.components.schemas.Pet.properties\n    update:\n      home: {type: object}\n      name: {type: "+
		"integer}\n")
	made, err := Apply(File{"pets.yaml", []byte(document)}, File{"a.yaml", []byte(first)}, File{"b.yaml", []byte(second)})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(made.Text), "\n")
	for _, c := range []struct{ line, want string }{
		{"operationId: getPet", "pets.yaml: line 6: x"},
		{"id: {type: string, minLength: 1}", "pets.yaml: line 16: x"},
		{"age: {type: integer}", "a.yaml: line 7: x"},
		{"home:", "a.yaml: line 8: x"},
		{"type: object # where", "b.yaml: line 6: x"},
		{"name: {type: integer}", "b.yaml: line 7: x"},
	} {
		found := 0
		for i, line := range lines {
			if strings.TrimSpace(line) == c.line {
				found = i + 1
			}
		}
		if got := made.Blame(fmt.Errorf("line %d: x", found)); found == 0 || got.Error() != c.want {
			t.Errorf("%s in line %d: %v, want %s\n%s", c.line, found, got, c.want, made.Text)
		}
	}
	if got := made.Blame(errors.New("line 1: x\nno line")).Error(); got != "pets.yaml: line 1: x\npets.yaml with a.yaml with b.yaml: no line" {
		t.Error(got)
	}
	if strings.ContainsRune(string(made.Text), 0) || !strings.Contains(string(made.Text), "# how old") {
		t.Errorf("%s", made.Text)
	}
}

// A comment stays where it stood, and once.
func TestCommentsStay(t *testing.T) {
	text := overlaid("1.1.0", "  - target: $.s.T.p\n    update: # all\n      n: {type: integer, minimum: 5} # a note\n      x: {a: 1, b: 2} # two\n")
	for _, document := range []string{"s: {T: {p: {a: {type: string}}}}\n", "s:\n  T:\n    p:\n      a: {type: string} # mine\n"} {
		made, err := Apply(File{"d.yaml", []byte(document)}, File{"o.yaml", []byte(text)})
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		var tree map[string]map[string]map[string]map[string]map[string]any
		if err := yaml.Unmarshal(made.Text, &tree); err != nil || tree["s"]["T"]["p"]["n"]["minimum"] != 5 ||
			strings.Count(string(made.Text), "# a note") > 1 {
			t.Errorf("%v\n%s", err, made.Text)
		}
	}
}

// A change of what an anchor stands for concerns the one place.
func TestAliasesAreWrittenOut(t *testing.T) {
	text := "a: &x {n: 1}\nb: *x\n"
	made, err := Apply(File{"d.yaml", []byte(text)}, File{"o.yaml", []byte(overlaid("1.1.0", "- {target: $.b, update: {n: 2}}"))})
	if err != nil || string(made.Text) != "a: {n: 1}\nb: {n: 2}\n" {
		t.Errorf("%v\n%s", err, made.Text)
	}
	bomb := "a0: &a0 [1]\n"
	for i := range 40 {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	if _, err := Apply(File{"d.yaml", []byte(bomb)}, File{"o.yaml", []byte(overlaid("1.1.0", "- {target: $.a0, remove: true}"))}); err == nil {
		t.Error("a bomb of anchors passes")
	}
}

func TestDiff(t *testing.T) {
	text, err := Diff(File{"a", []byte(document)}, File{"b", []byte(strings.NewReplacer("[cat, dog]", "[cat, dog, bird]", "name: {type: string}\n",
		"name: {type: [string, 'null']}\n        '7': {type: string}\n", "A pet.", "The pet.").Replace(document))})
	want := `overlay: 1.1.0
info:
  title: From a to b
  version: 1.0.0
actions:
  - target: $.paths["/pets/{id}"].get.responses["200"].description
    update: The pet.
  - target: $.components.schemas.Pet.properties.name.type
    remove: true
  - target: $.components.schemas.Pet.properties.name
    update:
      type: [string, 'null']
  - target: $.components.schemas.Pet.properties
    update:
      '7': {type: string}
  - target: $.components.schemas.Pet.properties.kind.enum
    update:
      - bird
`
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := Diff(File{"a", []byte(document)}, File{"b", []byte(document)}); !errors.Is(err, ErrSame) {
		t.Error(err)
	}
}

// What Diff hands out does what it says, for random changes of the whole contract.
func TestDiffOfRandomChanges(t *testing.T) {
	text, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	refused := 0
	const rounds = 4
	for range rounds {
		root, err := parse(File{"openapi.yaml", text})
		if err != nil {
			t.Fatal(err)
		}
		var all []*yaml.Node
		walk(root.Content[0], func(n *yaml.Node) {
			if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
				all = append(all, n)
			}
		})
		for range 1 + r.IntN(5) {
			n := all[r.IntN(len(all))]
			if len(n.Content) == 0 {
				continue
			}
			i := 2 * r.IntN(len(n.Content)/2)
			switch r.IntN(4) {
			case 0:
				n.Content = append(n.Content[:i], n.Content[i+2:]...)
			case 1:
				n.Content[i+1] = &yaml.Node{Kind: yaml.ScalarNode, Value: "new"}
			case 2:
				n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: `x-a "b" ['c']`}, &yaml.Node{Kind: yaml.MappingNode})
			case 3:
				n.Content[i+1] = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "1"}}}
			}
		}
		changed, err := write(root)
		if err != nil {
			t.Fatal(err)
		}
		made, err := Diff(File{"a", text}, File{"b", changed})
		if errors.Is(err, ErrSame) {
			continue
		}
		if err != nil {
			refused++
			t.Logf("seed %d: %v", seed, err)
			continue
		}
		again, err := Apply(File{"a", text}, File{"o", made})
		if err != nil {
			t.Fatal(err)
		}
		if same, err := equal(again.Text, changed); err != nil || !same {
			t.Fatalf("seed %d: %v\n%s", seed, err, made)
		}
	}
	if refused > 1 {
		t.Errorf("seed %d: %d of %d were refused", seed, refused, rounds)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(document, overlaid("1.1.0", "- {target: $.info, update: {a: 1}}"))
	f.Add(document, overlaid("1.0.0", "- {target: '$..*[?@.type]', remove: true}"))
	f.Fuzz(func(t *testing.T, document, text string) {
		if made, err := Apply(File{"d", []byte(document)}, File{"o", []byte(text)}); err == nil && strings.ContainsRune(string(made.Text), 0) {
			t.Errorf("a mark is left: %q", made.Text)
		}
	})
}
