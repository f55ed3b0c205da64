package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// atSandbox has the environment speak of a sandbox.
func atSandbox(t *testing.T) (*sandbox.Server, *api.Client) {
	t.Helper()
	sb := sandbox.Start(t, sandbox.WithGroup(sandbox.Group{ID: "group-1", CheckTypes: []string{"EmailVerification"}}))
	for name, value := range map[string]string{
		"AVER_API_KEY": sb.Key, "AVER_API_SECRET": sb.Secret, "AVER_GROUP_ID": sb.GroupID, "AVER_BASE_URL": sb.URL,
	} {
		t.Setenv(name, value)
	}
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
	if err != nil {
		t.Fatal(err)
	}
	return sb, client
}

func TestRunChecks(t *testing.T) {
	inFolder(t, map[string]string{"sellers.csv": "id,email\ns-1,a@example.com\ns-2,b+rejected@example.com\n,c@example.com\ns-4,\n"})
	sb, client := atSandbox(t)
	run := []string{"run", "sellers.csv", "--check", "--no-wait", "--yes", "--poll", "1ms"}
	out, errs, exit := aver(t, t.Context(), run...)
	if exit != 3 || out != "4 rows: 1 refused, 3 sent; 0 with hits\n" || !strings.Contains(errs, "3 checks, 0 done before, 1 refused") {
		t.Errorf("%d, %s, %s", exit, out, errs)
	}
	for _, id := range []string{"s-1", "s-2"} {
		if made := sb.ChecksOf(id); len(made) != 1 {
			t.Fatalf("%v", made)
		}
		if _, err := client.SubmitCheck(t.Context(), sb.ChecksOf(id)[0]); err != nil {
			t.Error(err)
		}
	}
	run[4] = "--no-wait" // what was sent needs nobody's consent
	if out, errs, exit := aver(t, t.Context(), run...); exit != 3 || out != "4 rows: 2 done, 1 refused, 1 sent; 0 with hits\n" {
		t.Errorf("%d, %s, %s", exit, out, errs)
	}
	out, _, _ = aver(t, t.Context(), "results", "sellers.db")
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(records) != 5 || strings.Join(records[0], " ") != "row id email state status statusReason warnings checkId at reason link" {
		t.Fatalf("%v, %v", records, err)
	}
	if r := records[2]; r[1] != "s-2" || r[3] != "done" || r[4] != "Rejected" || r[7] != sb.ChecksOf("s-2")[0] || r[8] == "" {
		t.Errorf("%q", r)
	}
	if r := records[4]; r[3] != "refused" || !strings.Contains(r[9], "email") {
		t.Errorf("%q", r)
	}
	if out, _, _ = aver(t, t.Context(), "results", "sellers.db", "--format", "jsonl"); !strings.Contains(out, `"check":{`) ||
		!strings.Contains(out, `"checkId":"`+records[2][7]+`"`) || strings.Contains(out, "searchId") {
		t.Error(out)
	}
	out, _, _ = aver(t, t.Context(), "results", "sellers.db", "--format", "html")
	if !strings.Contains(out, "done: Rejected") || strings.Contains(out, "confidence<") || strings.Contains(out, "CheckEnrollment") {
		t.Error(out)
	}
}

// A notification brings the outcome at once, and only with the secret.
func TestRunHearsNotifications(t *testing.T) {
	inFolder(t, map[string]string{"sellers.csv": "id,email\ns-1,a@example.com\n"})
	sb, client := atSandbox(t)
	if _, errs, exit := aver(t, t.Context(), "run", "sellers.csv", "--check", "--yes", "--listen", "127.0.0.1:0"); exit != 2 ||
		!strings.Contains(errs, "AVER_WEBHOOK_SECRET") {
		t.Errorf("%d, %s", exit, errs)
	}
	t.Setenv("AVER_WEBHOOK_SECRET", "proof")
	var errs said
	c := newCommand()
	c.SetArgs([]string{"run", "sellers.csv", "--check", "--yes", "--listen", "127.0.0.1:0", "--poll", "1h", "--webhook-header", "X-Proof"})
	c.SetOut(&errs)
	c.SetErr(&errs)
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { ended <- c.ExecuteContext(ctx) }()
	address := regexp.MustCompile(`http://[^ \n]+`)
	for sent := ""; address.FindString(errs.String()) == "" || !strings.Contains(sent, "1 sent"); sent, _, _ = aver(t, ctx, "status", "sellers.db") {
		if ctx.Err() != nil {
			t.Fatal(errs.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
	id := sb.ChecksOf("s-1")[0]
	if _, err := client.SubmitCheck(ctx, id); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"guessed", "proof"} {
		body := `{"statusMessage":{"type":"LiveCheck","id":"` + id + `","status":"Completed"}}`
		for status := 0; status == 0 || status == http.StatusServiceUnavailable; { // until it is known to be sent
			request, _ := http.NewRequestWithContext(ctx, http.MethodPost, address.FindString(errs.String()), strings.NewReader(body))
			request.Header.Set("X-Proof", secret)
			request.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			status = answer.StatusCode
			if (status/100 == 2) != (secret == "proof") {
				t.Errorf("%s: %d", secret, status)
			}
		}
	}
	if err := <-ended; err != nil || !strings.Contains(errs.String(), "1 rows: 1 done") {
		t.Errorf("%v, %s", err, errs.String())
	}
}

// said is what was printed so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestRecheckEveryNight(t *testing.T) {
	inFolder(t, map[string]string{"people.csv": "firstName,lastName\nAna,Sol\nEva,Luz\n"})
	atSandbox(t)
	for _, step := range []struct{ args, errs string }{
		{"", "2 searches, 0 done before\n"}, {"", ""}, {"--recheck 24h", ""}, {"--recheck 1ns", "2 searches, 0 done before\n"},
	} {
		out, errs, exit := aver(t, t.Context(), strings.Fields("run people.csv --yes "+step.args)...)
		if exit != 0 || out != "2 rows: 2 done; 0 with hits\n" || errs != step.errs {
			t.Errorf("%s: %d, %s, %s", step.args, exit, out, errs)
		}
	}
	if _, err := os.Stat("people.db"); err != nil {
		t.Error(err)
	}
}
