package api_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/api"
	"github.com/goaver/aver-go/wire"
)

func TestRequestsThatBreakTheContractAreNotSent(t *testing.T) {
	image := "data:image/png;base64,AAAA"
	tests := []struct {
		request interface{ Validate() wire.FieldErrors }
		fields  string
	}{
		{api.CreateCheckRequest{}, "email groupId thirdPartyIdentifier"},
		{api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: "no address"}, "email"},
		{api.CreateCheckRequest{ThirdPartyIdentifier: "p", GroupID: "g", Email: "a@b.c", Language: "tlh", ReturnURL: "/relative",
			CheckTypes: []api.CheckType{"Watchlist", "watchlist"}, WatchlistRecheckInterval: new(api.RecheckInterval(2))},
			"checkTypes.1 language returnUrl watchlistRecheckInterval"},
		{api.CreateCheckRequest{ThirdPartyIdentifier: " p ", GroupID: "g", Email: "a@b.c", WatchlistRecheckInterval: new(api.RecheckIntervalNever)}, ""},
		{api.AddPersonalInfoRequest{FirstName: "A", LastName: "B", DateOfBirth: "1990-01-02", Country: "usa", Gender: "f", Email: "@"},
			"country dateOfBirth email gender"},
		{api.AddPersonalInfoRequest{FirstName: "A", LastName: "B", DateOfBirth: "02/30/1990"}, "dateOfBirth"},
		{api.AddPersonalInfoRequest{LastName: "B"}, "firstName"},
		{api.AddPhoneRequest{Number: "1", Country: "U1"}, "country"},
		{api.AddIDDocumentRequest{Type: "passportimage", Side: "Front", FileName: "f", FileContent: image}, "docType"},
		{api.AddIDDocumentRequest{Type: api.DocumentTypePassportImage, FileContent: "AAAA"}, "fileContent fileName side"},
		{api.LookupChecksRequest{}, "*"},
		{api.LookupChecksRequest{LastName: "J\xf6rg"}, "lastName"},
		{api.SearchWatchlistsRequest{GroupID: "g"}, "firstName lastName"},
		{api.SearchWatchlistsRequest{GroupID: "g", FirstName: "A"}, "lastName"},
		{api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "B", FileName: "f"}, "fileContent"},
		{api.SearchWatchlistsRequest{GroupID: "g", BusinessName: "B", FileContent: image, Categories: []api.WatchlistCategory{"Knitting"}},
			"categories.0 fileName"},
		{api.SearchWatchlistsRequest{GroupID: "g", FirstName: "A", LastName: "B"}, ""},
		{api.CreateAccessLinkRequest{}, ""},
		{api.RefreshAuthTokenRequest{}, "token"},
	}
	for _, tt := range tests {
		got := strings.Join(slices.Sorted(maps.Keys(tt.request.Validate())), " ")
		if got != tt.fields {
			t.Errorf("%T: %q, want %q", tt.request, got, tt.fields)
		}
	}
	client := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	err := client.AddPhone(t.Context(), "c1", api.AddPhoneRequest{Number: "private-number", Country: "private"})
	var failure *api.Error
	if !errors.Is(err, api.ErrInvalidRequest) || !errors.As(err, &failure) || len(failure.Fields["country"]) != 1 || failure.Attempts != 0 ||
		strings.Contains(err.Error(), "private") {
		t.Errorf("%v", err)
	}
}

// The examples of the contract pass, and survive the way through the generated types unchanged.
func TestExamplesOfTheContractAreValid(t *testing.T) {
	spec, err := openapi3.NewLoader().LoadFromData(aver.Spec)
	if err != nil {
		t.Fatal(err)
	}
	requests := make(map[string]reflect.Type)
	for _, typ := range typesOf() {
		requests[strings.ToLower(typ.Name())] = typ
	}
	n := 0
	for path, item := range spec.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			n++
			media := op.RequestBody.Value.Content["application/json"]
			name := strings.TrimPrefix(media.Schema.Ref, "#/components/schemas/")
			v := reflect.New(requests[strings.ToLower(name)])
			example, _ := json.Marshal(media.Example)
			if err := json.Unmarshal(example, v.Interface()); err != nil {
				t.Fatal(err)
			}
			if errs := v.Interface().(interface{ Validate() wire.FieldErrors }).Validate(); len(errs) > 0 {
				t.Errorf("%s: %v", path, errs)
			}
		}
	}
	if n != 10 {
		t.Errorf("%d requests", n)
	}
}
