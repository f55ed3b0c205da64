package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goaver/aver-go/internal/spec"
)

// An authentication is what a contract says about credentials, as package authprovider needs it.
type authentication struct {
	schemes   map[string]any
	exchanged string // the bearer scheme whose token an exchange brings

	Server     string    // the base URL that the contract names first; empty when it names none that is whole
	Token      string    // the property of an answer that holds a bearer token
	Exchange   *endpoint // of Basic credentials for a bearer token; nil when the contract has none
	Refresh    *endpoint // of a bearer token for another; nil when the contract has none
	Sent       string    // the property of a refresh that holds the token
	Basic      bool      // some operation takes Basic credentials
	Schemes    []scheme
	Exceptions []exception
}

type endpoint struct{ Method, Path string }

// A scheme is a security scheme: basic, exchange for a token that is exchanged, and of a credential that the application
// gives where it goes: header, query, cookie or bearer.
type scheme struct{ Name, In, Key string }

// An exception is an operation that is secured otherwise than with the exchanged token, or must not be sent twice.
type exception struct {
	endpoint
	Security     string     // bearer, basic, none or given
	Alternatives [][]string // of given: names of schemes
	Once         bool
}

// newAuthentication reads how the operations of a contract are secured, and which of them exchanges credentials.
func newAuthentication(d *spec.Document) (*authentication, []*spec.Fault) {
	a := &authentication{schemes: d.SecuritySchemes(), Server: d.Server(), Token: "token", Sent: "token"}
	var faults []*spec.Fault
	schemes := a.schemes
	for _, name := range sorted(schemes) {
		s := schemes[name]
		kind, of := fmt.Sprint(spec.Member(s, "type")), strings.ToLower(fmt.Sprint(spec.Member(s, "scheme")))
		if kind == "http" && of != "basic" && of != "bearer" {
			faults = append(faults, d.Fault("#/components/securitySchemes/"+spec.Escape(name),
				"the security scheme %s wants HTTP %s, which is not spoken; use basic, bearer or an apiKey in the header Authorization", name, of))
		}
	}
	faults = append(faults, a.findExchange(d)...)
	for _, name := range sorted(schemes) {
		if in := a.placeOf(name); in != "" {
			key, _ := spec.Member(schemes[name], "name").(string)
			a.Schemes = append(a.Schemes, scheme{name, in, key})
		}
	}
	for _, op := range d.Operations {
		faults = append(faults, a.check(d, op)...)
		e := exception{endpoint: endpoint{op.Method, op.Path}, Once: retryOf(d, op) != "always"}
		e.Security, e.Alternatives = a.security(op)
		if e.Once || e.Security != "bearer" {
			a.Exceptions = append(a.Exceptions, e)
		}
	}
	slices.SortFunc(a.Exceptions, func(x, y exception) int { return strings.Compare(x.Path+x.Method, y.Path+y.Method) })
	return a, faults
}

// check says which schemes of an operation cannot be met together.
func (a *authentication) check(d *spec.Document, op *spec.Operation) (faults []*spec.Fault) {
	for _, alternative := range op.Security {
		var heads []string
		for _, name := range spec.Schemes(alternative) {
			switch a.placeOf(name) {
			case "query", "cookie", "":
			case "header":
				if key, _ := spec.Member(a.schemes[name], "name").(string); strings.EqualFold(key, "Authorization") {
					heads = append(heads, name)
				}
			default:
				heads = append(heads, name)
			}
		}
		if len(heads) > 1 {
			faults = append(faults, d.Fault(op.Pointer+"/security", "the security schemes %s of %s all want the header Authorization, which holds "+
				"one", strings.Join(heads, ", "), op.ID))
		}
	}
	return faults
}

// placeOf says where the credential of a security scheme goes, like [scheme]; nowhere for mutual TLS.
func (a *authentication) placeOf(name string) string {
	scheme := a.schemes[name]
	switch kind := spec.Member(scheme, "type"); {
	case kind == "apiKey":
		return fmt.Sprint(spec.Member(scheme, "in"))
	case kind == "mutualTLS":
		return ""
	case a.speaks(name, "basic"):
		return "basic"
	case a.Exchange != nil && name == a.exchanged:
		return "exchange"
	}
	return "bearer"
}

// security says what an operation takes. Of several alternatives the first is taken whose credentials are there.
func (a *authentication) security(op *spec.Operation) (string, [][]string) {
	var all [][]string
	anonymous := len(op.Security) == 0
	for _, alternative := range op.Security {
		names := slices.DeleteFunc(spec.Schemes(alternative), func(name string) bool { return a.placeOf(name) == "" })
		if anonymous = anonymous || len(names) == 0; len(names) > 0 {
			all = append(all, names)
		}
		for _, name := range names {
			a.Basic = a.Basic || a.placeOf(name) == "basic"
		}
	}
	if len(all) == 0 {
		return "none", nil
	}
	if len(all[0]) == 1 {
		switch a.placeOf(all[0][0]) {
		case "basic":
			return "basic", nil
		case "exchange":
			return "bearer", nil
		}
	}
	if anonymous {
		all = append(all, nil)
	}
	return "given", all
}

// tokens are what the property of an answer is called that holds a bearer token.
var tokens = []string{"token", "access_token", "accessToken"}

// findExchange finds the operation that is secured with Basic credentials alone and answers with a bearer token, and the
// one that takes a living token and answers alike.
func (a *authentication) findExchange(d *spec.Document) (faults []*spec.Fault) {
	secured := func(op *spec.Operation, kind string) bool {
		return len(op.Security) == 1 && len(op.Security[0]) == 1 && a.speaks(spec.Schemes(op.Security[0])[0], kind)
	}
	for _, op := range d.Operations {
		name := tokenOf(d, op)
		if name == "" || op.Required || len(op.Params) > 0 || !secured(op, "basic") {
			continue
		}
		if a.Exchange != nil {
			faults = append(faults, d.Fault(op.Pointer, "the operations %s %s and %s %s both take Basic credentials and answer with a token; the "+
				"client can use one of them, so secure the other otherwise, or rename its property %s", a.Exchange.Method, a.Exchange.Path, op.Method,
				op.Path, name))
		}
		a.Exchange, a.Token = &endpoint{op.Method, op.Path}, name
	}
	a.exchanged = a.mostUsed(d)
	if a.exchanged == "" {
		a.Exchange = nil // nothing takes its token
	}
	if a.Exchange == nil {
		return faults
	}
	for _, op := range d.Operations {
		if tokenOf(d, op) != a.Token || len(op.Params) > 0 || !secured(op, "bearer") {
			continue
		}
		body := op.Body.Of("application/json")
		if body == nil || body.Node == nil {
			continue
		}
		required := spec.List(spec.Member(d.Sent(body.Pointer), "required"))
		if len(required) == 1 && slices.Contains(tokens, fmt.Sprint(required[0])) && a.Refresh == nil {
			a.Refresh, a.Sent = &endpoint{op.Method, op.Path}, fmt.Sprint(required[0])
		}
	}
	return faults
}

// speaks reports whether a security scheme is HTTP's of this name.
func (a *authentication) speaks(name, kind string) bool {
	s := a.schemes[name]
	return spec.Member(s, "type") == "http" && strings.EqualFold(fmt.Sprint(spec.Member(s, "scheme")), kind)
}

// mostUsed returns the bearer scheme that most operations name.
func (a *authentication) mostUsed(d *spec.Document) string {
	count := make(map[string]int)
	for _, op := range d.Operations {
		for _, alternative := range op.Security {
			for name := range alternative {
				if a.speaks(name, "bearer") {
					count[name]++
				}
			}
		}
	}
	most := ""
	for _, name := range sorted(count) {
		if count[name] > count[most] {
			most = name
		}
	}
	return most
}

// tokenOf returns the property of the answer of an operation that holds a token; nothing when there is none.
func tokenOf(d *spec.Document, op *spec.Operation) string {
	contents, _ := op.Answer(200)
	answer := contents.Of("application/json")
	if answer == nil || answer.Node == nil {
		return ""
	}
	for _, name := range tokens {
		if spec.Member(d.Property(answer.Pointer, name), "type") == "string" {
			return name
		}
	}
	return ""
}

// retryOf returns the policy of an operation. Where a contract that knows nothing of it says none, a request that is safe in
// HTTP's sense may be repeated always, and any other only when it certainly was not performed (RFC 9110, 9.2.1).
func retryOf(d *spec.Document, op *spec.Operation) string {
	_, node := d.Resolve(op.Pointer)
	if stated, ok := spec.Member(node, "x-retry").(string); ok {
		return stated
	}
	if slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, op.Method) {
		return "always"
	}
	return "never"
}
