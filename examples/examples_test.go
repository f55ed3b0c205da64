// Package examples_test runs the programs of this folder.
package examples_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

func TestPageOfTheSandboxListsEveryWordAndQuirk(t *testing.T) {
	readme, err := os.ReadFile("../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(string(readme))
	for word := range sandbox.Outcomes() {
		if !strings.Contains(text, "`"+strings.ToLower(word)+"`") {
			t.Errorf("docs/sandbox.md lacks the word %s", word)
		}
	}
	for _, quirk := range sandbox.Quirks() {
		if !strings.Contains(string(readme), "`"+string(quirk)+"`") {
			t.Errorf("docs/sandbox.md lacks the quirk %s", quirk)
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

// An application generates a client of its own from a contract that it extended, in a module outside this one.
func TestExtended(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	t.Setenv("TMPDIR", t.TempDir()) // what the command keeps for its reader
	dir := copied(t, "extended")
	run := func(want string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-trimpath") // what it builds is found again from another folder
		out, err := cmd.CombinedOutput()
		if (err == nil) != (want == "") || !strings.Contains(string(out), want) {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("", "generate", ".")
	run("", "mod", "tidy", "-diff")
	run("", "vet", "./...")
	run("", "test", "./...")
	run("", "generate", "./averclient") // over what is there, by its own line
	run("", "test", "./...")

	run("give a contract", "tool", "aver", "generate")
	run("is no folder below the module", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml", "--out", "../outside")
	run("cannot be the name of a package", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml", "--out", "Aver-Client")
	run("cannot be the name of a package", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml", "--out", "internal/main")
	comment, err := os.ReadFile(filepath.Join(dir, "averclient", "doc.go"))
	if err != nil || !bytes.Contains(comment, []byte("averclient.New(key, secret)")) || bytes.Contains(comment, []byte("api.New")) {
		t.Errorf("the package comment speaks of another package, %v", err)
	}

	// Nothing that the command did not write is touched, whatever it is called and however the folder is named.
	mine := []byte("openapi: 3.1.0 # mine\n")
	for _, name := range []string{"averclient/mine.go", "other/openapi.yaml", "third/openapi.yaml"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, mine, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run("mine.go was not written by this command", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml")
	run("was not written by this command", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml", "--out", "other")
	run("was not written by this command", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml", "--out", "third")
	if err := os.Symlink("averclient", filepath.Join(dir, "link")); err == nil {
		run("is no folder", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml", "--out", "link")
	}
	for _, name := range []string{"averclient/mine.go", "other/openapi.yaml", "third/openapi.yaml"} {
		if content, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(content, mine) {
			t.Errorf("%s was touched: %v", name, err)
		}
	}
	bad := "overlay: 1.1.0\ninfo: {title: bad, version: '1'}\nactions:\n  - target: $.paths['/check/{id}'].get\n    update:\n      x-retry: " +
		"sometimes\n"
	if err := os.WriteFile(filepath.Join(dir, "bad.yaml"), []byte(bad), 0o666); err != nil {
		t.Fatal(err)
	}
	run("bad.yaml: line 6: x-retry", "tool", "aver", "generate", "--overlay", "extension.overlay.yaml", "--overlay", "bad.yaml", "--out", "fourth")
	if left, err := filepath.Glob(filepath.Join(dir, ".aver-generate-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

var update = flag.Bool("update", false, "write the transcript of examples/loop anew")

// The loop is closed: what a service does since it changed becomes an overlay, and the overlay a client that reads it. The
// transcript shows each command and what it prints.
func TestLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	dir := copied(t, "loop")
	env := append(os.Environ(), "GOFLAGS=-trimpath")
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, env
		return cmd
	}
	if out, err := command("go", "build", "-o", "service", "./changed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	service := command(filepath.Join(dir, "service"))
	out, err := service.StdoutPipe()
	if err == nil {
		err = service.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Process.Kill(); _ = service.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	env = append(env, strings.Fields(line)[1:]...)

	transcript, err := os.ReadFile("loop/transcript.txt")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	uuids := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	for line := range strings.Lines(string(transcript)) {
		typed, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		printed, _ := command("sh", "-c", typed).CombinedOutput() // what fails says so
		text := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(string(printed), "127.0.0.1:8080")
		said.WriteString(line + uuids.ReplaceAllString(text, "00000000-0000-0000-0000-000000000000"))
	}
	if *update {
		if err := os.WriteFile("loop/transcript.txt", []byte(said.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if said.String() != string(transcript) {
		t.Errorf("the transcript is now\n%s", &said)
	}
	for _, want := range []string{"5 of 5 differences are proposed", "read by name: true", "Both sides keep the contract.", "BiometricVerification"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the transcript lacks %s", want)
		}
	}
	if strings.Contains(said.String(), "Zephyrine") {
		t.Error("the transcript shows a value")
	}
}

// Every kind of difference, proposed, becomes a client that compiles and reads what is new, without printing it.
func TestEveryProposalGenerates(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	dir := copied(t, "loop")
	all, err := os.ReadFile("../contract/testdata/drift/all.overlay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("testdata/proposals.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"all.overlay.yaml": all, "all_test.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "main.go")), os.RemoveAll(filepath.Join(dir, "changed"))); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"tool", "aver", "generate", "--overlay", "all.overlay.yaml"}, {"vet", "./..."}, {"test", "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-trimpath")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

// copied returns a copy of an example that is a module of its own, outside of this one, without what is generated.
func copied(t *testing.T, name string) string {
	t.Helper()
	module, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err == nil {
		mod = bytes.Replace(mod, []byte("=> ../../"), []byte("=> "+module), 1)
		err = errors.Join(os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o666), os.RemoveAll(filepath.Join(dir, "averclient")))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
