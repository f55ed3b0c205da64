package webhook_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/webhook"
)

// A server of an application that hears of its checks.
func Example() {
	sb, err := sandbox.Listen() // in production: the real service
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sb.Close()
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	handled := make(chan webhook.Event, 1)
	receiver, err := webhook.New(func(_ context.Context, event webhook.Event) error {
		handled <- event // an application writes to its database
		return nil
	}, webhook.WithSecret("Authorization", "the value in the portal"), webhook.WithClient(client))
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(receiver) // in production: http.Handle("POST /aver", receiver)
	defer server.Close()
	_ = sb.SetWebhook(sandbox.Webhook{URL: server.URL, Header: "Authorization", Value: "the value in the portal"})

	found, err := client.SearchWatchlists(context.Background(), api.SearchWatchlistsRequest{GroupID: sb.GroupID, BusinessName: "Harbor Ltd"})
	if err != nil {
		fmt.Println(err)
		return
	}
	event := <-handled
	fmt.Println(event.Type, event.ID == found.ID, event.Search.Status)
	// Output: WatchlistSearch true Completed
}

// Everything that comes is logged, without anything personal.
func ExampleWithHook() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, nil))
	_, _ = webhook.New(func(context.Context, webhook.Event) error { return nil },
		webhook.WithSecret("Authorization", os.Getenv("AVER_WEBHOOK_SECRET")),
		webhook.WithHook(func(ctx context.Context, d webhook.Delivery) { logger.InfoContext(ctx, "notification", "delivery", d) }))
}

// sqlStore remembers events in a table of PostgreSQL or SQLite (there with PRAGMA busy_timeout, so that writers wait for each
// other):
//
//	CREATE TABLE aver_events (key TEXT PRIMARY KEY, claim TEXT NOT NULL, handled BOOLEAN NOT NULL, until BIGINT NOT NULL)
//
// A claim of a process that died ends after an hour, which no handler takes.
type sqlStore struct{ db *sql.DB }

func (s sqlStore) Begin(ctx context.Context, key, claim string) (webhook.State, error) {
	now := time.Now()
	result, err := s.db.ExecContext(ctx, `INSERT INTO aver_events (key, claim, handled, until) VALUES ($1, $2, FALSE, $3)
		ON CONFLICT (key) DO UPDATE SET claim = excluded.claim, until = excluded.until
		WHERE NOT aver_events.handled AND aver_events.until < $4`,
		key, claim, now.Add(time.Hour).Unix(), now.Unix())
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return webhook.Claimed, err
	}
	var handled bool
	err = s.db.QueryRowContext(ctx, `SELECT handled FROM aver_events WHERE key = $1`, key).Scan(&handled)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return 0, err
	case handled:
		return webhook.AlreadyHandled, nil
	}
	return webhook.InProgress, nil
}

func (s sqlStore) End(ctx context.Context, key, claim string, handled bool) error {
	if !handled {
		_, err := s.db.ExecContext(ctx, `DELETE FROM aver_events WHERE key = $1 AND claim = $2 AND NOT handled`, key, claim)
		return err
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO aver_events (key, claim, handled, until) VALUES ($1, $2, TRUE, 0)
		ON CONFLICT (key) DO UPDATE SET handled = TRUE`, key, claim)
	return err
}

// Several processes that receive notifications share a table.
func ExampleWithSeen() {
	var db *sql.DB // of the application
	_, _ = webhook.New(func(context.Context, webhook.Event) error { return nil },
		webhook.WithSecret("Authorization", os.Getenv("AVER_WEBHOOK_SECRET")), webhook.WithSeen(sqlStore{db}))
}
