package screening

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	_ "modernc.org/sqlite" // the driver
)

// A Database holds the rows, what came of them, and River's work.
type Database struct {
	db      *sql.DB
	there   func() error // fails when it is not where it was opened
	dialect dialect
	alone   bool        // one process works on it, in one Screening
	taken   atomic.Bool // by that Screening
	migrate func(context.Context) error
	engine  func(*river.Config) (engine, error)
	close   func() error
}

// An engine is a client of River, whatever the database.
type engine interface {
	Start(context.Context) error
	Stop(context.Context) error
	InsertManyFast(context.Context, []river.InsertManyParams) (int, error)
	JobDeleteMany(context.Context, *river.JobDeleteManyParams) (*river.JobDeleteManyResult, error)
}

// ErrBusy says that another process works on the file, or another Screening of this one.
var ErrBusy = errors.New("another process works on it, or another Screening")

// SQLite opens a database in a file, and makes it if it is not there, readable by its owner alone. One process may work on it at a
// time, which New sees to; any number may read.
func SQLite(file string) (*Database, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would let others read it
	if err != nil {
		return nil, fmt.Errorf("screening: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("screening: %w", err)
	}
	if err := os.Chmod(file, 0o600); err != nil { // as another program may have made it
		return nil, fmt.Errorf("screening: %w", err)
	}
	opened, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("screening: %w", err)
	}
	pragmas := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)"}, "_txlock": {"immediate"},
	}
	address := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: pragmas.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, fmt.Errorf("screening: %w", err)
	}
	db.SetMaxOpenConns(1) // as River asks for
	lock := flock.New(file + ".lock")
	d := databaseOf(db, sqliteDialect, riversqlite.New(db))
	d.alone = true
	d.there = func() error {
		if now, err := os.Stat(file); err != nil || !os.SameFile(opened, now) {
			return fmt.Errorf("screening: %s was removed or replaced while it was worked on", file)
		}
		return nil
	}
	migrate := d.migrate
	d.migrate = func(ctx context.Context) error {
		switch locked, err := lock.TryLock(); {
		case err != nil:
			return fmt.Errorf("screening: %w", err)
		case !locked:
			return fmt.Errorf("screening: %s: %w", file, ErrBusy)
		}
		return migrate(ctx)
	}
	d.close = func() error { return errors.Join(db.Close(), lock.Unlock()) }
	return d, nil
}

// Postgres takes a database that the application has opened, and does not close it. Any number of processes on any number of machines
// may work on it. River's tables are in a schema of their own, aver_screening: jobs that the application has in River are not touched.
func Postgres(pool *pgxpool.Pool) *Database {
	if pool == nil {
		return nil // which New says
	}
	db := stdlib.OpenDBFromPool(pool)
	d := databaseOf(db, postgresDialect, riverpgxv5.New(pool))
	d.close = db.Close
	return d
}

func databaseOf[TTx any](db *sql.DB, of dialect, driver riverdriver.Driver[TTx]) *Database {
	d := &Database{db: db, dialect: of, there: func() error { return nil }}
	d.engine = func(config *river.Config) (engine, error) {
		config.Schema = of.schema
		return river.NewClient(driver, config)
	}
	d.migrate = func(ctx context.Context) error {
		m, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: of.schema})
		if err != nil {
			return err
		}
		if of.schema != "" {
			if err := makeSchema(ctx, db, of.schema); err != nil {
				return fmt.Errorf("screening: River's tables cannot be made: %w", err)
			}
		}
		if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("screening: River's tables cannot be made: %w", err)
		}
		return d.ledger().migrate(ctx)
	}
	return d
}

// makeSchema makes a schema, if it is not there: asking for one that is takes a right that an application may lack.
func makeSchema(ctx context.Context, db *sql.DB, name string) error {
	var there bool
	err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM information_schema.schemata WHERE schema_name = $1)`, name).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+name)
	return err
}

// ledger returns a ledger of the database, for one Screening.
func (d *Database) ledger() *ledger {
	return &ledger{db: d.db, dialect: d.dialect, changes: make(chan *change), ended: make(chan struct{})}
}

// Close closes what was opened.
func (d *Database) Close() error { return d.close() }

// How workers know of each other.
const (
	heartbeat = 2 * time.Second
	deadAfter = 10 * time.Second // without a sign of life
)
