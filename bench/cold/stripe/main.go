// Command stripe makes a call with stripe-go, a client that is written by hand, of a service of the same kind.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/stripe/stripe-go/v82"
	"github.com/stripe/stripe-go/v82/charge"
)

func main() {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(strings.TrimSuffix(os.Args[1], "/api")), LeveledLogger: &stripe.LeveledLogger{},
	})
	found, err := charge.Client{B: backend, Key: "token"}.Get("c1", nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(found.ID)
}
