package screening

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// A Status counts the rows of a list.
type Status struct {
	Rows map[State]int64
	Hits int64 // rows that are done and found something
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
	return fmt.Sprintf("%d rows: %s; %d with hits", s.Total(), strings.Join(parts, ", "), s.Hits)
}

func (l *ledger) status(ctx context.Context, list string) (Status, error) {
	s := Status{Rows: make(map[State]int64)}
	type counted struct {
		state   State
		n, hits int64
	}
	scan := func(rows *sql.Rows, c *counted) error { return rows.Scan(&c.state, &c.n, &c.hits) }
	found, err := collect(ctx, l.db, scan, `SELECT state, count(*), sum(CASE WHEN hits > 0 THEN 1 ELSE 0 END)
		FROM aver_screening_row WHERE list = $1 GROUP BY state`, list)
	for _, c := range found {
		s.Rows[c.state] = c.n
		if c.state == Done {
			s.Hits = c.hits
		}
	}
	return s, err
}

// anyLeft reports whether something is left to do in a list.
func (l *ledger) anyLeft(ctx context.Context, list string) (bool, error) {
	var left int
	err := l.db.QueryRowContext(ctx, `SELECT 1 FROM aver_screening_row WHERE list = $1 AND state IN ('waiting', 'sending', 'sent') LIMIT 1`,
		list).Scan(&left)
	if err == sql.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}

// left returns where the ranges of a list begin in which something is left to do.
func (l *ledger) left(ctx context.Context, list string) ([]int64, error) {
	left, err := collect(ctx, l.db, one[int64], `SELECT DISTINCT (number - 1) / $1 FROM aver_screening_row
		WHERE list = $2 AND state IN ('waiting', 'sending', 'sent') ORDER BY 1`, chunk, list)
	for i := range left {
		left[i] = left[i]*chunk + 1
	}
	return left, err
}
