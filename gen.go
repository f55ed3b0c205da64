// Package aver is the contract of the Aver identity-verification API, from which the packages of this module are
// generated. Applications import package api.
package aver

import _ "embed"

// First the contract itself is checked, so that an error names a line of it. Then each line writes one file, named by its
// configuration.
//go:generate go run ./contract/lint openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config generated/oapi-codegen.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config authprovider/oapi-codegen.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config api/oapi-codegen.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config sandbox/internal/server/oapi-codegen.yaml openapi.yaml

// Spec is openapi.yaml, the contract. It must not be changed.
//
//go:embed openapi.yaml
var Spec []byte
