package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/goaver/aver-go/internal/spec"
)

// A declaration is a type of package generated, in the words of the template that writes it.
type declaration struct {
	Name, Type string
	Comment    string
	Deprecated string
	Kind       kind
	Fields     []field
	More       string // the type of the additional properties of a struct; empty when it has none
	Private    bool   // of a list, of additional properties: its elements
	Bare       *field // what a bare string stands for (x-bare-string)
	Lenient    bool   // the service has been seen to send it in several forms
	Listed     bool   // of a list: its elements decode themselves
	Sent       bool   // values are sent, so that what is private in them is looked for
	Rules      string // the name of the rules for a request; empty for none
	Upload     *uploadType
	Elements   []element // of a union: the types of which it holds one
	Cases      []codegen.DiscriminatorCase
	Told       string // the property that tells them apart; empty for none
	Hidden     bool   // package api does not name it: an error body of one media type
	Enumerates bool   // it is a text of which the contract lists values
	States     bool   // that tell where something stands, some of them its end
}

// An element is one of the types of a union.
type element struct {
	Method, Type string
	Value        string // of the property that tells it apart; empty when it is not set for the caller
}

// An uploadType is the type of a request with an image that is streamed (x-upload).
type uploadType struct {
	Name, Of string
	Fields   []field // all but those of the image
	Image    field   // its content
	Called   field   // its name
}

type kind string

const (
	aStruct kind = "struct"
	aList   kind = "list"
	aMap    kind = "map"
	aUnion  kind = "union"
	aName   kind = "" // an alias, an enumeration, a scalar
)

// A field is a property of a struct.
type field struct {
	Name, JSON string
	Comment    string
	Type       string
	Index      int
	Private    bool   // its value is never printed
	MayHold    bool   // it may hold private values although it is not private
	Read       string // the statement that reads it; empty for the general one
	Aliases    []string
	Trim       bool
	Needed     bool // an answer must not lack it
}

// Aliased tells that the field is read from the first of several properties that holds a text.
func (f field) Aliased() bool { return len(f.Aliases) > 0 }

// declare describes a type.
func (f *functions) declare(t codegen.TypeDefinition) *declaration {
	s := t.Schema
	d := &declaration{Name: t.TypeName, Type: s.TypeDecl(), Comment: f.commentOf(t), Deprecated: t.DeprecationComment(), Sent: f.isSent(t)}
	d.Enumerates = !t.IsAlias() && len(s.EnumValues) > 0 && d.Type == "string"
	d.States = s.OAPISchema != nil && s.OAPISchema.Extensions["x-final"] != nil
	if f.isRequest(t) {
		d.Rules = f.rulesName(t)
	}
	switch {
	case len(s.UnionElements) > 0:
		d.Kind = aUnion
		for _, u := range s.UnionElements {
			e := element{Method: u.Method(), Type: u.String()}
			if stamp := s.DiscriminatorStampFor(u); stamp != nil {
				e.Value = stamp.Value
			}
			d.Elements = append(d.Elements, e)
		}
		if d.Cases = s.DiscriminatorCases(); s.Discriminator != nil {
			d.Told = s.Discriminator.Property
		}
	case s.ArrayType != nil && !t.IsAlias():
		d.Kind, d.Listed = aList, decodesItself(s.ArrayType.OAPISchema)
		d.Private = !d.Listed && !saysPublic(s.ArrayType.OAPISchema, s.OAPISchema)
	case len(s.Properties) > 0 && !t.IsAlias():
		d.Kind = aStruct
		if s.HasAdditionalProperties && s.AdditionalPropertiesType != nil {
			d.More, d.Private = s.AdditionalPropertiesType.TypeDecl(), !saysPublic(s.AdditionalPropertiesType.OAPISchema)
		}
	case strings.HasPrefix(d.Type, "map["):
		d.Kind = aMap
	case t.IsAlias():
		d.Type = "= " + d.Type
	}
	bare, _ := extensionsOf(s.OAPISchema)["x-bare-string"].(string)
	for i, p := range s.Properties {
		one := f.fieldOf(p, i)
		one.Private = one.Private || f.refersToPrivate(t, p)
		if p.Description != "" { // the field's name is beside it
			d.Type = strings.Replace(d.Type, codegen.StringWithTypeNameToGoComment(p.Description, one.Name)+"\n", one.Comment+"\n", 1)
		}
		d.Fields = append(d.Fields, one)
		d.Lenient = d.Lenient || one.Aliased() || one.Trim
		if p.JsonFieldName == bare {
			d.Bare, d.Lenient = &d.Fields[i], true
		}
	}
	d.Hidden = s.OAPISchema == nil || t.IsAlias() && s.TypeDecl() == "ErrorBody"
	if asked, ok := extensionsOf(s.OAPISchema)["x-upload"].(map[string]any); ok {
		d.Upload = uploadOf(d, asked)
	}
	return d
}

func uploadOf(d *declaration, asked map[string]any) *uploadType {
	u := &uploadType{Name: fmt.Sprint(asked["type"]), Of: d.Name}
	for _, f := range d.Fields {
		switch f.JSON {
		case asked["image"]:
			u.Image = f
		case asked["name"]:
			u.Called = f
		default:
			u.Fields = append(u.Fields, f)
		}
	}
	return u
}

// refersToPrivate reports whether a property refers to a schema that says that its values are private, whatever is said where
// it is referred to.
func (f *functions) refersToPrivate(t codegen.TypeDefinition, p codegen.Property) bool {
	pointer := f.pointers[t.Schema.OAPISchema]
	if pointer == "" && t.JsonName != "" {
		pointer = components + spec.Escape(t.JsonName)
	}
	if pointer == "" {
		return false
	}
	_, target := f.document.Resolve(pointer + "/properties/" + spec.Escape(p.JsonFieldName))
	return spec.Member(target, "x-sensitive") == true
}

// commentOf returns the comment of a type.
func (f *functions) commentOf(t codegen.TypeDefinition) string {
	switch {
	case t.Schema.Description != "":
		return comment(t.TypeName, "is "+lowerFirst(f.describe(t.Schema.Description, t.Schema.TypeDecl())))
	case t.Comment != "":
		return t.Comment
	case t.JsonName != "":
		return fmt.Sprintf("// %s is a schema of the contract, which says no more of it.", t.TypeName)
	}
	return fmt.Sprintf("// %s holds the parameters of an operation.", t.TypeName)
}

func (f *functions) fieldOf(p codegen.Property, i int) field {
	one := field{Name: p.GoFieldName(), JSON: p.JsonFieldName, Type: p.GoTypeDef(), Index: i, Private: private(p), MayHold: mayHold(p)}
	if p.Description != "" {
		one.Comment = f.describeField(p)
	}
	if aliases, ok := p.Extensions["x-aliases"].([]any); ok {
		for _, alias := range aliases {
			one.Aliases = append(one.Aliases, fmt.Sprint(alias))
		}
	}
	one.Trim = p.Extensions["x-trim"] == true
	if s := p.Schema.OAPISchema; s != nil && !p.IsPointer() && (p.Required || one.Aliased()) && s.Type.Is("string") {
		one.Needed = s.MinLength > 0 || len(s.Enum) > 0
	}
	if p.IsPointer() {
		return one
	}
	switch {
	case p.Schema.ArrayType != nil && decodesItself(p.Schema.ArrayType.OAPISchema):
		one.Read = "jsondec.Slice(d, &t." + one.Name + ")"
	case p.GoTypeDef() == "string":
		one.Read = "t." + one.Name + " = d.String()"
	case p.Schema.OAPISchema != nil && len(p.Schema.OAPISchema.Enum) > 0:
		one.Read = "t." + one.Name + ".DecodeJSON(d)"
	}
	return one
}

// Unset is the expression that tells that the field has no value.
func (f field) Unset() string {
	name := "t." + f.Name
	switch {
	case f.Type == "string":
		return name + ` == ""`
	case strings.HasPrefix(f.Type, "*"), strings.HasPrefix(f.Type, "["), strings.HasPrefix(f.Type, "map["):
		return name + " == nil"
	}
	return "reflect.ValueOf(" + name + ").IsZero()"
}

// Needs reports whether an answer lacks something without one of the fields.
func (d *declaration) Needs() bool {
	return slices.ContainsFunc(d.Fields, func(f field) bool { return f.Needed })
}

// decodesItself reports whether values of a schema have a method DecodeJSON.
func decodesItself(s *openapi3.Schema) bool {
	return s != nil && !nullable(s) && len(s.AnyOf)+len(s.OneOf) == 0 && (len(s.Properties) > 0 || len(s.AllOf) > 0 || len(s.Enum) > 0)
}

// saysPublic reports whether one of several schemas says that its values are not private.
func saysPublic(schemas ...*openapi3.Schema) bool {
	for _, s := range schemas {
		if stated, ok := extensionsOf(s)["x-sensitive"].(bool); ok {
			return !stated
		}
	}
	return false
}
