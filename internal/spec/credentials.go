package spec

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Schemes returns the names of the security schemes of an alternative, sorted.
func Schemes(alternative map[string]any) []string { return slices.Sorted(maps.Keys(alternative)) }

// Credentials says what is wrong with the credentials of a request; nothing when they are as the document wants them.
func (op *Operation) Credentials(h http.Header, u *url.URL) string {
	if len(op.Security) == 0 {
		return ""
	}
	var wants []string
	for _, alternative := range op.Security {
		if len(alternative) == 0 {
			return ""
		}
		met := true
		for name := range alternative {
			want, ok := present(Object(op.schemes[name]), h, u)
			met = met && ok
			wants = append(wants, want)
		}
		if met {
			return ""
		}
	}
	slices.Sort(wants)
	return strings.Join(slices.Compact(wants), " or ")
}

// present says what a security scheme wants, and whether a request has it.
func present(scheme map[string]any, h http.Header, u *url.URL) (string, bool) {
	kind, value, _ := strings.Cut(h.Get("Authorization"), " ")
	name := fmt.Sprint(scheme["name"])
	switch {
	case scheme["type"] == "http" && strings.EqualFold(fmt.Sprint(scheme["scheme"]), "basic"):
		_, _, ok := (&http.Request{Header: h}).BasicAuth()
		return "Basic credentials in the Authorization header", ok
	case scheme["type"] == "http" && strings.EqualFold(fmt.Sprint(scheme["scheme"]), "bearer"), scheme["type"] == "oauth2",
		scheme["type"] == "openIdConnect":
		return "a bearer token in the Authorization header", strings.EqualFold(kind, "Bearer") && strings.TrimSpace(value) != ""
	case scheme["type"] == "apiKey" && scheme["in"] == "header":
		return "the header " + name, h.Get(name) != ""
	case scheme["type"] == "apiKey" && scheme["in"] == "query":
		return "the query parameter " + name, u != nil && u.Query().Get(name) != ""
	case scheme["type"] == "apiKey" && scheme["in"] == "cookie":
		_, err := (&http.Request{Header: h}).Cookie(name)
		return "the cookie " + name, err == nil
	}
	return "", true // mutual TLS
}

// InQuery reports whether a name in a query is that of a credential.
func (op *Operation) InQuery(name string) bool {
	for _, scheme := range op.schemes {
		if Member(scheme, "in") == "query" && Member(scheme, "name") == name {
			return true
		}
	}
	return false
}
