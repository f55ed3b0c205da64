package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/internal/spec"
)

// An input is a parameter of an operation, or a property of its request, that is given in a flag.
type input struct {
	flag, name, in string // in is path, query, header, cookie or body
	kind           string // the JSON type
	element        string // of an array
	values         []string
	required       bool

	text string
	list []string
	yes  bool
}

// addInputs adds a flag for each parameter and each property of the request.
func (c *call) addInputs(cmd *cobra.Command) {
	for _, p := range c.op.Params {
		c.add(cmd, p.Pointer+"/schema", p.Node(), &input{name: p.Name, in: p.In, required: p.Required})
	}
	body := c.op.Body.Of("application/json")
	if body == nil {
		return
	}
	at, node := c.document.Resolve(body.Pointer)
	required := spec.List(spec.Member(node, "required"))
	for _, name := range c.document.Names(at + "/properties") {
		if c.upload != nil && (name == c.upload["image"] || name == c.upload["name"]) {
			continue // --image stands for both
		}
		property := at + "/properties/" + spec.Escape(name)
		c.add(cmd, property, c.document.Declared(property), &input{name: name, in: "body", required: slices.Contains(required, any(name))})
	}
}

// add adds the flag of an input, whose schema stands at a pointer.
func (c *call) add(cmd *cobra.Command, pointer string, described any, in *input) {
	flags := cmd.Flags()
	if in.flag = kebab(in.name); flags.Lookup(in.flag) != nil || in.flag == "help" {
		in.flag = in.in + "-" + in.flag
	}
	in.kind, in.element, in.values = kindOf(c.document, pointer)
	usage, _ := spec.Member(described, "description").(string)
	usage = strings.Join(strings.Fields(strings.ReplaceAll(usage, "`", "'")), " ")
	if len(in.values) > 0 {
		usage += " One of " + strings.Join(in.values, ", ") + "."
	}
	if in.required {
		usage += " (required)"
	}
	switch {
	case in.kind == "boolean":
		flags.BoolVar(&in.yes, in.flag, false, usage)
	case in.kind == "array" && in.element != "object":
		flags.StringSliceVar(&in.list, in.flag, nil, usage)
	default:
		flags.StringVar(&in.text, in.flag, "", usage)
	}
	if len(in.values) > 0 {
		_ = cmd.RegisterFlagCompletionFunc(in.flag, cobra.FixedCompletions(in.values, cobra.ShellCompDirectiveNoFileComp))
	}
	c.inputs = append(c.inputs, in)
}

// kindOf returns the JSON type of a schema, of the elements of an array, and the values of an enumeration.
func kindOf(d *spec.Document, pointer string) (kind, element string, values []string) {
	at, node := d.Resolve(pointer)
	types := spec.List(spec.Member(node, "type"))
	if one, ok := spec.Member(node, "type").(string); ok {
		types = []any{one}
	}
	for _, t := range types {
		if t != "null" && kind == "" {
			kind, _ = t.(string)
		}
	}
	for _, v := range spec.List(spec.Member(node, "enum")) {
		if v != nil {
			values = append(values, fmt.Sprint(v))
		}
	}
	if kind == "array" {
		element, _, values = kindOf(d, at+"/items")
	}
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		for i := range spec.List(spec.Member(node, keyword)) {
			k, e, v := kindOf(d, fmt.Sprintf("%s/%s/%d", at, keyword, i))
			if kind == "" && k != "" {
				kind, element = k, e
			}
			values = append(values, v...)
		}
	}
	return kind, element, values
}

// kebab returns the name of a flag: third-party-identifier for thirdPartyIdentifier.
func kebab(name string) string {
	var b strings.Builder
	before := rune('-')
	for _, r := range name {
		if unicode.IsUpper(r) && before != '-' && !unicode.IsUpper(before) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
		before = r
	}
	return b.String()
}

// A given is what the flags, the body and the environment say, by name.
type given struct{ path, params, body map[string]any }

// read reads what was given, and says which flag lacks.
func (c *call) read(cmd *cobra.Command, a account) (*given, error) {
	g := &given{path: make(map[string]any), params: make(map[string]any), body: make(map[string]any)}
	if c.body != "" {
		if err := c.readBody(cmd.InOrStdin(), g); err != nil {
			return nil, err
		}
	}
	for _, in := range c.inputs {
		into := g.params
		switch in.in {
		case "path":
			into = g.path
		case "body":
			into = g.body
		}
		if cmd.Flags().Changed(in.flag) {
			value, err := in.value()
			if err != nil {
				return nil, err
			}
			into[in.name] = value
		} else if _, had := into[in.name]; !had && in.in == "body" && in.name == "groupId" && a.groupID != "" {
			into[in.name] = a.groupID
		}
		if _, had := into[in.name]; in.required && !had {
			return nil, fmt.Errorf("--%s is missing", in.flag)
		}
	}
	if c.upload != nil {
		content, _ := c.upload["image"].(string)
		_, had := g.body[content]
		switch {
		case cmd.Flags().Changed("image") && c.image == "":
			return nil, errors.New("--image: the name of the file is empty")
		case c.image != "" && had:
			return nil, fmt.Errorf("--image and %s in --body are two images; give one", content)
		}
	}
	if c.upload != nil && c.image == "" && c.body == "" {
		body := c.op.Body.Of("application/json")
		if slices.Contains(spec.List(spec.Member(body.Node, "required")), c.upload["image"]) {
			return nil, errors.New("--image is missing")
		}
	}
	return g, nil
}

// readBody reads the request of --body.
func (c *call) readBody(in io.Reader, g *given) error {
	if c.body != "-" {
		file, err := os.Open(c.body)
		if err != nil {
			return fmt.Errorf("--body: %w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("--body: %w", err)
	}
	if !jsontext.Value(text).IsValid() { // nor does it have a name twice, or more behind it
		return errors.New("--body: the request is no JSON object")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&g.body); err != nil || g.body == nil {
		return errors.New("--body: the request is no JSON object")
	}
	at, _ := c.document.Resolve(c.op.Body.Of("application/json").Pointer)
	known := c.document.Names(at + "/properties")
	for name := range g.body {
		if !slices.Contains(known, name) {
			return fmt.Errorf("--body: %s has no property %.60q; want some of %s", c.op.ID, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// value returns what was given in the flag, as JSON has it.
func (in *input) value() (any, error) {
	switch {
	case in.kind == "boolean":
		return in.yes, nil
	case in.kind == "array" && in.element != "object":
		list := []any{}
		for _, text := range in.list {
			v, err := in.scalar(in.element, text)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return in.scalar(in.kind, in.text)
}

// scalar returns a text as a value of a JSON type. Of an enumeration the letter case does not matter.
func (in *input) scalar(kind, text string) (any, error) {
	for _, v := range in.values {
		if strings.EqualFold(v, text) {
			text = v
		}
	}
	var value any = text
	var err error
	switch kind {
	case "integer", "number":
		value = json.Number(text)
		_, err = json.Number(text).Float64()
	case "object", "array":
		err = json.Unmarshal([]byte(text), &value)
	}
	if err != nil {
		return nil, fmt.Errorf("--%s: want JSON of the type %s", in.flag, kind)
	}
	return value, nil
}
