// Command onboarding is a small web application whose customers are verified: it creates a check, sends the person to the hosted
// enrollment, hears of the outcome by a notification, and decides. Copy it to begin.
//
//	go run . -sandbox
//
// runs it on a sandbox of its own, which forgets everything at the end. Without the flag it calls the real service, or that of
// AVER_BASE_URL, and needs in the environment AVER_API_KEY, AVER_API_SECRET, AVER_GROUP_ID, AVER_WEBHOOK_SECRET (the value of the
// header Authorization in the portal), ONBOARDING_URL (the address under which the service and the customers reach it; notifications
// go to /aver there) and ONBOARDING_OFFICE_PASSWORD (for /office, whatever the name).
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
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on; port 0 is a free one")
	file := flag.String("db", "", "SQLite file with the customers (default: onboarding.db; on the sandbox one that goes with it)")
	onSandbox := flag.Bool("sandbox", false, "run on a sandbox, without an account")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	ready := func(url string) {
		fmt.Printf("Open %s\nThe office is at %[1]s/office", url)
		if *onSandbox && os.Getenv("ONBOARDING_OFFICE_PASSWORD") == "" {
			fmt.Print(", the password is sandbox")
		}
		fmt.Println()
	}
	if err := run(ctx, *addr, *file, *onSandbox, ready); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run serves the application until ctx ends. ready is told its address.
func run(ctx context.Context, addr, file string, onSandbox bool, ready func(url string)) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	url := cmp.Or(os.Getenv("ONBOARDING_URL"), "http://"+reachable(listener.Addr()))
	c, stop, err := configure(url, onSandbox)
	if err != nil {
		return err
	}
	defer stop()
	if file == "" && onSandbox {
		folder, err := os.MkdirTemp("", "onboarding-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		file = filepath.Join(folder, "onboarding.db")
	}
	file = cmp.Or(file, "onboarding.db")
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
	stopped := make(chan struct{})
	stopWaiting := context.AfterFunc(ctx, func() {
		defer close(stopped)
		within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(within)
	})
	defer stopWaiting()
	ready(url)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped // what is under way comes to its end before what it needs goes
	<-reconciled
	return nil
}

// reachable returns an address under which a listener is reached from this computer.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
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
func configure(url string, onSandbox bool) (*configuration, func(), error) {
	c := &configuration{groupID: os.Getenv("AVER_GROUP_ID"), webhookSecret: os.Getenv("AVER_WEBHOOK_SECRET"),
		officePassword: os.Getenv("ONBOARDING_OFFICE_PASSWORD")}
	key, secret, base := os.Getenv("AVER_API_KEY"), os.Getenv("AVER_API_SECRET"), os.Getenv("AVER_BASE_URL")
	stop := func() {}
	if onSandbox {
		c.webhookSecret, c.officePassword = "a secret of this run", cmp.Or(c.officePassword, "sandbox")
		sb, err := sandbox.Listen(sandbox.WithProcessing(2*time.Second, 10*time.Second),
			sandbox.WithWebhook(sandbox.Webhook{URL: url + "/aver", Header: webhookHeader, Value: c.webhookSecret}))
		if err != nil {
			return nil, nil, err
		}
		stop = func() { _ = sb.Close() }
		key, secret, base, c.groupID, c.desk = sb.Key, sb.Secret, sb.URL, sb.GroupID, sb.URL[:len(sb.URL)-len("api")]
	}
	for name, value := range map[string]string{
		"AVER_API_KEY": key, "AVER_API_SECRET": secret, "AVER_GROUP_ID": c.groupID, "AVER_WEBHOOK_SECRET": c.webhookSecret,
		"ONBOARDING_OFFICE_PASSWORD": c.officePassword,
	} {
		if value == "" {
			return nil, nil, fmt.Errorf("%s is not set; -sandbox runs without an account", name)
		}
	}
	if !onSandbox && os.Getenv("ONBOARDING_URL") == "" && !strings.HasPrefix(base, "http://127.0.0.1:") {
		return nil, nil, errors.New("ONBOARDING_URL is not set: the address under which the service and the customers reach the application")
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
