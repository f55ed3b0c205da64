// Command plain makes the call with what oapi-codegen generates by itself.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/goaver/aver-go/bench/peer/plain"
)

func main() {
	client, err := plain.NewClientWithResponses(os.Args[1], plain.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer token")
		return nil
	}))
	if err != nil {
		panic(err)
	}
	rsp, err := client.GetCheckWithResponse(context.Background(), "c1")
	if err != nil {
		panic(err)
	}
	fmt.Println(rsp.JSON200.Id)
}
