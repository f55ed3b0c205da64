//go:build !unix

package prism

import "os/exec"

func endGroup(*exec.Cmd) {}
