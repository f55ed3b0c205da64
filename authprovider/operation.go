package authprovider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An exchange is how credentials become a bearer token. Without endpoints there is no such thing.
type exchange struct {
	token   endpoint // takes Basic credentials
	refresh endpoint // takes a living token
}

type endpoint struct{ method, path string }

// An operation is one of which the contract says more than that it takes the exchanged bearer token.
type operation struct {
	method, path string
	security     security
	alternatives [][]string // of given: what is taken together, the first that is there
	once         bool       // it must not be sent twice unless it certainly was not performed

	segments []string // of a path with parameters
}

// A security is how an operation is secured.
type security int

const (
	bearer security = iota
	basic
	none
	given // with credentials of the application's, see [WithCredential], perhaps among others
)

// under returns the operation with its path below that of the base URL, which is escaped.
func (o operation) under(base string) operation {
	base = strings.TrimSuffix(base, "/")
	if strings.Contains(o.path, "{") {
		o.segments = strings.Split(base+o.path, "/")
		for i := range o.segments {
			o.segments[i] = unescape(o.segments[i])
		}
	}
	o.path = unescape(base) + o.path
	return o
}

func unescape(path string) string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return path // it comes from a URL that was parsed
	}
	return plain
}

// matches reports whether a request is one of the operation. The service takes a slash at the end, and, as ASP.NET does,
// any letter case and empty segments.
func (o *operation) matches(req *http.Request) bool {
	if req.Method != o.method && (req.Method != "" || o.method != http.MethodGet) {
		return false
	}
	path := strings.TrimRight(req.URL.Path, "/")
	if o.segments == nil && strings.EqualFold(path, o.path) {
		return true
	}
	want := o.segments
	if want == nil {
		if !strings.Contains(path, "//") {
			return false
		}
		want = strings.Split(o.path, "/")
	}
	if last := want[len(want)-1]; !isParameter(last) && !hasSuffixFold(path, last) {
		return false
	}
	segments := filled(strings.Split(req.URL.EscapedPath(), "/"))
	want = filled(slices.Clone(want))
	return slices.EqualFunc(segments, want, func(segment, want string) bool {
		return isParameter(want) || strings.EqualFold(unescape(segment), want)
	})
}

// filled returns the segments that are not empty.
func filled(segments []string) []string {
	return slices.DeleteFunc(segments, func(segment string) bool { return segment == "" })
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

// exception returns the operation to which a request belongs, when it is one of the exceptions.
func (p *Provider) exception(req *http.Request) *operation {
	for i := range p.exceptions {
		if op := &p.exceptions[i]; op.matches(req) {
			return op
		}
	}
	return nil
}
