// Command release says what changed since a revision, for callers of the service and of the Go client, and refuses
// breaking changes that CHANGELOG.md does not name:
//
//	make spec-diff BASE=v0.1.0
//
// With -check it says whether the tree can be released: make release-check.
//
// The contract is compared by oasdiff, with some of its levels raised, because what an HTTP client shrugs off breaks a Go
// program: another operationId or schema name, another media type, a property or security that is gone. The exported Go
// API is compared by apidiff. It is a module of its own, so that its tools stay out of the module that applications import.
package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	base := flag.String("base", "", "the git revision to compare with (default: the last tag, or the parent commit)")
	root := flag.String("root", "../..", "the module to compare")
	check := flag.Bool("check", false, "say whether the tree can be released")
	flag.Parse()
	compare := func() error {
		_, unnamed, err := run(os.Stdout, *root, *base)
		if err == nil && unnamed > 0 {
			err = fmt.Errorf("%d breaking changes are not named under Unreleased in CHANGELOG.md", unnamed)
		}
		return err
	}
	if *check {
		compare = func() error {
			toolchains, err := newestToolchains()
			if err != nil {
				return err
			}
			return releaseCheck(os.Stdout, *root, toolchains)
		}
	}
	err := compare()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// A change is a difference between two revisions.
type change struct {
	name     string // what it concerns, as the changelog must name it: an operationId, a schema, a Go symbol
	text     string
	breaking bool
}

// run prints what changed and returns how many changes break, and how many of them the changelog does not name.
func run(out io.Writer, root, base string) (breaking, unnamed int, err error) {
	if base == "" {
		base = defaultBase(root)
	}
	if shallow, err := git(root, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(string(shallow)) == "true" && base == "" {
		return 0, 0, errors.New("the repository is shallow, so that there is nothing to compare with; fetch its history")
	}
	if base == "" {
		fmt.Fprintln(out, "There is no earlier revision to compare with.")
		return 0, 0, nil
	}
	old, err := os.MkdirTemp("", "aver-release-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(old)
	if err := checkout(root, base, old); err != nil {
		return 0, 0, err
	}
	was, err := os.ReadFile(filepath.Join(old, "openapi.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(out, "%s has no contract to compare with.\n", base)
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	is, err := os.ReadFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		return 0, 0, err
	}
	contract, err := specChanges(was, is)
	if err != nil {
		return 0, 0, err
	}
	api, err := goChanges(old, root)
	if err != nil {
		return 0, 0, err
	}
	changelog, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, err
	}
	section := newest(root, changelog)
	for _, part := range []struct {
		title   string
		changes []change
	}{{"The contract", contract}, {"The Go API", api}} {
		fmt.Fprintf(out, "\n%s since %s: %d changes\n", part.title, base, len(part.changes))
		for _, c := range part.changes {
			label := "          "
			if c.breaking {
				label = "BREAKING  "
				breaking++
				if !named(section, c.name) {
					label = "UNNAMED   "
					unnamed++
				}
			}
			fmt.Fprintf(out, "  %s%s: %s\n", label, c.name, c.text)
		}
	}
	return breaking, unnamed, nil
}

// defaultBase returns the last tag, or the parent commit; nothing when there is neither.
func defaultBase(root string) string {
	if tag := lastTag(root); tag != "" {
		return tag
	}
	parent, _ := git(root, "rev-parse", "--verify", "--quiet", "HEAD^")
	return strings.TrimSpace(string(parent))
}

// lastTag returns the tag of the last release; nothing when there is none.
func lastTag(root string) string {
	tag, _ := git(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
	return strings.TrimSpace(string(tag))
}

func git(root string, args ...string) ([]byte, error) {
	cmd := exec.Command("git", append([]string{"-C", root}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// checkout writes a revision to a folder.
func checkout(root, revision, to string) error {
	archive, err := git(root, "archive", "--format=tar", revision)
	if err != nil {
		return err
	}
	for files := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := files.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case header.Typeflag != tar.TypeReg || !filepath.IsLocal(header.Name):
			continue
		}
		name := filepath.Join(to, header.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		content, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
}

// newest returns the section of a changelog that tells of what is not released: Unreleased or, when a release is being made, that
// of a version that has no tag yet.
func newest(root string, changelog []byte) string {
	_, section, _ := strings.Cut("\n"+string(changelog), "\n## ")
	section, _, _ = strings.Cut(section, "\n## ")
	title, _, _ := strings.Cut(section, "\n")
	if title == "Unreleased" {
		return section
	}
	version, _, _ := strings.Cut(title, " ")
	if _, err := git(root, "rev-parse", "--verify", "--quiet", "refs/tags/v"+version); err == nil {
		return ""
	}
	return section
}

// named reports whether a section has the name in backquotes, with its package or without.
func named(section, name string) bool {
	plain := strings.NewReplacer("(*", "", ")", "").Replace
	_, unqualified, _ := strings.Cut(plain(name), ".")
	for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(section, -1) {
		if said := plain(span[1]); said != "" && (said == plain(name) || said == unqualified) {
			return true
		}
	}
	return false
}
