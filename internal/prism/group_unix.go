//go:build unix

package prism

import (
	"os/exec"
	"syscall"
)

// endGroup has the command end with all that it started: npx starts node.
func endGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
