package main

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
)

// goChanges compares the exported API of two trees.
func goChanges(old, current string) ([]change, error) {
	was, err := loadTypes(old)
	if err != nil {
		return nil, err
	}
	is, err := loadTypes(current)
	if err != nil {
		return nil, err
	}
	var changes []change
	for path, before := range was {
		_, short, _ := strings.Cut(path, "aver-go/")
		if short == "" {
			short = "aver"
		}
		after, ok := is[path]
		if !ok {
			changes = append(changes, change{short, "the package is gone", true})
			continue
		}
		for _, c := range apidiff.Changes(before, after).Changes {
			symbol, _, _ := strings.Cut(c.Message, ":")
			if short == "api" && symbol == "Version" {
				continue // it is there to change
			}
			changes = append(changes, change{short + "." + symbol, strings.TrimSpace(strings.TrimPrefix(c.Message, symbol+":")), !c.Compatible})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.name+a.text, b.name+b.text) })
	return changes, nil
}

// loadTypes returns the types of the packages of a module that others can import, but for its examples.
func loadTypes(dir string) (map[string]*types.Package, error) {
	mode := packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedTypesInfo | packages.NeedSyntax
	loaded, err := packages.Load(&packages.Config{Mode: mode, Dir: dir}, "./...")
	if err != nil {
		return nil, err
	}
	found := make(map[string]*types.Package)
	for _, pkg := range loaded {
		if pkg.Name == "main" || strings.Contains(pkg.PkgPath+"/", "/internal/") || strings.Contains(pkg.PkgPath, "/examples/") {
			continue
		}
		if len(pkg.Errors) > 0 {
			return nil, fmt.Errorf("%s: %w", pkg.PkgPath, pkg.Errors[0])
		}
		found[pkg.PkgPath] = pkg.Types
	}
	return found, nil
}
