package screening

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/goaver/aver-go/api"
)

// A Screening searches watchlists for the rows of a database. Its methods may be called from any number of goroutines, but Work by one
// at a time.
type Screening struct {
	client  *api.Client
	db      *Database
	ledger  *ledger
	id      string // of this worker
	options options
	slots   *semaphore.Weighted // one for each row that is under way
	pace    *pace
	stop    func()
	once    sync.Once // of stop
}

// New prepares a database: it makes the tables, River's and its own, if they are not there. What a process that ended was sending is
// [Unknown] from then on.
func New(ctx context.Context, client *api.Client, db *Database, opts ...Option) (*Screening, error) {
	if client == nil {
		return nil, errors.New("screening: the client is nil")
	}
	s, err := newScreening(client, db, opts)
	if err != nil {
		return nil, err
	}
	if db.alone && !db.taken.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("screening: the database: %w", ErrBusy)
	}
	if err := s.prepare(ctx); err != nil {
		db.taken.Store(false)
		return nil, err
	}
	life, stop := context.WithCancel(context.Background())
	s.stop = func() {
		stop()
		<-s.ledger.ended
		db.taken.Store(false)
	}
	go s.ledger.run(life)
	if db.alone {
		if _, err := s.ledger.bury(ctx, 0); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// prepare makes the tables, and what is done for every row.
func (s *Screening) prepare(ctx context.Context) error {
	if err := s.db.migrate(ctx); err != nil {
		return err
	}
	if err := s.ledger.dialect.prepare(ctx, s.ledger); err != nil {
		return fmt.Errorf("screening: %w", err)
	}
	return nil
}

// Read reads a database, beside the process that works on it: [Screening.Status] and [Screening.Results] are all that can be called.
func Read(db *Database, opts ...Option) (*Screening, error) {
	s, err := newScreening(nil, db, opts)
	if err == nil {
		s.stop = func() {}
		close(s.ledger.ended)
	}
	return s, err
}

func newScreening(client *api.Client, db *Database, opts []Option) (*Screening, error) {
	o := options{concurrency: 16, rate: rate.Inf, logger: slog.New(slog.DiscardHandler), look: 2 * time.Second, mayLag: time.Minute, wait: true,
		pollLeast: time.Minute, pollMost: 6 * time.Hour}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return nil, fmt.Errorf("screening: %w", err)
		}
	}
	if db == nil {
		return nil, errors.New("screening: the database is nil")
	}
	p := newPace()
	p.limiter.SetLimit(o.rate)
	return &Screening{
		pace: p, client: client, db: db, ledger: db.ledger(), id: rand.Text(), options: o, slots: semaphore.NewWeighted(int64(o.concurrency)),
	}, nil
}

// Close ends it. It is called after Work has returned, and does not close the database.
func (s *Screening) Close() { s.once.Do(s.stop) }

// Added says what [Screening.Add] found.
type Added struct {
	New     int64
	Before  int64 // were there already
	Invalid int64 // of the new ones: break the contract, and are refused
}

// addedTogether is how many rows are added in one transaction.
const addedTogether = 1000

// Add adds rows to a list, which is of one kind and one check group. Rows that are there already stay as they are, whatever became of
// them: a list that is added again goes on where it was. A row that differs from the one that was there under its number is an error,
// for the list is another then.
//
// A row that breaks the contract is [Refused], with its reason, and is never sent.
func (s *Screening) Add(ctx context.Context, list string, kind Kind, rows iter.Seq2[Row, error]) (Added, error) {
	var added Added
	if kind != Search && kind != Check {
		return added, fmt.Errorf("screening: the kind is %q; want %q or %q", kind, Search, Check)
	}
	if list == "" || !utf8.ValidString(list) || strings.ContainsRune(list, 0) {
		return added, fmt.Errorf("screening: %q is no name for a list; want some text", list)
	}
	if rows == nil {
		return added, errors.New("screening: the rows are nil")
	}
	if err := s.enlist(ctx, list, kind); err != nil {
		return added, err
	}
	var some []Row
	last := int64(0)
	flush := func() error {
		a, err := s.add(ctx, list, kind, some)
		added.New, added.Before, added.Invalid = added.New+a.New, added.Before+a.Before, added.Invalid+a.Invalid
		some = some[:0]
		return err
	}
	for row, err := range rows {
		if err != nil {
			return added, errors.Join(flush(), err)
		}
		if row.Number <= last || row.Number > mostNumber {
			err := fmt.Errorf("screening: %v follows row %d; numbers begin with 1 and ascend, to %d", row, last, mostNumber)
			return added, errors.Join(flush(), err)
		}
		last = row.Number
		if some = append(some, row); len(some) == addedTogether {
			if err := flush(); err != nil {
				return added, err
			}
		}
	}
	if err := flush(); err != nil {
		return added, err
	}
	return added, s.ledger.analyze(ctx, added.New)
}

// mostNumber is the largest number of a row.
const mostNumber = 1 << 53

// enlist notes that a list is of a kind and a check group, and refuses one that is of another.
func (s *Screening) enlist(ctx context.Context, list string, kind Kind) error {
	of, err := s.ledger.list(ctx, list)
	switch group := s.options.group; {
	case err != nil:
		return err
	case of.kind != "" && kind != "" && of.kind != kind:
		return fmt.Errorf("screening: %s is a list of kind %q; give another list another name", list, of.kind)
	case of.group != "" && group != "" && of.group != group:
		return fmt.Errorf("screening: %s is of another check group; use another database, or give the list another name", list)
	case of.kind == "" && kind == "":
		return fmt.Errorf("screening: there is no list %q", list)
	case of.kind == "" || of.group == "" && group != "":
		return s.ledger.enlist(ctx, list, listed{cmp.Or(of.kind, kind), group})
	}
	return nil
}

func (s *Screening) add(ctx context.Context, list string, kind Kind, rows []Row) (added Added, err error) {
	if len(rows) == 0 {
		return added, nil
	}
	before, err := s.ledger.digests(ctx, list, rows[0].Number, rows[len(rows)-1].Number)
	if err != nil {
		return added, err
	}
	var fresh []stored
	for _, row := range rows {
		text, err := json.Marshal(row)
		if err != nil {
			return added, err
		}
		digest := s.options.seal.digest(text)
		if known, ok := before[row.Number]; ok {
			if known != string(digest) {
				return added, fmt.Errorf("screening: %v of %s is another than before, or the key is; give another list another name", row, list)
			}
			added.Before++
			continue
		}
		r := stored{
			number: row.Number, kind: kind, digest: digest, person: s.options.seal.close(text, list, row.Number),
			state: Waiting, unclear: unclearOf(kind, row),
		}
		if err := row.Validate(kind); err != nil {
			r.state, r.reason = Refused, err.Error()
			added.Invalid++
		}
		fresh = append(fresh, r)
		added.New++
	}
	return added, s.ledger.insert(ctx, list, fresh)
}

// Lists returns the names of the lists.
func (s *Screening) Lists(ctx context.Context) ([]string, error) {
	return collect(ctx, s.ledger.db, one[string], `SELECT name FROM aver_screening_list ORDER BY name`)
}

// Purge forgets rows of a list, with whatever came of them: all that are done or refused, or, by the ID that the application gave, those
// of a person, unless they are being sent or a search of theirs is not done yet. It returns how many there were. Added again, searches
// would be sent again: that is why those that are unknown stay, unless they are named. In a file, what is forgotten is overwritten; of a
// PostgreSQL it is gone when that has vacuumed the table.
func (s *Screening) Purge(ctx context.Context, list, id string) (n int64, err error) {
	if id == "" {
		n, err := s.ledger.purge(ctx, list, 0)
		return n, errors.Join(err, s.ledger.forgotten(ctx))
	}
	var numbers []int64
	for r, err := range s.Results(ctx, list) {
		if err != nil {
			return 0, err
		}
		if r.Row.ID == id {
			numbers = append(numbers, r.Row.Number)
		}
	}
	for _, number := range numbers {
		one, err := s.ledger.purge(ctx, list, number)
		if n += one; err != nil {
			return n, err
		}
	}
	return n, s.ledger.forgotten(ctx)
}

// Status counts the rows of a list.
func (s *Screening) Status(ctx context.Context, list string) (Status, error) {
	return s.ledger.status(ctx, list)
}

// Results returns what came of the rows of a list, in their order.
func (s *Screening) Results(ctx context.Context, list string) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		next := int64(0)
		for {
			some, err := s.results(ctx, list, next)
			if err != nil {
				yield(Result{}, err)
				return
			}
			if len(some) == 0 {
				return
			}
			for _, r := range some {
				if !yield(r, nil) {
					return
				}
			}
			next = some[len(some)-1].Row.Number + 1
		}
	}
}

// results returns some of them, from a number on.
func (s *Screening) results(ctx context.Context, list string, from int64) ([]Result, error) {
	scan := func(rows *sql.Rows, r *Result) error {
		var person, results, link []byte
		var doneAt int64
		err := rows.Scan(&r.Row.Number, &r.Kind, &person, &r.State, &r.Reason, &r.ServiceID, &doneAt, &results, &link)
		if err == nil && len(results) > 0 {
			err = s.unseal(results, list, r.Row.Number, r.found())
		}
		if err == nil && len(link) > 0 {
			r.Link, err = s.options.seal.text(link, list, r.Row.Number)
		}
		if err == nil && doneAt > 0 {
			r.At = time.UnixMilli(doneAt)
		}
		return errors.Join(err, s.unseal(person, list, r.Row.Number, &r.Row))
	}
	return collect(ctx, s.ledger.db, scan, `SELECT number, kind, person, state, reason,
		CASE WHEN service_id = '' THEN previous_id ELSE service_id END, done_at, results, link FROM aver_screening_row
		WHERE list = $1 AND number >= $2 ORDER BY number LIMIT 500`, list, from)
}

// found is where the results of a row belong.
func (r *Result) found() any {
	if r.Kind == Check {
		r.Check = new(api.CheckResults)
		return r.Check
	}
	r.Results = new(api.WatchlistSearchResults)
	return r.Results
}

func (s *Screening) unseal(sealed []byte, list string, number int64, into any) error {
	text, err := s.options.seal.open(sealed, list, number)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Recheck has the searches of a list sent again whose results are older than a time, by the next [Screening.Work]. It returns how many
// there are. Their results stay until the new ones are here. It is only for searches: a check is created once.
func (s *Screening) Recheck(ctx context.Context, list string, older time.Duration) (n int64, err error) {
	if older < 0 {
		return 0, fmt.Errorf("screening: the age is %v; want 0 or more", older)
	}
	return s.ledger.again(ctx, list, time.Now().Add(-older))
}

// Repeat has the rows of a list that are [Unknown] or [Refused] sent again by the next [Screening.Work]: unknown ones for whoever has
// found out that they were not performed, or would rather pay twice. It returns how many there are.
func (s *Screening) Repeat(ctx context.Context, list string, state State) (n int64, err error) {
	if state != Unknown && state != Refused {
		return 0, fmt.Errorf("screening: rows that are %q cannot be repeated; want %q or %q", state, Unknown, Refused)
	}
	return s.ledger.repeat(ctx, list, 0, state)
}

// Mark says what is to become of a row that is [Unknown] or [Refused]: [Waiting] to have it sent again, [Refused] to leave it.
func (s *Screening) Mark(ctx context.Context, list string, number int64, state State) (err error) {
	n := int64(0)
	switch {
	case number < 1:
		return fmt.Errorf("screening: %d is no number of a row", number)
	case state == Waiting:
		n, err = s.ledger.repeat(ctx, list, number, state)
	case state == Refused:
		n, err = s.ledger.leave(ctx, list, number)
	default:
		return fmt.Errorf("screening: a row cannot be marked %q; want %q to send it again, or %q to leave it", state, Waiting, Refused)
	}
	if err == nil && n == 0 {
		err = fmt.Errorf("screening: row %d of %s is neither unknown nor refused", number, list)
	}
	return err
}
