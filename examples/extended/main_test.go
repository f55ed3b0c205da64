package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goaver/aver-go/contract"
	"github.com/goaver/aver-go/sandbox"

	"example.com/extended/averclient"
)

// What is added works like what was there: authenticated, checked before it is sent, printed without what is private,
// repeated by its policy, and held against the extended contract.
func TestExtendedClient(t *testing.T) {
	box := sandbox.Start(t, sandbox.WithContract(averclient.Spec)) // what it does not implement it serves from the contract
	spec, err := contract.New(averclient.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var violations []contract.Violation
	transport := contract.NewTransport(nil, contract.WithContract(spec),
		contract.WithReport(func(v []contract.Violation) { violations = append(violations, v...) }))
	client, err := averclient.New(box.Key, box.Secret, averclient.WithBaseURL(box.URL),
		averclient.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()

	created, err := client.CreateCheck(ctx, averclient.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: box.GroupID, Email: "a@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	note, err := client.AddNote(ctx, created.CheckID, averclient.AddNoteRequest{Text: "private"})
	if err != nil || note.ID == "" || len(violations) > 0 {
		t.Fatalf("%v, %v, %v", note, err, violations)
	}
	if check, err := client.GetCheck(ctx, created.CheckID); err != nil || check.Branch != "" {
		t.Errorf("%v, %v", check, err)
	}
	if _, err := client.AddNote(ctx, created.CheckID, averclient.AddNoteRequest{}); !errors.Is(err, averclient.ErrInvalidRequest) {
		t.Errorf("an empty note: %v", err)
	}
	if text := fmt.Sprintf("%v", averclient.AddNoteRequest{Text: "private"}); strings.Contains(text, "private") {
		t.Errorf("printed as %s", text)
	}
	if err := box.SetFaults(sandbox.Faults{Rate: 1, Status: http.StatusInternalServerError, Operations: []string{"addNote"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AddNote(ctx, created.CheckID, averclient.AddNoteRequest{Text: "private"}); !errors.Is(err, averclient.ErrOutcomeUnknown) {
		t.Error(err)
	}
	if attempts := box.FaultCounts()[sandbox.FaultStatus]; attempts != 1 {
		t.Errorf("sent %d times", attempts)
	}
	if len(violations) > 0 {
		t.Errorf("%v", violations)
	}
}
