package spec

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Texts returns the texts of a parameter in a request, of whose path values are the parts. It reports false for an object that
// stands under the names of its properties.
func (p *Param) Texts(values map[string]string, u *url.URL, h http.Header) ([]string, bool) {
	switch p.In {
	case "path":
		if v, ok := values[p.Name]; ok {
			return []string{v}, true
		}
	case "query":
		return u.Query()[p.Name], !(p.Object && (p.Explode || p.Style == "deepObject"))
	case "header":
		return h.Values(p.Name), true
	case "cookie":
		var texts []string
		for _, cookie := range (&http.Request{Header: h}).CookiesNamed(p.Name) {
			texts = append(texts, cookie.Value)
		}
		return texts, true
	}
	return nil, true
}

// Value returns the value that the texts of a parameter stand for: that of the first, or of an array all.
func (p *Param) Value(texts []string) any {
	if !p.Array {
		return scalar(p.Kind, texts[0])
	}
	if !p.Explode || p.In == "path" || p.In == "header" {
		texts = strings.Split(strings.Join(texts, ","), ",")
	}
	elements := make([]any, len(texts))
	for i := range texts {
		elements[i] = scalar(p.Kind, strings.TrimSpace(texts[i]))
	}
	return elements
}

// scalar reads the text of a parameter as its type.
func scalar(kind, text string) any {
	switch kind {
	case "integer", "number":
		if jsontext.Value(text).Kind() == '0' && jsontext.Value(text).IsValid() {
			return json.Number(text)
		}
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}
