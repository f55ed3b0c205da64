package screening_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
	"github.com/goaver/aver-go/screening"
	"github.com/goaver/aver-go/webhook"
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
	// row 2 done 0
	// row 3 done 2
}

// A service that invites its customers to a check, and hears of the outcomes.
func Example_checks() {
	ctx := context.Background()
	var s *screening.Screening
	receiver, err := webhook.New(func(ctx context.Context, event webhook.Event) error { return s.Notify(ctx, event.ID) },
		webhook.WithSecret("Authorization", "the value of the header in the portal"))
	if err != nil {
		log.Fatal(err)
	}
	here := httptest.NewServer(receiver) // in a service: http.Handle("POST /aver", receiver)
	defer here.Close()
	sb, err := sandbox.Listen(sandbox.WithProcessing(0, 0), sandbox.WithWebhook(sandbox.Webhook{
		URL: here.URL, Header: "Authorization", Value: "the value of the header in the portal"}))
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
	db, err := screening.SQLite(filepath.Join(folder, "customers.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	s, err = screening.New(ctx, client, db, screening.WithGroup(sb.GroupID), screening.WithoutWaiting(),
		screening.WithCheck(api.CreateCheckRequest{CheckTypes: []api.CheckType{api.CheckTypeDocumentVerification}}))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	customers := strings.NewReader("id,email,language\n17,ana@example.com,es\n")
	if _, err := s.Add(ctx, "customers", screening.Check, screening.CSV(customers, screening.Check, nil)); err != nil {
		log.Fatal(err)
	}
	if err := s.Work(ctx, "customers"); err != nil { // creates the checks, and returns; in a service it runs on
		log.Fatal(err)
	}
	for result, err := range s.Results(ctx, "customers") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Row.ID, result.State, result.Link != "") // a link is for its person alone: mail it, print it nowhere
	}
	// Output:
	// 17 sent true
}
