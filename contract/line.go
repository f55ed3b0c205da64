package contract

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// located returns an error about a document with the line that it concerns, as far as its text tells: the names in it are
// followed through the document, in their order, as deep as they lead.
func located(document []byte, err error) error {
	text := strings.TrimSpace(strings.Join(strings.Fields(err.Error()), " "))
	if strings.Contains(text, "yaml: line ") { // it knows
		return errors.New(text)
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
		line = follow(root.Content[0], names.FindAllString(text, -1))
	}
	if line == 0 {
		return errors.New(text)
	}
	return fmt.Errorf("line %d: %s", line, text)
}

var (
	references = regexp.MustCompile(`#/[^\s"']+`)
	names      = regexp.MustCompile(`[^\s"',:]+`)
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

func entry(node *yaml.Node, key string) (int, *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		return 0, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i].Line, node.Content[i+1]
		}
	}
	return 0, nil
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

// checkExtensions says which of this module's extensions is used wrongly, with its line.
func checkExtensions(document []byte) error {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return err
	}
	var problems []error
	var walk func(*yaml.Node)
	walk = func(node *yaml.Node) {
		check := func(name string, wrong func(*yaml.Node) string) {
			if line, value := entry(node, name); value != nil {
				if problem := wrong(value); problem != "" {
					problems = append(problems, fmt.Errorf("line %d: %s %s", line, name, problem))
				}
			}
		}
		check("x-retry", func(v *yaml.Node) string {
			if !slices.Contains([]string{"always", "never", "recover"}, v.Value) {
				return "must be always, never or recover"
			}
			return ""
		})
		for _, name := range []string{"x-sensitive", "x-ignore-case", "x-large-answer", "x-trim"} {
			check(name, func(v *yaml.Node) string {
				if v.Tag != "!!bool" {
					return "must be true or false"
				}
				return ""
			})
		}
		check("x-aliases", func(v *yaml.Node) string {
			if v.Kind != yaml.SequenceNode {
				return "must be a list of names"
			}
			return ""
		})
		check("x-bare-string", func(v *yaml.Node) string {
			_, properties := entry(node, "properties")
			if properties == nil {
				return "must stand beside properties"
			}
			if _, found := entry(properties, v.Value); found == nil {
				return fmt.Sprintf("names the property %s, which the schema does not have", v.Value)
			}
			return ""
		})
		check("x-upload", func(v *yaml.Node) string {
			for _, name := range []string{"method", "type", "image", "name"} {
				if _, value := entry(v, name); value == nil {
					return "lacks " + name
				}
			}
			_, properties := entry(node, "properties")
			for _, name := range []string{"image", "name"} {
				_, property := entry(v, name)
				if properties == nil {
					return "must stand beside properties"
				}
				if _, found := entry(properties, property.Value); found == nil {
					return fmt.Sprintf("names the property %s, which the schema does not have", property.Value)
				}
			}
			return ""
		})
		check("x-download", func(v *yaml.Node) string {
			for _, name := range []string{"method", "image"} {
				if _, value := entry(v, name); value == nil {
					return "lacks " + name
				}
			}
			return ""
		})
		for _, child := range node.Content {
			walk(child)
		}
	}
	walk(&root)
	return errors.Join(problems...)
}
