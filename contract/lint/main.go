// Command lint says whether an OpenAPI document can be generated from, and otherwise what is wrong in which line.
//
//	lint openapi.yaml
package main

import (
	"fmt"
	"os"

	"github.com/goaver/aver-go/internal/spec"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: lint openapi.yaml")
		os.Exit(2)
	}
	document, err := os.ReadFile(os.Args[1])
	if err == nil {
		_, err = spec.Lint(document)
		err = spec.InFile(os.Args[1], err)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
