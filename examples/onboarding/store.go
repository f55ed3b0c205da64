package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // SQLite without C

	"github.com/goaver/aver-go/webhook"
)

// A customer is a person who wants to be one. Decision is empty while the check is not done.
type customer struct {
	ID, Email, CheckID       string
	Status, Reason, Decision string
	Warnings                 []string
	Created                  time.Time
}

// A store keeps customers, and which notifications were handled: what must survive a restart.
type store struct{ *sql.DB }

func openStore(file string) (*store, error) {
	private, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) // nobody else reads it, nor what SQLite puts beside it
	if err != nil {
		return nil, err
	}
	_ = private.Close()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`
		CREATE TABLE IF NOT EXISTS customers (
			id TEXT PRIMARY KEY, session TEXT NOT NULL UNIQUE, email TEXT NOT NULL, check_id TEXT NOT NULL DEFAULT '',
				status TEXT NOT NULL DEFAULT '',
			reason TEXT NOT NULL DEFAULT '', warnings TEXT NOT NULL DEFAULT '', decision TEXT NOT NULL DEFAULT '',
			created BIGINT NOT NULL, looked BIGINT NOT NULL DEFAULT 0);
		CREATE TABLE IF NOT EXISTS aver_events (key TEXT PRIMARY KEY, claim TEXT NOT NULL, handled BOOLEAN NOT NULL, until BIGINT NOT NULL)`)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{db}, nil
}

const columns = `SELECT id, email, check_id, status, reason, warnings, decision, created FROM customers `

// customers returns a thousand at most of those that a condition chooses, in its order.
func (s *store) customers(ctx context.Context, where string, args ...any) ([]*customer, error) {
	rows, err := s.QueryContext(ctx, columns+where+` LIMIT 1000`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*customer
	for rows.Next() {
		c := &customer{}
		var warnings string
		var created int64
		if err := rows.Scan(&c.ID, &c.Email, &c.CheckID, &c.Status, &c.Reason, &warnings, &c.Decision, &created); err != nil {
			return nil, err
		}
		c.Warnings, c.Created = strings.Fields(warnings), time.Unix(created, 0)
		all = append(all, c)
	}
	return all, rows.Err()
}

// customer returns the customer of a session; nil when there is none.
func (s *store) customer(ctx context.Context, session string) (*customer, error) {
	all, err := s.customers(ctx, `WHERE session = $1`, digest(session))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// digest is what is kept of a session: who reads the file cannot go on with it.
func digest(session string) string {
	sum := sha256.Sum256([]byte(session))
	return hex.EncodeToString(sum[:])
}

// begin notes a customer before anything is asked of the service, so that a check which was paid for is never forgotten. A session
// has one customer, whose ID is another text: the service and its portal show it.
func (s *store) begin(ctx context.Context, session, email string) (*customer, error) {
	_, err := s.ExecContext(ctx, `INSERT INTO customers (id, session, email, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (session) DO UPDATE SET email = excluded.email WHERE check_id = ''`,
		"customer-"+rand.Text(), digest(session), email, time.Now().Unix())
	if err != nil {
		return nil, err
	}
	return s.customer(ctx, session)
}

// forget removes a customer for whom there is no check.
func (s *store) forget(ctx context.Context, id string) error {
	_, err := s.ExecContext(ctx, `DELETE FROM customers WHERE id = $1 AND check_id = ''`, id)
	return err
}

// open returns customers whose check is not done: those who were not looked at for longest.
func (s *store) open(ctx context.Context) ([]*customer, error) {
	all, err := s.customers(ctx, `WHERE decision = '' ORDER BY looked, created`)
	for _, c := range all {
		if err == nil {
			_, err = s.ExecContext(ctx, `UPDATE customers SET looked = $2 WHERE id = $1`, c.ID, time.Now().Unix())
		}
	}
	return all, err
}

func (s *store) setCheck(ctx context.Context, id, checkID string) error {
	_, err := s.ExecContext(ctx, `UPDATE customers SET check_id = $2 WHERE id = $1`, id, checkID)
	return err
}

// decide notes how a check ended and what that means.
func (s *store) decide(ctx context.Context, c *customer) error {
	_, err := s.ExecContext(ctx, `UPDATE customers SET check_id = $2, status = $3, reason = $4, warnings = $5, decision = $6 WHERE id = $1`,
		c.ID, c.CheckID, c.Status, c.Reason, strings.Join(c.Warnings, " "), c.Decision)
	return err
}

// Begin and End make it a [webhook.Store]. A claim of a process that died ends after an hour.
func (s *store) Begin(ctx context.Context, key, claim string) (webhook.State, error) {
	now := time.Now()
	result, err := s.ExecContext(ctx, `INSERT INTO aver_events (key, claim, handled, until) VALUES ($1, $2, FALSE, $3)
		ON CONFLICT (key) DO UPDATE SET claim = excluded.claim, until = excluded.until
		WHERE NOT aver_events.handled AND aver_events.until < $4`, key, claim, now.Add(time.Hour).Unix(), now.Unix())
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return webhook.Claimed, err
	}
	var handled bool
	err = s.QueryRowContext(ctx, `SELECT handled FROM aver_events WHERE key = $1`, key).Scan(&handled)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return 0, err
	case handled:
		return webhook.AlreadyHandled, nil
	}
	return webhook.InProgress, nil
}

func (s *store) End(ctx context.Context, key, claim string, handled bool) error {
	if !handled {
		_, err := s.ExecContext(ctx, `DELETE FROM aver_events WHERE key = $1 AND claim = $2 AND NOT handled`, key, claim)
		return err
	}
	_, err := s.ExecContext(ctx, `INSERT INTO aver_events (key, claim, handled, until) VALUES ($1, $2, TRUE, 0)
		ON CONFLICT (key) DO UPDATE SET handled = TRUE`, key, claim)
	return err
}
