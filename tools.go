//go:build tools

// Package aver pins the tools that build it: importing them here keeps their versions in go.mod.
package aver

import (
	_ "honnef.co/go/tools/cmd/staticcheck"
)
