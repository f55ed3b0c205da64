// Package generator writes the generated code of this module, or of an application's own contract, from an OpenAPI document.
//
// It is oapi-codegen with a reader before it, which says in which line a contract asks for what cannot be had (package spec
// and honour.go), and with functions for its templates, which say in Go what a template would have to puzzle together
// (functions.go, rules.go). Each output has its configuration beside it, as oapi-codegen knows it, and its templates.
package generator

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"go.yaml.in/yaml/v3"

	"github.com/goaver/aver-go/internal/spec"
)

// Outputs are the folders that hold a configuration, oapi-codegen.yaml.
var Outputs = []string{"generated", "authprovider", "api", "sandbox/internal/server"}

// A configuration is one of oapi-codegen's command.
type configuration struct {
	codegen.Configuration `yaml:",inline"`
	Output                string `yaml:"output"`
}

// Generate returns the generated files of a module, by their names, from a contract. The module's folder holds the
// configurations and the templates. The error has a line for each thing that is wrong with the contract, with the line
// of the contract.
func Generate(module fs.FS, outputs []string, contract []byte) (map[string][]byte, error) {
	document, err := spec.Lint(contract)
	if err != nil {
		return nil, err
	}
	if err := honour(document); err != nil {
		return nil, err
	}
	auth, faults := newAuthentication(document)
	if len(faults) > 0 {
		return nil, faultsOf(faults)
	}
	names, err := newNaming(module, document)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, folder := range outputs {
		name, code, err := output(module, folder, document, auth, names, contract)
		if err != nil {
			return nil, err
		}
		files[name] = code
	}
	return files, nil
}

func output(module fs.FS, folder string, document *spec.Document, auth *authentication, names *naming, contract []byte) (string, []byte, error) {
	text, err := fs.ReadFile(module, path.Join(folder, "oapi-codegen.yaml"))
	if err != nil {
		return "", nil, err
	}
	var config configuration
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		return "", nil, err
	}
	config.Configuration = config.UpdateDefaults()
	for name, file := range config.OutputOptions.UserTemplates {
		template, err := fs.ReadFile(module, file)
		if err != nil {
			return "", nil, err
		}
		config.OutputOptions.UserTemplates[name] = string(template) + "\n" // with a line break it is no name of a file
	}
	if err := config.Validate(); err != nil {
		return "", nil, err
	}
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true // the routes of the sandbox come in the order of the contract
	parsed, err := loader.LoadFromData(contract)
	if err != nil {
		return "", nil, err
	}
	names.apply(parsed)
	if len(names.faults) > 0 {
		return "", nil, faultsOf(names.faults)
	}
	functions := newFunctions(document, auth, parsed)
	for name, f := range functions.byName() {
		codegen.TemplateFunctions[name] = f
	}
	code, err := codegen.Generate(parsed, config.Configuration)
	if err == nil {
		err = errors.Join(functions.errs...)
	}
	if err != nil {
		return "", nil, errors.New(strings.Join(strings.Fields(err.Error()), " "))
	}
	return config.Output, []byte(code), nil
}
