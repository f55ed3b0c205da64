package authprovider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A scheme is a security scheme of the contract.
type scheme struct {
	name string
	// in says where its credential goes that the application gives: header, query, cookie, or bearer for a token in the
	// Authorization header. basic stands for the key and secret, exchange for the token that they are exchanged for.
	in  string
	key string // the name of the header, the query parameter or the cookie
}

// isGiven reports whether the application gives the credential.
func (s scheme) isGiven() bool { return s.in != "basic" && s.in != "exchange" }

// A credential is what the application gave for a scheme.
type credential struct {
	scheme scheme
	value  func() string // a function, because package fmt prints what a pointer points at
}

// WithCredential gives the credential for a security scheme of the contract that is not exchanged for a token: an apiKey, or
// the token of a scheme oauth2, openIdConnect or bearer. It is sent with each operation that names the scheme, where the
// contract wants it, and nowhere else.
func WithCredential(scheme, value string) Option {
	return func(s *settings) error {
		i := indexOf(scheme)
		if i < 0 || !schemes[i].isGiven() {
			return fmt.Errorf("WithCredential: the contract has no security scheme %q whose credential is given; %s", scheme, known())
		}
		if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Errorf("WithCredential: the credential for %s is empty or holds a character that no header may hold", scheme)
		}
		if schemes[i].in == "cookie" && strings.ContainsFunc(value, func(r rune) bool { return !inCookie(r) }) {
			return fmt.Errorf("WithCredential: the credential for %s holds a character that no cookie may hold", scheme)
		}
		s.credentials = slices.DeleteFunc(s.credentials, func(c credential) bool { return c.scheme.name == scheme })
		s.credentials = append(s.credentials, credential{schemes[i], func() string { return value }})
		return nil
	}
}

func indexOf(name string) int {
	return slices.IndexFunc(schemes, func(s scheme) bool { return s.name == name })
}

func known() string {
	var names []string
	for _, s := range schemes {
		if s.isGiven() {
			names = append(names, s.name)
		}
	}
	if len(names) == 0 {
		return "it has none"
	}
	return "it has " + strings.Join(names, ", ")
}

// Sensitive returns the credentials that the provider was given, which no message may repeat.
func (p *Provider) Sensitive() []string {
	all := p.settings.secrets()
	for _, c := range p.settings.credentials {
		all = append(all, c.value())
	}
	return all
}

// authorizeGiven sets the credentials of the first alternative for which all are there.
func (p *Provider) authorizeGiven(ctx context.Context, req *http.Request, op *operation) error {
	var missing []string
	for _, alternative := range op.alternatives {
		lacks := slices.DeleteFunc(slices.Clone(alternative), p.has)
		if len(lacks) > 0 {
			missing = append(missing, lacks...)
			continue
		}
		for _, name := range alternative {
			if err := p.set(ctx, req, name); err != nil {
				return err
			}
		}
		return nil
	}
	slices.Sort(missing)
	names := strings.Join(slices.Compact(missing), " or ")
	return errors.New("authprovider: the operation needs the credential " + names + "; give it with WithCredential, or key and secret to New")
}

// has reports whether a credential is there, or can be obtained.
func (p *Provider) has(name string) bool {
	return !schemes[indexOf(name)].isGiven() && p.settings.hasKey || p.given(name) != ""
}

// given returns the credential for a scheme; nothing when there is none.
func (p *Provider) given(name string) string {
	for _, c := range p.settings.credentials {
		if c.scheme.name == name {
			return c.value()
		}
	}
	return ""
}

// set sets one credential on a request.
func (p *Provider) set(ctx context.Context, req *http.Request, name string) error {
	switch s := schemes[indexOf(name)]; s.in {
	case "basic":
		req.Header.Set("Authorization", p.settings.basic())
	case "exchange":
		t, err := p.token(ctx)
		if err != nil {
			return err
		}
		req.Header["Authorization"] = t.header
	case "bearer":
		req.Header.Set("Authorization", "Bearer "+p.given(name))
	case "header":
		req.Header.Set(s.key, p.given(name))
	case "query":
		req.URL.RawQuery = withQuery(req.URL.RawQuery, s.key, p.given(name))
	case "cookie":
		if _, err := req.Cookie(s.key); err != nil { // not there from an attempt before
			req.AddCookie(&http.Cookie{Name: s.key, Value: p.given(name)})
		}
	}
	return nil
}

// withQuery sets a parameter of a query, and leaves the others as they are written.
func withQuery(query, name, value string) string {
	name = url.QueryEscape(name)
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		if before, _, _ := strings.Cut(part, "="); part != "" && before != name {
			parts = append(parts, part)
		}
	}
	return strings.Join(append(parts, name+"="+url.QueryEscape(value)), "&")
}

// inCookie tells the characters that a cookie can hold (RFC 6265, 4.1.1).
func inCookie(r rune) bool { return r > ' ' && r <= '~' && !strings.ContainsRune("\",;\\", r) }
