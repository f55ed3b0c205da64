package aver_test

import (
	"bytes"
	"fmt"

	aver "github.com/goaver/aver-go"
)

// Spec is the contract for tools that read OpenAPI.
func Example() {
	version, _, _ := bytes.Cut(aver.Spec, []byte("\n"))
	fmt.Println(string(version))
	// Output: openapi: 3.1.0
}
