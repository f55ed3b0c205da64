package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/sandbox"
)

func TestEveryOperationIsACommand(t *testing.T) {
	commands := make(map[string]bool)
	for _, cmd := range newCallCommand().Commands() {
		commands[cmd.Name()] = true
	}
	for _, op := range spec.Embedded().Operations {
		if !commands[op.ID] {
			t.Errorf("%s is no command", op.ID)
		}
	}
}

// The whole flow of a check by hand.
func TestCallFlow(t *testing.T) {
	sb := sandbox.Start(t)
	useAccount(t, sb)
	call := func(args ...string) map[string]any {
		t.Helper()
		out, err := aver(t.Context(), append([]string{"call"}, append(args, "--json")...)...)
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		for _, private := range []string{"Lindqvist", "@example.com", "customer-1", sb.Secret, "eyJ", "base64,"} {
			if strings.Contains(out, private) {
				t.Errorf("%q: printed %q:\n%s", args, private, out)
			}
		}
		var answer map[string]any
		if json.Unmarshal([]byte(out), &answer) != nil {
			answer = map[string]any{"text": out}
		}
		return answer
	}
	image := func(name string) string {
		content, err := specimens.ReadFile("images/" + name)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	created := call("createCheck", "--third-party-identifier", "customer-1", "--email", "m+hits-1@example.com",
		"--check-types", "documentverification,PhotoVerification,Watchlist", "--skip-personal-access-code", "--watchlist-recheck-interval", "7")
	id, _ := created["checkId"].(string)
	if created["thirdPartyIdentifier"] != "REDACTED" || id == "" {
		t.Fatalf("%v", created)
	}
	call("addPersonalInfo", "--id", id, "--first-name", "Maria", "--last-name", "Lindqvist", "--gender", "F", "--date-of-birth", "04/17/1988")
	call("addIdDocument", "--id", id, "--doc-type", "NADriverLicense", "--side", "front", "--image", image("license-front.jpg"))
	call("addIdDocument", "--id", id, "--doc-type", "NADriverLicense", "--side", "Back", "--image", image("license-back.jpg"))
	call("addPhotoDocument", "--id", id, "--image", image("selfie.png"), "--force-commit")
	if got := call("submitCheck", "--id", id); got["status"] != "Completed" {
		t.Errorf("%v", got)
	}
	results := call("getCheckResults", "--id", id)
	sections := results["checkResults"].(map[string]any)
	person := sections["personalInformation"].(map[string]any)
	if person["lastName"] != "REDACTED" || results["status"] != "Completed" {
		t.Errorf("%v", results)
	}
	search := call("getWatchlistSearchResults", "--id", sections["watchlistSearchId"].(string))
	if hits := search["watchlistResults"].([]any); len(hits) != 1 || search["recheckInterval"] != 7.0 {
		t.Errorf("%v", search)
	}

	out, err := aver(t.Context(), "call", "lookupChecks", "--email", "m+hits-1@example.com")
	if err != nil || !strings.Contains(out, "status: Completed") || !strings.Contains(out, "thirdPartyIdentifier: REDACTED") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := aver(t.Context(), "call", "getCheck", "--id", id, "--show"); err != nil ||
		!strings.Contains(out, "thirdPartyIdentifier: customer-1") {
		t.Errorf("%v\n%s", err, out)
	}
	front := sections["identificationDocument"].(map[string]any)["frontId"].(string)
	file := filepath.Join(t.TempDir(), "front.jpg")
	if got := call("getCheckDocument", "--id", id, "--doc-id", front, "--out", file); got["mediaType"] != "image/jpeg" {
		t.Errorf("%v", got)
	}
	got, _ := os.ReadFile(file)
	want, _ := specimens.ReadFile("images/license-front.jpg")
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	call("getAuthToken")
	call("getCheckDocument", "--id", id, "--doc-id", front)
}

func TestCallTakesTheRequestFromTheStandardInput(t *testing.T) {
	sb := sandbox.Start(t)
	useAccount(t, sb)
	run := func(body string, args ...string) (string, error) {
		var out bytes.Buffer
		cmd := newCommand()
		cmd.SetArgs(append([]string{"call", "searchWatchlists", "--body", "-"}, args...))
		cmd.SetIn(strings.NewReader(body))
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if out, err := run(`{"businessName":"of the body"}`, "--business-name", "Harbor Ltd"); err != nil || !strings.Contains(out, "id: ") {
		t.Errorf("%v\n%s", err, out)
	}
	for body, want := range map[string]string{
		`[]`: "no JSON object", `null`: "no JSON object", ``: "no JSON object", `{"busnessName":"x"}`: `no property "busnessName"`,
		`{"businessName":7}`: "cannot be read", `{}`: "firstName",
	} {
		if out, err := run(body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\n%s", body, err, out)
		}
	}
}

func TestCallTellsWhatIsWrong(t *testing.T) {
	if _, err := aver(t.Context(), "call", "getCheck", "--id", "c1"); err == nil || !strings.Contains(err.Error(), "AVER_API_KEY is not set") {
		t.Errorf("%v", err)
	}
	sb := sandbox.Start(t)
	useAccount(t, sb)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"getCheck"}, "--id is missing"},
		{[]string{"getCheck", "--id", "nothing"}, "404"},
		{[]string{"getCheck", "--id", ".."}, "id"},
		{[]string{"getChek"}, "is getCheck meant?"},
		{[]string{"addIdDocument", "--id", "x", "--doc-type", "PassportImage", "--side", "Front"}, "--image is missing"},
		{[]string{"addIdDocument", "--id", "x", "--doc-type", "PassportImage", "--side", "Front", "--image", "no-such-file"}, "no such file"},
		{[]string{"createCheck", "--third-party-identifier", "a", "--email", "b@example.com", "--watchlist-recheck-interval", "soon"},
			"--watchlist-recheck-interval"},
		{[]string{"createCheck", "--third-party-identifier", "a", "--email", "nonsense"}, "email"},
		{[]string{"getCheck", "--id", "x", "more"}, "more"},
	} {
		out, err := aver(t.Context(), append([]string{"call"}, tt.args...)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v\n%s", tt.args, err, out)
		}
	}
	out, err := aver(t.Context(), "call", "getCheck", "--id", "nothing", "--json")
	if err == nil || !strings.Contains(out, `"ok":false`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// What may cost money asks first, where somebody can answer, and not on this computer.
func TestCallAsksFirst(t *testing.T) {
	before := isTerminalInput
	isTerminalInput = func(io.Reader) bool { return true }
	defer func() { isTerminalInput = before }()
	sb := sandbox.Start(t)
	useAccount(t, sb)
	if _, err := aver(t.Context(), "call", "submitCheck", "--id", "x"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("on this computer: %v", err)
	}
	t.Setenv("AVER_BASE_URL", "https://192.0.2.1/api")
	for answer, sent := range map[string]bool{"": false, "n\n": false, "\n": false} {
		cmd := newCommand()
		var out bytes.Buffer
		cmd.SetArgs([]string{"call", "submitCheck", "--id", "x"})
		cmd.SetIn(strings.NewReader(answer))
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		err := cmd.ExecuteContext(t.Context())
		if (err == nil || err.Error() != "nothing was sent") != sent || !strings.Contains(out.String(), "submitCheck may cost money") {
			t.Errorf("%q: %v\n%s", answer, err, out.String())
		}
	}
	c := &call{op: &spec.Operation{ID: "x"}}
	if err := c.ask(strings.NewReader("Yes\n"), io.Discard, "base"); err != nil {
		t.Error(err)
	}
}

func TestCallCompletes(t *testing.T) {
	for args, want := range map[string]string{
		"call getCheckR":                  "getCheckResults",
		"call createCheck --lang":         "--language",
		"call createCheck --language ":    "zh-Hans",
		"call addIdDocument --side ":      "Front",
		"call createCheck --check-types ": "EmailVerification",
		"webhook send --to x --type ":     "OfflineCheck",
	} {
		pieces := strings.Split(args, " ")
		out, err := aver(t.Context(), append([]string{"__complete"}, pieces...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
}

func TestCallSendsNothingByHalves(t *testing.T) {
	sb := sandbox.Start(t)
	useAccount(t, sb)
	for _, body := range []string{`{"businessName":"a"}{"x":`, `{"businessName":"a"} more`, `{"businessName":"a","businessName":"b"}`} {
		cmd := newCommand()
		var out bytes.Buffer
		cmd.SetArgs([]string{"call", "searchWatchlists", "--body", "-"})
		cmd.SetIn(strings.NewReader(body))
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "no JSON object") {
			t.Errorf("%s: %v", body, err)
		}
	}
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte(`{"businessName":"a","fileContent":"data:image/png;base64,","fileName":"a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{"--business-name=a --image=": "--image: the name", "--body=" + file + " --image=x.png": "two images"} {
		if _, err := aver(t.Context(), append([]string{"call", "searchWatchlists"}, strings.Split(args, " ")...)...); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	for base, here := range map[string]bool{"http://127.0.0.1:1/api": true, "http://[::1]/api": true, "http://localhost/": true,
		"http://127.evil.example.com/": false, "https://app.goaver.com/api": false, "%": false} {
		if onThisComputer(base) != here {
			t.Errorf("%s: %v", base, !here)
		}
	}
}
