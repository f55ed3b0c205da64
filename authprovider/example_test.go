package authprovider_test

import (
	"context"
	"fmt"
	"log"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/sandbox"
)

func Example() {
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
	client, err := generated.NewClientWithResponses(box.URL,
		generated.WithRequestEditorFn(provider.Intercept),
		generated.WithHTTPClient(provider.Doer(nil)))
	if err != nil {
		log.Fatal(err)
	}

	rsp, err := client.LookupChecksWithResponse(context.Background(), generated.LookupChecksRequest{Email: "maria@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rsp.Status(), len(*rsp.JSON200), "checks")

	token, err := provider.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token, "lives", token.Lifetime())
	// Output:
	// 200 OK 0 checks
	// REDACTED lives 30m0s
}
