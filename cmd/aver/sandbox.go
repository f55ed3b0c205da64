package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goaver/aver-go/internal/overlay"
	"github.com/goaver/aver-go/sandbox"
)

func newSandboxCommand() *cobra.Command {
	var (
		addr, key, secret, groupID, quirks string
		docs                               string
		faultKinds                         []string
		faults                             sandbox.Faults
		tokenTTL, processing, slow         time.Duration
		asJSON, basicPlan, extendedPhoto   bool
		hook                               sandbox.Webhook
		hookFaults                         []string
		spec                               document
	)
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the Aver service in a box, without an account",
		Long: `Sandbox serves the API in memory, on a free port of this computer, until it is interrupted.
Every flag has an environment variable: --token-ttl is AVER_SANDBOX_TOKEN_TTL, and so on.`,
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return setFromEnv(cmd.Flags(), "AVER_SANDBOX_")
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			served, err := sandbox.ParseQuirks(quirks)
			if err != nil {
				return err
			}
			if tokenTTL <= 0 {
				return errors.New("--token-ttl must be positive")
			}
			if processing < 0 || slow < 0 {
				return errors.New("--processing and --slow must not be negative")
			}
			for _, kind := range faultKinds {
				faults.Kinds = append(faults.Kinds, sandbox.Fault(kind))
			}
			var page []byte
			if docs != "" {
				if page, err = os.ReadFile(docs); err != nil {
					return err
				}
			}
			for _, kind := range hookFaults {
				hook.Faults.Kinds = append(hook.Faults.Kinds, sandbox.NotificationFault(kind))
			}
			if faults.Rate == 0 && faults.Next == 0 && (faults.Status != 0 || len(faults.Operations) > 0 || len(faultKinds) > 0) {
				return errors.New("--fault-status, --fault-operations and --fault-kinds say what goes wrong; --faults or --fault-next says how often")
			}
			if hook.URL == "" && hook.Faults.Rate > 0 {
				return errors.New("--webhook-faults: there is no --webhook whose notifications could go wrong")
			}
			if hook.Value = os.Getenv("AVER_WEBHOOK_SECRET"); hook.Value == "" || hook.URL == "" {
				hook.Header, hook.Value = "", ""
			}
			opts := []sandbox.Option{
				sandbox.WithWebhook(hook),
				sandbox.WithDocs(page),
				sandbox.WithCredentials(key, secret),
				sandbox.WithGroup(sandbox.Group{ID: groupID, ExtendedPhoto: extendedPhoto}),
				sandbox.WithTokenTTL(tokenTTL),
				sandbox.WithProcessing(processing, slow),
				sandbox.WithQuirks(served...),
				sandbox.WithFaults(faults),
			}
			if basicPlan {
				opts = append(opts, sandbox.WithBasicPlan())
			}
			var given *overlay.Document
			if spec.given() {
				if given, err = spec.read(); err != nil {
					return err
				}
				opts = append(opts, sandbox.WithContract(given.Text))
			}
			s, err := sandbox.New(opts...)
			if err != nil && given != nil {
				err = given.Blame(errors.New(strings.TrimPrefix(err.Error(), "sandbox: WithContract: ")))
			}
			if err != nil {
				return err
			}
			return serve(cmd.Context(), addr, grace, s, func(url string) error {
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{
						"url": url, "key": s.Key, "secret": s.Secret, "group_id": s.GroupID,
					})
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), `The Aver sandbox is running. Ctrl-C stops it and forgets everything.

  URL       %[1]s
  key       %[2]s
  secret    %[3]s
  group ID  %[4]s

Another terminal calls it with:

  export AVER_BASE_URL=%[1]s AVER_API_KEY=%[2]s AVER_API_SECRET=%[3]s AVER_GROUP_ID=%[4]s
`, url, s.Key, s.Secret, s.GroupID)
				return err
			})
		},
	}
	flags := cmd.Flags()
	spec.flags(flags)
	flags.StringVar(&addr, "addr", "127.0.0.1:0", "address to listen on; port 0 is a free one")
	flags.StringVar(&key, "key", "", "API key to accept (default: made up)")
	flags.StringVar(&secret, "secret", "", "secret to accept (default: made up)")
	flags.StringVar(&groupID, "group-id", "", "ID of the check group (default: made up)")
	flags.DurationVar(&tokenTTL, "token-ttl", 30*time.Minute, "how long a token lives")
	flags.BoolVar(&basicPlan, "basic-plan", false, "answer with 403 where the service asks for the Advanced plan")
	flags.BoolVar(&extendedPhoto, "extended-photo", false, "have checks need a second photograph, as the photo instruction says")
	flags.DurationVar(&processing, "processing", 0, "how long a submitted check takes")
	flags.DurationVar(&slow, "slow", 3*time.Second, "how long a check with the word slow takes")
	flags.StringVar(&quirks, "quirks", "", fmt.Sprintf("quirks of the vendor to serve, with commas, or all: %q", sandbox.Quirks()))
	flags.Float64Var(&faults.Rate, "faults", 0, "share of the calls that go wrong, from 0 to 1")
	flags.Uint64Var(&faults.Seed, "fault-seed", 1, "seed of the faults: the same one makes the same choices")
	flags.StringSliceVar(&faultKinds, "fault-kinds", nil, fmt.Sprintf("what goes wrong, with commas (default: all of %q)", sandbox.AllFaults()))
	flags.StringSliceVar(&faults.Operations, "fault-operations", nil, "operationIds whose calls go wrong, with commas (default: all)")
	flags.IntVar(&faults.Next, "fault-next", 0, "have each of the next so many calls go wrong, in place of a share")
	flags.IntVar(&faults.Status, "fault-status", 0, "have calls go wrong with this status, such as 403")
	flags.BoolVar(&faults.SpareExchange, "spare-exchange", false, "exchange credentials as if all were well")
	flags.StringVar(&hook.URL, "webhook", "", "URL to send notifications to")
	flags.StringVar(&hook.Header, "webhook-header", "Authorization",
		"header that proves the sender; AVER_WEBHOOK_SECRET is its value, without which none is sent")
	flags.StringSliceVar(&hook.Types, "webhook-types", nil, "types of notifications to send, with commas (default: all)")
	flags.BoolVar(&hook.AnyHost, "webhook-any-host", false, "allow a --webhook beyond this computer")
	flags.Float64Var(&hook.Faults.Rate, "webhook-faults", 0, "share of the notifications that go wrong, from 0 to 1")
	flags.Uint64Var(&hook.Faults.Seed, "webhook-fault-seed", 1, "seed of these faults")
	flags.StringSliceVar(&hookFaults, "webhook-fault-kinds", nil, fmt.Sprintf("what goes wrong with them, with commas (default: all of %q)",
		sandbox.AllNotificationFaults()))
	flags.StringVar(&docs, "docs", "", "a page to serve at /docs, such as the one of make docs")
	flags.BoolVar(&asJSON, "json", false, "print the URL, key, secret and group ID as one JSON line")
	return cmd
}

// setFromEnv sets each flag that the command line left alone from its environment variable.
func setFromEnv(flags *pflag.FlagSet, prefix string) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		name := prefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(name)
		if value == "" || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
		}
	})
	return failed
}

// grace is how long requests under way may take when a server stops.
const grace = 5 * time.Second

// serve serves h at addr until ctx ends. It calls ready with the base URL of the API once connections are accepted.
func serve(ctx context.Context, addr string, grace time.Duration, h http.Handler, ready func(url string) error) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if s, ok := h.(*sandbox.Sandbox); ok {
		listener = s.Listener(listener)
	}
	var fresh connections
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ConnState: fresh.note,
		BaseContext: func(net.Listener) context.Context { return ctx }} // so that a stream ends with it
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := ready(fmt.Sprintf("http://%s/api", reachable(listener.Addr()))); err != nil {
		_ = server.Close()
		<-served
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	fresh.close()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		_ = server.Close() // a request that does not end is cut
	}
	<-served
	return nil
}

// connections are those on which nothing was asked yet. A browser opens some ahead, and [http.Server.Shutdown] waits for them.
type connections struct {
	mu     sync.Mutex // guards what follows
	open   map[net.Conn]bool
	closed bool
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(c.open, conn)
	case c.closed:
		_ = conn.Close()
	case c.open == nil:
		c.open = map[net.Conn]bool{conn: true}
	default:
		c.open[conn] = true
	}
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.open {
		_ = conn.Close()
	}
}

// reachable returns an address under which a listener is reached from this computer.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}
