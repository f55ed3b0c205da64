package screening

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A claim takes rows that wait, to send them, and commits the intent to.
type claim struct {
	list    string
	numbers []int64
	worker  string
	token   string         // only who knows it can record what came of the rows
	claimed map[int64]bool // those that were still waiting
}

// An outcome is what came of a row that was claimed.
type outcome struct {
	state     State
	serviceID string
	results   []byte // sealed; nil leaves what is there
	link      []byte // sealed; nil leaves what is there
	hits      int
	reason    string
	lookAt    int64 // when a row that is sent is looked at; in milliseconds
}

// A note is an outcome on its way into the ledger.
type note struct {
	outcome
	list   string
	number int64
	token  string
}

// A change is one of those that are committed together: a claim, a note, or anything else.
type change struct {
	claim *claim
	note  *note
	do    func(*sql.Tx) error
	done  chan error
}

const (
	mostTogether = 256                  // changes are committed together at most
	aMoment      = 4 * time.Millisecond // notes wait for others at most
)

var errEnded = errors.New("screening: it was closed")

// commit makes a change and returns when it is durable. Changes of many callers are committed together: a commit costs the same for
// one as for a hundred.
//
// When ctx ends it returns at once, and nobody knows whether the change is made.
func (l *ledger) commit(ctx context.Context, c *change) error {
	c.done = make(chan error, 1)
	select {
	case l.changes <- c:
	case <-l.ended:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// do commits what is neither a claim nor a note.
func (l *ledger) do(ctx context.Context, do func(*sql.Tx) error) error {
	return l.commit(ctx, &change{do: do})
}

// claim claims rows that wait. It fails when nobody knows whether they are claimed.
//
// The intent to send is durable when it returns. An outcome belongs to one claim: one that is recorded again, because nobody knows
// whether it was, must not be taken for one of the next claim.
func (l *ledger) claim(ctx context.Context, c *claim) error {
	c.claimed = make(map[int64]bool, len(c.numbers))
	return l.commit(ctx, &change{claim: c})
}

// record notes what came of a row that was claimed.
func (l *ledger) record(ctx context.Context, n *note) error { return l.commit(ctx, &change{note: n}) }

// run commits changes until ctx ends. Notes alone wait a moment for others: a row that is sent has its results soon after.
func (l *ledger) run(ctx context.Context) {
	defer close(l.ended)
	moment := time.NewTimer(0)
	defer moment.Stop()
	for {
		var together []*change
		select {
		case c := <-l.changes:
			together = append(together, c)
		case <-ctx.Done():
			return
		}
		moment.Reset(aMoment)
		for more := true; more && len(together) < mostTogether; {
			if last := together[len(together)-1]; last.note != nil {
				select {
				case c := <-l.changes:
					together = append(together, c)
				case <-moment.C:
					more = false
				}
				continue
			}
			select {
			case c := <-l.changes:
				together = append(together, c)
			default:
				more = false
			}
		}
		err := l.transact(ctx, together)
		for _, c := range together {
			if err != nil && len(together) > 1 && l.dialect.isOfOne(err) { // perhaps of another
				err := l.transact(ctx, []*change{c})
				c.done <- err
				continue
			}
			c.done <- err
		}
	}
}

// transact commits changes: notes first, for what is claimed after them may be what they free.
func (l *ledger) transact(ctx context.Context, together []*change) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := l.apply(tx, together); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (l *ledger) apply(tx *sql.Tx, together []*change) error {
	if notes := notesOf(together); len(notes) > 0 {
		if err := l.dialect.record(l, tx, notes); err != nil {
			return err
		}
	}
	for _, c := range together {
		if c.do != nil {
			if err := c.do(tx); err != nil {
				return err
			}
		}
	}
	for _, c := range together {
		if c.claim != nil {
			if err := l.dialect.claim(l, tx, c.claim); err != nil {
				return err
			}
		}
	}
	return nil
}

// notesOf returns the notes among changes. That a row is sent is left out when its results are there as well.
func notesOf(together []*change) []*note {
	var notes []*note
	type row struct {
		list   string
		number int64
		token  string
	}
	at := make(map[row]int)
	for _, c := range together {
		if c.note == nil {
			continue
		}
		r := row{c.note.list, c.note.number, c.note.token}
		switch i, twice := at[r]; {
		case !twice:
			at[r] = len(notes)
			notes = append(notes, c.note)
		case notes[i].state == Sent:
			notes[i] = c.note
		}
	}
	return notes
}

// A dialect is what differs between the databases.
type dialect struct {
	bytes   string // the type of bytes
	now     string // the time by the database, in milliseconds: the clocks of machines differ
	schema  string // of River's tables
	forget  string // has what was deleted be gone
	analyze string // has the database look at how much there is, before it is asked for little of it
	prepare func(context.Context, *ledger) error
	claim   func(*ledger, *sql.Tx, *claim) error
	record  func(*ledger, *sql.Tx, []*note) error
	isOfOne func(error) bool // an error may be of one of several changes
}

// setClaimed is what a claim changes, and setNoted what a note does; $1, $2 and so on are what it says.
const (
	setClaimed = `UPDATE aver_screening_row SET state = 'sending', worker = $1, claim = $2, changed_at = $3
		WHERE list = $4 AND state = 'waiting' AND number `
	setNoted = `UPDATE aver_screening_row AS r SET state = v.state,
			service_id = CASE WHEN v.service_id = '' THEN r.service_id ELSE v.service_id END,
			results = COALESCE(v.results, r.results), hits = CASE WHEN v.results IS NULL THEN r.hits ELSE v.hits END,
			link = CASE WHEN v.state IN ('done', 'refused') THEN NULL ELSE COALESCE(v.link, r.link) END,
			reason = v.reason, look_at = v.look_at, changed_at = v.at,
			sent_at = CASE WHEN v.state = 'sent' AND r.sent_at = 0 THEN v.at ELSE r.sent_at END,
			done_at = CASE WHEN v.state = 'done' THEN v.at ELSE r.done_at END`
	whereNoted = ` WHERE r.list = v.list AND r.number = v.number AND r.claim = v.claim
		AND (r.state IN ('sending', 'sent', 'unknown') OR r.state = 'waiting' AND v.state IN ('sent', 'done'))`
)

var sqliteDialect = dialect{
	bytes:   "BLOB",
	now:     "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
	forget:  "PRAGMA wal_checkpoint(TRUNCATE)",
	analyze: "PRAGMA optimize",
	prepare: func(ctx context.Context, l *ledger) (err error) {
		if l.claimed, err = l.db.PrepareContext(ctx, setClaimed+`IN (SELECT value FROM json_each($5)) RETURNING number`); err != nil {
			return err
		}
		parameters := strings.NewReplacer("v.list", "$1", "v.number", "$2", "v.claim", "$3", "v.state", "$4", "v.service_id", "$5",
			"v.results", "$6", "v.link", "$7", "v.hits", "$8", "v.reason", "$9", "v.look_at", "$10", "v.at", "$11")
		l.noted, err = l.db.PrepareContext(ctx, parameters.Replace(setNoted+whereNoted))
		return err
	},
	isOfOne: func(error) bool { return true },
	claim: func(l *ledger, tx *sql.Tx, c *claim) error {
		numbers, err := json.Marshal(c.numbers)
		if err != nil {
			return err
		}
		return c.scan(tx.Stmt(l.claimed).Query(c.worker, c.token, now(), c.list, string(numbers)))
	},
	record: func(l *ledger, tx *sql.Tx, notes []*note) error {
		noted := tx.Stmt(l.noted)
		for _, n := range notes {
			if _, err := noted.Exec(n.list, n.number, n.token, string(n.state), n.serviceID, n.results, n.link, n.hits, n.reason, n.lookAt,
				now()); err != nil {
				return err
			}
		}
		return nil
	},
}

var postgresDialect = dialect{
	bytes:   "BYTEA",
	now:     "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
	schema:  "aver_screening",
	analyze: "ANALYZE aver_screening_row",
	prepare: func(context.Context, *ledger) error { return nil },                  // the driver does
	isOfOne: func(err error) bool { return errors.As(err, new(*pgconn.PgError)) }, // not of the connection
	claim: func(_ *ledger, tx *sql.Tx, c *claim) error {
		return c.scan(tx.Query(setClaimed+`= ANY($5::bigint[]) RETURNING number`, c.worker, c.token, now(), c.list, c.numbers))
	},
	record: func(_ *ledger, tx *sql.Tx, notes []*note) error {
		n := len(notes)
		lists, numbers, tokens, states, ids := make([]string, n), make([]int64, n), make([]string, n), make([]string, n), make([]string, n)
		results, links, hits, reasons, looks := make([][]byte, n), make([][]byte, n), make([]int64, n), make([]string, n), make([]int64, n)
		for i, n := range notes {
			lists[i], numbers[i], tokens[i], states[i], ids[i] = n.list, n.number, n.token, string(n.state), n.serviceID
			results[i], links[i], hits[i], reasons[i], looks[i] = n.results, n.link, int64(n.hits), n.reason, n.lookAt
		}
		_, err := tx.Exec(setNoted+` FROM (SELECT *, $11::bigint AS at FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[],
			$6::bytea[], $7::bytea[], $8::bigint[], $9::text[], $10::bigint[])
			AS u(list, number, claim, state, service_id, results, link, hits, reason, look_at)) AS v`+whereNoted,
			lists, numbers, tokens, states, ids, results, links, hits, reasons, looks, now())
		return err
	},
}

// scan notes which rows were claimed.
func (c *claim) scan(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	clear(c.claimed) // of a transaction before, that failed
	for rows.Next() {
		var number int64
		if err := rows.Scan(&number); err != nil {
			return err
		}
		c.claimed[number] = true
	}
	return rows.Err()
}
