package aver_test

import (
	"cmp"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/goaver/aver-go"

// mayImport says which packages of this module a package may import: what stands below it in the picture in ARCHITECTURE.md,
// and nothing else. A name with a slash at its end stands for what is in that folder too.
var mayImport = map[string]string{
	".":                       "",
	"wire":                    "",
	"wire/body":               "",
	"wire/dataurl":            "",
	"wire/httperr":            "",
	"wire/jsondec":            "",
	"wire/printing":           "wire/redact",
	"wire/redact":             "",
	"wire/rules":              "wire",
	"generated":               "wire/",
	"authprovider":            "wire/",
	"api":                     "wire/ generated authprovider",
	"internal/spec":           ". wire/rules",
	"internal/generator":      "internal/spec wire/rules",
	"internal/generator/run":  "internal/spec internal/generator",
	"internal/overlay":        "",
	"internal/mutant":         "",
	"internal/prism":          "",
	"sandbox/internal/server": "wire/",
	"sandbox":                 "wire/ internal/spec sandbox/internal/server",
	"webhook":                 "wire/ api",
	"contract":                "wire/ internal/spec internal/overlay",
	"contract/suite":          "api contract",
	"contract/explore":        "internal/spec contract",
	"cmd/aver":                ". api authprovider contract/ internal/generator internal/overlay internal/spec sandbox webhook wire/httperr",
	"cmd/aver/images":         "",
	"examples/quickstart":     "api",
}

// libraries says which modules of others an application gets with package api: the fewer, the better.
var libraries = map[string]string{
	"wire": "", "wire/httperr": "", "wire/printing": "", "wire/redact": "", "wire/dataurl": "github.com/go-json-experiment/json",
	"wire/jsondec": "github.com/go-json-experiment/json",
	"wire/rules":   "github.com/go-json-experiment/json github.com/google/uuid",
	"generated":    "github.com/oapi-codegen/runtime github.com/go-json-experiment/json github.com/google/uuid",
	"authprovider": "",
	"api":          "github.com/go-json-experiment/json github.com/oapi-codegen/runtime github.com/google/uuid",
}

// Who imports whom is as the picture says.
func TestImports(t *testing.T) {
	imports := make(map[string]map[string]bool)
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && file != "." ||
			entry.Name() == "node_modules" || isModule(file)):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || file == "tools.go":
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		of := path.Dir(file)
		if imports[of] == nil {
			imports[of] = make(map[string]bool)
		}
		for _, spec := range parsed.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			imports[of][name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range slices.Sorted(maps.Keys(imports)) {
		may, known := mayImport[of]
		if !known {
			t.Errorf("package %s is not in the picture", of)
		}
		for _, name := range slices.Sorted(maps.Keys(imports[of])) {
			ours, isOurs := strings.CutPrefix(name, module)
			others, held := libraries[of]
			switch {
			case isOurs && !among(may, strings.TrimPrefix(cmp.Or(ours, "."), "/")):
				t.Errorf("%s imports %s, which it may not", of, name)
			case !isOurs && held && strings.Contains(name, ".") && !among(others, name):
				t.Errorf("%s imports %s: an application gets it too", of, name)
			}
		}
	}
	for of := range mayImport {
		if imports[of] == nil {
			t.Errorf("the picture has a package %s, which is not there", of)
		}
	}
}

// among reports whether a list names a package, or what it is in.
func among(list, name string) bool {
	for listed := range strings.FieldsSeq(list) {
		folder := strings.TrimSuffix(listed, "/")
		if name == folder || strings.HasPrefix(name, folder+"/") && (folder != listed || strings.Contains(folder, ".")) && folder != "." {
			return true
		}
	}
	return false
}

func isModule(folder string) bool {
	_, err := os.Stat(path.Join(folder, "go.mod"))
	return err == nil && folder != "."
}
