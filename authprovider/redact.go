package authprovider

import "fmt"

const redacted = "REDACTED"

// Format prints the provider without its secrets, whatever the verb.
func (p *Provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.describe()) }

// MarshalText describes the provider without its secrets, for JSON and for logs.
func (p *Provider) MarshalText() ([]byte, error) { return []byte(p.describe()), nil }

func (p *Provider) describe() string {
	if p == nil {
		return "authprovider.Provider(nil)"
	}
	return "authprovider.Provider(" + p.origin.canonical + ")"
}

// Format prints "REDACTED", whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText returns "REDACTED", for JSON and for logs.
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "REDACTED", whatever the verb.
func (t token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }
