// Command ogen makes the call with what ogen generates.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/goaver/aver-go/bench/peer/ogen"
)

type token struct{}

func (token) BearerAuth(context.Context, ogen.OperationName) (ogen.BearerAuth, error) {
	return ogen.BearerAuth{Token: "token"}, nil
}

func main() {
	client, err := ogen.NewClient(os.Args[1], token{})
	if err != nil {
		panic(err)
	}
	found, err := client.GetCheck(context.Background(), ogen.GetCheckParams{ID: "c1"})
	if err != nil {
		panic(err)
	}
	fmt.Println(found.ID)
}
