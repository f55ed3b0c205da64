// Package prism runs Prism, an independent implementation of OpenAPI, beside which tests and measurements hold this one.
package prism

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
)

// Package is what npx installs. Newer ones want a newer node.
const Package = "@stoplight/prism-cli@5.14.2"

// Start starts a command of Prism, such as mock or proxy, on a free port of the loopback interface, and returns its URL once it
// listens. It ends with ctx; wait waits for that.
func Start(ctx context.Context, command string, args ...string) (url string, wait func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	_ = listener.Close()
	cmd := exec.CommandContext(ctx, "npx", append([]string{"--yes", Package, command, "-h", "127.0.0.1", "-p", port}, args...)...)
	endGroup(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	drained := make(chan struct{})
	wait = func() {
		<-drained
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "is listening") {
			go func() {
				defer close(drained)
				_, _ = io.Copy(io.Discard, out)
			}()
			return "http://127.0.0.1:" + port, wait, nil
		}
	}
	close(drained)
	wait()
	return "", nil, errors.New("prism did not start")
}
