package authprovider

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// An origin is where credentials may go.
type origin struct {
	scheme, host string // as they stand in the base URL
	hostname     string
	canonical    string
}

func (o origin) String() string { return o.canonical }

// is reports whether u has the origin. Requests that the generated client builds spell it like the base URL.
func (o *origin) is(u *url.URL) bool {
	return u.Scheme == o.scheme && u.Host == o.host || canonicalOrigin(u) == o.canonical
}

// canonicalOrigin returns scheme, host and port in lower case, with the port spelled out. Only ASCII letters have a case
// here: to Unicode "İ" is an "i", but to the DNS it is another name.
func canonicalOrigin(u *url.URL) string {
	lower := func(s string) string {
		return strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}, s)
	}
	scheme, port := lower(u.Scheme), u.Port()
	switch {
	case port == "" && scheme == "https":
		port = "443"
	case port == "" && scheme == "http":
		port = "80"
	}
	host := lower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + ":" + port
}

// parseBaseURL checks a base URL and returns its origin and its path, escaped.
func parseBaseURL(base string) (origin, string, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return origin{}, "", errors.New("authprovider: the base URL cannot be parsed")
	case u.User != nil:
		return origin{}, "", errors.New("authprovider: the base URL contains credentials; pass them to New")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return origin{}, "", errors.New("authprovider: the base URL has a query or a fragment")
	case u.Path != "" && path.Clean(u.Path) != strings.TrimRight(u.Path, "/") && u.Path != "/":
		return origin{}, "", fmt.Errorf("authprovider: the path of the base URL %q has dots or empty segments", base)
	case u.Host == "" || u.Hostname() == "":
		return origin{}, "", fmt.Errorf("authprovider: the base URL %q names no host; want https://HOST/PATH", base)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return origin{}, "", fmt.Errorf("authprovider: the base URL %q would send credentials in plain text; use https (http is for loopback addresses alone)", base)
	case u.Scheme != "https" && u.Scheme != "http":
		return origin{}, "", fmt.Errorf("authprovider: the base URL %q is not https", base)
	}
	return origin{scheme: u.Scheme, host: u.Host, hostname: u.Hostname(), canonical: canonicalOrigin(u)}, u.EscapedPath(), nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
