package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/zip"
)

const modulePath = "github.com/goaver/aver-go"

var declaredVersion = regexp.MustCompile(`(?m)^const Version = "([^"]+)"$`)

// versionOf returns the version that a tree says it is, such as v0.1.0.
func versionOf(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "api", "client.go"))
	if err != nil {
		return "", err
	}
	m := declaredVersion.FindSubmatch(text)
	if m == nil || !semver.IsValid("v"+string(m[1])) {
		return "", errors.New("api/client.go declares no Version such as 0.1.0")
	}
	return "v" + string(m[1]), nil
}

// releaseCheck says whether a tree can be released: every step prints a line, and the error names those that failed.
func releaseCheck(out io.Writer, root string, toolchains []string) error {
	version, err := versionOf(root)
	if err != nil {
		return err
	}
	var failed []string
	for _, step := range []struct {
		name  string
		check func() error
	}{
		{"everything is committed", func() error { return committed(root) }},
		{"the tag " + version + " is free and follows the last one", func() error { return tagFree(root, version) }},
		{"CHANGELOG.md has a section for it", func() error { return changelogReady(root, version) }},
		{"what breaks is named, and the version tells", func() error { return compatible(out, root, version) }},
		{"a program outside builds with " + strings.Join(toolchains, " and "), func() error { return consumer(root, version, toolchains) }},
	} {
		if err := step.check(); err != nil {
			failed = append(failed, step.name)
			fmt.Fprintf(out, "FAILED  %s: %v\n", step.name, err)
			continue
		}
		fmt.Fprintf(out, "ok      %s\n", step.name)
	}
	if len(failed) > 0 {
		return fmt.Errorf("%s cannot be released: %d of the checks failed", version, len(failed))
	}
	fmt.Fprintf(out, "\n%s can be released: git tag -a %[1]s -m %[1]s && git push origin %[1]s\n", version)
	return nil
}

func committed(root string) error {
	changed, err := git(root, "status", "--porcelain")
	if err == nil && len(changed) > 0 {
		return fmt.Errorf("commit or remove what git status --porcelain shows:\n%s", strings.TrimSpace(string(changed)))
	}
	return err
}

func tagFree(root, version string) error {
	if shallow, err := git(root, "rev-parse", "--is-shallow-repository"); err != nil || strings.TrimSpace(string(shallow)) == "true" {
		return errors.Join(errors.New("the history is not all there; fetch it with its tags"), err)
	}
	tags, err := git(root, "tag", "--list", "v*")
	if err != nil {
		return err
	}
	all := strings.Fields(string(tags))
	if slices.Contains(all, version) {
		return errors.New("the tag exists; raise Version in api/client.go")
	}
	for _, tag := range all {
		if semver.Compare(tag, version) > 0 {
			return fmt.Errorf("%s is newer; raise Version in api/client.go", tag)
		}
	}
	return nil
}

// changelogReady reports an error unless the newest section of the changelog is that of the version, with a date.
func changelogReady(root, version string) error {
	changelog, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	heading := regexp.MustCompile(`(?m)^## (.+)$`).FindSubmatch(changelog)
	plain := strings.TrimPrefix(version, "v")
	date := ""
	if heading != nil {
		date = strings.TrimPrefix(strings.TrimSpace(string(heading[1])), plain+" ")
	}
	if _, err := time.Parse("(2006-01-02)", date); err != nil {
		return fmt.Errorf("its first heading must be ## %s (with the date, such as 2026-01-31, in parentheses), in place of Unreleased", plain)
	}
	return nil
}

// compatible reports an error when what breaks since the last tag is not named, or the version does not tell of it.
func compatible(out io.Writer, root, version string) error {
	before := lastTag(root)
	if before == "" {
		return nil // the first release
	}
	breaking, unnamed, err := run(out, root, before)
	switch {
	case err != nil:
		return err
	case unnamed > 0:
		return fmt.Errorf("%d breaking changes are not named in CHANGELOG.md", unnamed)
	case breaking > 0 && semver.MajorMinor(before) == semver.MajorMinor(version),
		breaking > 0 && semver.Major(before) == semver.Major(version) && semver.Major(version) != "v0":
		return fmt.Errorf("%d changes since %s break programs, which %s does not tell", breaking, before, version)
	}
	return nil
}

// program is what stands in a module outside.
const program = `package main

import (
	"fmt"

	"github.com/goaver/aver-go/api"
)

func main() {
	client, err := api.New("key", "secret", api.WithSandboxOnly(), api.WithBaseURL("http://127.0.0.1:1/api"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	fmt.Println(api.Version)
}
`

// consumer builds and runs a program outside of the module, with the module as the proxy would serve it: what is committed,
// packed by the rules of Go modules, without a replacement.
func consumer(root, version string, toolchains []string) error {
	temp, err := os.MkdirTemp("", "aver-consumer-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := publish(root, filepath.Join(temp, "proxy"), version); err != nil {
		return err
	}
	others, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		return err
	}
	proxies := "file://" + filepath.ToSlash(filepath.Join(temp, "proxy")) + "," + strings.TrimSpace(string(others))
	for _, toolchain := range toolchains {
		dir := filepath.Join(temp, toolchain)
		cache := filepath.Join(temp, "cache-"+toolchain) // the version is not to stay in the machine's cache
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o644); err != nil {
			return err
		}
		for _, args := range [][]string{
			{"mod", "init", "example.com/consumer"}, {"get", modulePath + "@" + version}, {"vet", "."}, {"run", "."},
		} {
			cmd := exec.Command("go", args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE="+cache,
				"GOPRIVATE=", "GONOPROXY=none", "GONOSUMDB="+modulePath, "GOPROXY="+proxies)
			said, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s: go %s: %w\n%s", toolchain, strings.Join(args, " "), err, said)
			}
			if args[0] == "run" && "v"+string(bytes.TrimSpace(said)) != version {
				return fmt.Errorf("%s: the program printed %q, not the version", toolchain, said)
			}
		}
	}
	return nil
}

// publish writes what is committed as a module proxy has it.
func publish(root, proxy, version string) error {
	dir := filepath.Join(proxy, filepath.FromSlash(modulePath), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	gomod, err := git(root, "show", "HEAD:go.mod")
	if err != nil {
		return err
	}
	parsed, err := modfile.Parse("go.mod", gomod, nil)
	if err != nil {
		return err
	}
	if len(parsed.Replace) > 0 {
		return errors.New("go.mod replaces a module, which counts for nobody else")
	}
	var packed bytes.Buffer
	if err := zip.CreateFromVCS(&packed, module.Version{Path: modulePath, Version: version}, root, "HEAD", ""); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"list": []byte(version + "\n"), version + ".info": []byte(`{"Version":"` + version + `"}`), version + ".mod": gomod,
		version + ".zip": packed.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// newestToolchains returns the newest releases of the two newest versions of Go that can be had; the local one when nothing
// else can.
func newestToolchains() ([]string, error) {
	local, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	newest := map[string]string{}
	note := func(name string) { // such as go1.26.8
		v := "v" + strings.TrimPrefix(name, "go")
		if minor := semver.MajorMinor(v); semver.IsValid(v) && semver.Prerelease(v) == "" && semver.Compare(v, cmp.Or(newest[minor], "v0")) > 0 {
			newest[minor] = v
		}
	}
	note(strings.TrimSpace(string(local)))
	platform, err := exec.Command("go", "env", "GOOS", "GOARCH").Output()
	if err != nil {
		return nil, err
	}
	suffix := "." + strings.Join(strings.Fields(string(platform)), "-")
	if all, err := exec.Command("go", "list", "-m", "-versions", "golang.org/toolchain").Output(); err == nil {
		for _, v := range strings.Fields(string(all)) {
			if _, name, ok := strings.Cut(strings.TrimSuffix(v, suffix), "-"); ok && strings.HasSuffix(v, suffix) {
				note(name)
			}
		}
	}
	var names []string
	for _, v := range newest {
		names = append(names, "go"+strings.TrimPrefix(v, "v"))
	}
	slices.SortFunc(names, func(a, b string) int { return semver.Compare("v"+b[2:], "v"+a[2:]) })
	return names[:min(2, len(names))], nil
}
