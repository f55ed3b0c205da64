package api_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/sandbox"
)

func Example() {
	box := sandbox.New()
	service := httptest.NewServer(box)
	defer service.Close()

	client, err := api.New(box.Key(), box.Secret(), api.WithBaseURL(service.URL+"/api"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx := context.Background()
	created, err := client.CreateCheck(ctx, api.CreateCheckRequest{
		ThirdPartyIdentifier: "customer-20417",
		GroupID:              box.GroupID(),
		Email:                "maria.lindqvist@example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.AddPersonalInfo(ctx, created.CheckID, api.AddPersonalInfoRequest{
		FirstName:   "Maria",
		LastName:    "Lindqvist",
		DateOfBirth: api.NewDate(1988, time.April, 17),
	}); err != nil {
		log.Fatal(err)
	}
	check, err := client.GetCheck(ctx, created.CheckID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(check.Status)
	// Output: AwaitingUser
}

func ExampleError() {
	box := sandbox.New()
	service := httptest.NewServer(box)
	defer service.Close()
	client, err := api.New(box.Key(), box.Secret(), api.WithBaseURL(service.URL+"/api"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.GetCheck(context.Background(), "no-such-check")
	fmt.Println(errors.Is(err, api.ErrNotFound))
	var failure *api.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Operation, failure.Status, failure.Message)
	}
	// Output:
	// true
	// getCheck 404 No check has this ID.
}
