// Command own makes the call with aver-go.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/goaver/aver-go/api"
)

func main() {
	client, err := api.New("key", "secret", api.WithBaseURL(os.Args[1]))
	if err != nil {
		panic(err)
	}
	check, err := client.GetCheck(context.Background(), "c1")
	if err != nil {
		panic(err)
	}
	fmt.Println(check.ID)
}
