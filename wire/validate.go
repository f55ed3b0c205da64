package wire

import (
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// FieldErrors says what is wrong with properties, by their names in JSON.
type FieldErrors map[string][]string

// Add notes a problem with a property.
func (e *FieldErrors) Add(name, problem string) {
	if *e == nil {
		*e = make(FieldErrors)
	}
	(*e)[name] = append((*e)[name], problem)
}

var patterns sync.Map // of *regexp.Regexp by source

// Match reports whether s matches a pattern of the contract. It is for generated code.
func Match(pattern, s string) bool {
	compiled, ok := patterns.Load(pattern)
	if !ok {
		compiled, _ = patterns.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return compiled.(*regexp.Regexp).MatchString(s)
}

// IsEmail reports whether s has the form of an email address (RFC 5321): a dotted or quoted name of up to 64 characters,
// and a domain of labels of up to 63 or an address literal, in ASCII.
func IsEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 0 || at > 64 || len(s) > 254 || !email.MatchString(s) {
		return false
	}
	for label := range strings.SplitSeq(s[at+1:], ".") {
		if len(label) > 63 && label[0] != '[' {
			return false
		}
	}
	return true
}

var email = regexp.MustCompile("^(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\")@" +
	"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F.:IPv]+\\])$")

// IsURI reports whether s is an absolute URI (RFC 3986), of whatever scheme.
func IsURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && len(s) > len(u.Scheme)+1
}
