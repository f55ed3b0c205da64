// Package aver is the contract of the Aver identity-verification API, from which the packages of this module are
// generated. Applications import package api.
package aver

import _ "embed"

// The generator first checks the contract, so that an error names a line of it, and writes the files that the configurations
// name: generated/, authprovider/, api/ and sandbox/internal/server/oapi-codegen.yaml.
//go:generate go run ./internal/generator/run

// Spec is openapi.yaml, the contract. It must not be changed.
//
//go:embed openapi.yaml
var Spec []byte
