package api_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares lines with a golden file.
func golden(t *testing.T, file string, lines []string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSuffix(string(want), "\n"), "\n"), lines); diff != "" {
		t.Errorf("%s:\n%s", file, diff)
	}
}

// Every request, with what it needs alone and with everything set, is sent byte for byte as the golden file has it.
func TestWireFormsOfRequests(t *testing.T) {
	var lines []string
	client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		lines = append(lines, fmt.Sprintf("%s %s %d %s", r.Method, r.URL.Path, r.ContentLength, body))
		w.WriteHeader(http.StatusBadRequest)
	})
	operations(t, client, func(string, reflect.Value, error) {})

	everything := map[string]any{
		"AddPersonalInfo": api.AddPersonalInfoRequest{
			FirstName: "Zoë <b>&\"'\\/", LastName: "O\u2028Neil\u2029\u0000\t😀", Email: "zoe@example.com", IPAddress: "203.0.113.24",
			CompanyName: "A&B",
			MiddleName:  "M", Suffix: "Jr", Gender: api.GenderFemale, DateOfBirth: "04/17/1988", StateOrProvince: "ME", Country: "US",
			StreetAddress1: "1", StreetAddress2: "2", City: "C", PostalCode: "04101",
		},
		"CreateAccessLink": api.CreateAccessLinkRequest{Language: api.LanguageFrench, ReturnURL: "https://shop.example.com/?a=1&b=<2>"},
		"CreateCheck": api.CreateCheckRequest{
			ThirdPartyIdentifier: "p", GroupID: "g", Email: "a@example.com", Language: api.LanguageSimplifiedChinese,
			ReturnURL:              "https://shop.example.com",
			SkipPersonalAccessCode: true, CheckTypes: []api.CheckType{api.CheckTypeWatchlist, api.CheckTypeAddressVerification},
			SupplementalDocumentTypes: []api.SupplementalDocumentType{api.SupplementalDocumentTypeTaxDocument},
			WatchlistSearchCategories: []api.WatchlistCategory{api.WatchlistCategoryMedical}, WatchlistRecheckInterval: new(api.RecheckIntervalNever),
		},
		"LookupChecks": api.LookupChecksRequest{Email: "a@example.com", LastName: "L", FirstName: "F", ThirdPartyIdentifier: "p"},
		"SearchWatchlists": api.SearchWatchlistsRequest{
			GroupID: "g", CheckID: "c", FirstName: "F", MiddleName: "M", LastName: "L", BusinessName: "B", Country: "US", StateOrProvince: "ME",
			FileContent: "data:image/png;base64,AAAA", FileName: "f", Categories: []api.WatchlistCategory{api.WatchlistCategoryCriminal},
		},
		"AddIDDocument": api.AddIDDocumentRequest{ForceCommit: true, Type: api.DocumentTypeUSALicenseIDCard, Side: api.DocumentSideBack,
			FileName:    "<f>",
			FileContent: "data:image/jpeg;base64,/9j/+A=="},
		"AddPhotoDocument": api.AddPhotoDocumentRequest{
			ForceCommit: true, FileName: "f", FileContent: "data:image/png;base64,AAAA", Extended: true,
		},
	}
	for _, name := range slices.Sorted(maps.Keys(everything)) {
		m := reflect.ValueOf(client).MethodByName(name)
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for range m.Type().NumIn() - 3 {
			args = append(args, reflect.ValueOf("c1"))
		}
		m.Call(append(args, reflect.ValueOf(everything[name])))
	}
	golden(t, "testdata/requests.golden", lines)
}

// Every example of an answer, also in the other forms that are read, is read as the golden file has it.
func TestWireFormsOfAnswers(t *testing.T) {
	spec, err := openapi3.NewLoader().LoadFromData(aver.Spec)
	if err != nil {
		t.Fatal(err)
	}
	examples := make(map[string]string) // by operationId
	for _, item := range spec.Paths.Map() {
		for _, op := range item.Operations() {
			success := op.Responses.Value("200")
			if success == nil || success.Value.Content["application/json"] == nil {
				continue
			}
			example, _ := json.Marshal(success.Value.Content["application/json"].Example)
			examples[strings.ToLower(op.OperationID)] = string(example)
		}
	}
	var lines []string
	note := func(name, form string, example string) {
		client := answering(t, func() *http.Response { return respond(200, example) })
		some(t, client, name, func(_ string, result reflect.Value, err error) {
			read, _ := json.Marshal(result.Interface())
			lines = append(lines, fmt.Sprintf("%s %s %s %v", name, form, read, err))
		})
	}
	aliases := strings.NewReplacer(`"organizationId"`, `"organiationId"`, `"base64"`, `"document"`, `"Completed"`, `"completed"`, `"deliverability":"`,
		`"fraudScore":"7`)
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		example := examples[name]
		note(name, "plain", example)
		note(name, "aliases", aliases.Replace(example))
		note(name, "spaced", " \n"+strings.ReplaceAll(example, `",`, "\" ,\n")+"\t")
		note(name, "more", strings.Replace(example, "{", `{"unknown":{"id":[1,null]},"iD":"","":null,`, 1))
	}
	note("submitcheck", "bare", `"inReview"`)
	golden(t, "testdata/answers.golden", lines)
}
