//go:build tools

// Package main pins the generator of a peer in go.mod.
package main

import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
