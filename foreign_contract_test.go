package aver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A contract that is not Aver's becomes a client too: aver generate writes one for each, they are built together, and called
// against a service that holds both sides against the contract.
func TestContractsOfOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator and the compiler")
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for from, to := range map[string]string{
		"examples/extended/go.mod":         "go.mod",
		"examples/extended/go.sum":         "go.sum",
		"testdata/foreign/foreign_test.go": "foreign_test.go",
	} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("=> ../../", "=> "+here, "example.com/extended", "example.com/foreign").Replace(string(content))
		if err := os.WriteFile(filepath.Join(dir, to), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	command := filepath.Join(t.TempDir(), "aver")
	run(t, ".", "go", "build", "-o", command, "./cmd/aver")
	contracts, err := filepath.Glob("testdata/foreign/*.yaml")
	if err != nil || len(contracts) < 4 {
		t.Fatal(contracts, err)
	}
	for _, file := range contracts {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		run(t, dir, command, "generate", "--spec", filepath.Join(here, file), "--out", name)
	}
	run(t, dir, "go", "vet", "-mod=mod", "./...")
	run(t, dir, "go", "test", "-mod=mod", ".")
}
