package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaver/aver-go/sandbox/internal/server"
)

// tokens issues and verifies bearer tokens: JWTs (RFC 7519) signed with HS256, with the claims of the vendor's.
type tokens struct {
	signingKey  []byte
	credentials [sha256.Size]byte // of key and secret, for a comparison in constant time
	keyName     string
	ttl         time.Duration
	now         func() time.Time
	issued      *atomic.Int64 // the serial of the newest token
	revoked     *atomic.Int64 // the newest serial that is not accepted
	singles     *sync.Map     // tokens that are not accepted, by themselves
}

func newTokens(c config) tokens {
	t := tokens{
		signingKey:  make([]byte, 32),
		credentials: sha256.Sum256([]byte(c.key + ":" + c.secret)),
		keyName:     c.key,
		ttl:         c.tokenTTL,
		now:         c.now,
		issued:      new(atomic.Int64),
		revoked:     new(atomic.Int64),
		singles:     new(sync.Map),
	}
	_, _ = rand.Read(t.signingKey) // it never fails
	return t
}

type claims struct {
	UniqueName string  `json:"unique_name"`
	Role       string  `json:"role"`
	UserData   string  `json:"http://schemas.microsoft.com/ws/2008/06/identity/claims/userdata"`
	NotBefore  float64 `json:"nbf"`
	Expires    float64 `json:"exp"`
	IssuedAt   float64 `json:"iat"`
	Issuer     string  `json:"iss"`
	Audience   string  `json:"aud"`
}

var jwtHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))

func (t *tokens) issue() string {
	now := t.now()
	issuedAt := math.Floor(seconds(now))
	payload, _ := json.Marshal(claims{ // it holds nothing that cannot be marshalled
		UniqueName: t.keyName,
		Role:       "ApiUser",
		UserData:   fmt.Sprintf("%d %d", t.issued.Add(1), now.Add(t.ttl).UnixMilli()), // a serial keeps two tokens of one second apart
		NotBefore:  issuedAt,
		Expires:    issuedAt + t.ttl.Seconds(),
		IssuedAt:   issuedAt,
		Issuer:     "self",
		Audience:   "http://goaver.com",
	})
	signed := jwtHeader + "." + base64.RawURLEncoding.EncodeToString(payload)
	return signed + "." + base64.RawURLEncoding.EncodeToString(t.sign(signed))
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (t *tokens) sign(s string) []byte {
	mac := hmac.New(sha256.New, t.signingKey)
	mac.Write([]byte(s))
	return mac.Sum(nil)
}

// verify says why a token is not accepted; nil when it is.
func (t *tokens) verify(token string) *failure {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return problem(http.StatusUnauthorized, "The token is malformed.")
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil || !hmac.Equal(signature, t.sign(token[:dot])) {
		return problem(http.StatusUnauthorized, "The token has no valid signature.")
	}
	_, payload, _ := strings.Cut(token[:dot], ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	var c claims
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return problem(http.StatusUnauthorized, "The token is malformed.")
	}
	var serial, end int64
	_, err = fmt.Sscanf(c.UserData, "%d %d", &serial, &end)
	switch {
	case err == nil && t.now().UnixMilli() >= end:
		return problem(http.StatusUnauthorized, "The token has expired.")
	case err != nil || serial <= t.revoked.Load() || t.isRevoked(token):
		return problem(http.StatusUnauthorized, "The token was revoked.")
	}
	return nil
}

func (t *tokens) revokeOne(token string) { t.singles.Store(token, true) }

func (t *tokens) isRevoked(token string) bool {
	_, ok := t.singles.Load(token)
	return ok
}

func (t *tokens) revoke()    { t.revoked.Store(t.issued.Load()) }
func (t *tokens) count() int { return int(t.issued.Load()) }

// accepts reports whether the request carries the key and secret as Basic credentials. It takes the same time for
// every wrong pair.
func (t *tokens) accepts(r *http.Request) bool {
	key, secret, ok := r.BasicAuth()
	digest := sha256.Sum256([]byte(key + ":" + secret))
	return ok && subtle.ConstantTimeCompare(digest[:], t.credentials[:]) == 1
}

// authenticate lets a request through that carries what the contract's security asks for.
func (s *Sandbox) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		admitted, asked := r.Context().Value(admittedKey{}).(http.HandlerFunc)
		if asked && admitted == nil {
			next.ServeHTTP(w, r)
			return
		}
		switch s.operationOf(r).security {
		case "basicAuth":
			if !s.tokens.accepts(r) {
				w.Header().Set("WWW-Authenticate", `Basic realm="aver", charset="UTF-8"`)
				writeProblem(w, problem(http.StatusUnauthorized, "The API key or the secret is wrong."))
				return
			}
		case "bearerAuth":
			scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if !strings.EqualFold(scheme, "Bearer") || token == "" {
				w.Header().Set("WWW-Authenticate", `Bearer realm="aver"`)
				writeProblem(w, problem(http.StatusUnauthorized, "The request carries no bearer token."))
				return
			}
			if refused := s.tokens.verify(strings.TrimSpace(token)); refused != nil {
				w.Header().Set("WWW-Authenticate", `Bearer realm="aver", error="invalid_token"`)
				writeProblem(w, refused)
				return
			}
		default: // of another contract: that they are there is all that can be asked
			if missing := s.operationOf(r).Credentials(r.Header, r.URL); missing != "" {
				writeProblem(w, problem(http.StatusUnauthorized, "The request carries no credentials: it needs "+missing+"."))
				return
			}
		}
		if asked {
			admitted(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *service) GetAuthToken(context.Context, server.GetAuthTokenRequestObject) (server.GetAuthTokenResponseObject, error) {
	return server.GetAuthToken200JSONResponse{Token: s.tokens.issue()}, nil
}

func (s *service) RefreshAuthToken(_ context.Context, r server.RefreshAuthTokenRequestObject) (server.RefreshAuthTokenResponseObject, error) {
	if refused := s.tokens.verify(r.Body.Token); refused != nil {
		return nil, refused
	}
	return server.RefreshAuthToken200JSONResponse{Token: s.tokens.issue()}, nil
}
