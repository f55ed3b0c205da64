package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/screening"
	"github.com/goaver/aver-go/webhook"
)

// service returns the client and the check group.
func (r *runner) service() (*api.Client, string, func(), error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = r.concurrency // each row that is under way keeps its connection
	opts := []api.Option{api.WithHTTPClient(&http.Client{Transport: transport})}
	if r.sandbox {
		group := sandbox.DefaultGroup()
		group.ID = "the sandbox of aver-screen" // the same one each time, and never a real one
		sb, err := sandbox.Listen(sandbox.WithProcessing(0, 0), sandbox.WithGroup(group))
		if err != nil {
			return nil, "", nil, err
		}
		client, err := api.New(sb.Key, sb.Secret, append(opts, api.WithBaseURL(sb.URL))...)
		return client, sb.GroupID, func() { _ = sb.Close() }, err
	}
	if r.baseURL != "" {
		opts = append(opts, api.WithBaseURL(r.baseURL))
	}
	values := make(map[string]string)
	for _, name := range []string{"AVER_API_KEY", "AVER_API_SECRET", "AVER_GROUP_ID"} {
		if values[name] = os.Getenv(name); values[name] == "" {
			return nil, "", nil, usage("%s is not set; set it, or try --sandbox", name)
		}
	}
	client, err := api.New(values["AVER_API_KEY"], values["AVER_API_SECRET"], opts...)
	if err != nil {
		return nil, "", nil, &exitError{err, exitUsage}
	}
	return client, values["AVER_GROUP_ID"], func() { _ = client.Close() }, nil
}

// pace returns the options that say how fast it goes, and what it waits for.
func (r *runner) pace(group string) []screening.Option {
	opts := []screening.Option{
		screening.WithGroup(group), screening.WithConcurrency(r.concurrency), screening.WithPolling(r.poll, max(r.poll, 6*time.Hour)),
		screening.WithCheck(api.CreateCheckRequest{ReturnURL: r.returnURL}),
	}
	if r.rate != 0 {
		opts = append(opts, screening.WithRate(r.rate))
	}
	if r.noWait {
		opts = append(opts, screening.WithoutWaiting())
	}
	return opts
}

// hear receives notifications, if there is an address for them, and has what they tell of looked at. stop ends it.
func (r *runner) hear(client *api.Client, s *screening.Screening) (stop func(), err error) {
	if r.listen == "" {
		return func() {}, nil
	}
	secret := os.Getenv("AVER_WEBHOOK_SECRET")
	if secret == "" {
		return nil, usage("--listen needs AVER_WEBHOOK_SECRET, the value of the header that the portal sends with notifications")
	}
	receiver, err := webhook.New(func(ctx context.Context, event webhook.Event) error { return s.Notify(ctx, event.ID) },
		webhook.WithSecret(r.webhookHeader, secret), webhook.WithClient(client))
	if err != nil {
		return nil, &exitError{err, exitUsage}
	}
	listener, err := net.Listen("tcp", r.listen)
	if err != nil {
		return nil, &exitError{err, exitUsage}
	}
	fmt.Fprintf(r.errs, "notifications are heard at http://%s/\n", listener.Addr())
	server := &http.Server{Handler: receiver, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(r.errs, "notifications are not heard any more:", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
	}, nil
}
