package generator

import (
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// A content is what a message carries, in the media type that the client speaks of those that the contract offers.
type content struct {
	Status   string // of an answer: 200, 2XX, or default
	Media    string // empty for no content
	Form     form
	Pointer  string // where the media type is described
	Required bool   // of a request
	Null     bool   // it may be null
	Constant bool   // it says nothing but that it is there
}

// A form is how a value is written as bytes.
type form string

const (
	asNothing   form = ""
	asJSON      form = "JSON"
	asForm      form = "Form"
	asMultipart form = "Multipart"
	asText      form = "Text"
	asBytes     form = "Bytes" // streamed
)

// formOf tells how a media type is written; nothing when this module cannot. isText tells that the schema is one of a text, or
// that there is none.
func formOf(media string, isText bool) form {
	plain, _, err := mime.ParseMediaType(media)
	if err != nil {
		plain = strings.ToLower(media)
	}
	switch {
	case plain == "application/json", strings.HasSuffix(plain, "+json"), plain == "*/*" && !isText, plain == "application/*" && !isText:
		return asJSON
	case plain == "application/x-www-form-urlencoded":
		return asForm
	case plain == "multipart/form-data":
		return asMultipart
	case !isText, strings.HasPrefix(plain, "multipart/"):
		return asNothing
	case strings.HasPrefix(plain, "text/") && plain != "text/event-stream":
		return asText
	}
	return asBytes
}

// preferred are the forms in the order in which one is chosen.
var preferred = []form{asJSON, asForm, asMultipart, asText, asBytes}

// choose returns the content of a message in the media type that the client speaks, or says why there is none.
func choose(d *spec.Document, at string, offered spec.Contents, answer bool) (content, *spec.Fault) {
	if len(offered) == 0 {
		return content{}, nil
	}
	var best content
	for _, media := range offered.Medias() {
		pointer := at + "/content/" + spec.Escape(media)
		_, schema := d.Resolve(pointer + "/schema")
		c := content{Media: media, Form: formOf(media, isText(schema)), Pointer: pointer}
		c.Null, c.Constant = nullableNode(schema), len(spec.List(spec.Member(schema, "enum"))) == 1 || spec.Member(schema, "const") != nil
		if c.Form == asNothing || answer && (c.Form == asForm || c.Form == asMultipart) {
			continue
		}
		better := slices.Index(preferred, c.Form) < slices.Index(preferred, best.Form)
		if best.Form == asNothing || better || media == "application/json" {
			best = c
		}
	}
	if fault := unhonoured(d, best); fault != nil && !answer {
		return best, fault
	}
	if best.Form == asNothing {
		verb := "written"
		if answer {
			verb = "read"
		}
		return best, d.Fault(at+"/content", "%s is not %s as the schema says; offer application/json as well, or make the schema a text (type: "+
			"string), which is streamed", strings.Join(offered.Medias(), ", "), verb)
	}
	return best, nil
}

// unhonoured says what a body asks for beyond its schema, and is not done.
func unhonoured(d *spec.Document, c content) *spec.Fault {
	switch c.Form {
	case asForm, asMultipart:
		at, schema := d.Resolve(c.Pointer + "/schema")
		if kind := spec.Member(schema, "type"); kind != nil && kind != "object" {
			return d.Fault(at, "a form is an object: its fields are the properties; %v has none", kind)
		}
		_, described := d.Resolve(c.Pointer)
		for _, name := range sorted(spec.Object(spec.Member(described, "encoding"))) {
			return d.Fault(c.Pointer+"/encoding", "the encoding of %s is not honoured: a list is sent element by element, an object as JSON; take "+
				"it out", name)
		}
	case asBytes:
		at, schema := d.Resolve(c.Pointer + "/schema")
		for _, keyword := range []string{"minLength", "maxLength", "pattern", "enum", "const", "allOf", "anyOf", "oneOf", "not"} {
			if spec.Member(schema, keyword) != nil {
				return d.Fault(at+"/"+keyword, "%s is not checked of a body that is streamed; take it out", keyword)
			}
		}
	}
	return nil
}

// isText reports whether a schema is one of a text or of bytes, which is not encoded further.
func isText(schema any) bool {
	if schema == nil || schema == true {
		return true
	}
	switch kind := spec.Member(schema, "type").(type) {
	case string:
		return kind == "string"
	case []any:
		return slices.Contains(kind, any("string"))
	}
	return len(spec.Object(schema)) == 0 || spec.Member(schema, "format") == "binary" || spec.Member(schema, "contentMediaType") != nil
}

// nullableNode reports whether a value may be null.
func nullableNode(schema any) bool {
	if schema == nil {
		return false
	}
	if kinds, _ := spec.Member(schema, "type").([]any); spec.Member(schema, "type") == "null" || slices.Contains(kinds, any("null")) {
		return true
	}
	return slices.ContainsFunc(slices.Concat(spec.List(spec.Member(schema, "oneOf")), spec.List(spec.Member(schema, "anyOf"))), nullableNode)
}

// A traffic is what an operation sends and what it is answered with when it succeeds.
type traffic struct {
	op      *spec.Operation
	Retry   string
	Body    content
	Answers []content // the documented successes, those of a class of statuses last
}

// newTraffic reads what each operation sends and gets, and says what of it the client cannot do.
func newTraffic(d *spec.Document) (map[string]*traffic, []*spec.Fault) {
	all := make(map[string]*traffic)
	var faults []*spec.Fault
	for _, op := range d.Operations {
		t := &traffic{op: op, Retry: retryOf(d, op)}
		note := func(c content, fault *spec.Fault) content {
			if fault != nil {
				faults = append(faults, fault)
			}
			return c
		}
		at, _ := d.Resolve(op.Pointer + "/requestBody")
		t.Body = note(choose(d, at, op.Body, false))
		t.Body.Required = op.Required
		for _, status := range op.Successes() {
			at, _ := d.Resolve(op.Pointer + "/responses/" + status)
			c := note(choose(d, at, op.Answers[status], true))
			c.Status = status
			t.Answers = append(t.Answers, c)
		}
		switch {
		case len(t.Answers) == 0:
			faults = append(faults, d.Fault(op.Pointer+"/responses", "the operation %s documents no success; add a response 200, 2XX or default", op.ID))
		case len(t.Answers) > 1 && slices.ContainsFunc(t.Answers, func(c content) bool { return c.Form == asBytes }):
			faults = append(faults, d.Fault(op.Pointer+"/responses", "the operation %s has several successes, and streams one of them; leave one "+
				"success, or give the others no content of their own", op.ID))
		}
		all[op.Method+" "+op.Path] = t
	}
	return all, faults
}

// sends reports whether a media type is that of the body. Of a nil traffic, which nobody asked, each is.
func (t *traffic) sends(media string) bool { return t == nil || t.Body.Media == media }

// number returns a status as a number; a class of statuses is its first digit.
func (c content) number() int {
	if n, err := strconv.Atoi(c.Status); err == nil {
		return n
	}
	return 2
}
