package sandbox

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goaver/aver-go/generated"
	"github.com/goaver/aver-go/wire"
)

// What the client refuses before sending is what the contract forbids, by an independent reading of it.
func TestClientAndSandboxReadTheContractAlike(t *testing.T) {
	check := func(operation string, request interface{ Validate() wire.FieldErrors }) {
		t.Helper()
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		mine, theirs := request.Validate(), operations()[operation].body.Problems(value)
		if (len(mine) == 0) != (len(theirs) == 0) {
			t.Errorf("%s: the client says %v, the schema %v", body, mine, theirs)
		}
	}
	for _, email := range []string{ // not "@b": the schema library takes an empty name for an address
		"a@example.com", "a.b+c@ex-ample.co", "a@b", "\"a b\"@c.d", "a@[127.0.0.1]", "a@", "a@@b", ".a@b.c", "a.@b.c", "a@b..c", "a@-b.c", "a@b-.c",
		"a@b_c.d", "mailto:a@b.c", "a b@c.d", "a\x00@b.c", "a\u00a0@b.c", "\u00e4@b.c", "a@b.c ", " a@b.c",
	} {
		check("POST /check/create", generated.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: email})
	}
	for _, uri := range []string{"https://a.example/x?y#z", "myapp:/done", "x:/p", "file:///x", "https:///x", "mailto:a@b.c", "/relative", "relative",
		"//host/x", "https://a b/", "http://[::1"} {
		check("POST /check/{id}/accesslink", generated.CreateAccessLinkRequest{ReturnURL: uri})
	}
	for _, date := range []generated.Date{"04/17/1988", "4/17/1988", "1988-04-17", "13/01/2000", "00/10/2000", "12/32/2000"} {
		check("POST /check/{id}/personalinfo", generated.AddPersonalInfoRequest{FirstName: "A", LastName: "B", DateOfBirth: date})
	}
	for _, country := range []string{"US", "us", "USA", "U1", "\u00c4A"} {
		check("POST /check/{id}/phone", generated.AddPhoneRequest{Number: "1", Country: country})
	}
	for _, r := range []generated.SearchWatchlistsRequest{
		{}, {GroupID: "g"}, {GroupID: "g", FirstName: "A"}, {GroupID: "g", FirstName: "A", LastName: "B"}, {GroupID: "g", BusinessName: "B"},
		{GroupID: "g", BusinessName: "B", FileName: "f"}, {GroupID: "g", BusinessName: "B", FileContent: "data:image/png;base64,AA=="},
		{GroupID: "g", BusinessName: "B", FileName: "f", FileContent: "data:image/png;base64,AA=="},
		{GroupID: "g", BusinessName: "B", Categories: []generated.WatchlistCategory{"x"}},
	} {
		check("POST /watchlist/search", r)
	}
	check("POST /checklookup", generated.LookupChecksRequest{})
	check("POST /checklookup", generated.LookupChecksRequest{Email: "anything"})
}
