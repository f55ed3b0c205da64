package generator

import (
	"fmt"
	"go/format"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
)

// width is the longest line of a comment that is written.
const width = 120

// comment writes a text as a Go comment that begins with a name, which may be empty. What the author laid out, such as a
// list, stays as it is.
func comment(name, text string) string {
	text = strings.TrimSpace(strings.TrimSpace(name+" ") + " " + strings.TrimSpace(text))
	var lines []string
	code := false
	for line := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
			lines = append(lines, "")
		case code:
			lines = append(lines, "\t"+line)
		default:
			lines = append(lines, wrap(line)...)
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight("// "+line, " \t")
	}
	return strings.Join(lines, "\n")
}

// wrap breaks a line at blanks.
func wrap(line string) []string {
	indent := ""
	switch {
	case strings.HasPrefix(line, "- "):
		line, indent = "  "+line, "    "
	case strings.HasPrefix(line, " "), strings.HasPrefix(line, "\t"):
		return []string{line}
	}
	var lines []string
	for len(line) > width {
		at := strings.LastIndexByte(line[:width], ' ')
		if at <= len(indent) { // a long word
			if at = strings.IndexByte(line[width:], ' '); at < 0 {
				break
			}
			at += width
		}
		lines = append(lines, line[:at])
		line = indent + line[at+1:]
	}
	return append(lines, line)
}

var (
	inBackquotes = regexp.MustCompile("`[A-Za-z_][A-Za-z0-9_-]*`")
	aNull        = regexp.MustCompile(`(^|[\s(,;:])null($|[\s),;:.])`) // the value, and no part of a word or of what is quoted
)

// inGo has a description speak of Go: what stands in backquotes and is a property or a parameter is called what it is called in
// Go.
func (f *functions) inGo(description string) string {
	return inBackquotes.ReplaceAllStringFunc(description, func(quoted string) string {
		if name, ok := f.fields[strings.Trim(quoted, "`")]; ok {
			return name
		}
		return quoted
	})
}

// describe is inGo for what describes a value of a type: null is what Go has in its place.
func (f *functions) describe(description, typ string) string {
	empty := "empty"
	if strings.HasPrefix(typ, "*") || strings.HasPrefix(typ, "[]") || strings.HasPrefix(typ, "map[") {
		empty = "nil"
	}
	return aNull.ReplaceAllString(f.inGo(description), "${1}"+empty+"${2}")
}

// describeField describes a field; what its type has to say beyond its first paragraph stands there alone.
func (f *functions) describeField(p codegen.Property) string {
	text := p.Description
	if s := p.Schema.OAPISchema; s != nil && len(s.Enum) > 0 && strings.TrimSpace(s.Description) == strings.TrimSpace(text) {
		text, _, _ = strings.Cut(text, "\n\n")
	}
	return comment("", f.describe(text, p.GoTypeDef()))
}

// nameFields notes what each property and parameter is called in Go, if it is called the same everywhere.
func (f *functions) nameFields(t *openapi3.T) {
	f.fields = make(map[string]string)
	note := func(name string, extensions map[string]any) {
		called := codegen.SchemaNameToTypeName(name)
		if asked, ok := extensions["x-go-name"].(string); ok {
			called = asked
		}
		if before, ok := f.fields[name]; ok && before != called {
			called = "" // nobody can tell which is meant
		}
		f.fields[name] = called
	}
	for s := range f.pointers {
		for name, property := range s.Properties {
			note(name, extensionsOf(property.Value))
		}
	}
	for _, item := range t.Paths.Map() {
		for _, op := range item.Operations() {
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value != nil {
					note(p.Value.Name, p.Value.Extensions)
				}
			}
		}
	}
	for name, called := range f.fields {
		if called == "" {
			delete(f.fields, name)
		}
	}
	for _, item := range t.Paths.Map() {
		for _, op := range item.Operations() {
			op.Description = f.inGo(op.Description)
		}
	}
}

var tag = regexp.MustCompile("(?m)[ \\t]*`[^`\n]*`[ \\t]*$")

// declaredAs shows, for the comment of an alias, how a type is declared: what an alias hides from who reads the documentation.
func (d *declaration) declaredAs() string {
	var bare strings.Builder
	for line := range strings.Lines(d.Type) {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			line = tag.ReplaceAllString(line, "")
		}
		bare.WriteString(line)
	}
	text, err := format.Source([]byte("type " + d.Name + " " + bare.String()))
	if err != nil {
		return "" // a type that cannot be written alone
	}
	var b strings.Builder
	b.WriteString("//\n")
	for line := range strings.Lines(string(text)) {
		b.WriteString(strings.TrimRight("//\t"+strings.TrimRight(line, "\n"), "\t") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// Shown is the comment of the alias of a type: what it is, how it is declared and what its methods are.
func (d *declaration) Shown() string {
	shown := d.Comment
	if other, ok := strings.CutPrefix(d.Type, "= "); ok {
		if strings.Contains(other, ".") {
			return shown + "\n//\n// Its methods are those of [" + other + "]."
		}
		return shown + "\n//\n// It is a " + other + "."
	}
	if d.Enumerates {
		methods := "Is and Canonical compare it in any letter case, Known and Valid tell whether it is a value that the contract lists."
		if d.States {
			methods = strings.TrimSuffix(methods, ".") + ", and Final whether the work is done."
		}
		return shown + "\n//\n" + comment("", fmt.Sprintf("It is a %s; its values are the constants below. %s", d.Type, methods))
	}
	if as := d.declaredAs(); as != "" {
		shown += "\n" + as
	}
	if d.Kind == aUnion {
		var names []string
		for _, e := range d.Elements {
			names = append(names, fmt.Sprintf("As%s and From%[1]s", e.Method))
		}
		shown += "\n//\n" + comment("", "It holds one of several types: "+strings.Join(names, ", ")+" read and set it.")
	}
	return shown
}
