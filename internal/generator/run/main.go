// Command run writes the generated code of this module from openapi.yaml: make generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/goaver/aver-go/internal/generator"
	"github.com/goaver/aver-go/internal/spec"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	const file = "openapi.yaml"
	contract, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	files, err := generator.Generate(os.DirFS("."), generator.Outputs, contract)
	if err != nil {
		return spec.InFile(file, err)
	}
	for name, code := range files {
		if err := os.WriteFile(filepath.FromSlash(name), code, 0o644); err != nil {
			return err
		}
	}
	return nil
}
