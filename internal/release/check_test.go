package main

import (
	"os/exec"
	"strings"
	"testing"
)

// client is a package api that is just enough for the program of a consumer.
const client = `package api

const Version = "VERSION"

type (
	Client struct{}
	Option int
)

func New(key, secret string, opts ...Option) (*Client, error) { return &Client{}, nil }
func (*Client) Close() error                                 { return nil }
func Gone()                                                  {}
func WithSandboxOnly() Option                                { return 0 }
func WithBaseURL(url string) Option                          { return 0 }
`

func TestReleaseCheck(t *testing.T) {
	local, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	toolchains := []string{strings.TrimSpace(string(local))}
	at := func(version string) string { return strings.Replace(client, "VERSION", version, 1) }
	fill := func(r *repository) {
		r.write("go.mod", "module github.com/goaver/aver-go\n\ngo 1.26\n")
		r.write("openapi.yaml", contract(t))
		r.write("api/client.go", at("0.1.0"))
		r.write("CHANGELOG.md", "# Changes\n\n## 0.1.0 (2026-01-31)\n\nFirst.\n")
		r.commit()
		r.git("tag", "v0.1.0")
		r.write("api/client.go", at("0.2.0"))
		r.write("CHANGELOG.md", "# Changes\n\n## 0.2.0 (2026-02-28)\n\nSecond.\n\n## 0.1.0 (2026-01-31)\n\nFirst.\n")
		r.commit()
	}
	for name, tt := range map[string]struct {
		edit func(r *repository)
		want string
	}{
		"as it should be": {func(*repository) {}, ""},
		"not committed":   {func(r *repository) { r.write("new.go", "package aver\n") }, "FAILED  everything is committed: commit or remove what"},
		"tagged already":  {func(r *repository) { r.write("api/client.go", at("0.1.0")); r.commit() }, "the tag exists"},
		"older than the last": {func(r *repository) {
			r.write("api/client.go", at("0.0.9"))
			r.commit()
		}, "v0.1.0 is newer"},
		"another tag in between": {func(r *repository) {
			r.git("tag", "nightly")
			r.write("api/client.go", strings.Replace(at("0.2.0"), "Gone()", "New2()", 1))
			r.commit()
		}, "The Go API since v0.1.0: 2 changes"},
		"no such day": {func(r *repository) { r.write("CHANGELOG.md", "## 0.2.0 (2026-02-31)\n"); r.commit() }, "its first heading must be ## 0.2.0"},
		"no date":     {func(r *repository) { r.write("CHANGELOG.md", "## 0.2.0\n"); r.commit() }, "its first heading must be ## 0.2.0"},
		"still unreleased": {func(r *repository) {
			r.write("CHANGELOG.md", "## Unreleased\n\n## 0.2.0 (2026-01-31)\n")
			r.commit()
		}, "in place of Unreleased"},
		"breaks unnamed": {func(r *repository) {
			r.write("api/client.go", strings.Replace(at("0.2.0"), "Gone()", "New2()", 1))
			r.commit()
		}, "1 breaking changes are not named"},
		"breaks in a patch": {func(r *repository) {
			r.write("CHANGELOG.md", "## 0.1.1 (2026-02-28)\n\n- `Gone` is gone.\n")
			r.write("api/client.go", strings.Replace(at("0.1.1"), "Gone()", "New2()", 1))
			r.commit()
		}, "1 changes since v0.1.0 break programs"},
		"a file that is not in the repository": {func(r *repository) {
			r.write(".gitignore", "ignored.go\n")
			r.write("api/ignored.go", "package api\n\nfunc helper() {}\n")
			r.write("api/uses.go", "package api\n\nfunc init() { helper() }\n")
			r.commit()
		}, "undefined: helper"},
		"a replacement": {func(r *repository) {
			r.write("go.mod", "module github.com/goaver/aver-go\n\ngo 1.26\n\nreplace example.com/a => ./a\n")
			r.commit()
		}, "replaces a module"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			fill(r)
			tt.edit(r)
			var out strings.Builder
			err := releaseCheck(&out, r.dir, toolchains)
			if (err == nil) != (tt.want == "") || !strings.Contains(out.String(), tt.want) {
				t.Errorf("%v\n%s", err, out.String())
			}
			if failed := strings.Count(out.String(), "FAILED"); tt.want != "" && name != "tagged already" && name != "older than the last" && failed != 1 {
				t.Errorf("%d checks failed:\n%s", failed, out.String())
			}
		})
	}
}
