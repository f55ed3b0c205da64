package screening_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/goaver/aver-go/screening"
)

// BenchmarkJobPerRow is River alone, with a job for each row, of which nothing is remembered: what jobs of many rows and a ledger are
// measured against, in docs/decisions/ledger.md.
//
//	go test -run - -bench JobPerRow -benchtime 1x
func BenchmarkJobPerRow(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		file := filepath.Join(b.TempDir(), "jobs.db")
		db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		jobPerRow(b, riversqlite.New(db))
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		pool, err := pgxpool.New(b.Context(), postgres(b))
		if err != nil {
			b.Fatal(err)
		}
		defer pool.Close()
		jobPerRow(b, riverpgxv5.New(pool))
	})
}

func jobPerRow[TTx any](b *testing.B, driver riverdriver.Driver[TTx]) {
	s := newService(b)
	client := s.client(b)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := migrator.Migrate(b.Context(), rivermigrate.DirectionUp, nil); err != nil {
		b.Fatal(err)
	}
	n := *benchRows
	w := &rowWorker{over: make(chan struct{}), search: func(ctx context.Context, row screening.Row) error {
		created, err := client.SearchWatchlists(ctx, row.Request(s.sandbox.GroupID))
		if err == nil {
			_, err = client.GetWatchlistSearch(ctx, created.ID)
		}
		if err == nil {
			_, err = client.GetWatchlistSearchResults(ctx, created.ID)
		}
		return err
	}}
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	jobs, err := river.NewClient(driver, &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 16}},
		FetchPollInterval: 10 * time.Millisecond, FetchCooldown: 5 * time.Millisecond,
	})
	if err != nil {
		b.Fatal(err)
	}
	var some []river.InsertManyParams
	for row := range people(n) {
		if some = append(some, river.InsertManyParams{Args: rowArgs{row}}); len(some) == 500 || int(row.Number) == n {
			if _, err := jobs.InsertManyFast(b.Context(), some); err != nil {
				b.Fatal(err)
			}
			some = some[:0]
		}
	}
	w.left.Store(int64(n))
	start := time.Now()
	if err := jobs.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	<-w.over
	took := time.Since(start)
	if err := jobs.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
	if once, more := s.counts(); once != n || len(more) > 0 {
		b.Error(fmt.Sprint(once, more))
	}
	b.ReportMetric(float64(n)/took.Seconds(), "rows/s")
}

type rowArgs struct{ screening.Row }

func (rowArgs) Kind() string { return "row" }

type rowWorker struct {
	river.WorkerDefaults[rowArgs]
	search func(context.Context, screening.Row) error
	left   atomic.Int64
	over   chan struct{}
}

func (w *rowWorker) Work(ctx context.Context, job *river.Job[rowArgs]) error {
	err := w.search(ctx, job.Args.Row)
	if w.left.Add(-1) == 0 {
		close(w.over)
	}
	return err
}
