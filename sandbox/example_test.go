package sandbox_test

import (
	"context"
	"fmt"
	"log"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

// A sandbox is an http.Handler. Tests that have a testing.TB use [sandbox.Start] instead.
func Example() {
	box, err := sandbox.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()

	client, err := api.New(box.Key, box.Secret, api.WithBaseURL(box.URL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	// A word behind a plus sign chooses the outcome.
	search, err := client.SearchWatchlists(context.Background(), api.SearchWatchlistsRequest{
		GroupID: box.GroupID, FirstName: "Maria", LastName: "Lindqvist+hits-3",
	})
	if err != nil {
		log.Fatal(err)
	}
	found, err := client.GetWatchlistSearchResults(context.Background(), search.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Status, len(found.WatchlistResults))
	// Output: Completed 3
}
