package generator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/goaver/aver-go/internal/spec"
)

// A method is a method of the client, in the words of the template that writes it.
type method struct {
	Operation  string // what the operation is called in Go
	Declares   bool   // the description of the operation is written with it
	Name       string
	ID         string // what the contract calls the operation
	Verb, Path string
	Retry      string
	Media      string // of the request; empty without a body
	Encoding   string // the function that writes the body; empty for JSON
	Accept     string // the media types of the answer; empty for JSON
	PathParams []string
	Own        []string // the names of the other parameters, in lower case
	Null       bool     // the answer may be null
	Large      bool     // the contract's x-large-response

	Comment, Deprecated string
	Args                string   // of the signature, between the context and the options
	Values              []string // the expressions for the path parameters
	PathRules           string   // the name of the rules for them; empty for none
	Held                []string // those that are held to rules, as the entries of a Go literal
	Params              string   // the type of the other parameters; empty for none
	Lists               bool     // lists are among them
	Build               string   // builds the request from them; empty for none
	Body                string   // the expression for the body; empty for none
	Rules               string   // the name of the rules for the body; empty for none
	Upload              string   // the expression for what is streamed; empty for nothing
	Recovery            string   // the expression for the recovery; empty for none
	Result              string   // what an answer is decoded into
	Returns             string   // the types that are returned
	Before, After       string   // what makes them of the operation and the request
	Union               *union   // declared with the method; nil for none

	op      codegen.OperationDefinition
	traffic *traffic
}

// Statuses returns those of the successes, as the elements of a Go literal.
func (m *method) Statuses() string {
	var all []string
	for _, c := range m.traffic.Answers {
		all = append(all, strconv.Itoa(c.number()))
	}
	return strings.Join(all, ", ")
}

// A union is the result of an operation with several successes.
type union struct {
	Name, Method string
	Alternatives []alternative
}

// Other is the alternative for any success that is not listed; nil when there is none.
func (u *union) Other() *alternative {
	for i := range u.Alternatives {
		if u.Alternatives[i].Status == 2 {
			return &u.Alternatives[i]
		}
	}
	return nil
}

type alternative struct {
	Status      int    // 2 for any that is not listed
	Field, Type string // empty without content
	Described   string
	Print       string // the function that prints it
}

// methods returns the methods of the client: one for each operation, and those that stream an image in it.
func (f *functions) methods(ops []codegen.OperationDefinition) []*method {
	var all []*method
	for _, op := range ops {
		t := f.traffic[op.Method+" "+op.Path]
		if t == nil { // a webhook
			continue
		}
		m := &method{
			Operation: op.OperationId, Declares: true, Name: op.OperationId, ID: idOf(op), Verb: op.Method, Path: op.Path,
			Retry: t.Retry, Media: t.Body.Media, Large: op.Spec.Extensions["x-large-response"] == true,
			Comment: comment(op.OperationId, summaryOf(op)), Deprecated: op.DeprecationComment(),
			op: op, traffic: t,
		}
		f.parameters(m)
		streaming := f.streaming(m)
		f.body(m)
		f.answer(m)
		if m.Retry == "recover" {
			m.Recovery = f.recovery(m)
		}
		all = append(append(all, m), streaming...)
	}
	return all
}

func summaryOf(op codegen.OperationDefinition) string {
	summary, description := strings.TrimSpace(op.Spec.Summary), strings.TrimSpace(op.Spec.Description)
	switch {
	case summary == "" && description == "":
		return "performs " + op.Method + " " + op.Path + "."
	case summary == "":
		return lowerFirst(description)
	}
	return lowerFirst(strings.TrimSuffix(summary, ".")) + ".\n\n" + op.Spec.Description
}

// lowerFirst makes a sentence one that follows a name, unless it begins with an abbreviation.
func lowerFirst(s string) string {
	if len(s) > 1 && 'A' <= s[1] && s[1] <= 'Z' {
		return s
	}
	return codegen.LowercaseFirstCharacter(s)
}

// parameters has a method take the parameters.
func (f *functions) parameters(m *method) {
	for _, p := range m.op.PathParams {
		m.Args += ", " + p.GoVariableName() + " " + p.TypeDef()
		m.PathParams = append(m.PathParams, p.ParamName)
		m.Values = append(m.Values, "pathValue("+p.GoVariableName()+")")
	}
	if of := f.rules.params[m.op.OperationId+"Path"]; of != nil {
		m.PathRules = m.op.OperationId + "Path"
		for _, p := range m.op.PathParams {
			if spec.Member(spec.Member(of, "properties"), p.ParamName) != nil {
				m.Held = append(m.Held, strconv.Quote(p.ParamName)+": "+p.GoVariableName())
			}
		}
	}
	for _, p := range m.traffic.op.Params {
		if p.In != "path" {
			m.Own = append(m.Own, strings.ToLower(p.Name))
		}
	}
	if !m.op.RequiresParamObject() {
		return
	}
	m.Params = m.op.OperationId + "Params"
	m.Lists = slices.ContainsFunc(m.traffic.op.Params, func(p *spec.Param) bool { return p.Array && p.In != "path" })
	m.Args += ", params *" + m.Params
	args := []string{"server"}
	for _, p := range m.op.PathParams {
		args = append(args, p.GoVariableName())
	}
	args = append(args, "params")
	name := "New" + m.op.OperationId + "Request"
	if m.Media != "" {
		name += "WithBody"
		args = append(args, strconv.Quote(m.Media), "body")
	}
	m.Build = name + "(" + strings.Join(args, ", ") + ")"
}

// body has a method take the body.
func (f *functions) body(m *method) {
	b := m.traffic.Body
	if b.Form == asNothing {
		return
	}
	if b.Form == asBytes {
		m.Args += ", body io.Reader"
		m.Upload = "newStream(body, " + strconv.FormatBool(b.Required) + ")"
		return
	}
	of := "string"
	if b.Form != asText {
		of = f.typeOf(m.op.Spec.RequestBody.Value.Content[b.Media].Schema)
	}
	m.Rules = f.rulesAt(b.Pointer + "/schema")
	if b.Form != asJSON {
		m.Encoding = "body." + string(b.Form)
	}
	if b.Required {
		m.Args += ", body " + of
		m.Body = "body"
	} else {
		m.Args += ", body *" + of
		m.Body = "optional(body)"
	}
}

// recovery is what finds out whether an operation was performed: a function of package api, by hand.
func (f *functions) recovery(m *method) string {
	var args []string
	for _, p := range m.op.PathParams {
		args = append(args, p.GoVariableName())
	}
	if m.traffic.Body.Form != asNothing {
		args = append(args, "body")
	}
	return "c.recover" + m.Operation + "(" + strings.Join(args, ", ") + ")"
}

// typeOf returns the Go type of a schema.
func (f *functions) typeOf(ref *openapi3.SchemaRef) string {
	if ref == nil {
		return "any"
	}
	s, err := codegen.GenerateGoSchema(ref, []string{"inline"})
	if err != nil {
		f.errs = append(f.errs, err)
		return "any"
	}
	if codegen.IsGoTypeReference(ref.Ref) {
		if name, err := codegen.RefPathToGoType(ref.Ref); err == nil {
			return name
		}
	}
	return s.TypeDecl()
}

// rulesAt returns the name of the rules for the schema at a pointer; nothing when it asks for none.
func (f *functions) rulesAt(pointer string) string {
	at, _ := f.document.Resolve(pointer)
	for _, at := range []string{pointer, at} {
		if name, ok := f.rules.names[at]; ok {
			return strings.TrimPrefix(name, "rulesOf")
		}
	}
	return ""
}

// answer has a method return what the operation answers.
func (f *functions) answer(m *method) {
	m.Result, m.Returns, m.Before, m.After = "struct{}", "error", "done(call(", "))"
	var media []string
	for _, c := range m.traffic.Answers {
		if c.Media != "" && c.Media != "application/json" {
			media = append(media, c.Media)
		}
	}
	if len(media) > 0 {
		m.Accept = strings.Join(append(media, "application/json"), ", ") // as errors are
	}
	switch first := m.traffic.Answers[0]; {
	case len(m.traffic.Answers) > 1:
		f.several(m)
	case first.Form == asBytes:
		m.Args += ", w io.Writer"
		m.Returns, m.Before, m.After = "(*Downloaded, error)", "streamTo(", ", w)"
	case first.Form == asText:
		m.Result, m.Returns, m.Before, m.After = "string", "(string, error)", "value(call(", "))"
	case first.Form == asJSON:
		f.single(m, first)
	}
}

// single has a method return a value that is read from JSON.
func (f *functions) single(m *method, c content) {
	ref := m.op.Spec.Responses.Value(c.Status).Value.Content[c.Media].Schema
	m.Result = f.typeOf(ref)
	switch {
	case c.Constant:
	case c.Null, f.isStruct(ref):
		m.Null = c.Null
		m.Returns, m.Before, m.After = "(*"+m.Result+", error)", "call(", ")"
	default:
		m.Returns, m.Before, m.After = "("+m.Result+", error)", "value(call(", "))"
	}
}

// isStruct reports whether the type of a schema is a struct, which is returned as a pointer.
func (f *functions) isStruct(ref *openapi3.SchemaRef) bool {
	if ref == nil || ref.Value == nil {
		return false
	}
	if v := ref.Value; len(v.AllOf) == 1 {
		return f.isStruct(v.AllOf[0])
	} else if len(v.AllOf)+len(v.AnyOf)+len(v.OneOf) > 0 {
		return true
	}
	s, err := codegen.GenerateGoSchema(&openapi3.SchemaRef{Value: ref.Value}, []string{"inline"})
	return err == nil && (strings.HasPrefix(s.GoType, "struct") || strings.HasPrefix(s.GoType, "wire."))
}

// several has a method return which of its successes it was.
func (f *functions) several(m *method) {
	m.Null = slices.ContainsFunc(m.traffic.Answers, func(c content) bool { return c.Null })
	m.Union = &union{Name: f.names.free(m.Name+"Result", f.schemas), Method: m.Name}
	for _, c := range m.traffic.Answers {
		a := alternative{Status: c.number(), Described: c.Status, Print: "printing.Attr"}
		if a.Status == 2 {
			a.Described = "any other success"
		}
		switch c.Form {
		case asText:
			a.Type, a.Print = "string", "printing.Redacted"
		case asJSON:
			a.Type = f.typeOf(m.op.Spec.Responses.Value(c.Status).Value.Content[c.Media].Schema)
		}
		if a.Type != "" {
			a.Field = fieldFor(a.Status)
		}
		m.Union.Alternatives = append(m.Union.Alternatives, a)
	}
	m.Result, m.Returns, m.Before, m.After = m.Union.Name, "(*"+m.Union.Name+", error)", "call(", ")"
}

// fieldFor names the field for a success.
func fieldFor(status int) string {
	if text := http.StatusText(status); text != "" {
		return strings.NewReplacer(" ", "", "-", "").Replace(text)
	}
	if status == 2 {
		return "Other"
	}
	return "Status" + strconv.Itoa(status)
}

// streaming returns the methods that x-upload and x-download ask for beside m, of which the parameters are filled in.
func (f *functions) streaming(m *method) []*method {
	var all []*method
	another := func(name, text string, edit func(*method)) {
		s := *m
		s.Declares, s.Name, s.Deprecated = false, name, ""
		edit(&s)
		s.Comment = comment(name, fmt.Sprintf(text, m.Name))
		all = append(all, &s)
	}
	if b := m.traffic.Body; b.Form == asJSON {
		ref := m.op.Spec.RequestBody.Value.Content[b.Media].Schema
		if asked, ok := extensionsOf(valueOf(ref))["x-upload"].(map[string]any); ok {
			another(fmt.Sprint(asked["method"]), uploads, func(s *method) {
				s.Args += fmt.Sprintf(", upload %v", asked["type"])
				s.Rules = f.rulesAt(b.Pointer + "/schema")
				s.Upload = "newUpload(upload.Image, upload.request)"
				f.answer(s)
				s.Union = nil // declared with m
			})
		}
	}
	asked, ok := m.op.Spec.Extensions["x-download"].(map[string]any)
	if !ok || len(m.traffic.Answers) != 1 || m.traffic.Answers[0].Form != asJSON {
		return all
	}
	names := f.imageNames(m, fmt.Sprint(asked["image"]))
	into := func(argument, function string) func(*method) {
		return func(s *method) {
			f.body(s)
			f.answer(s)
			s.Args += ", " + argument
			arg, _, _ := strings.Cut(argument, " ")
			s.Returns, s.Before, s.After = "(*Downloaded, error)", function+"(", ", "+arg+", "+quotes(names)+")"
		}
	}
	another(fmt.Sprint(asked["method"]), downloads, into("w io.Writer", "downloadTo"))
	another(fmt.Sprint(asked["method"])+"File", downloadsToFile, into("file string", "downloadToFile"))
	return all
}

func valueOf(ref *openapi3.SchemaRef) *openapi3.Schema {
	if ref == nil {
		return nil
	}
	return ref.Value
}

const (
	uploads = `does what [Client.%s] does, with an image that is streamed: a large one costs no more
memory than a small one. It is recognised by its content, JPEG or PNG, and refused before anything is sent when it is
something else or too large ([WithMaxImageSize]). [WithUploadProgress] tells how far it is.

Where the call may be repeated, the image is read again from its beginning. Of a reader that cannot seek this is
impossible, and the error says so.`
	downloads = `does what [Client.%s] does and streams the image to w, as it was uploaded, and returns
what it is. When the call fails, what was written to w is the beginning of an image at best; once something was
written, the call is not repeated.`
	downloadsToFile = `does what [Client.%s] does and streams the image to a file that only its owner can read.
The file appears, or is replaced, when it is complete, and not at all when the call fails.`
)

// imageNames returns the properties of an answer that may hold an image: the one that x-download names, and its aliases.
func (f *functions) imageNames(m *method, name string) []string {
	names := []string{name}
	_, answer := f.document.Resolve(m.traffic.Answers[0].Pointer + "/schema")
	for _, alias := range spec.List(spec.Member(spec.Member(spec.Member(answer, "properties"), name), "x-aliases")) {
		names = append(names, fmt.Sprint(alias))
	}
	return names
}

// join and quotes write the elements of a Go literal: expressions, and texts.
func join(all []string) string { return strings.Join(all, ", ") }

func quotes(texts []string) string {
	all := slices.Clone(texts)
	for i := range all {
		all[i] = strconv.Quote(all[i])
	}
	return join(all)
}
