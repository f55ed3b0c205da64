package generated_test

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
	rsp, err := client.GetCheckWithResponse(context.Background(), "no-such-check")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rsp.StatusCode(), rsp.JSON200 == nil, rsp.ApplicationProblemJSON404.Detail)
	// Output: 404 true No check has this ID.
}
