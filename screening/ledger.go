package screening

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A ledger says what became of each row. Every change is committed before anything follows from it.
type ledger struct {
	db      *sql.DB
	dialect dialect
	changes chan *change
	ended   chan struct{} // closed when no change is taken any more

	claimed, recorded *sql.Stmt
}

// prepare prepares what is done for every row.
func (l *ledger) prepare(ctx context.Context) (err error) {
	l.claimed, err = l.db.PrepareContext(ctx, `UPDATE aver_screening_row SET state = 'sending', worker = $1, claim = $2, changed_at = $3
		WHERE list = $4 AND number = $5 AND state = 'waiting'`)
	if err == nil {
		l.recorded, err = l.db.PrepareContext(ctx, `UPDATE aver_screening_row
			SET state = $1, search_id = $2, results = $3, hits = $4, reason = $5, changed_at = $6
			WHERE list = $7 AND number = $8 AND claim = $9 AND state IN ('sending', 'sent', 'unknown')`)
	}
	return err
}

var errEnded = errors.New("screening: it was closed")

// A dialect is what differs between the databases.
type dialect struct {
	bytes string // the type of bytes
}

var (
	sqliteDialect   = dialect{bytes: "BLOB"}
	postgresDialect = dialect{bytes: "BYTEA"}
)

// migrate makes the tables, if they are not there.
func (l *ledger) migrate(ctx context.Context) error {
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS aver_screening_row (
			list TEXT NOT NULL, number BIGINT NOT NULL, digest ` + l.dialect.bytes + ` NOT NULL, person ` + l.dialect.bytes + ` NOT NULL,
			state TEXT NOT NULL, worker TEXT NOT NULL DEFAULT '', claim TEXT NOT NULL DEFAULT '',
			 search_id TEXT NOT NULL DEFAULT '', results ` + l.dialect.bytes + `,
			hits BIGINT NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', changed_at BIGINT NOT NULL,
			PRIMARY KEY (list, number))`,
		`CREATE INDEX IF NOT EXISTS aver_screening_row_open ON aver_screening_row (list, number) WHERE state IN ('waiting', 'sending', 'sent')`,
		`CREATE INDEX IF NOT EXISTS aver_screening_row_state ON aver_screening_row (list, state, hits)`,
		`CREATE INDEX IF NOT EXISTS aver_screening_row_sending ON aver_screening_row (worker) WHERE state = 'sending'`,
		`CREATE TABLE IF NOT EXISTS aver_screening_worker (id TEXT PRIMARY KEY, seen_at BIGINT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS aver_screening_pause (id BIGINT PRIMARY KEY, ends_at BIGINT NOT NULL, reason TEXT NOT NULL)`,
		`INSERT INTO aver_screening_pause (id, ends_at, reason) VALUES (1, 0, '') ON CONFLICT DO NOTHING`,
	} {
		if _, err := l.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("screening: the tables cannot be made: %w", err)
		}
	}
	return nil
}

// collect returns what a query finds.
func collect[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

// one reads the only column.
func one[T any](rows *sql.Rows, into *T) error { return rows.Scan(into) }

// A change is one of those that are committed together.
type change struct {
	do   func(*sql.Tx) error
	done chan error
}

// mostTogether is how many changes are committed together at most.
const mostTogether = 256

// commit makes a change and returns when it is durable. Changes of many callers are committed together: a commit costs the same for
// one as for a hundred.
func (l *ledger) commit(do func(*sql.Tx) error) error {
	c := &change{do, make(chan error, 1)}
	select {
	case l.changes <- c:
		return <-c.done
	case <-l.ended:
		return errEnded
	}
}

// run commits changes until ctx ends.
func (l *ledger) run(ctx context.Context) {
	defer close(l.ended)
	for {
		var together []*change
		select {
		case c := <-l.changes:
			together = append(together, c)
		case <-ctx.Done():
			return
		}
		for more := true; more && len(together) < mostTogether; {
			select {
			case c := <-l.changes:
				together = append(together, c)
			default:
				more = false
			}
		}
		err := l.transact(ctx, func(tx *sql.Tx) error {
			for _, c := range together {
				if err := c.do(tx); err != nil {
					return err
				}
			}
			return nil
		})
		for _, c := range together {
			c.done <- err
		}
	}
}

func (l *ledger) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// claim takes a row that waits, to send it. It reports false when another was faster. Only who knows the claim can record what came of
// it: an outcome that is recorded again, because nobody knows whether it was, must not be taken for one of the next claim.
func (l *ledger) claim(list string, number int64, worker, claim string) (claimed bool, err error) {
	err = l.commit(func(tx *sql.Tx) error {
		r, err := tx.Stmt(l.claimed).Exec(worker, claim, now(), list, number)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		claimed = n == 1
		return err
	})
	return claimed && err == nil, err
}

// An outcome is what came of a row.
type outcome struct {
	state    State
	searchID string
	results  []byte // sealed; nil for none
	hits     int
	reason   string
}

// record notes what came of a claim.
func (l *ledger) record(list string, number int64, claim string, o outcome) error {
	return l.commit(func(tx *sql.Tx) error {
		_, err := tx.Stmt(l.recorded).Exec(string(o.state), o.searchID, o.results, o.hits, o.reason, now(), list, number, claim)
		return err
	})
}

// adopt gives a search that was sent to another worker, which reads its results.
func (l *ledger) adopt(list string, number int64, worker, claim string) error {
	return l.commit(func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE aver_screening_row SET worker = $1, claim = $2 WHERE list = $3 AND number = $4 AND state = 'sent'`,
			worker, claim, list, number)
		return err
	})
}

// An entry is a row as the ledger has it.
type entry struct {
	number   int64
	state    State
	person   []byte // sealed
	searchID string
	claim    string // of who works on it now
}

// open returns the rows in a range that are not final.
func (l *ledger) open(ctx context.Context, list string, from, to int64) ([]entry, error) {
	scan := func(rows *sql.Rows, e *entry) error { return rows.Scan(&e.number, &e.state, &e.person, &e.searchID) }
	return collect(ctx, l.db, scan, `SELECT number, state, person, search_id FROM aver_screening_row
		WHERE list = $1 AND number BETWEEN $2 AND $3 AND state IN ('waiting', 'sending', 'sent') ORDER BY number`, list, from, to)
}

// seen notes that a worker lives.
func (l *ledger) seen(worker string) error {
	return l.commit(func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO aver_screening_worker (id, seen_at) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, worker, now())
		return err
	})
}

// bury makes unknown what workers were sending that were not seen since.
func (l *ledger) bury(since time.Time) error {
	return l.commit(func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE aver_screening_row SET state = 'unknown', reason = $1, changed_at = $2 WHERE state = 'sending'
			AND worker NOT IN (SELECT id FROM aver_screening_worker WHERE seen_at >= $3)`,
			"the worker ended while it was being sent", now(), since.UnixMilli())
		return err
	})
}

// pause has all workers send nothing until a time.
func (l *ledger) pause(until time.Time, reason string) error {
	return l.commit(func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE aver_screening_pause SET ends_at = $1, reason = $2 WHERE ends_at < $1`, until.UnixMilli(), reason)
		return err
	})
}

// paused returns until when nothing is sent.
func (l *ledger) paused(ctx context.Context) (time.Time, error) {
	var ms int64
	err := l.db.QueryRowContext(ctx, `SELECT ends_at FROM aver_screening_pause WHERE id = 1`).Scan(&ms)
	return time.UnixMilli(ms), err
}

// stored is a row as it is inserted.
type stored struct {
	number         int64
	digest, person []byte
	state          State
	reason         string
}

// digests returns those of the rows in a range, by their numbers.
func (l *ledger) digests(ctx context.Context, list string, from, to int64) (map[int64]string, error) {
	scan := func(rows *sql.Rows, r *stored) error { return rows.Scan(&r.number, &r.digest) }
	found, err := collect(ctx, l.db, scan, `SELECT number, digest FROM aver_screening_row
		WHERE list = $1 AND number BETWEEN $2 AND $3`, list, from, to)
	digests := make(map[int64]string, len(found))
	for _, r := range found {
		digests[r.number] = string(r.digest)
	}
	return digests, err
}

func (l *ledger) insert(list string, rows []stored) error {
	return l.commit(func(tx *sql.Tx) error {
		insert, err := tx.Prepare(`INSERT INTO aver_screening_row (list, number, digest, person, state, reason, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, r := range rows {
			if _, err := insert.Exec(list, r.number, r.digest, r.person, string(r.state), r.reason, now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// turn gives rows another state: one that is unknown or refused, or all that are unknown when number is 0.
func (l *ledger) turn(list, reason string, number int64, state State) (n int64, err error) {
	err = l.commit(func(tx *sql.Tx) error {
		r, err := tx.Exec(`UPDATE aver_screening_row SET state = $1, reason = $2, changed_at = $3
			WHERE list = $4 AND (state = 'unknown' AND $5 = 0 OR state IN ('unknown', 'refused') AND number = $5)`,
			string(state), reason, now(), list, number)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

// purge forgets what is final of a list: one row, or all when number is 0.
func (l *ledger) purge(list string, number int64) (n int64, err error) {
	err = l.commit(func(tx *sql.Tx) error {
		r, err := tx.Exec(`DELETE FROM aver_screening_row WHERE list = $1 AND (state IN ('done', 'refused') AND $2 = 0
			OR number = $2 AND state IN ('done', 'refused', 'unknown'))`, list, number)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

func now() int64 { return time.Now().UnixMilli() }
