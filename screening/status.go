package screening

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// A Status counts the rows of a list.
type Status struct {
	Rows map[State]int64
	Hits int64 // rows of which nothing more is to come that found something: hits of a search, warnings of a check

	// Until when nothing is sent, by any of the workers, and why; zero when nothing holds them up.
	PausedUntil time.Time
	PausedFor   string
}

// Left returns how many rows are not final.
func (s Status) Left() int64 { return s.Rows[Waiting] + s.Rows[Sending] + s.Rows[Sent] }

// Total returns how many rows there are.
func (s Status) Total() (n int64) {
	for _, count := range s.Rows {
		n += count
	}
	return n
}

// String counts in words.
func (s Status) String() string {
	var parts []string
	for _, state := range States() {
		if n := s.Rows[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(parts) == 0 {
		return "no rows"
	}
	text := fmt.Sprintf("%d rows: %s; %d with hits", s.Total(), strings.Join(parts, ", "), s.Hits)
	if !s.PausedUntil.IsZero() {
		text += fmt.Sprintf("; paused until %s: %s", s.PausedUntil.Format(time.TimeOnly), s.PausedFor)
	}
	return text
}

func (l *ledger) status(ctx context.Context, list string) (Status, error) {
	s := Status{Rows: make(map[State]int64)}
	type counted struct {
		state   State
		n, hits int64
	}
	scan := func(rows *sql.Rows, c *counted) error { return rows.Scan(&c.state, &c.n, &c.hits) }
	found, err := collect(ctx, l.db, scan, `SELECT state, count(*), sum(CASE WHEN hits > 0 THEN 1 ELSE 0 END)
			FROM aver_screening_row WHERE list = $1 AND `+isFinal+` GROUP BY state
		UNION ALL SELECT 'sending', count(*), 0 FROM aver_screening_row WHERE list = $1 AND state = 'sending'
		UNION ALL SELECT 'sent', count(*), 0 FROM aver_screening_row WHERE list = $1 AND state = 'sent'
		UNION ALL SELECT 'waiting', count(*), 0 FROM aver_screening_row WHERE list = $1 AND `+isOpen, list)
	for _, c := range found {
		s.Rows[c.state] = c.n
		s.Hits += c.hits
	}
	s.Rows[Waiting] -= s.Rows[Sending] + s.Rows[Sent] // counted as those that are open, which an index has
	if err != nil {
		return s, err
	}
	left, reason, err := l.paused(ctx)
	if left > 0 {
		s.PausedUntil, s.PausedFor = time.Now().Add(left), reason
	}
	return s, err
}

// isDue is what can be done now: what was sent is looked at when its time has come.
const isDue = isOpen + ` AND look_at <= `

// anyLeft reports whether something is left to do in a list, by a time.
func (l *ledger) anyLeft(ctx context.Context, list string, by int64) (bool, error) {
	var left int
	err := l.db.QueryRowContext(ctx, `SELECT 1 FROM aver_screening_row WHERE list = $1 AND `+isDue+`$2 LIMIT 1`, list, by).Scan(&left)
	if err == sql.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}

// left returns where the ranges of a list begin in which something can be done by a time.
func (l *ledger) left(ctx context.Context, list string, by int64) ([]int64, error) {
	left, err := collect(ctx, l.db, one[int64], `SELECT DISTINCT (number - 1) / $1 FROM aver_screening_row
		WHERE list = $2 AND `+isDue+`$3 ORDER BY 1`, chunk, list, by)
	for i := range left {
		left[i] = left[i]*chunk + 1
	}
	return left, err
}
