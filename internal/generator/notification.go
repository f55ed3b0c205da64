package generator

import (
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
)

// A notification is a webhook of a contract whose body is JSON.
type notification struct {
	Name     string // what the contract calls it
	Type     string // the Go type of its body
	Required []string
}

// notifications returns the webhooks, by which package api tells apart what the service sends by itself.
func (f *functions) notifications() []notification {
	var all []notification
	for _, name := range sorted(f.webhooks) {
		for _, method := range sorted(f.webhooks[name].Operations()) {
			op := f.webhooks[name].Operations()[method]
			if op.RequestBody == nil || op.RequestBody.Value == nil {
				continue
			}
			for _, media := range sorted(op.RequestBody.Value.Content) {
				body := op.RequestBody.Value.Content[media].Schema
				if formOf(media, false) != asJSON || body == nil || body.Value == nil {
					continue
				}
				n := notification{Name: name, Type: f.typeOf(body), Required: requiredOf(body.Value)}
				if !isName.MatchString(n.Type) { // what has no name can be anything
					n.Type = "any"
				}
				all = append(all, n)
				break
			}
		}
	}
	return all
}

var isName = regexp.MustCompile(`^[A-Z]\w*$`)

// requiredOf returns the properties that an object must have.
func requiredOf(s *openapi3.Schema) []string {
	required := s.Required
	for _, part := range s.AllOf {
		if part.Value != nil {
			required = append(required[:len(required):len(required)], requiredOf(part.Value)...)
		}
	}
	return required
}
