package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goaver/aver-go/sandbox"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"AVER_API_KEY", "AVER_API_SECRET", "AVER_GROUP_ID", "AVER_BASE_URL", "AVER_WEBHOOK_SECRET"} {
		_ = os.Unsetenv(name) // the tests must never call the real service
	}
	goleak.VerifyTestMain(m)
}

// aver runs the command and returns what it printed.
func aver(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(ctx)
	return out.String(), err
}

// useAccount has the command call a sandbox through the environment.
func useAccount(t *testing.T, sb *sandbox.Server) {
	t.Setenv("AVER_API_KEY", sb.Key)
	t.Setenv("AVER_API_SECRET", sb.Secret)
	t.Setenv("AVER_GROUP_ID", sb.GroupID)
	t.Setenv("AVER_BASE_URL", sb.URL)
}

func TestDemoOnItsOwnSandbox(t *testing.T) {
	out, err := aver(t.Context(), "demo")
	if err != nil {
		t.Fatal(err, out)
	}
	for _, want := range []string{
		"exchanged the key for a token", "created a check", "added personal information", "added a phone number",
		"uploaded the document's front", "uploaded the document's back", "uploaded a selfie", "submitted the check",
		"waited for the outcome", "Completed, warning WatchlistHitsFound", "downloaded the document's front", "2 hits",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	for _, private := range []string{"Lindqvist", "example.com", "2075550143", "base64,"} {
		if strings.Contains(out, private) {
			t.Errorf("the output shows %q:\n%s", private, out)
		}
	}
}

func TestDemoForMachines(t *testing.T) {
	out, err := aver(t.Context(), "demo", "--json", "--outcome", "ExpiredDocuments")
	if err != nil {
		t.Fatal(err, out)
	}
	steps := make(map[string]string)
	decoder := json.NewDecoder(strings.NewReader(out))
	for {
		var line struct {
			Step, Detail string
			OK           bool
		}
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err, out)
		}
		if !line.OK {
			t.Errorf("%s failed", line.Step)
		}
		steps[line.Step] = line.Detail
	}
	if len(steps) != 11 || !strings.Contains(steps["getCheckResults"], "Rejected, reason ExpiredDocuments") {
		t.Errorf("%v", steps)
	}
}

func TestDemoOnAnAccount(t *testing.T) {
	sb := sandbox.Start(t)
	useAccount(t, sb)
	front := filepath.Join(t.TempDir(), "mine.png")
	if err := os.WriteFile(front, []byte("\xff\xd8\xff\xe0\x00\x04me, not by name a JPEG image"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := aver(t.Context(), "demo", "--outcome", "Age"); err == nil || !strings.Contains(err.Error(), "--outcome") || len(sb.Checks()) != 0 {
		t.Errorf("%v\n%s", err, out)
	}
	for _, name := range []string{front + ".typo", filepath.Dir(front)} {
		if _, err := aver(t.Context(), "demo", "--back", name); err == nil || !strings.Contains(err.Error(), "--back: ") || len(sb.Checks()) != 0 {
			t.Errorf("%v", err)
		}
	}
	out, err := aver(t.Context(), "demo", "--front", front)
	if err != nil || len(sb.Checks()) != 1 || !strings.Contains(out, sb.URL) {
		t.Errorf("%v, %d checks:\n%s", err, len(sb.Checks()), out)
	}
	if strings.Contains(out, sb.Secret) {
		t.Error("the secret is printed")
	}
}

func TestDemoRefusesBadInput(t *testing.T) {
	pdf := filepath.Join(t.TempDir(), "scan.jpg")
	if err := os.WriteFile(pdf, []byte("%PDF-1.7"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := aver(t.Context(), "demo", "--selfie", pdf); err == nil || !strings.Contains(err.Error(), "scan.jpg: ") ||
		!strings.Contains(err.Error(), "it is PDF") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := aver(t.Context(), "demo", "--front", "no-such-file.jpg"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if got := bar(5<<20, 20<<20); got != "██████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  25 % of 20.0 MB" ||
		bar(1024, -1) != "1.0 KB" {
		t.Errorf("the bar is %q", got)
	}
	if _, err := aver(t.Context(), "demo", "--outcome", "Aeg"); err == nil || !strings.Contains(err.Error(), `"aeg" chooses nothing`) {
		t.Error(err)
	}
	t.Setenv("AVER_BASE_URL", "https://example.com/api")
	if _, err := aver(t.Context(), "demo"); err == nil || !strings.Contains(err.Error(), "AVER_BASE_URL is set") {
		t.Error(err)
	}
	t.Setenv("AVER_API_KEY", "key")
	t.Setenv("AVER_GROUP_ID", "group")
	if _, err := aver(t.Context(), "demo"); err == nil || !strings.Contains(err.Error(), "AVER_API_SECRET") {
		t.Error(err)
	}
	t.Setenv("AVER_GROUP_ID", "")
	if _, err := aver(t.Context(), "demo"); err == nil || !strings.Contains(err.Error(), "AVER_GROUP_ID") {
		t.Error(err)
	}
}

func TestToken(t *testing.T) {
	sb := sandbox.Start(t)
	useAccount(t, sb)
	out, err := aver(t.Context(), "token")
	if err != nil || !strings.Contains(out, "The credentials work. The token lives for 30m0s") || strings.Contains(out, "eyJ") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := aver(t.Context(), "token", "--show"); err != nil || !strings.HasPrefix(out, "eyJ") {
		t.Errorf("--show: %v: %s", err, out)
	}
	if out, err := aver(t.Context(), "token", "--json"); err != nil || !strings.Contains(out, `"lifetime_seconds":1800`) ||
		strings.Contains(out, "eyJ") {
		t.Errorf("--json: %v: %s", err, out)
	}
	t.Setenv("AVER_API_SECRET", "wrong-secret")
	if out, err := aver(t.Context(), "token"); err == nil || !strings.Contains(err.Error(), "401") ||
		strings.Contains(err.Error()+out, "wrong-secret") {
		t.Errorf("wrong secret: %v: %s", err, out)
	}
	out, err = aver(t.Context(), "token", "--json")
	var failure struct {
		OK    *bool
		Error string
	}
	if err == nil || json.Unmarshal([]byte(out), &failure) != nil || failure.OK == nil || *failure.OK || !strings.Contains(failure.Error, "401") {
		t.Errorf("--json: %v: %s", err, out)
	}
}

// A running is a sandbox that the command serves.
type running struct {
	URL     string `json:"url"`
	Key     string `json:"key"`
	Secret  string `json:"secret"`
	GroupID string `json:"group_id"`
}

// serveSandbox runs "aver sandbox --json" until the test ends, when it must stop cleanly.
func serveSandbox(t *testing.T, args ...string) running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	cmd := newCommand()
	cmd.SetArgs(append([]string{"sandbox", "--json"}, args...))
	cmd.SetOut(writer)
	done := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		writer.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the sandbox stopped with %v", err)
		}
	})
	line, err := bufio.NewReader(reader).ReadBytes('\n')
	var r running
	if err != nil || json.Unmarshal(line, &r) != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return r
}

func TestSandboxCommand(t *testing.T) {
	t.Setenv("AVER_SANDBOX_KEY", "from-env")
	t.Setenv("AVER_SANDBOX_GROUP_ID", "group-from-env")
	t.Setenv("AVER_SANDBOX_TOKEN_TTL", "2m")
	r := serveSandbox(t, "--secret", "from-flag", "--group-id", "group-from-flag")
	if r.Key != "from-env" || r.Secret != "from-flag" || r.GroupID != "group-from-flag" || !strings.HasPrefix(r.URL, "http://127.0.0.1:") ||
		!strings.HasSuffix(r.URL, "/api") {
		t.Errorf("%+v", r)
	}
	t.Setenv("AVER_API_KEY", r.Key)
	t.Setenv("AVER_API_SECRET", r.Secret)
	t.Setenv("AVER_BASE_URL", r.URL)
	if out, err := aver(t.Context(), "token"); err != nil || !strings.Contains(out, "lives for 2m0s") {
		t.Errorf("%v: %s", err, out)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSandboxOnEveryInterfacePrintsAnAddressThatTheClientTakes(t *testing.T) {
	if got := reachable(&net.TCPAddr{IP: net.IPv6unspecified, Port: 8080}); got != "127.0.0.1:8080" {
		t.Error(got)
	}
	if got := reachable(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 1}); got != "127.0.0.2:1" {
		t.Error(got)
	}
}

// A request that does not end must not keep the sandbox from stopping cleanly.
func TestServeStopsWithARequestUnderWay(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	entered := make(chan struct{})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	served := make(chan error, 1)
	go func() {
		served <- serve(ctx, "127.0.0.1:0", 10*time.Millisecond, handler, func(url string) error {
			go func() {
				resp, err := http.Get(url)
				if err == nil {
					resp.Body.Close()
				}
			}()
			return nil
		})
	}()
	<-entered
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A browser opens connections ahead. They hold nothing up.
func TestServeStopsWithAConnectionOnWhichNothingWasAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	address := make(chan string, 1)
	served := make(chan error, 1)
	go func() {
		served <- serve(ctx, "127.0.0.1:0", time.Hour, http.NotFoundHandler(), func(url string) error {
			address <- strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/api")
			return nil
		})
	}()
	to := <-address
	idle, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	resp, err := http.Get("http://" + to) // by now the other one is accepted
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	start := time.Now()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if elapsed := time.Since(start); elapsed > 4*time.Second { // net/http gives up on such a connection after five
		t.Errorf("it took %s", elapsed)
	}
}

func TestSandboxRefusesBadFlags(t *testing.T) {
	if _, err := aver(t.Context(), "sandbox", "--quirks", "nonsense"); err == nil || !strings.Contains(err.Error(), "not a quirk") {
		t.Error(err)
	}
	if _, err := aver(t.Context(), "sandbox", "--token-ttl", "0s"); err == nil || !strings.Contains(err.Error(), "--token-ttl") {
		t.Error(err)
	}
	if _, err := aver(t.Context(), "sandbox", "--processing", "-1s"); err == nil || !strings.Contains(err.Error(), "--processing") {
		t.Error(err)
	}
	t.Setenv("AVER_SANDBOX_QUIRKS", "") // empty is unset
	t.Setenv("AVER_SANDBOX_TOKEN_TTL", "soon")
	if _, err := aver(t.Context(), "sandbox"); err == nil || !strings.Contains(err.Error(), "AVER_SANDBOX_TOKEN_TTL") {
		t.Error(err)
	}
}

// A client in another language, written from the facts of the API alone, must complete both flows on the sandbox.
func TestIndependentClient(t *testing.T) {
	node := os.Getenv("AVER_NODE")
	if node == "" {
		t.Skip("AVER_NODE does not name a node to run the client with; make test-all does")
	}
	r := serveSandbox(t)
	cmd := exec.CommandContext(t.Context(), node, "testdata/independent.mjs")
	cmd.Env = append(os.Environ(), "BASE="+r.URL, "KEY="+r.Key, "SECRET="+r.Secret, "GROUP="+r.GroupID)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "both flows are complete") {
		t.Error(err)
	}
}

func TestContractRunAndCheck(t *testing.T) {
	out, err := aver(t.Context(), "contract", "run")
	if err != nil || !strings.Contains(out, "Both sides keep the contract.") || !strings.Contains(out, "listSearchedLists") {
		t.Errorf("%v\n%s", err, out)
	}
	har := filepath.Join(t.TempDir(), "traffic.har")
	write := func(status string) {
		t.Helper()
		answer := `{\"id\":\"c1\",\"groupId\":\"g\",\"thirdPartyIdentifier\":\"private\",\"status\":\"` + status + `\",\"checkTypes\":[]}`
		text := `{"log":{"entries":[{"request":{"method":"GET","url":"https://app.goaver.com/api/check/c1","headers":[]},
			"response":{"status":200,"headers":[],"content":{"mimeType":"application/json","text":"` + answer + `"}}}]}}`
		if err := os.WriteFile(har, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Completed")
	if out, err := aver(t.Context(), "contract", "check", har); err != nil ||
		!strings.Contains(out, "1 exchanges with operations of the contract, 0 others, 0 violations") {
		t.Errorf("%v\n%s", err, out)
	}
	write("Archived")
	out, err = aver(t.Context(), "contract", "check", har)
	if err == nil || !strings.Contains(out, `entry 1: response of getCheck (200) at /status: enum`) || strings.Contains(out, "private") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"contract", "check", "none.har"}, {"contract", "check", "--spec", har, har}, {"contract", "check"}} {
		if _, err := aver(t.Context(), args...); err == nil {
			t.Errorf("%q succeeded", args)
		}
	}
}
