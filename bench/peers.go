package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	gauth "cloud.google.com/go/auth"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/auth/bearer"
	"golang.org/x/oauth2"

	"github.com/goaver/aver-go/authprovider"
)

// A peer is a cache of tokens in front of the service.
type peer struct {
	token   func(context.Context) (string, error)
	refused func(context.Context) (drop func()) // drops the token of now, even later; nil when there is no such thing
	printed any
	close   func()
}

var peerNames = []string{"aver-go", "x/oauth2", "Google", "AWS", "smithy"}

// newPeers returns each peer, new, with the same margin.
func newPeers(s *service, margin time.Duration) (map[string]peer, error) {
	provider, err := authprovider.New("the-key", "the-secret",
		authprovider.WithBaseURL(s.URL), authprovider.WithHTTPClient(s.Client()), authprovider.WithMargin(margin))
	if err != nil {
		return nil, err
	}
	e := &exchanger{s: s, Key: "the-key", Secret: "the-secret"}
	reuse := oauth2.ReuseTokenSourceWithExpiry(nil, oauthSource{e}, margin)
	google := gauth.NewCachedTokenProvider(googleSource{e}, &gauth.CachedTokenProviderOptions{ExpireEarly: margin})
	amazon := aws.NewCredentialsCache(awsSource{e}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = margin })
	smithy := bearer.NewTokenCache(smithySource{e}, func(o *bearer.TokenCacheOptions) { o.RefreshBeforeExpires = margin })
	return map[string]peer{
		"aver-go": {
			token: func(ctx context.Context) (string, error) {
				t, err := provider.Token(ctx)
				return t.Value(), err
			},
			refused: func(ctx context.Context) func() {
				t, _ := provider.Token(ctx)
				return func() { provider.Invalidate(t) }
			},
			printed: provider,
			close:   func() { _ = provider.Close() },
		},
		"x/oauth2": {
			token: func(context.Context) (string, error) {
				t, err := reuse.Token()
				if err != nil {
					return "", err
				}
				return t.AccessToken, nil
			},
			printed: reuse,
		},
		"Google": {
			token: func(ctx context.Context) (string, error) {
				t, err := google.Token(ctx)
				if err != nil {
					return "", err
				}
				return t.Value, nil
			},
			printed: google,
		},
		"AWS": {
			token: func(ctx context.Context) (string, error) {
				c, err := amazon.Retrieve(ctx)
				return c.SessionToken, err
			},
			refused: func(context.Context) func() { return amazon.Invalidate },
			printed: amazon,
		},
		"smithy": {
			token: func(ctx context.Context) (string, error) {
				t, err := smithy.RetrieveBearerToken(ctx)
				return t.Value, err
			},
			printed: smithy,
		},
	}, nil
}

// An exchanger is the exchange that an application writes for the peers.
type exchanger struct {
	s           *service
	Key, Secret string
}

func (e *exchanger) exchange(ctx context.Context) (string, time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.s.URL+"/auth/token", nil)
	if err != nil {
		return "", time.Time{}, err
	}
	req.SetBasicAuth(e.Key, e.Secret)
	e.s.mu.Lock()
	expiry := time.Now().Add(e.s.ttl)
	e.s.mu.Unlock()
	resp, err := e.s.Client().Do(req)
	if err != nil {
		return "", time.Time{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", time.Time{}, fmt.Errorf("status %d", resp.StatusCode)
	}
	var answer struct{ Token string }
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Token, expiry, err
}

type oauthSource struct{ *exchanger }

func (s oauthSource) Token() (*oauth2.Token, error) {
	value, expiry, err := s.exchange(context.Background())
	return &oauth2.Token{AccessToken: value, Expiry: expiry}, err
}

type googleSource struct{ *exchanger }

func (s googleSource) Token(ctx context.Context) (*gauth.Token, error) {
	value, expiry, err := s.exchange(ctx)
	if err != nil {
		return nil, err
	}
	return &gauth.Token{Value: value, Expiry: expiry}, nil
}

type awsSource struct{ *exchanger }

func (s awsSource) Retrieve(ctx context.Context) (aws.Credentials, error) {
	value, expiry, err := s.exchange(ctx)
	return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s", SessionToken: value, CanExpire: true, Expires: expiry}, err
}

type smithySource struct{ *exchanger }

func (s smithySource) RetrieveBearerToken(ctx context.Context) (bearer.Token, error) {
	value, expiry, err := s.exchange(ctx)
	return bearer.Token{Value: value, CanExpire: true, Expires: expiry}, err
}
