// Package examples_test runs the programs of this folder.
package examples_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/goaver/aver-go/sandbox"
)

func TestQuickstart(t *testing.T) {
	sb := sandbox.Start(t)
	cmd := exec.CommandContext(t.Context(), "go", "run", "./quickstart")
	cmd.Env = append(os.Environ(), "AVER_API_KEY="+sb.Key, "AVER_API_SECRET="+sb.Secret, "AVER_GROUP_ID="+sb.GroupID, "AVER_BASE_URL="+sb.URL)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "send the person to http") || !strings.Contains(string(out), "the check is Created") {
		t.Errorf("%v\n%s", err, out)
	}
	if len(sb.Checks()) != 1 {
		t.Errorf("%d checks exist", len(sb.Checks()))
	}
}

func TestREADMEListsEveryWordAndQuirk(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(string(readme))
	for word := range sandbox.Outcomes() {
		if !strings.Contains(text, "`"+strings.ToLower(word)+"`") {
			t.Errorf("README.md lacks the word %s", word)
		}
	}
	for _, quirk := range sandbox.Quirks() {
		if !strings.Contains(string(readme), "`"+string(quirk)+"`") {
			t.Errorf("README.md lacks the quirk %s", quirk)
		}
	}
}

// The README shows the program as it is.
func TestREADMEShowsTheQuickstart(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("quickstart/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(program), "\n") // without the comment on the package
	if !strings.Contains(string(readme), "```go\n"+body+"```\n") {
		t.Error("README.md does not show examples/quickstart/main.go as it is")
	}
}
