package aver_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link   = regexp.MustCompile(`\]\(([^)#:]+)\)`)
	target = regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)")
	room   = regexp.MustCompile(`go (?:run|test) (\./[a-z/.-]+)`)
)

// What the papers point at is there: files, targets of make, packages. The README stays short.
func TestPapers(t *testing.T) {
	papers, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"docs/*.md", "docs/*/*.md"} {
		more, err := filepath.Glob(folder)
		if err != nil || len(more) == 0 {
			t.Fatal(folder, err)
		}
		papers = append(papers, more...)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	there := func(file string) bool {
		_, err := os.Stat(file)
		return err == nil
	}
	for _, paper := range papers {
		text, err := os.ReadFile(paper)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if !there(filepath.Join(filepath.Dir(paper), m[1])) {
				t.Errorf("%s: no %s", paper, m[1])
			}
		}
		for _, m := range target.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s: make has no target %s", paper, m[1])
			}
		}
		for _, m := range room.FindAllStringSubmatch(string(text), -1) {
			if !there(strings.TrimSuffix(m[1], "...")) {
				t.Errorf("%s: no package %s", paper, m[1])
			}
		}
		if n := strings.Count(string(text), "\n"); paper == "README.md" && n > 250 {
			t.Errorf("README.md has %d lines; at most 250 are read", n)
		}
	}
}
