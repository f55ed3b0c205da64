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
	"regexp"
	"slices"
	"strconv"
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
	if err := prime(module, outputs[0]); err != nil {
		return nil, err
	}
	r, err := read(module, contract)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, folder := range outputs {
		name, code, err := output(module, folder, contract, r)
		if err != nil {
			return nil, err
		}
		files[name] = code
	}
	return files, nil
}

// A reading is what is known of a contract before anything is generated.
type reading struct {
	document *spec.Document
	auth     *authentication
	traffic  map[string]*traffic // by method and path
	names    *naming
}

// read reads a contract, and refuses what cannot be generated.
func read(module fs.FS, contract []byte) (*reading, error) {
	document, err := spec.Lint(contract)
	if err != nil {
		return nil, err
	}
	r := &reading{document: document}
	var faults, more []*spec.Fault
	r.auth, faults = newAuthentication(document)
	r.traffic, more = newTraffic(document)
	faults = slices.Concat(faults, more, honour(document, r.traffic), shapes(document))
	if len(faults) > 0 {
		return nil, faultsOf(faults)
	}
	r.names, err = newNaming(module, document)
	return r, err
}

// configure reads the configuration of an output.
func configure(module fs.FS, folder string) (configuration, error) {
	var config configuration
	text, err := fs.ReadFile(module, path.Join(folder, "oapi-codegen.yaml"))
	if err != nil {
		return config, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		return config, err
	}
	config.Configuration = config.UpdateDefaults()
	for name, file := range config.OutputOptions.UserTemplates {
		template, err := fs.ReadFile(module, file)
		if err != nil {
			return config, err
		}
		config.OutputOptions.UserTemplates[name] = string(template) + "\n" // with a line break it is no name of a file
	}
	return config, config.Validate()
}

// prime has oapi-codegen, which keeps that for the whole process, give names by the rules of an output, before it is asked
// for any. All outputs have the same.
func prime(module fs.FS, folder string) error {
	config, err := configure(module, folder)
	if err != nil {
		return err
	}
	config.OutputOptions.UserTemplates = nil
	_, err = codegen.Generate(&openapi3.T{OpenAPI: "3.1.0", Info: &openapi3.Info{}, Paths: openapi3.NewPaths()}, config.Configuration)
	return err
}

// output returns the name and the content of the file of an output.
func output(module fs.FS, folder string, contract []byte, r *reading) (string, []byte, error) {
	config, err := configure(module, folder)
	if err != nil {
		return "", nil, err
	}
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true // the routes of the sandbox come in the order of the contract
	parsed, err := loader.LoadFromData(contract)
	if err != nil {
		return "", nil, err
	}
	r.names.apply(parsed)
	if len(r.names.faults) > 0 {
		return "", nil, faultsOf(r.names.faults)
	}
	functions := newFunctions(r, parsed, config.Generate.Strict)
	if len(functions.errs) > 0 {
		return "", nil, errors.Join(functions.errs...)
	}
	for name, f := range functions.byName() {
		codegen.TemplateFunctions[name] = f
	}
	code, err := codegen.Generate(parsed, config.Configuration)
	if err == nil {
		err = errors.Join(functions.errs...)
	}
	if err != nil {
		return "", nil, blame(r.document, err)
	}
	return config.Output, []byte(code), nil
}

// quotation is what an error of oapi-codegen quotes of a contract.
var quotation = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// blame says in which line stands what oapi-codegen refuses: what its error quotes last of the contract.
func blame(d *spec.Document, err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	quoted := quotation.FindAllString(text, -1)
	for _, q := range slices.Backward(quoted) {
		if value, err := strconv.Unquote(q); err == nil {
			if line := d.LineOf(value); line > 0 {
				return &spec.Fault{Line: line, Text: text}
			}
		}
	}
	return errors.New(text)
}
