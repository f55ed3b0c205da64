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
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
	openapi3.DefineStringFormatValidator("month-day-year", openapi3.NewCallbackValidator(func(s string) error {
		_, err := time.Parse("01/02/2006", s)
		return err
	}))
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
		"Language":    "en zh-Hans es fr",
		"Gender":      "M F U",
		"CheckStatus": "Created AwaitingUser AwaitingAutomation AwaitingReview InReview Rejected Completed Canceled",
		"StatusReason": "MissingDocuments UnreadableDocumentsOrMissingVerificationInformation ExpiredDocuments " +
			"SuspiciousDocumentsOrImages FacialVerificationFailed UnderageApplicant",
		"CheckType": "DocumentVerification EmailVerification RiskProfiling AddressVerification PhotoVerification PhoneVerification " +
			"Watchlist VisualWatchlist AccreditedInvestor CovidVaccinationVerification",
		"CheckWarning": "Age Country State IPVpnTor Address EmailAddress WatchlistHitsFound AdverseMediaFound SameEmailFound " +
			"SameIdDocumentFound SameNameFound PhoneInvalid PhonePrepaidOrVoip",
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

// cached is the environment of a command in a copy: what it builds is found again from the next copy, wherever that lies.
func cached() []string { return append(os.Environ(), "GOFLAGS=-trimpath") }

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, cached()
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

// change writes the contract of a copied module anew, with pieces of it replaced.
func change(t *testing.T, dir string, replacements ...string) {
	t.Helper()
	spec := string(aver.Spec)
	for i := 0; i < len(replacements); i += 2 {
		changed := strings.Replace(spec, replacements[i], replacements[i+1], 1)
		if changed == spec {
			t.Fatalf("openapi.yaml has no %q", replacements[i])
		}
		spec = changed
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), []byte(spec), 0o666); err != nil {
		t.Fatal(err)
	}
}

// program puts a test of the changed contract into a package of a copied module and runs it there.
func program(t *testing.T, dir, file, pkg string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(file)
	if err := os.WriteFile(filepath.Join(dir, pkg, name), content, 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "test", "./"+pkg, "-run", "TestAdded|TestChanged", "-count=1")
}

const beforeWebhooks = "\nwebhooks:\n"

func added(t *testing.T) string {
	t.Helper()
	all := "\n"
	for _, file := range []string{"operation.yaml", "shapes.yaml"} {
		text, err := os.ReadFile("testdata/added/" + file)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	return all + beforeWebhooks
}

// Adding an operation to openapi.yaml and generating must be all that it takes to call it. Removing it leaves nothing.
func TestAddedOperationWorksWithoutAnotherEdit(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	dir := copyModule(t)
	change(t, dir, beforeWebhooks, added(t))
	run(t, dir, "go", "generate", ".")
	run(t, dir, "go", "vet", "./api", "./authprovider", "./generated", "./contract/...", "./sandbox/...")
	program(t, dir, "testdata/added/added_test.go", "api")
	program(t, dir, "testdata/added/shapes_test.go", "api")
	program(t, dir, "testdata/added/call_test.go", "cmd/aver")

	change(t, dir)
	run(t, dir, "go", "generate", ".")
	for _, file := range generatedFiles {
		fresh, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if committed, err := os.ReadFile(file); err != nil || !bytes.Equal(fresh, committed) {
			t.Errorf("%s still differs after the operation was removed", file)
		}
	}
}

var generatedFiles = []string{"generated/client.gen.go", "authprovider/operations.gen.go", "api/operations.gen.go",
	"sandbox/internal/server/server.gen.go"}

// Whatever else changes in the contract, generating follows: a property, an enumeration value, a sensitive property, a
// retry policy, a query parameter, a tag, a second webhook.
func TestChangedContractIsFollowed(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	dir := copyModule(t)
	change(t, dir,
		"        number: {type: string,", "        extension: {type: string, description: Digits behind the number., x-sensitive: true}\n"+
			"        carrier: {type: string, description: Who runs the line., x-sensitive: false}\n        number: {type: string,",
		"        docType: {$ref: '#/components/schemas/DocumentType',",
		"        pages: {type: integer, description: How many pages there are., x-sensitive: false}\n"+
			"        docType: {$ref: '#/components/schemas/DocumentType',",
		"enum: [Front, Back]", "enum: [Front, Back, Spine]",
		"      operationId: addPhone\n      tags: [Checks]\n", "      operationId: addPhone\n      tags: [Phones]\n",
		"tags:\n  - name: Authentication\n", "tags:\n  - name: Phones\n    description: Phone numbers.\n  - name: Authentication\n",
		"      description: Sending it again replaces what was sent before. A check with the type PhoneVerification needs it. Needs the Advanced "+
			"plan.\n      x-retry: always\n      requestBody:\n        required: true\n        content:\n          application/json:\n"+
			"            schema: {$ref: '#/components/schemas/AddPhoneRequest'}",
		"      description: Sending it again adds another.\n      x-retry: never\n      requestBody:\n        required: true\n        content:\n     "+
			""+
			""+
			"     application/json:\n            schema: {$ref: '#/components/schemas/AddPhoneRequest'}",
		"      operationId: listSearchedLists\n", "      operationId: listSearchedLists\n      parameters:\n"+
			"        - {name: since, in: query, required: false, description: The oldest version., schema: {type: string}, x-sensitive: false}\n",
		beforeWebhooks, `
webhooks:
  documentExpired:
    post:
      operationId: documentExpired
      tags: [Documents]
      summary: A document of a check expired
      description: A webhook that a test adds.
      security: []
      x-retry: always
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/DocumentExpiredNotification'}
            example: {document: d1}
      responses:
        2XX: {description: The notification is accepted.}
`,
		"    StatusChangedNotification:\n", `    DocumentExpiredNotification:
      type: object
      required: [document]
      description: A document that expired.
      properties:
        document: {type: string, description: The ID of the image., x-sensitive: false}
        holder: {type: string, description: Whose document it is., x-sensitive: true}
    StatusChangedNotification:
`)
	run(t, dir, "go", "generate", ".")
	run(t, dir, "go", "vet", "./api", "./authprovider", "./generated", "./contract")
	run(t, dir, "go", "build", "./sandbox")
	program(t, dir, "testdata/changed/changed_test.go", "api")
}

// An operation that is removed is gone from the client; what implements it in the sandbox and calls it is written by hand
// and goes with it.
func TestRemovedOperationIsGone(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	spec := string(aver.Spec)
	begin, end := strings.Index(spec, "  /check/{id}/photoinstruction:"), strings.Index(spec, "  /check/{id}/supplementaldocument:")
	if begin < 0 || end < begin {
		t.Fatal("openapi.yaml has no photo instruction to remove")
	}
	dir := copyModule(t)
	change(t, dir, spec[begin:end], "",
		"            getPhotoInstruction: {operationId: getPhotoInstruction, parameters: {id: '$response.body#/checkId'}}\n", "") // which led to it
	run(t, dir, "go", "generate", ".")
	run(t, dir, "go", "build", "./api", "./authprovider", "./generated", "./contract")
	for _, file := range []string{"api/operations.gen.go", "generated/client.gen.go"} {
		if content, err := os.ReadFile(filepath.Join(dir, file)); err != nil || bytes.Contains(content, []byte(") GetPhotoInstruction")) {
			t.Errorf("%s still has GetPhotoInstruction, %v", file, err)
		}
	}
	for file, piece := range map[string]string{
		"sandbox/document.go":     `(?s)\nfunc \(s \*service\) GetPhotoInstruction.*?\n}\n`,
		"contract/suite/suite.go": `\n[^\n]*GetPhotoInstruction[^\n]*`,
	} {
		name := filepath.Join(dir, file)
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, regexp.MustCompile(piece).ReplaceAll(content, nil), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "go", "build", "./...")
}

// The error of an invalid contract names the line.
func TestInvalidContractIsNotGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	dir := copyModule(t)
	change(t, dir, "schema: {$ref: '#/components/schemas/AddPhoneRequest'}", "schema: {$ref: '#/components/schemas/Nothing'}")
	before, _, _ := strings.Cut(string(aver.Spec), "schema: {$ref: '#/components/schemas/AddPhoneRequest'}")
	cmd := exec.CommandContext(t.Context(), "go", "generate", ".")
	cmd.Dir, cmd.Env = dir, cached()
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("openapi.yaml: line %d: ", strings.Count(before, "\n")+1); err == nil || !strings.Contains(string(out), want) {
		t.Errorf("%v, want %q:\n%s", err, want, out)
	}
}
