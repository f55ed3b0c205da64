package main_test

import (
	"context"
	"fmt"
	"log"

	"golang.org/x/oauth2"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/sandbox"
)

// tokenSource makes an oauth2.TokenSource of a provider, for libraries that want one.
type tokenSource struct{ *authprovider.Provider }

func (s tokenSource) Token() (*oauth2.Token, error) {
	t, err := s.Provider.Token(context.Background())
	return &oauth2.Token{AccessToken: t.Value(), Expiry: t.Expiry()}, err
}

func Example_tokenSource() {
	box, err := sandbox.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	provider, err := authprovider.New(box.Key, box.Secret, authprovider.WithBaseURL(box.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()

	var source oauth2.TokenSource = tokenSource{provider}
	token, err := source.Token()
	fmt.Println(token.Valid(), token.Type(), err)
	// Output: true Bearer <nil>
}
