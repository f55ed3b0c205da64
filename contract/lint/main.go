// Command lint says whether an OpenAPI document can be generated from, and otherwise what is wrong in which line.
//
//	lint openapi.yaml
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/goaver/aver-go/contract"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: lint openapi.yaml")
		os.Exit(2)
	}
	document, err := os.ReadFile(os.Args[1])
	if err == nil {
		if _, err = contract.New(document); err != nil {
			err = fmt.Errorf("%s: %s", os.Args[1], strings.TrimPrefix(err.Error(), "contract: "))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
