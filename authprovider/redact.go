package authprovider

import (
	"fmt"
	"log/slog"
)

const redacted = "REDACTED"

// Format prints the provider without its secrets, whatever the verb.
func (p *Provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.describe()) }

// LogValue logs the provider without its secrets.
func (p *Provider) LogValue() slog.Value { return slog.StringValue(p.describe()) }

// MarshalText describes the provider without its secrets.
func (p *Provider) MarshalText() ([]byte, error) { return []byte(p.describe()), nil }

func (p *Provider) describe() string {
	if p == nil {
		return "authprovider.Provider(nil)"
	}
	return "authprovider.Provider(" + p.origin.canonical + ")"
}

// Format prints the settings without their secrets, whatever the verb.
func (s settings) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// Format prints "REDACTED", whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue logs "REDACTED".
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "REDACTED".
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "REDACTED", whatever the verb.
func (t token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }
