package screening_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/goaver/aver-go/screening"
)

var benchRows = flag.Int("bench-rows", 10_000, "how many rows BenchmarkRows has")

// BenchmarkRows compares rows a second with those of a plain loop over the client, which remembers nothing: the limit.
//
//	go test -run - -bench Rows -benchtime 1x
func BenchmarkRows(b *testing.B) {
	for _, workers := range []int{1, 4, 16, 64} {
		n := *benchRows
		b.Run(fmt.Sprintf("plain loop/%d", workers), func(b *testing.B) {
			s := newService(b)
			client := s.client(b)
			for b.Loop() {
				rows := make(chan screening.Row)
				var callers sync.WaitGroup
				for range workers {
					callers.Go(func() {
						for row := range rows {
							created, err := client.SearchWatchlists(b.Context(), row.Request(s.sandbox.GroupID))
							if err == nil {
								_, err = client.GetWatchlistSearch(b.Context(), created.ID)
							}
							if err == nil {
								_, err = client.GetWatchlistSearchResults(b.Context(), created.ID)
							}
							if err != nil {
								b.Error(err)
							}
						}
					})
				}
				for row := range people(n) {
					rows <- row
				}
				close(rows)
				callers.Wait()
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		for name, address := range map[string]func() string{
			"SQLite": func() string { return filepath.Join(b.TempDir(), "people.db") }, "PostgreSQL": func() string { return postgres(b) },
		} {
			b.Run(fmt.Sprintf("%s/%d", name, workers), func(b *testing.B) {
				s := newService(b)
				var took time.Duration
				for b.Loop() {
					db, err := database(address())
					if err != nil {
						b.Fatal(err)
					}
					sc, err := screening.New(b.Context(), s.client(b), db, screening.WithGroup(s.sandbox.GroupID), screening.WithConcurrency(workers))
					if err != nil {
						b.Fatal(err)
					}
					if _, err := sc.Add(b.Context(), "people", screening.Search, people(n)); err != nil {
						b.Fatal(err)
					}
					start := time.Now()
					if err := sc.Work(context.Background(), "people"); err != nil {
						b.Fatal(err)
					}
					took += time.Since(start)
					sc.Close()
					_ = db.Close()
				}
				b.ReportMetric(float64(n*b.N)/took.Seconds(), "rows/s")
			})
		}
	}
}
