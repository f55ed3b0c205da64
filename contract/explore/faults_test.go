package explore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/goaver/aver-go/authprovider"
	"github.com/goaver/aver-go/contract/explore"
	"github.com/goaver/aver-go/internal/mutant"
)

// A fault is a change of the sandbox's code.
type fault struct {
	Name   string
	Missed string // why it is not found
	Edits  []mutant.Edit
}

// Of the faults that are put into the sandbox one at a time, exploring finds those that are not said to be missed, each within a
// minute.
func TestFaultsAreFound(t *testing.T) {
	if os.Getenv("AVER_FAULTS") == "" {
		t.Skip("AVER_FAULTS is not set: make explore sets it")
	}
	text, err := os.ReadFile("testdata/faults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var faults []fault
	if err := yaml.Unmarshal(text, &faults); err != nil {
		t.Fatal(err)
	}
	found := 0
	var table strings.Builder
	for _, f := range faults {
		limit := time.Minute
		if f.Missed != "" {
			limit = 20 * time.Second
		}
		report := exploreWith(t, f, limit)
		what := "MISSED"
		if len(report.Failures) > 0 {
			found++
			what = fmt.Sprintf("%-20s %5d requests, %4.1f s", report.Failures[0].Kind, report.Requests, report.Took.Seconds())
		}
		fmt.Fprintf(&table, "%-58s %s\n", f.Name, what)
		if (len(report.Failures) > 0) != (f.Missed == "") {
			t.Errorf("%s: found %v, said to be missed %q", f.Name, report.Failures, f.Missed)
		}
	}
	t.Logf("\n%s\n%d of %d faults are found", table.String(), found, len(faults))
}

// exploreWith explores the sandbox with a fault, until the first failure.
func exploreWith(t *testing.T, f fault, limit time.Duration) *explore.Report {
	t.Helper()
	service := build(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, service)
	cmd.Stderr = nil // of a server that dies on purpose
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close()
		cancel()
		_ = cmd.Wait()
	}()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at struct{ URL, Key, Secret, Group string }
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatal(err)
	}
	provider, err := authprovider.New(at.Key, at.Secret, authprovider.WithBaseURL(at.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	report, err := explore.Explorer{
		URL: at.URL, Authorize: provider.Intercept, Values: map[string]string{"groupId": at.Group}, Seed: 1, First: true, Time: limit,
		Patience: 3 * time.Second,
	}.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// build builds the service with a fault in its code.
func build(t *testing.T, f fault) string {
	t.Helper()
	folder := t.TempDir()
	overlay, err := mutant.Overlay("../..", folder, f.Edits)
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	service := filepath.Join(folder, "service")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", service, "./testdata/service")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", f.Name, err, out)
	}
	return service
}
