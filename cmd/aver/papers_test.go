package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every command line in the papers is one that the command takes.
func TestPapersShowCommandsThatExist(t *testing.T) {
	shown := regexp.MustCompile(`(?m)(?:go run \./cmd/aver|go run github\.com/goaver/aver-go/cmd/aver|go tool aver)((?: [^\n#` + "`" + `|]+)?)`)
	var papers []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		papers = append(papers, found...)
	}
	n := 0
	for _, paper := range papers {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
			n++
			if err := takes(strings.Fields(m[1])); err != nil {
				t.Errorf("%s: aver%s: %v", paper, m[1], err)
			}
		}
	}
	if n < 7 {
		t.Errorf("only %d command lines found", n)
	}
	for _, wrong := range []string{"dmo", "demo --jsn", "contract rn"} {
		if takes(strings.Fields(wrong)) == nil {
			t.Errorf("aver %s is taken", wrong)
		}
	}
}

// takes reports an error unless the command line names a command, and flags that it has.
func takes(args []string) error {
	cmd, rest, err := newCommand().Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
