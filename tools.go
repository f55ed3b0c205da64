//go:build tools

// Package aver pins the tools that build it: importing them here keeps their versions in go.mod.
package aver

import (
	_ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
	_ "honnef.co/go/tools/cmd/staticcheck"
)
