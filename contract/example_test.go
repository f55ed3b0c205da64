package contract_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/contract"
)

// A fake of the application's own that gets a detail wrong.
func Example() {
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/auth/token" {
			fmt.Fprint(w, `{"token":"opaque"}`)
			return
		}
		fmt.Fprint(w, `{"id":"c1","groupId":"g1","thirdPartyIdentifier":"customer-20417","status":"Archived","checkTypes":[]}`)
	}))
	defer fake.Close()

	// In a test: contract.ForTest(t, nil), which reports the violation on the test.
	checked := &http.Client{Transport: contract.NewTransport(nil)}
	client, err := api.New("key", "secret", api.WithBaseURL(fake.URL), api.WithHTTPClient(checked), api.WithMaxAttempts(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	_, err = client.GetCheck(context.Background(), "c1")
	fmt.Println(err != nil)
	var violations *contract.Error
	if errors.As(err, &violations) {
		fmt.Println(violations.Violations[0].Place, violations.Violations[0].Rule, violations.Violations[0].Got)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	// Output:
	// true
	// /status enum "Archived"
}
