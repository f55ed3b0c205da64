package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/internal/spec"
	"github.com/goaver/aver-go/webhook"
	"github.com/goaver/aver-go/wire/httperr"
)

func newWebhookCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Try notifications by hand: send some to a receiver, or receive some",
		Long: `The header that proves the sender is named by --header; its value comes from AVER_WEBHOOK_SECRET alone, because a flag
would show it in the list of processes.`,
	}
	cmd.AddCommand(newWebhookSendCommand(), newWebhookListenCommand())
	return oneOf(cmd)
}

// A sending is a notification that is sent by hand.
type sending struct {
	to, header, secret      string
	about, id, group, state string
	twice, forge, asJSON    bool
}

func newWebhookSendCommand() *cobra.Command {
	var s sending
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Send a notification to a receiver, and tell what it answers",
		Long: `Send does what the service does when a check or a search is done. Without --id it is a notification about nothing that
exists, like the test message of the portal. With --forge the header has a wrong value, and the receiver must answer 401.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.secret = os.Getenv("AVER_WEBHOOK_SECRET")
			return s.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.to, "to", "", "URL of the receiver")
	flags.StringVar(&s.header, "header", "Authorization", "name of the header that proves the sender")
	choose(cmd, &s.about, "type", api.NotificationTypeLiveCheck, "NotificationType", "what it is about")
	choose(cmd, &s.state, "status", api.NotificationStatusCompleted, "NotificationStatus", "what happened")
	flags.StringVar(&s.id, "id", "", "ID of the check or the search (default: made up)")
	flags.StringVar(&s.group, "group-id", "", "ID of the check group")
	flags.BoolVar(&s.twice, "twice", false, "send it twice")
	flags.BoolVar(&s.forge, "forge", false, "send it with a wrong value of the header")
	flags.BoolVar(&s.asJSON, "json", false, "print one JSON object for each answer")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

// choose adds a flag for a value of an enumeration of the contract. Others are sent as well: the service may have more.
func choose[T ~string](cmd *cobra.Command, into *string, flag string, value T, schema, usage string) {
	_, _, values := kindOf(spec.Embedded(), "#/components/schemas/"+schema)
	cmd.Flags().StringVar(into, flag, string(value), usage+": one of "+strings.Join(values, ", ")+", or another")
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func (s *sending) run(ctx context.Context, out io.Writer) error {
	u, err := url.Parse(s.to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("--to: want the URL of a receiver, such as http://127.0.0.1:8080/aver")
	}
	if strings.ContainsFunc(s.header, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' }) ||
		strings.ContainsFunc(s.secret, unicode.IsControl) {
		return errors.New("--header, or AVER_WEBHOOK_SECRET: no header can have this name or this value")
	}
	if s.forge && s.header == "" {
		return errors.New("--forge: there is no header to forge; name it with --header")
	}
	message := api.StatusMessage{Type: api.NotificationType(s.about), ID: cmp.Or(s.id, uuid.NewString()), GroupID: s.group,
		Status: api.NotificationStatus(s.state)}
	body, err := json.Marshal(api.StatusChangedNotification{StatusMessage: message})
	if err != nil {
		return err
	}
	times := 1
	if s.twice {
		times = 2
	}
	for range times {
		if err := s.send(ctx, out, body); err != nil {
			return err
		}
	}
	return nil
}

// send sends the notification once. An answer that is not what a receiver should give is an error.
func (s *sending) send(ctx context.Context, out io.Writer, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.to, bytes.NewReader(body))
	if err != nil {
		return errors.New("--to: the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	if secret := s.secret; s.header != "" && (secret != "" || s.forge) {
		if s.forge {
			secret = "forged-" + uuid.NewString()
		}
		req.Header.Set(s.header, secret)
	}
	start := time.Now()
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the receiver did not answer: %w", httperr.Of(err))
	}
	defer resp.Body.Close()
	elapsed := time.Since(start)
	if s.asJSON {
		err = json.NewEncoder(out).Encode(map[string]any{"status": resp.StatusCode, "milliseconds": elapsed.Milliseconds()})
	} else {
		_, err = fmt.Fprintf(out, "%d %s after %.1f ms\n", resp.StatusCode, http.StatusText(resp.StatusCode), float64(elapsed.Microseconds())/1000)
	}
	switch {
	case err != nil:
		return err
	case s.forge && resp.StatusCode != http.StatusUnauthorized:
		return fmt.Errorf("a forged header was answered with %d; a receiver must answer 401", resp.StatusCode)
	case !s.forge && resp.StatusCode/100 != 2:
		return fmt.Errorf("the receiver did not accept the notification: %d", resp.StatusCode)
	}
	return nil
}

// A listening is a receiver that prints what comes.
type listening struct {
	addr, header string
	asJSON       bool

	mu  sync.Mutex // guards out
	out io.Writer
}

func newWebhookListenCommand() *cobra.Command {
	l := &listening{}
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive notifications and print what they say, without what is personal",
		Long: `Listen is a receiver. With AVER_API_KEY and AVER_API_SECRET (and AVER_BASE_URL) it reads the state back through the API and
prints what the service says; without, it prints what the notification claims.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l.out = cmd.OutOrStdout()
			return l.run(cmd.Context(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&l.addr, "addr", "127.0.0.1:0", "address to listen on; port 0 is a free one")
	flags.StringVar(&l.header, "header", "Authorization", "name of the header that proves the sender")
	flags.BoolVar(&l.asJSON, "json", false, "print one JSON object for each notification")
	return cmd
}

func (l *listening) run(ctx context.Context, log io.Writer) error {
	opts := []webhook.Option{webhook.WithUnknown(), webhook.WithHook(l.print)}
	if secret := os.Getenv("AVER_WEBHOOK_SECRET"); secret != "" {
		opts = append(opts, webhook.WithSecret(l.header, secret))
	} else {
		fmt.Fprintln(log, "AVER_WEBHOOK_SECRET is not set: everybody who knows the URL is believed to be the service.")
		opts = append(opts, webhook.WithoutSecret())
	}
	if account := accountFromEnv(); account.isSet() {
		client, err := account.client()
		if err != nil {
			return err
		}
		defer client.Close()
		opts = append(opts, webhook.WithClient(client))
	} else {
		fmt.Fprintln(log, "AVER_API_KEY is not set: what a notification claims is not confirmed.")
	}
	receiver, err := webhook.New(func(context.Context, webhook.Event) error { return nil }, opts...)
	if err != nil {
		return err
	}
	return serve(ctx, l.addr, grace, receiver, func(base string) error {
		_, err := fmt.Fprintf(log, "Listening at %s until Ctrl-C.\n", strings.TrimSuffix(base, "/api")+"/")
		return err
	})
}

// print prints what became of a notification.
func (l *listening) print(_ context.Context, d webhook.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := d.Event
	state := ""
	switch {
	case e.Check != nil:
		state = "the check is " + string(e.Check.Status)
	case e.Search != nil:
		state = "the search is " + string(e.Search.Status)
	case e.Unknown:
		state = "the service knows nothing with this ID"
	case e.ID != "":
		state = "not confirmed"
	}
	if d.Err != nil {
		state = strings.TrimPrefix(state+": "+d.Err.Error(), ": ")
	}
	if l.asJSON {
		_ = json.NewEncoder(l.out).Encode(map[string]any{"outcome": d.Outcome, "status": d.Status, "type": e.Type, "id": e.ID, "claimed": e.Claimed,
			"state": state})
		return
	}
	fmt.Fprintf(l.out, "%s  %-12s %d", time.Now().Format(time.TimeOnly), d.Outcome, d.Status)
	if e.ID != "" {
		fmt.Fprintf(l.out, "  %q %q says %q", e.Type, e.ID, e.Claimed) // quoted, because anybody may have sent it
	}
	if state != "" {
		fmt.Fprintf(l.out, ": %s", state)
	}
	fmt.Fprintln(l.out)
}
