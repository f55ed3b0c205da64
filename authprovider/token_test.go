package authprovider

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLifetime(t *testing.T) {
	tests := []struct {
		name, token string
		want        time.Duration
	}{
		{"opaque", "abcdef", maxLifetime},
		{"vendor's sample without dots", strings.ReplaceAll(jwt(`{"exp":100,"iat":40}`), ".", ""), maxLifetime},
		{"a minute", jwt(`{"exp":100,"iat":40}`), time.Minute},
		{"absolute times do not matter", jwt(`{"exp":4102444860,"iat":4102444800}`), time.Minute},
		{"fractions", jwt(`{"exp":100.25,"iat":99.75}`), 500 * time.Millisecond},
		{"padded Base64", "e30=." + "eyJleHAiOjEwMCwiaWF0Ijo0MH0=" + ".x", time.Minute},
		{"an hour is capped", jwt(`{"exp":3700,"iat":100}`), maxLifetime},
		{"astronomic", jwt(`{"exp":1e300,"iat":0}`), maxLifetime},
		{"no exp", jwt(`{"iat":40}`), maxLifetime},
		{"no iat", jwt(`{"exp":40}`), maxLifetime},
		{"negative", jwt(`{"exp":40,"iat":100}`), maxLifetime},
		{"zero", jwt(`{"exp":40,"iat":40}`), maxLifetime},
		{"strings", jwt(`{"exp":"100","iat":"40"}`), maxLifetime},
		{"no object", jwt(`17`), maxLifetime},
		{"no Base64", "a.%%.c", maxLifetime},
		{"five parts", "a.b.c.d.e", maxLifetime},
	}
	for _, tt := range tests {
		if got := lifetimeOf(tt.token); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMarginAndJitter(t *testing.T) {
	tests := []struct {
		lifetime, margin time.Duration
		jitter           float64
		stale            time.Duration
	}{
		{30 * time.Minute, 5 * time.Minute, 0, 25 * time.Minute},
		{30 * time.Minute, 5 * time.Minute, 1, 27*time.Minute + 30*time.Second},
		{30 * time.Minute, time.Hour, 0, 15 * time.Minute},
		{30 * time.Minute, 0, 0.5, 30 * time.Minute},
		{time.Second, 5 * time.Minute, 0, 500 * time.Millisecond},
	}
	for _, tt := range tests {
		token := newToken(jwt(fmt.Sprintf(`{"iat":0,"exp":%v}`, tt.lifetime.Seconds())), time.Now(), tt.margin, tt.jitter)
		if stale := token.stale.at.Sub(token.start); stale != tt.stale || token.lifetime != tt.lifetime || token.end.at.Sub(token.start) != tt.lifetime {
			t.Errorf("%+v: stale after %v of %v", tt, stale, token.lifetime)
		}
	}
}

func TestZeroToken(t *testing.T) {
	var token Token
	if token.Value() != "" || !token.Expiry().IsZero() || token.Lifetime() != 0 {
		t.Errorf("%q %v %v", token.Value(), token.Expiry(), token.Lifetime())
	}
}

func FuzzLifetime(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", jwt(`{"exp":100,"iat":40}`), jwt(`{"exp":1e308,"iat":-1e308}`), jwt(`{"exp":null}`), "..",
		jwt(`{"exp":1e-9,"iat":0}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		lifetime := lifetimeOf(token)
		if lifetime <= 0 || lifetime > maxLifetime {
			t.Fatalf("%q lives for %v", token, lifetime)
		}
		made := newToken(token, time.Now(), 5*time.Minute, 0.5)
		if stale := made.stale.at.Sub(made.start); stale <= 0 || stale > made.lifetime {
			t.Fatalf("%q is stale after %v of %v", token, stale, made.lifetime)
		}
	})
}
