package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	embedded "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/sandbox"
)

// drifted is a service that differs: checks have a nickname, no group, and a status that is unknown.
func drifted(t *testing.T) {
	t.Helper()
	box := sandbox.Start(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		box.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		if strings.HasSuffix(r.URL.Path, "/results") && strings.Contains(r.URL.Path, "/check/") {
			body = bytes.Replace(body, []byte(`"Completed"`), []byte(`"Archived<b>","nickname":"Zephyrine"`), 1)
			answer.Header().Del("Content-Length")
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body)
	}))
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"AVER_BASE_URL": srv.URL + "/api", "AVER_API_KEY": box.Key, "AVER_API_SECRET": box.Secret, "AVER_GROUP_ID": box.GroupID,
	} {
		t.Setenv(name, value)
	}
}

// ran runs the command and returns what it prints and its exit status.
func ran(t *testing.T, in string, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetIn(strings.NewReader(in))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		return out.String(), status(err)
	}
	return out.String(), 0
}

// Each format says what differs, with the line of the contract, and in a way that its readers read.
func TestReportFormats(t *testing.T) {
	drifted(t)
	enum := fmt.Sprintf("openapi.yaml:%d", lineOf(t, "    CheckStatus:"))
	for format, check := range map[string]func(text string) error{
		"text": func(text string) error {
			return lacks(text, "1. response of getCheckResults (200) at /status: enum: want one of Created", `got "Archived\u003cb\u003e"`)
		},
		"json": func(text string) error {
			var r contractReport
			err := json.Unmarshal([]byte(text), &r)
			if err != nil || len(r.Violations) != 1 || len(r.Differences) != 2 || len(r.Operations) != 22 || len(r.Coverage) < 200 {
				return fmt.Errorf("%v, %+v", err, r)
			}
			return lacks(fmt.Sprintf("%s:%d", r.Violations[0].File, r.Violations[0].At), enum)
		},
		"junit": func(text string) error {
			var suite struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
				Cases    []struct {
					Name    string `xml:"name,attr"`
					Failure []struct {
						Text string `xml:",chardata"`
					} `xml:"failure"`
				} `xml:"testcase"`
			}
			if err := xml.Unmarshal([]byte(text), &suite); err != nil || suite.Tests != 22 || suite.Failures != 1 || len(suite.Cases) != 22 {
				return fmt.Errorf("%v, %+v", err, suite)
			}
			return lacks(text, enum)
		},
		"sarif": func(text string) error {
			var log struct {
				Version string
				Runs    []struct {
					Results []struct {
						RuleID    string
						Message   struct{ Text string }
						Locations []struct {
							PhysicalLocation struct {
								ArtifactLocation struct{ URI string }
								Region           struct{ StartLine int }
							}
						}
					}
				}
			}
			if err := json.Unmarshal([]byte(text), &log); err != nil || log.Version != "2.1.0" || len(log.Runs) != 1 ||
				len(log.Runs[0].Results) != 1 {
				return fmt.Errorf("%v, %+v", err, log)
			}
			at := log.Runs[0].Results[0].Locations[0].PhysicalLocation
			return lacks(fmt.Sprintf("%s:%d", at.ArtifactLocation.URI, at.Region.StartLine), enum)
		},
		"github": func(text string) error {
			at := strings.TrimPrefix(enum, "openapi.yaml:")
			return lacks(text, "::error file=openapi.yaml,line="+at+",title=getCheckResults enum::response of "+
				"getCheckResults",
				"::notice title=not in the contract::the property nickname of CheckResults")
		},
		"html": func(text string) error {
			if strings.Contains(text, "Archived<b>") || strings.Contains(text, "src=") || strings.Contains(text, "http://") &&
				!strings.Contains(text, "127.0.0.1") {
				return errors.New("it is not safe, or not one file")
			}
			return lacks(text, enum, "getCheckResults 200", "response: ", "the property nickname of CheckResults")
		},
	} {
		text, status := ran(t, "", "contract", "run", "--format", format)
		if err := check(text); err != nil || status != 1 || strings.Contains(text, "Zephyrine") {
			t.Errorf("%s: exit status %d, %v\n%.2000s", format, status, err, text)
		}
	}
}

func lacks(text string, all ...string) error {
	for _, part := range all {
		if !strings.Contains(text, part) {
			return fmt.Errorf("it lacks %s", part)
		}
	}
	return nil
}

func lineOf(t *testing.T, line string) int {
	t.Helper()
	text, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), "\n"+line+"\n")
	if !ok {
		t.Fatalf("no line %s", line)
	}
	return strings.Count(before, "\n") + 2
}

// The page of the reference holds the contract and the script, and asks nobody for more.
func TestReferencePage(t *testing.T) {
	page, err := reference(embedded.Spec, []byte("script of Redoc </script>"))
	if err != nil {
		t.Fatal(err)
	}
	if err := lacks(string(page), "connect-src 'none'", "script of Redoc <\\/script>", "getCheckResults"); err != nil {
		t.Error(err)
	}
}

func TestExitStatusOfContract(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := `{"log":{"entries":[{"request":{"method":"GET","url":"https://app.goaver.com/api/check/c"},
		"response":{"status":404,"content":{"mimeType":"application/json","text":"{\"message\":\"no\"}"}}}]}}`
	bad := strings.Replace(good, "404", "418", 1)
	wrong := file("wrong.yaml", "overlay: 1.1.0\ninfo: {title: t, version: '1'}\nactions: [{target: $.nothing, remove: true}]\n")
	for _, c := range []struct {
		status int
		in     string
		args   []string
	}{
		{0, "", []string{"check", file("good.har", good)}},
		{0, good, []string{"check", "-"}},
		{0, "\ufeff" + good, []string{"check", "-"}},
		{1, bad, []string{"check", "-"}},
		{2, "", []string{"check", filepath.Join(dir, "none.har")}},
		{2, "x", []string{"check", "-"}},
		{2, good, []string{"check", "-", "--format", "pdf"}},
		{2, good, []string{"check", "-", "--formt", "json"}},
		{2, good, []string{"check", "-", "--overlay", wrong}},
		{2, bad, []string{"check", "-", "--propose", filepath.Join(dir, "no", "folder")}},
		{2, good, []string{"chek", "-"}},
		{2, good, []string{"check"}},
		{3, strings.Replace(good, "check/c", "elsewhere", 1), []string{"check", "-"}},
	} {
		if _, status := ran(t, c.in, append([]string{"contract"}, c.args...)...); status != c.status {
			t.Errorf("%v: exit status %d, want %d", c.args, status, c.status)
		}
	}
}

// A proposal that is applied closes the loop; a line of it is named where it is wrong.
func TestProposeAndApply(t *testing.T) {
	drifted(t)
	file := filepath.Join(t.TempDir(), "drift.yaml")
	if text, status := ran(t, "", "contract", "run", "--propose", file); status != 1 ||
		lacks(text, "by hand   enum: want one of Created", "proposed  the property nickname of CheckResults", "1 of 2 differences are proposed in "+
			""+file) != nil {
		t.Errorf("exit status %d\n%s", status, text)
	}
	text, status := ran(t, "", "contract", "run", "--overlay", file, "--format", "sarif")
	if status != 1 || lacks(text, `"uri": "openapi.yaml"`) != nil {
		t.Errorf("exit status %d\n%s", status, text)
	}
	kept := `{"log":{"entries":[{"request":{"method":"GET","url":"https://app.goaver.com/api/check/c"},
		"response":{"status":404,"content":{"mimeType":"application/json","text":"{\"message\":\"no\"}"}}}]}}`
	if _, status := ran(t, kept, "contract", "check", "-", "--propose", file); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the proposal of an earlier run is left: %v", err)
	}
	mine := filepath.Join(filepath.Dir(file), "mine.yaml")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, status := ran(t, kept, "contract", "check", "-", "--propose", mine); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("a file of somebody's own is gone: %v", err)
	}
	changed := filepath.Join(filepath.Dir(file), "changed.yaml")
	document, err := os.ReadFile("../../openapi.yaml")
	if err == nil {
		err = os.WriteFile(changed, bytes.Replace(document, []byte("Where a check stands."), []byte("Where it stands."), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, status := ran(t, "", "overlay", "diff", "../../openapi.yaml", changed); status != 0 ||
		lacks(text, "target: $.components.schemas.CheckStatus.description", "Where it stands.") != nil {
		t.Errorf("exit status %d\n%s", status, text)
	}
	if _, status := ran(t, "", "overlay", "diff", changed, changed); status == 0 {
		t.Error("there is a difference between a file and itself")
	}
}
