package aver_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	aver "github.com/goaver/aver-go"
)

func loadSpec(t *testing.T) *openapi3.T {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(aver.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestContractIsValidWithItsExamples(t *testing.T) {
	if err := loadSpec(t).Validate(context.Background(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		t.Fatal(err)
	}
}

func TestContractHasEveryOperation(t *testing.T) {
	want := strings.Fields(`getAuthToken refreshAuthToken createCheck createAccessLink addPersonalInfo addPhone addIdDocument
		addPhotoDocument getPhotoInstruction addSupplementalDocument submitCheck getCheck getCheckByThirdPartyIdentifier
		lookupChecks getCheckResults getCheckDocument searchWatchlists getWatchlistSearch getWatchlistSearchByCheckId
		getWatchlistSearchResults listSearchedLists`)
	spec := loadSpec(t)
	var got []string
	for _, item := range spec.Paths.Map() {
		for _, op := range item.Operations() {
			got = append(got, op.OperationID)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("operations:\n got %q\nwant %q", got, want)
	}
	if hook := spec.Webhooks["statusChanged"]; hook == nil || hook.Post == nil || hook.Post.OperationID != "statusChanged" {
		t.Error("the webhook statusChanged is missing")
	}
}

// What may be repeated decides whether somebody pays twice, so that changing it takes two edits.
func TestRetryPolicies(t *testing.T) {
	want := map[string]string{
		"createCheck": "recover", "submitCheck": "recover",
		"addIdDocument": "never", "addPhotoDocument": "never", "addSupplementalDocument": "never", "searchWatchlists": "never",
	}
	for _, item := range loadSpec(t).Paths.Map() {
		for _, op := range item.Operations() {
			policy := cmp.Or(want[op.OperationID], "always")
			if op.Extensions["x-retry"] != policy {
				t.Errorf("%s: x-retry is %v, want %s", op.OperationID, op.Extensions["x-retry"], policy)
			}
		}
	}
}

func TestEnumerations(t *testing.T) {
	want := map[string]string{
		"Language":                 "en zh-Hans es fr",
		"Gender":                   "M F U",
		"CheckStatus":              "Created AwaitingUser AwaitingAutomation AwaitingReview InReview Rejected Completed Canceled",
		"StatusReason":             "MissingDocuments UnreadableDocumentsOrMissingVerificationInformation ExpiredDocuments SuspiciousDocumentsOrImages FacialVerificationFailed UnderageApplicant",
		"CheckType":                "DocumentVerification EmailVerification RiskProfiling AddressVerification PhotoVerification PhoneVerification Watchlist VisualWatchlist AccreditedInvestor CovidVaccinationVerification",
		"CheckWarning":             "Age Country State IPVpnTor Address EmailAddress WatchlistHitsFound AdverseMediaFound SameEmailFound SameIdDocumentFound SameNameFound PhoneInvalid PhonePrepaidOrVoip",
		"DocumentType":             "NADriverLicense PassportImage GenericIdentificationCardImage USALicenseIdCard",
		"DocumentSide":             "Front Back",
		"SupplementalDocumentType": "BankOrCreditCard TaxDocument UtilityBill MedicalCard AccreditedInvestor",
		"PhotoType":                "CamPhoto",
		"PhotoPose":                "None LookUp LookDown LookRight LookLeft",
		"WatchlistCategory":        "Criminal Terrorism Financial FinancialNotices BorrowerDefaults Political Medical Sexual Gambling Education",
		"WatchlistStatus":          "Completed Failed Error",
		"WatchlistSearchType":      "Text TextAndVisual",
		"RecheckInterval":          "0 1 7 30 90",
		"Match":                    "Match NoMatch Unavailable",
		"NotificationType":         "LiveCheck OfflineCheck WatchlistSearch RecurringWatchlistSearch",
		"NotificationStatus":       "Complete Completed Rejected Failed",
		"Acknowledgement":          "success",
	}
	for name, ref := range loadSpec(t).Components.Schemas {
		if got := strings.Trim(fmt.Sprint(ref.Value.Enum), "[]"); got != want[name] {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
}

// Policies are data in the contract. An operation or a property without one would be treated by guess.
func TestContractStatesEveryPolicy(t *testing.T) {
	spec := loadSpec(t)
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			retry, _ := op.Extensions["x-retry"].(string)
			if !slices.Contains([]string{"always", "never", "recover"}, retry) {
				t.Errorf("%s %s: x-retry is %q", method, path, retry)
			}
			if op.RequestBody != nil {
				checkExamples(t, op.OperationID+" request", op.RequestBody.Value.Content)
			}
			for status, response := range op.Responses.Map() {
				checkExamples(t, op.OperationID+" "+status, response.Value.Content)
			}
			for _, p := range append(op.Parameters, item.Parameters...) {
				if _, ok := p.Value.Extensions["x-sensitive"].(bool); !ok {
					t.Errorf("%s: the parameter %s does not state x-sensitive", op.OperationID, p.Value.Name)
				}
			}
		}
	}
	for name, schema := range spec.Components.Schemas {
		checkSensitive(t, name, schema)
	}
}

func checkExamples(t *testing.T, where string, content openapi3.Content) {
	for media, c := range content {
		if c.Example == nil && len(c.Examples) == 0 {
			t.Errorf("%s has no example for %s", where, media)
		}
	}
}

func checkSensitive(t *testing.T, where string, ref *openapi3.SchemaRef) {
	if ref == nil || ref.Ref != "" {
		return // stated where it is defined
	}
	s := ref.Value
	for name, property := range s.Properties {
		_, beside := property.Extensions["x-sensitive"].(bool)
		_, within := property.Value.Extensions["x-sensitive"].(bool)
		if !beside && !within {
			t.Errorf("%s.%s does not state x-sensitive", where, name)
		}
		checkSensitive(t, where+"."+name, property)
	}
	checkSensitive(t, where+"[]", s.Items)
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
		checkSensitive(t, where, part)
	}
}

// copyModule copies this module, as it is in the working tree, to a new folder.
func copyModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == ".git" || path == "node_modules" || path == "bench"): // bench is a module of its own
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(dir, path), 0o777)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), content, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func TestGeneratedCodeIsFresh(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	dir := copyModule(t)
	generated := 0
	for range 2 { // twice, as generating must also change nothing of its own
		run(t, dir, "go", "generate", ".")
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".gen.go") {
				return err
			}
			generated++
			name, _ := filepath.Rel(dir, path)
			fresh, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if committed, err := os.ReadFile(name); err != nil || !bytes.Equal(fresh, committed) {
				t.Errorf("%s is stale: run make generate", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if generated != 2*4 {
		t.Errorf("compared %d generated files, want 4 twice", generated)
	}
}

// Adding an operation to openapi.yaml and generating must be all that it takes to call it.
func TestAddedOperationWorksWithoutAnotherEdit(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	dir := copyModule(t)
	const before = "\nwebhooks:\n"
	added, err := os.ReadFile("testdata/added/operation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec := strings.Replace(string(aver.Spec), before, "\n"+string(added)+before, 1)
	if spec == string(aver.Spec) {
		t.Fatal("openapi.yaml has no webhooks to insert the operation before")
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), []byte(spec), 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "generate", ".")
	run(t, dir, "go", "vet", "./api", "./authprovider", "./generated", "./sandbox/...")
	program, err := os.ReadFile("testdata/added/added_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "api", "added_test.go"), program, 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "test", "./api", "-run", "TestAddedOperation", "-count=1")
}
