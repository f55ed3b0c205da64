package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/pflag"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/screening"
)

// A store is where the rows are.
type store struct {
	database string // a file, or the address of a PostgreSQL
	list     string // empty for the only one
	keyFile  string
	encrypt  bool
}

func (s *store) flags(f *pflag.FlagSet) {
	f.StringVar(&s.list, "list", "", "the name of the list; the default is the file's, or the only one that is there")
	f.BoolVar(&s.encrypt, "encrypt", false, "insist on a key, so that nothing is kept readable because one was forgotten")
	f.StringVar(&s.keyFile, "key-file", "",
		"a file with 64 hexadecimal digits, the key that keeps rows and results unreadable (or AVER_SCREENING_KEY)")
}

// options returns the key, if there is one.
func (s *store) options() ([]screening.Option, error) {
	text, from := os.Getenv("AVER_SCREENING_KEY"), "AVER_SCREENING_KEY"
	if s.keyFile != "" {
		content, err := os.ReadFile(s.keyFile)
		if err != nil {
			return nil, &exitError{err, exitUsage}
		}
		text, from = string(content), s.keyFile
	}
	if strings.TrimSpace(text) == "" && s.keyFile == "" {
		if s.encrypt {
			return nil, usage("--encrypt needs a key: --key-file, or AVER_SCREENING_KEY")
		}
		return nil, nil
	}
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, usage("%s holds no key; want 64 hexadecimal digits", from)
	}
	return []screening.Option{screening.WithKey(key)}, nil
}

func (s *store) isPostgres() bool {
	return strings.HasPrefix(s.database, "postgres://") || strings.HasPrefix(s.database, "postgresql://")
}

// connect opens the database.
func (s *store) connect(ctx context.Context) (*screening.Database, func(), error) {
	if !s.isPostgres() {
		db, err := screening.SQLite(s.database)
		if err != nil {
			return nil, nil, err
		}
		return db, func() { _ = db.Close() }, nil
	}
	pool, err := pgxpool.New(ctx, s.database)
	if err != nil {
		return nil, nil, usage("--database is no address of a PostgreSQL") // the reason may repeat its password
	}
	db := screening.Postgres(pool)
	return db, func() {
		_ = db.Close()
		pool.Close()
	}, nil
}

// open opens the database to work on it.
func (s *store) open(ctx context.Context, client *api.Client, opts ...screening.Option) (*screening.Screening, func(), error) {
	key, err := s.options()
	if err != nil {
		return nil, nil, err
	}
	db, done, err := s.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	sc, err := screening.New(ctx, client, db, append(opts, key...)...)
	if err != nil {
		done()
		return nil, nil, err
	}
	return sc, func() {
		sc.Close()
		done()
	}, nil
}

// there says that a file is not there.
func (s *store) there() error {
	if s.isPostgres() {
		return nil
	}
	if _, err := os.Stat(s.database); err != nil {
		return &exitError{err, exitUsage}
	}
	return nil
}

// read opens a database that is there, to read it, and finds out which list is meant.
func (s *store) read(ctx context.Context, database string) (*screening.Screening, func(), error) {
	s.database = database
	if err := s.there(); err != nil {
		return nil, nil, err
	}
	key, err := s.options()
	if err != nil {
		return nil, nil, err
	}
	db, done, err := s.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	sc, err := screening.Read(db, key...)
	if err == nil {
		err = s.choose(ctx, sc)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return sc, done, nil
}

// choose finds out which list is meant.
func (s *store) choose(ctx context.Context, sc *screening.Screening) error {
	lists, err := sc.Lists(ctx)
	switch {
	case err != nil:
		return &exitError{fmt.Errorf("%s is no database of aver-screen: %w", s.shown(), err), exitUsage}
	case s.list != "" && !slices.Contains(lists, s.list):
		return usage("%s holds no list %q; it holds %q", s.shown(), s.list, lists)
	case s.list == "" && len(lists) != 1:
		return usage("%s holds the lists %q; choose one with --list", s.shown(), lists)
	case s.list == "":
		s.list = lists[0]
	}
	return nil
}

// shown is the database without a password.
func (s *store) shown() string {
	if s.isPostgres() {
		return "the database"
	}
	return s.database
}
