package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func contract(t *testing.T) string {
	t.Helper()
	document, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

func TestChangesOfTheContract(t *testing.T) {
	spec := contract(t)
	for _, tt := range []struct {
		change, old, new string
		name             string
		breaking         bool
	}{
		{"renamed operationId", "operationId: getCheckResults\n", "operationId: readCheckResults\n", "getCheckResults", true},
		{"renamed schema", "SearchedList'", "ListOfSearch'", "SearchedList", true},
		{"media type", "content:\n          application/json:\n            schema: {$ref: '#/components/schemas/AddPhoneRequest'}",
			"content:\n          application/vnd.phone+json:\n            schema: {$ref: '#/components/schemas/AddPhoneRequest'}", "addPhone", true},
		{"security removed", "      operationId: getCheck\n", "      operationId: getCheck\n      security: []\n", "getCheck", true},
		{"required request property", "      required: [number, country]\n      description: A phone number.\n      properties:\n",
			"      required: [number, country, carrier]\n      description: A phone number.\n      properties:\n        carrier: {type: string}\n",
			"addPhone", true},
		{"optional response property removed", "        statusReason:", "        reasonOfStatus:", "getCheck", true},
		{"operation removed", "  /check/{id}/photoinstruction:", "  /check/{id}/pose:", "getPhotoInstruction", true},
		{"policy", "      x-retry: recover\n", "      x-retry: always\n", "createCheck", true},
		{"sensitive no more", "description: 'The number, by assumption the national one without the country code.', x-sensitive: true",
			"description: 'The number, by assumption the national one without the country code.', x-sensitive: false", "AddPhoneRequest", true},
		{"server", "url: https://app.goaver.com/api", "url: https://elsewhere.example/api", "servers", true},
		{"description", "description: A phone number.", "description: The phone number.", "", false},
		{"optional request property", "        number: {type: string, minLength: 1",
			"        carrier: {type: string}\n        number: {type: string, minLength: 1", "addPhone", false},
	} {
		changed := strings.ReplaceAll(spec, tt.old, tt.new)
		if tt.change == "renamed schema" {
			changed = strings.Replace(changed, "    SearchedList:\n", "    ListOfSearch:\n", 1)
		}
		if changed == spec {
			t.Fatalf("%s: nothing to change", tt.change)
		}
		changes, err := specChanges([]byte(spec), []byte(changed))
		if err != nil {
			t.Fatalf("%s: %v", tt.change, err)
		}
		found := tt.name == ""
		for _, c := range changes {
			found = found || c.name == tt.name && c.breaking == tt.breaking
			if c.breaking && !tt.breaking {
				t.Errorf("%s: %s: %s is breaking", tt.change, c.name, c.text)
			}
		}
		if !found {
			t.Errorf("%s: %v", tt.change, changes)
		}
	}
	if changes, err := specChanges([]byte(spec), []byte(spec)); err != nil || len(changes) > 0 {
		t.Errorf("without a change: %v, %v", changes, err)
	}
}

func TestChangelogNamesWhatBreaks(t *testing.T) {
	const changelog = "# Changes\n\n## Unreleased\n\n- `getCheck` answers otherwise; `api.Client.AddPhone` takes less.\n\n## 0.1.0\n\n- `lookupChecks`\n"
	section := newest(t.TempDir(), []byte(changelog))
	for name, want := range map[string]bool{
		"getCheck": true, "getCheckResults": false, "api.(*Client).AddPhone": true, "lookupChecks": false, "get": false, "": false, "answers": false,
		"api.Client": false,
	} {
		if got := named(section, name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if named(newest(t.TempDir(), nil), "getCheck") {
		t.Error("there is no changelog")
	}
}

// A repository is one to try releases in.
type repository struct {
	*testing.T
	dir string
}

func newRepository(t *testing.T) *repository {
	r := &repository{t, t.TempDir()}
	r.git("init", "-q")
	return r
}

func (r *repository) git(args ...string) {
	r.Helper()
	if out, err := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=t", "-c", "user.email=t@example.com"},
		args...)...).CombinedOutput(); err != nil {
		r.Fatalf("git %v: %v %s", args, err, out)
	}
}

func (r *repository) write(name, content string) {
	r.Helper()
	name = filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		r.Fatal(err)
	}
}

func (r *repository) commit() {
	r.Helper()
	r.git("add", "-A")
	r.git("commit", "-qm", "c")
}

// A repository whose Go API and contract break is refused until the changelog names both.
func TestBreakingChangesAreRefusedUntilTheyAreNamed(t *testing.T) {
	r := newRepository(t)
	dir, write, commit := r.dir, r.write, r.commit
	spec := contract(t)
	write("go.mod", "module github.com/goaver/aver-go\n\ngo 1.26\n")
	write("openapi.yaml", spec)
	write("api/api.go", "package api\n\nfunc Kept() {}\nfunc Gone() {}\n")
	commit()
	var out strings.Builder
	if _, n, err := run(&out, dir, ""); err != nil || n != 0 || !strings.Contains(out.String(), "no earlier revision") {
		t.Errorf("first commit: %d, %v, %s", n, err, out.String())
	}
	write("openapi.yaml", strings.Replace(spec, "operationId: getCheckResults\n", "operationId: readCheckResults\n", 1))
	write("api/api.go", "package api\n\nfunc Kept() {}\nfunc New() {}\n")
	commit()
	out.Reset()
	_, n, err := run(&out, dir, "")
	if err != nil || n < 2 || !strings.Contains(out.String(), "UNNAMED   getCheckResults") || !strings.Contains(out.String(), "UNNAMED   api.Gone") ||
		strings.Contains(out.String(), "Kept") {
		t.Errorf("%d, %v, %s", n, err, out.String())
	}
	write("CHANGELOG.md", "## Unreleased\n\n- `getCheckResults` is `readCheckResults` now. `api.Gone` is gone.\n")
	out.Reset()
	if _, n, err := run(&out, dir, ""); err != nil || n != 0 || !strings.Contains(out.String(), "BREAKING  getCheckResults") {
		t.Errorf("named: %d, %v, %s", n, err, out.String())
	}
	if _, _, err := run(&out, dir, "no-such-revision"); err == nil {
		t.Error("an unknown revision was accepted")
	}
}
