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

// IsEmail reports whether s can be an email address. It refuses what certainly is none, not what is merely unusual.
func IsEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && !strings.ContainsAny(s, " \t\r\n<>")
}

// IsURI reports whether s is an absolute URI (RFC 3986).
func IsURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "")
}
