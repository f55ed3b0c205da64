// Command service serves a sandbox until its standard input ends, and says how to call it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/goaver/aver-go/sandbox"
)

func main() {
	sb, err := sandbox.Listen()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer sb.Close()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"url": sb.URL, "key": sb.Key, "secret": sb.Secret, "group": sb.GroupID})
	_, _ = io.Copy(io.Discard, os.Stdin)
}
