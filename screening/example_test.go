package screening_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/screening"
)

func Example() {
	sb, err := sandbox.Listen(sandbox.WithProcessing(0, 0))
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := api.New(sb.Key, sb.Secret, api.WithBaseURL(sb.URL))
	if err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "screening-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	ctx := context.Background()
	db, err := screening.SQLite(filepath.Join(folder, "people.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	s, err := screening.New(ctx, client, db, screening.WithGroup(sb.GroupID))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	people := strings.NewReader("firstName,lastName\nMaria,Lindqvist\nAna,Sol+hits-2\n")
	if _, err := s.Add(ctx, "people", screening.Search, screening.CSV(people, screening.Search, nil)); err != nil {
		log.Fatal(err)
	}
	if err := s.Work(ctx, "people"); err != nil {
		log.Fatal(err)
	}
	for result, err := range s.Results(ctx, "people") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Row, result.State, len(result.Results.WatchlistResults))
	}
	// Output:
	// row 1 done 0
	// row 2 done 2
}
