// Command quickstart creates a check of a person and prints the link to send them.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/goaver/aver-go/api"
)

func main() {
	client, err := api.New(os.Getenv("AVER_API_KEY"), os.Getenv("AVER_API_SECRET"), baseURL()...)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	created, err := client.CreateCheck(context.Background(), api.CreateCheckRequest{
		ThirdPartyIdentifier: "customer-20417", // your own name for the person
		GroupID:              os.Getenv("AVER_GROUP_ID"),
		Email:                "maria.lindqvist@example.com",
		Language:             api.LanguageEnglish,
	})
	switch {
	case errors.Is(err, api.ErrConflict):
		log.Fatal("this customer has a check already; look it up with client.LookupChecks")
	case err != nil:
		log.Fatal(err) // one line: operation, status, reason, request ID
	}
	fmt.Println("send the person to", created.URL)

	check, err := client.GetCheck(context.Background(), created.CheckID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the check is", check.Status)
}

// baseURL points the client at the sandbox when AVER_BASE_URL does.
func baseURL() []api.Option {
	if url := os.Getenv("AVER_BASE_URL"); url != "" {
		return []api.Option{api.WithBaseURL(url)}
	}
	return nil
}
