// Command onboarding is a small web application whose customers are verified: it creates a check, sends the person to the hosted
// enrollment, hears of the outcome by a notification, and decides. Copy it to begin.
//
// Without an account it runs on a sandbox of its own. With AVER_API_KEY, AVER_API_SECRET, AVER_GROUP_ID and AVER_WEBHOOK_SECRET
// (the value of the header Authorization in the portal) it calls the real service, or that of AVER_BASE_URL; ONBOARDING_URL is then
// the address under which the service and the customers reach it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on; port 0 is a free one")
	file := flag.String("db", "onboarding.db", "SQLite file with the customers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if err := run(ctx, *addr, *file, func(url string) { fmt.Println("Open", url) }); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run serves the application until ctx ends. ready is told its address.
func run(ctx context.Context, addr, file string, ready func(url string)) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	url := cmp.Or(os.Getenv("ONBOARDING_URL"), "http://"+listener.Addr().String())
	c, stop, err := configure(url)
	if err != nil {
		return err
	}
	defer stop()
	store, err := openStore(file)
	if err != nil {
		return err
	}
	defer store.Close()
	app, err := newApplication(url, c, store)
	if err != nil {
		return err
	}
	reconciled := make(chan struct{})
	go func() {
		defer close(reconciled)
		app.reconcile(ctx)
	}()
	server := &http.Server{Handler: app, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	stopped := context.AfterFunc(ctx, func() {
		within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(within)
	})
	defer stopped()
	ready(url)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-reconciled
	return nil
}

// A configuration is what the application needs of the service.
type configuration struct {
	client         *api.Client
	groupID        string
	webhookSecret  string
	officePassword string
	desk           string // the page of the sandbox; empty for the real service
}

// configure reads the environment, or starts a sandbox that sends its notifications to url.
func configure(url string) (*configuration, func(), error) {
	c := &configuration{groupID: os.Getenv("AVER_GROUP_ID"), webhookSecret: os.Getenv("AVER_WEBHOOK_SECRET"),
		officePassword: os.Getenv("ONBOARDING_OFFICE_PASSWORD")}
	key, secret, base := os.Getenv("AVER_API_KEY"), os.Getenv("AVER_API_SECRET"), os.Getenv("AVER_BASE_URL")
	stop := func() {}
	if key == "" && secret == "" {
		c.webhookSecret, c.officePassword = "a secret of this run", cmp.Or(c.officePassword, "sandbox")
		sb, err := sandbox.Listen(sandbox.WithProcessing(2*time.Second, 10*time.Second),
			sandbox.WithWebhook(sandbox.Webhook{URL: url + "/aver", Header: webhookHeader, Value: c.webhookSecret}))
		if err != nil {
			return nil, nil, err
		}
		stop = func() { _ = sb.Close() }
		key, secret, base, c.groupID, c.desk = sb.Key, sb.Secret, sb.URL, sb.GroupID, sb.URL[:len(sb.URL)-len("api")]
	}
	for name, value := range map[string]string{"AVER_GROUP_ID": c.groupID, "AVER_WEBHOOK_SECRET": c.webhookSecret,
		"ONBOARDING_OFFICE_PASSWORD": c.officePassword} {
		if value == "" {
			return nil, nil, fmt.Errorf("%s is not set", name)
		}
	}
	opts := []api.Option{api.WithUserAgent("onboarding"), api.WithLogger(slog.Default())}
	if base != "" {
		opts = append(opts, api.WithBaseURL(base))
	}
	var err error
	if c.client, err = api.New(key, secret, opts...); err != nil {
		stop()
		return nil, nil, err
	}
	return c, func() {
		_ = c.client.Close()
		stop()
	}, nil
}
