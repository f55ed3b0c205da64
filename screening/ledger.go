package screening

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// A ledger says what became of each row. Every change is committed before anything follows from it; see commit.go.
type ledger struct {
	db      *sql.DB
	dialect dialect
	changes chan *change
	ended   chan struct{} // closed when no change is taken any more

	claimed, noted *sql.Stmt // of SQLite
}

// What the conditions of the indexes are, word for word.
const (
	isOpen  = `state IN ('waiting', 'sending', 'sent')`
	isFinal = `state IN ('done', 'refused', 'unknown')`
)

// migrate makes the tables, if they are not there.
func (l *ledger) migrate(ctx context.Context) error {
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS aver_screening_row (
			list TEXT NOT NULL, number BIGINT NOT NULL, kind TEXT NOT NULL, digest BYTES NOT NULL, person BYTES NOT NULL,
			state TEXT NOT NULL, unclear TEXT NOT NULL, worker TEXT NOT NULL DEFAULT '', claim TEXT NOT NULL DEFAULT '',
			service_id TEXT NOT NULL DEFAULT '', previous_id TEXT NOT NULL DEFAULT '', results BYTES, link BYTES,
			hits BIGINT NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', changed_at BIGINT NOT NULL,
			sent_at BIGINT NOT NULL DEFAULT 0, done_at BIGINT NOT NULL DEFAULT 0, look_at BIGINT NOT NULL DEFAULT 0,
			PRIMARY KEY (list, number))`,
		`CREATE INDEX IF NOT EXISTS aver_screening_row_open ON aver_screening_row (list, number, look_at) WHERE ` + isOpen,
		`CREATE INDEX IF NOT EXISTS aver_screening_row_final ON aver_screening_row (list, state, hits) WHERE ` + isFinal,
		`CREATE INDEX IF NOT EXISTS aver_screening_row_sending ON aver_screening_row (worker, list) WHERE state = 'sending'`,
		`CREATE INDEX IF NOT EXISTS aver_screening_row_sent ON aver_screening_row (service_id, list) WHERE state = 'sent'`,
		`CREATE TABLE IF NOT EXISTS aver_screening_list (name TEXT PRIMARY KEY, kind TEXT NOT NULL, check_group TEXT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS aver_screening_worker (id TEXT PRIMARY KEY, seen_at BIGINT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS aver_screening_pause (id BIGINT PRIMARY KEY, ends_at BIGINT NOT NULL, reason TEXT NOT NULL)`,
		`INSERT INTO aver_screening_pause (id, ends_at, reason) VALUES (1, 0, '') ON CONFLICT DO NOTHING`,
	} {
		if _, err := l.db.ExecContext(ctx, strings.ReplaceAll(statement, "BYTES", l.dialect.bytes)); err != nil {
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
	return scanAll(rows, scan)
}

func scanAll[T any](rows *sql.Rows, scan func(*sql.Rows, *T) error) ([]T, error) {
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

// adopt gives a row that was sent to another worker, which reads its results.
func (l *ledger) adopt(ctx context.Context, list string, number int64, worker, claim string) error {
	return l.do(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE aver_screening_row SET worker = $1, claim = $2 WHERE list = $3 AND number = $4 AND state = 'sent'`,
			worker, claim, list, number)
		return err
	})
}

// An entry is a row as the ledger has it.
type entry struct {
	list      string
	number    int64
	kind      Kind
	state     State
	digest    []byte // of what is in person
	person    []byte // sealed
	serviceID string
	previous  string // the ID that it had before it was sent again
	sentAt    int64
	lookAt    int64
	claim     string // of who works on it now
}

const entryColumns = `SELECT list, number, kind, state, digest, person, service_id, previous_id, sent_at, look_at FROM aver_screening_row `

func scanEntry(rows *sql.Rows, e *entry) error {
	return rows.Scan(&e.list, &e.number, &e.kind, &e.state, &e.digest, &e.person, &e.serviceID, &e.previous, &e.sentAt, &e.lookAt)
}

// open returns the rows in a range that are not final.
func (l *ledger) open(ctx context.Context, list string, from, to int64) ([]entry, error) {
	return collect(ctx, l.db, scanEntry, entryColumns+`WHERE list = $1 AND number BETWEEN $2 AND $3 AND `+isOpen+` ORDER BY number`, list, from, to)
}

// sent returns the rows that were sent and are not done, by their ID.
func (l *ledger) sent(ctx context.Context, serviceID string) ([]entry, error) {
	return collect(ctx, l.db, scanEntry, entryColumns+`WHERE service_id = $1 AND state = 'sent'`, serviceID)
}

// seen notes that a worker lives.
func (l *ledger) seen(ctx context.Context, worker string) error {
	return l.do(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO aver_screening_worker (id, seen_at) VALUES ($1, `+l.dialect.now+`)
			ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, worker)
		return err
	})
}

// leaves notes that a worker has ended: nobody has to find out.
func (l *ledger) leaves(ctx context.Context, worker string) error {
	_, err := l.update(ctx, `DELETE FROM aver_screening_worker WHERE id = $1`, worker)
	return err
}

// bury forgets the workers that were not seen for some time (0 for all), and says of what they were sending that its outcome is
// unclear. It returns who they were: each is told to one caller.
func (l *ledger) bury(ctx context.Context, after time.Duration) (dead []string, err error) {
	var found []string
	err = l.do(ctx, func(tx *sql.Tx) error {
		rows, err := tx.Query(`DELETE FROM aver_screening_worker WHERE $1 = 0 OR seen_at < `+l.dialect.now+` - $1 RETURNING id`, after.Milliseconds())
		if err != nil {
			return err
		}
		if found, err = scanAll(rows, one[string]); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE aver_screening_row SET state = unclear, reason = $1, changed_at = $2, look_at = 0,
			sent_at = CASE WHEN unclear = 'sent' THEN $2 ELSE sent_at END WHERE state = 'sending'
			AND worker NOT IN (SELECT id FROM aver_screening_worker)`,
			"the worker ended while it was being sent", now())
		return err
	})
	if err != nil {
		return nil, err // it may be under way still, and found be written to
	}
	return found, nil
}

// longestAsked is how long the service may have everything wait: a longer time is a mistake.
const longestAsked = 15 * time.Minute

// pause has all workers send nothing for some time.
func (l *ledger) pause(ctx context.Context, d time.Duration, reason string) error {
	return l.do(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE aver_screening_pause SET ends_at = `+l.dialect.now+` + $1, reason = $2 WHERE ends_at < `+l.dialect.now+` + $1`,
			d.Milliseconds(), storable(reason))
		return err
	})
}

// paused returns for how long nothing is sent, and why.
func (l *ledger) paused(ctx context.Context) (left time.Duration, reason string, err error) {
	var ms int64
	err = l.db.QueryRowContext(ctx, `SELECT ends_at - `+l.dialect.now+`, reason FROM aver_screening_pause WHERE id = 1`).Scan(&ms, &reason)
	return max(time.Duration(ms)*time.Millisecond, 0), reason, err
}

// stored is a row as it is inserted.
type stored struct {
	number         int64
	digest, person []byte
	kind           Kind
	state, unclear State
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

func (l *ledger) insert(ctx context.Context, list string, rows []stored) error {
	return l.do(ctx, func(tx *sql.Tx) error {
		insert, err := tx.Prepare(`INSERT INTO aver_screening_row (list, number, kind, digest, person, state, unclear, reason, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, r := range rows {
			_, err := insert.Exec(list, r.number, string(r.kind), r.digest, r.person, string(r.state), string(r.unclear), r.reason, now())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// analyze has the database look at how much there is, when so much is new that it would be wrong about it.
func (l *ledger) analyze(ctx context.Context, added int64) error {
	if added < 10*chunk {
		return nil
	}
	_, err := l.db.ExecContext(ctx, l.dialect.analyze)
	return err
}

// A listed is what is known of a list.
type listed struct {
	kind  Kind
	group string // the check group that its rows were sent to; empty before
}

// list returns what is known of a list; nothing when it is not there.
func (l *ledger) list(ctx context.Context, name string) (of listed, err error) {
	err = l.db.QueryRowContext(ctx, `SELECT kind, check_group FROM aver_screening_list WHERE name = $1`, name).Scan(&of.kind, &of.group)
	if err == sql.ErrNoRows {
		err = nil
	}
	return of, err
}

// enlist notes what is known of a list.
func (l *ledger) enlist(ctx context.Context, name string, of listed) error {
	return l.do(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO aver_screening_list (name, kind, check_group) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET check_group = excluded.check_group WHERE aver_screening_list.check_group = ''`,
			name, string(of.kind), of.group)
		return err
	})
}

// setAgain is what a row is that is sent once more.
const setAgain = `state = 'waiting', sent_at = 0, look_at = 0, service_id = '',
	previous_id = CASE WHEN service_id = '' THEN previous_id ELSE service_id END`

// leave leaves a row that is unknown as it is: refused.
func (l *ledger) leave(ctx context.Context, list string, number int64) (n int64, err error) {
	return l.update(ctx, `UPDATE aver_screening_row SET state = 'refused', reason = 'marked by hand', changed_at = $1
		WHERE list = $2 AND number = $3 AND state IN ('unknown', 'refused')`, now(), list, number)
}

// repeat has rows sent again that are unknown or refused: one, or all that are in a state when number is 0.
func (l *ledger) repeat(ctx context.Context, list string, number int64, state State) (n int64, err error) {
	return l.update(ctx, `UPDATE aver_screening_row SET `+setAgain+`, reason = '', changed_at = $1
		WHERE list = $2 AND ($3 = 0 AND state = $4 OR number = $3 AND state IN ('unknown', 'refused'))`, now(), list, number, string(state))
}

// again has the searches of a list sent again whose results came before a time.
func (l *ledger) again(ctx context.Context, list string, before time.Time) (n int64, err error) {
	return l.update(ctx, `UPDATE aver_screening_row SET `+setAgain+`, claim = '', changed_at = $1
		WHERE list = $2 AND kind = 'search' AND state IN ('done', 'refused') AND done_at > 0 AND done_at <= $3`, now(), list, before.UnixMilli())
}

// purge forgets one row of a list, or all that are done or refused when number is 0.
func (l *ledger) purge(ctx context.Context, list string, number int64) (n int64, err error) {
	return l.update(ctx, `DELETE FROM aver_screening_row WHERE list = $1 AND (state IN ('done', 'refused') AND $2 = 0
		OR number = $2 AND state <> 'sending' AND (state <> 'sent' OR kind = 'check'))`, list, number)
}

// forgotten has what was deleted be gone, as far as the database can.
func (l *ledger) forgotten(ctx context.Context) error {
	if l.dialect.forget == "" {
		return nil
	}
	_, err := l.db.ExecContext(ctx, l.dialect.forget)
	return err
}

// update makes a change, and returns of how many rows.
func (l *ledger) update(ctx context.Context, statement string, args ...any) (n int64, err error) {
	var affected int64
	err = l.do(ctx, func(tx *sql.Tx) error {
		r, err := tx.Exec(statement, args...)
		if err != nil {
			return err
		}
		affected, err = r.RowsAffected()
		return err
	})
	if err != nil {
		return 0, err // it may be under way still, and affected be written to
	}
	return affected, nil
}

func now() int64 { return time.Now().UnixMilli() }
