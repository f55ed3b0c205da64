package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	aver "github.com/goaver/aver-go"
	"github.com/goaver/aver-go/internal/overlay"
)

var update = flag.Bool("update", false, "write what the proposals are expected to change")

// What is proposed for one difference changes that alone: an independent comparison of the contracts says what.
func TestProposalsChangeWhatTheySay(t *testing.T) {
	files, err := filepath.Glob("../../contract/testdata/drift/*.overlay.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d proposals, %v", len(files), err)
	}
	var told strings.Builder
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".overlay.yaml")
		if name == "all" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		is, err := overlay.Apply(overlay.File{Name: "openapi.yaml", Text: aver.Spec}, overlay.File{Name: name, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		changes, err := specChanges(aver.Spec, is.Text)
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) == 0 && !strings.HasPrefix(name, "property-") {
			t.Errorf("%s changes nothing", name)
		}
		fmt.Fprintf(&told, "%s\n", name)
		for _, c := range changes {
			fmt.Fprintf(&told, "  %s: %s\n", c.name, c.text)
		}
	}
	const golden = "testdata/drift.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(told.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(want) != told.String() {
		t.Errorf("%v; the proposals change\n%s", err, &told)
	}
}
