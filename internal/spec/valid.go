package spec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/goaver/aver-go/wire/rules"
)

// validate says in which line a text is no valid OpenAPI document.
func validate(text []byte) error {
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		err = document.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation(),
			openapi3.AllowExtraSiblingFields("pathItems")) // of 3.1
	}
	if err != nil {
		return located(text, err)
	}
	return nil
}

// checkReferences refuses what leads out of the document, or to an anchor in it, and paths that no pointer leads to.
func checkReferences(text []byte) error {
	var root yaml.Node
	if yaml.Unmarshal(text, &root) != nil || len(root.Content) == 0 {
		return nil // which others say better
	}
	var fault *Fault
	search(root.Content[0], func(n *yaml.Node) bool {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content) && fault == nil; i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Value == "$ref" && value.Kind == yaml.ScalarNode && !strings.HasPrefix(value.Value, "#/") {
				fault = &Fault{value.Line, fmt.Sprintf("the reference %s leads out of this document, or to an anchor; bundle all into one document, "+
					"and refer to #/components/…", value.Value)}
			}
		}
		return fault != nil
	})
	if _, paths := entry(root.Content[0], "paths"); paths != nil && fault == nil {
		for i := 0; i+1 < len(paths.Content); i += 2 {
			if key := paths.Content[i]; strings.HasPrefix(key.Value, "/") && strings.ContainsAny(key.Value, "%?#") {
				fault = &Fault{key.Line, fmt.Sprintf("the path %s holds a character that is written otherwise in a URL; write the path plainly, and "+
					"a "+
					"query as parameters", key.Value)}
			}
		}
	}
	if fault != nil {
		return fault
	}
	return nil
}

// checkPatterns says which pattern Go cannot run, be it for a client or for the checker.
func (d *Document) checkPatterns() error {
	var err error
	d.Walk(func(_ Place, pointer string) {
		pattern, ok := Member(d.at(pointer), "pattern").(string)
		if !ok || err != nil {
			return
		}
		if _, wrong := regexp.Compile(pattern); wrong != nil {
			_, reason, _ := strings.Cut(wrong.Error(), "error parsing regexp: ")
			err = d.Fault(pointer+"/pattern", "Go cannot run the pattern %s (%s); write it without what RE2 does not have, such as lookaheads, or "+
				"take it out", pattern, reason)
		}
	})
	return err
}

// CheckExamples says which example or default does not meet its schema.
func (d *Document) CheckExamples() []*Fault {
	var faults []*Fault
	d.Examples(func(sent bool, schema, example string) {
		s, err := d.Compile(sent, schema)
		if err != nil {
			faults = append(faults, err.(*Fault))
			return
		}
		_, value := d.Resolve(example)
		for _, p := range s.ProblemsOf(value) {
			private, shown := d.Private(s.Node, p.Place)
			at := example
			for _, token := range p.Place {
				at += "/" + Escape(token)
			}
			place := "the example"
			if len(shown) > 0 {
				place = strings.Join(shown, ".") + " of the example"
			}
			faults = append(faults, d.Fault(at, "%s: want %s, got %s", place, p.Want, Describe(Find(value, p.Place), private)))
		}
	})
	return faults
}

// Examples calls f with the pointers to each example or default of the document and to its schema. sent tells whether it is one
// of a request.
func (d *Document) Examples(f func(sent bool, schema, example string)) {
	d.Walk(func(place Place, pointer string) {
		node := d.at(pointer)
		switch place {
		case OnOperation:
			sent := strings.HasPrefix(pointer, "#/paths/")
			at, body := d.Resolve(pointer + "/requestBody")
			for media := range Object(Member(body, "content")) {
				d.examplesOf(sent, at+"/content/"+Escape(media), f)
			}
			for status := range Object(Member(node, "responses")) {
				at, answer := d.Resolve(pointer + "/responses/" + Escape(status))
				for media := range Object(Member(answer, "content")) {
					d.examplesOf(false, at+"/content/"+Escape(media), f)
				}
			}
		case OnParameter:
			d.examplesOf(true, pointer, f)
		default:
			for _, keyword := range []string{"example", "default"} {
				if value, ok := Object(node)[keyword]; ok && value != nil {
					f(true, pointer, pointer+"/"+keyword)
				}
			}
			for i := range List(Member(node, "examples")) {
				f(true, pointer, fmt.Sprintf("%s/examples/%d", pointer, i))
			}
		}
	})
}

// examplesOf calls f for the examples beside a schema.
func (d *Document) examplesOf(sent bool, pointer string, f func(sent bool, schema, example string)) {
	node := d.at(pointer)
	if Member(node, "schema") == nil {
		return
	}
	if _, ok := Object(node)["example"]; ok {
		f(sent, pointer+"/schema", pointer+"/example")
	}
	for _, name := range d.Names(pointer + "/examples") {
		at, example := d.Resolve(pointer + "/examples/" + Escape(name))
		if _, ok := Object(example)["value"]; ok {
			f(sent, pointer+"/schema", at+"/value")
		}
	}
}

// ProblemsOf says what is wrong with a value of the document.
func (s *Schema) ProblemsOf(value any) []rules.Problem {
	return s.Problems(Plain(value))
}

// articled returns the name of a type with its article.
func articled(name string) string {
	if strings.ContainsRune("aeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// Describe names a value: its type, and if nobody minds, itself.
func Describe(v any, private bool) string {
	name := TypeOf(v)
	switch v := v.(type) {
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case map[string]any:
		return "an object"
	case nil:
		return "null"
	case string:
		if v == "" {
			return "an empty string"
		}
	}
	if private {
		return articled(name) + " (not shown)"
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) > 80 {
		return articled(name)
	}
	return string(text)
}

// tidy returns an error whose text is one line.
func tidy(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(oneLine(err.Error()))
}

// maxText is how much of somebody else's error is repeated, in bytes.
const maxText = 300

// oneLine returns an error's text in a line, without the schemas and values that validators append to it.
func oneLine(text string) string {
	for _, dump := range []string{"\nSchema:", "\nValue:", "\n  Schema:"} {
		text, _, _ = strings.Cut(text, dump)
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// located returns an error about a document with the line that it concerns, as far as its text tells: the names in it are
// followed through the document, in their order, as deep as they lead.
func located(document []byte, err error) error {
	text := oneLine(err.Error())
	if known := itsLine.FindStringSubmatch(text); known != nil { // it knows
		line, _ := strconv.Atoi(known[1])
		return &Fault{line, known[2]}
	}
	var root yaml.Node
	if yaml.Unmarshal(document, &root) != nil || len(root.Content) == 0 {
		return errors.New(text)
	}
	line := 0
	for _, ref := range references.FindAllString(text, -1) {
		if node := search(root.Content[0], func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == ref }); node != nil {
			line = node.Line
		}
	}
	if line == 0 {
		line = follow(root.Content[0], words.FindAllString(text, -1))
	}
	return &Fault{line, text}
}

var (
	itsLine    = regexp.MustCompile(`\byaml:.* line (\d+): (.*)$`)
	references = regexp.MustCompile(`#/[^\s"']+`)
	words      = regexp.MustCompile(`[^\s"',:]+`)
)

// follow returns the line of the innermost node that the words lead to; 0 when none does.
func follow(node *yaml.Node, words []string) int {
	line := 0
	for _, word := range words {
		for _, key := range []string{word, word + "s", strings.ToLower(word)} {
			if at, value := entry(node, key); value != nil {
				line, node = at, value
				break
			}
		}
	}
	return line
}

func search(node *yaml.Node, f func(*yaml.Node) bool) *yaml.Node {
	if f(node) {
		return node
	}
	for _, child := range node.Content {
		if found := search(child, f); found != nil {
			return found
		}
	}
	return nil
}
