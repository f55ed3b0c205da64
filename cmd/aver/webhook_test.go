package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// listenForNotifications runs aver webhook listen, and returns its URL and the lines that it prints.
func listenForNotifications(t *testing.T, args ...string) (url string, lines <-chan string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	log, logIn := io.Pipe()
	done := make(chan error, 1)
	cmd := newCommand()
	cmd.SetArgs(append([]string{"webhook", "listen"}, args...))
	cmd.SetOut(in)
	cmd.SetErr(logIn)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		_ = in.Close()
		_ = logIn.Close()
	}()
	urls, printed := make(chan string, 1), make(chan string, 100)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for s := bufio.NewScanner(log); s.Scan(); {
			if _, rest, ok := strings.Cut(s.Text(), "Listening at "); ok {
				urls <- strings.Fields(rest)[0]
			}
		}
	}()
	go func() {
		defer close(printed)
		for s := bufio.NewScanner(out); s.Scan(); {
			printed <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		<-drained
		for range printed {
		}
	})
	return <-urls, printed
}

func TestWebhookSendAndListen(t *testing.T) {
	sb := sandbox.Start(t)
	useAccount(t, sb)
	t.Setenv("AVER_WEBHOOK_SECRET", "a secret")
	client, err := accountFromEnv().client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	created, err := client.CreateCheck(t.Context(), api.CreateCheckRequest{ThirdPartyIdentifier: "private", GroupID: sb.GroupID,
		Email:      "private@example.com",
		CheckTypes: []api.CheckType{api.CheckTypeEmailVerification}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SubmitCheck(t.Context(), created.CheckID); err != nil {
		t.Fatal(err)
	}
	url, lines := listenForNotifications(t)
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"--id", created.CheckID, "--twice"}, []string{"handled      204", "the check is Completed", "duplicate    204", created.CheckID}},
		{nil, []string{"handled      204", "the service knows nothing with this ID"}},
		{[]string{"--forge"}, []string{"unauthorized 401"}},
		{[]string{"--type", "Unheard", "--status", "Something", "--id", "x\ny"}, []string{`"Unheard" "x\ny" says "Something"`}},
	} {
		out, err := aver(t.Context(), append([]string{"webhook", "send", "--to", url}, tt.args...)...)
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
		}
		printed := ""
		for range strings.Count(out, "\n") {
			printed += <-lines + "\n"
		}
		for _, want := range tt.want {
			if !strings.Contains(printed, want) {
				t.Errorf("%q: printed\n%s\nwant %q", tt.args, printed, want)
			}
		}
		if strings.Contains(printed+out, "private") || strings.Contains(printed+out, "a secret") {
			t.Errorf("printed\n%s%s", printed, out)
		}
	}
}

func TestWebhookListenWithoutAnything(t *testing.T) {
	url, lines := listenForNotifications(t, "--json")
	if _, err := aver(t.Context(), "webhook", "send", "--to", url, "--id", "c1", "--header", ""); err != nil {
		t.Error(err)
	}
	want := `{"claimed":"Completed","id":"c1","outcome":"handled","state":"not confirmed","status":204,"type":"LiveCheck"}`
	if got := <-lines; got != want {
		t.Errorf("%s", got)
	}
}

func TestWebhookSendTellsWhatIsWrong(t *testing.T) {
	status := http.StatusNoContent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	url := srv.URL
	for _, tt := range []struct {
		status int
		args   []string
		want   string
	}{
		{204, []string{"--to", "nowhere"}, "--to"},
		{204, []string{"--to", url, "--forge"}, "must answer 401"},
		{204, []string{"--to", url, "--forge", "--header", ""}, "no header to forge"},
		{500, []string{"--to", url}, "did not accept the notification: 500"},
		{307, []string{"--to", url}, "did not accept the notification: 307"},
		{204, []string{"--to", "http://127.0.0.1:1/private"}, "did not answer"},
		{204, nil, "required flag"},
	} {
		status = tt.status
		if _, err := aver(t.Context(), append([]string{"webhook", "send"}, tt.args...)...); err == nil || !strings.Contains(err.Error(), tt.want) ||
			strings.Contains(err.Error(), "private") {
			t.Errorf("%q: %v", tt.args, err)
		}
	}
	srv.Close()
}

// The flags of the sandbox have it send to a receiver.
func TestSandboxCommandSendsNotifications(t *testing.T) {
	if _, err := aver(t.Context(), "sandbox", "--webhook", "http://example.com/"); err == nil || !strings.Contains(err.Error(), "this computer") {
		t.Errorf("%v", err)
	}
	for _, args := range [][]string{{"--webhook-types", "x"}, {"--webhook-faults", "2"}, {"--webhook-fault-kinds", "x"}} {
		if _, err := aver(t.Context(), append([]string{"sandbox", "--webhook", "http://127.0.0.1:1/"}, args...)...); err == nil {
			t.Errorf("%q were accepted", args)
		}
	}
}
