// Command release says what changed since a revision, for callers of the service and of the Go client, and refuses
// breaking changes that CHANGELOG.md does not name:
//
//	make spec-diff BASE=v0.1.0
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
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"
	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
)

func main() {
	base := flag.String("base", "", "the git revision to compare with (default: the last tag, or the parent commit)")
	root := flag.String("root", "..", "the module to compare")
	flag.Parse()
	breaking, err := run(os.Stdout, *root, *base)
	if err == nil && breaking > 0 {
		err = fmt.Errorf("%d breaking changes are not named under Unreleased in CHANGELOG.md", breaking)
	}
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

// run prints what changed and returns how many breaking changes the changelog does not name.
func run(out io.Writer, root, base string) (int, error) {
	if base == "" {
		base = defaultBase(root)
	}
	if shallow, err := git(root, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(string(shallow)) == "true" && base == "" {
		return 0, errors.New("the repository is shallow, so that there is nothing to compare with; fetch its history")
	}
	if base == "" {
		fmt.Fprintln(out, "There is no earlier revision to compare with.")
		return 0, nil
	}
	old, err := os.MkdirTemp("", "aver-release-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(old)
	if err := checkout(root, base, old); err != nil {
		return 0, err
	}
	was, err := os.ReadFile(filepath.Join(old, "openapi.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(out, "%s has no contract to compare with.\n", base)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	is, err := os.ReadFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		return 0, err
	}
	contract, err := specChanges(was, is)
	if err != nil {
		return 0, err
	}
	api, err := goChanges(old, root)
	if err != nil {
		return 0, err
	}
	changelog, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	unnamed := 0
	for _, part := range []struct {
		title   string
		changes []change
	}{{"The contract", contract}, {"The Go API", api}} {
		fmt.Fprintf(out, "\n%s since %s: %d changes\n", part.title, base, len(part.changes))
		for _, c := range part.changes {
			label := "          "
			if c.breaking {
				label = "BREAKING  "
				if !named(changelog, c.name) {
					label = "UNNAMED   "
					unnamed++
				}
			}
			fmt.Fprintf(out, "  %s%s: %s\n", label, c.name, c.text)
		}
	}
	return unnamed, nil
}

// defaultBase returns the last tag, or the parent commit; nothing when there is neither.
func defaultBase(root string) string {
	for _, args := range [][]string{{"describe", "--tags", "--abbrev=0"}, {"rev-parse", "--verify", "--quiet", "HEAD^"}} {
		if out, err := git(root, args...); err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
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

// raised are changes that oasdiff takes lightly and that break a Go program.
var raised = []string{
	"api-operation-id-removed", "api-schema-removed", "api-security-removed", "api-security-anonymous-access-added", "api-global-security-removed", "api-security-component-removed",
	"request-body-media-type-removed", "response-media-type-removed", "response-media-type-name-changed",
	"response-optional-property-removed", "response-property-enum-value-removed", "response-property-became-optional", "response-property-became-nullable",
}

// specChanges compares two contracts.
func specChanges(was, is []byte) ([]change, error) {
	var specs [2]*load.SpecInfo
	for i, document := range [][]byte{was, is} {
		spec, err := openapi3.NewLoader().LoadFromData(document)
		if err != nil {
			return nil, err
		}
		specs[i] = &load.SpecInfo{Url: "openapi.yaml", Spec: spec}
	}
	found, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), specs[0], specs[1])
	if err != nil {
		return nil, err
	}
	levels := make(map[string]checker.Level)
	for _, id := range raised {
		if slices.Contains(checker.GetAllRuleIds(), id) {
			levels[id] = checker.ERR
		}
	}
	config := checker.NewConfig(checker.GetAllChecks(), checker.WithSeverityLevels(levels))
	localizer := checker.NewDefaultLocalizer()
	var changes []change
	for _, c := range checker.CheckBackwardCompatibilityUntilLevel(config, found, sources, checker.INFO) {
		name := c.GetOperationId()
		if name == "" {
			name = c.GetSection()
		}
		changes = append(changes, change{name, c.GetUncolorizedText(localizer), c.GetLevel() >= checker.WARN})
	}
	// What a generated name hangs on, oasdiff does not look at.
	for name := range specs[0].Spec.Components.Schemas {
		if specs[1].Spec.Components.Schemas[name] == nil {
			changes = append(changes, change{name, "the schema is gone, or has another name", true})
		}
	}
	for name, before := range specs[0].Spec.Components.Schemas {
		after := specs[1].Spec.Components.Schemas[name]
		if after == nil || before.Value == nil || after.Value == nil {
			continue
		}
		for property, was := range before.Value.Properties {
			if is := after.Value.Properties[property]; is != nil && sensitive(was) && !sensitive(is) {
				changes = append(changes, change{name, "the property " + property + " is no longer sensitive and will be printed", true})
			}
		}
	}
	if was, is := servers(specs[0].Spec), servers(specs[1].Spec); was != is {
		changes = append(changes, change{"servers", "the service is now at " + is, true})
	}
	now := operations(specs[1].Spec)
	for at, op := range operations(specs[0].Spec) {
		after, ok := now[at]
		switch {
		case !ok: // oasdiff tells
		case after.OperationID != op.OperationID:
			changes = append(changes, change{op.OperationID, "the operationId is now " + after.OperationID, true})
		case fmt.Sprint(after.Extensions["x-retry"]) != fmt.Sprint(op.Extensions["x-retry"]):
			changes = append(changes, change{op.OperationID, fmt.Sprintf("x-retry is now %v", after.Extensions["x-retry"]), true})
		case medias(after) != medias(op):
			changes = append(changes, change{op.OperationID, "the media types are now " + medias(after), true})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.name+a.text, b.name+b.text) })
	return slices.Compact(changes), nil
}

// sensitive reports whether a property is marked, beside a reference or within it.
func sensitive(property *openapi3.SchemaRef) bool {
	return property.Extensions["x-sensitive"] == true || property.Value != nil && property.Value.Extensions["x-sensitive"] == true
}

func servers(spec *openapi3.T) string {
	var urls []string
	for _, server := range spec.Servers {
		urls = append(urls, server.URL)
	}
	return strings.Join(urls, ", ")
}

// operations returns the operations of a contract by method and path.
func operations(spec *openapi3.T) map[string]*openapi3.Operation {
	all := make(map[string]*openapi3.Operation)
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	return all
}

// medias returns the media types of a request and of the successful answers.
func medias(op *openapi3.Operation) string {
	var all []string
	if op.RequestBody != nil {
		for media := range op.RequestBody.Value.Content {
			all = append(all, "request "+media)
		}
	}
	for status, response := range op.Responses.Map() {
		if strings.HasPrefix(status, "2") {
			for media := range response.Value.Content {
				all = append(all, status+" "+media)
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// public are the packages whose API is compared.
var public = []string{".", "./api", "./authprovider", "./contract", "./contract/suite", "./generated", "./sandbox", "./wire", "./wire/dataurl", "./wire/jsondec"}

// goChanges compares the exported API of two trees.
func goChanges(old, current string) ([]change, error) {
	was, err := loadTypes(old)
	if err != nil {
		return nil, err
	}
	is, err := loadTypes(current)
	if err != nil {
		return nil, err
	}
	var changes []change
	for path, before := range was {
		_, short, _ := strings.Cut(path, "aver-go/")
		if short == "" {
			short = "aver"
		}
		after, ok := is[path]
		if !ok {
			changes = append(changes, change{short, "the package is gone", true})
			continue
		}
		for _, c := range apidiff.Changes(before, after).Changes {
			symbol, _, _ := strings.Cut(c.Message, ":")
			changes = append(changes, change{short + "." + symbol, strings.TrimSpace(strings.TrimPrefix(c.Message, symbol+":")), !c.Compatible})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.name+a.text, b.name+b.text) })
	return changes, nil
}

// loadTypes returns the types of the public packages of a tree that it has.
func loadTypes(dir string) (map[string]*types.Package, error) {
	var there []string
	for _, pkg := range public {
		if files, _ := filepath.Glob(filepath.Join(dir, pkg, "*.go")); len(files) > 0 {
			there = append(there, pkg)
		}
	}
	if len(there) == 0 {
		return nil, nil
	}
	mode := packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedTypesInfo | packages.NeedSyntax
	loaded, err := packages.Load(&packages.Config{Mode: mode, Dir: dir}, there...)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*types.Package)
	for _, pkg := range loaded {
		if len(pkg.Errors) > 0 {
			return nil, fmt.Errorf("%s: %w", pkg.PkgPath, pkg.Errors[0])
		}
		found[pkg.PkgPath] = pkg.Types
	}
	return found, nil
}

// named reports whether the section Unreleased of a changelog has the name in backquotes, with its package or without.
func named(changelog []byte, name string) bool {
	_, section, found := strings.Cut(string(changelog), "## Unreleased")
	if !found {
		return false
	}
	section, _, _ = strings.Cut(section, "\n## ")
	plain := strings.NewReplacer("(*", "", ")", "").Replace
	_, unqualified, _ := strings.Cut(plain(name), ".")
	for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(section, -1) {
		if said := plain(span[1]); said != "" && (said == plain(name) || said == unqualified) {
			return true
		}
	}
	return false
}
