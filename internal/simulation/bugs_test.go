package simulation_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/goaver/aver-go/internal/mutant"
)

// Each bug that is put into the client or the receiver is found within 2,000 histories.
func TestBugsAreFound(t *testing.T) {
	if os.Getenv("AVER_BUGS") == "" {
		t.Skip("AVER_BUGS is not set: make simulate-bugs sets it")
	}
	text, err := os.ReadFile("testdata/bugs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var bugs []struct {
		Name  string
		Edits []mutant.Edit
	}
	if err := yaml.Unmarshal(text, &bugs); err != nil {
		t.Fatal(err)
	}
	found := 0
	var table strings.Builder
	for _, bug := range bugs {
		folder := t.TempDir()
		overlay, err := mutant.Overlay("../..", folder, bug.Edits)
		if err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(folder, "simulation")
		if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", program, ".").CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", bug.Name, err, out)
		}
		out, err := exec.CommandContext(t.Context(), program, "-test.run", "TestHistories", "-seeds", "2000", "-test.timeout", "5m").CombinedOutput()
		what := "NOT FOUND"
		if seed := seedOf.FindSubmatch(out); err != nil && seed != nil {
			found++
			what = "seed " + string(seed[1])
		}
		fmt.Fprintf(&table, "%-82s %s\n", bug.Name, what)
	}
	t.Logf("\n%s\n%d of %d bugs are found", table.String(), found, len(bugs))
	if found < len(bugs) {
		t.Error("some are not found")
	}
}

var seedOf = regexp.MustCompile(`seed_(\d+)`)
